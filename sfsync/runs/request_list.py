"""partners requests, explain, receipt: where requests are. Lists ask the ledger alone; explain looks at both sides."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sfsync.ledger import attachments, audit, database, request_effects, requests
from sfsync.planners.requests.life.marks import needed
from sfsync.planners.requests.life.ops import ops as ops_of
from sfsync.planners.requests.steps import Book
from sfsync.runs.bench import Bench
from sfsync.runs.request_decide import one, waiting_for
from sfsync.runs.request_view import Seen, book

_SHOWN = ("case_key", "case_number", "code", "shop", "queue", "state", "reason", "received_at", "since")


def listed(
    bench: Bench,
    *,
    state: str | None = None,
    queue: str | None = None,
    older: timedelta | None = None,
    approver: str | None = None,
    everything: bool = False,
    restricted: bool = False,
) -> list[dict[str, Any]]:
    """Requests, oldest first. Restricted ones are left out unless asked for; so is what has ended."""
    found = book(bench)
    ended = everything or state is not None
    rows = [_row(found, r, bench.as_of) for r in requests.requests(bench.ledger, ended=ended)]
    kept = [
        r
        for r in rows
        if (state is None or r["state"] == state)
        and (queue is None or r["queue"] == queue)
        and (older is None or r["age_s"] >= older.total_seconds())
        and (restricted or not r["restricted"])
    ]
    return waiting_for(bench, found, kept, approver) if approver else kept


def _row(found: Book, row: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    life = found.lives.get(row["code"])
    age = as_of - database.instant_of(row["received_at"])
    return {n: row[n] for n in _SHOWN} | {
        "type": life.type if life else "",
        "waits": json.loads(row["waits"]),
        "restricted": bool(row["restricted"]) or row["queue"] == "COMPLIANCE_AML",
        "age_s": max(0, int(age.total_seconds())),
    }


def sums(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many by state, by queue, and by what they wait for."""
    waits = Counter(w.partition(" ")[0] for r in rows for w in r["waits"])
    return {
        "states": dict(sorted(Counter(r["state"] for r in rows).items())),
        "queues": dict(sorted(Counter(r["queue"] for r in rows).items())),
        "waits": dict(sorted(waits.items())),
    }


def quality(bench: Bench, since: datetime | None = None) -> dict[str, Any]:
    """Import quality (metrics F.19) of the files received since: accepted of rows, and codes, the commonest first.

    Lines that are no request (blank, total, header) and what was imported before are no rows.
    """
    from sfsync.ledger import intake

    intake.ready(bench.ledger)
    counts, codes, files = Counter[str](), Counter[str](), 0
    with bench.ledger.reading() as connection:
        query = sa.select(intake.file.c.counts, intake.file.c.codes, intake.file.c.received_at)
        for row in connection.execute(query):
            if since is None or datetime.fromisoformat(row.received_at) >= since:
                files += 1
                counts.update(json.loads(row.counts))
                codes.update(json.loads(row.codes))
    rows = sum(n for outcome, n in counts.items() if outcome != "SKIPPED")
    accepted = counts["ACCEPT"] + counts["ACCEPT-W"]
    share = None if not rows else (accepted * 1_000 * 2 + rows) // (2 * rows) / 10  # one decimal, half up
    return {
        "files": files,
        "rows": rows,
        "accepted": accepted,
        "skipped": counts["SKIPPED"],
        "percent": share,
        "outcomes": dict(sorted(counts.items())),
        "codes": dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))),
    }


def explained(bench: Bench, name: str) -> dict[str, Any]:
    """The life of one request: what was asked (names of fields only), what it waits for, what was done and said."""
    found = book(bench)
    seen = one(bench, found, name)
    life = found.lives[seen.request.code]
    ops = seen.ops or ops_of(found, seen.request, seen.facts)
    return {
        "case": seen.facts.case["number"],
        "case_key": seen.key,
        "code": life.code,
        "type": life.type,
        "shop": seen.request.shop,
        "queue": seen.row["queue"],
        "case_status": seen.facts.case["status"],
        "received_at": seen.row["received_at"],
        "requester": seen.request.requester,
        "fields": sorted(seen.request.fields),
        "codes": list(seen.request.codes),
        "state": str(seen.standing.state),
        "reason": seen.standing.reason,
        "waits": [w.text() for w in seen.standing.waits],
        "undo": life.undo,
        "attachments": attachments.of_case(bench.ledger, seen.key),
        "marks_needed": needed(life, seen.request, seen.facts),
        "plan": {"hash": seen.hash, "steps": _steps(found, seen), "ops": [_op(o) for o in ops]},
        "marks": [_mark(m, seen) for m in seen.trail.marks],
        "gates": {g: {"by": b["by"], "at": b["at"]} for g, b in seen.trail.gates.items()},
        "sent": [_sent(s) for s in seen.trail.sent],
        "said": [_said(e) for e in requests.rows_of(bench.ledger, request_effects.effect, [seen.key])[seen.key]],
    }


def attachment(bench: Bench, reference: str) -> str:
    """A text that was too long for its case; that somebody read it stands in the audit trail."""
    text = attachments.text_of(bench.ledger, reference)
    audit.append(bench.ledger, "request.attachment", {"reference": reference}, run_id=None, actor=bench.actor)
    return text


def _steps(found: Book, seen: Seen) -> list[dict[str, Any]]:
    made = []
    for number, (side, name, action) in enumerate(found.actions(found.lives[seen.request.code])):
        over = number in seen.trail.mirrored or _answered(seen, number)
        state = "person" if action.person else "done" if over else "next" if number in seen.standing.next else "later"
        made.append({"number": number, "side": side, "do": name, "state": state})
    return made


def _answered(seen: Seen, number: int) -> bool:
    mine = [s for s in seen.trail.sent if s.number == number]
    return bool(mine) and all(s.state in ("done", "refused") for s in mine)


def _op(op: Any) -> dict[str, Any]:
    return {"key": op.key, "kind": op.kind, "target": op.target, "sends": sorted(op.payload), "undo": op.back}


def _mark(mark: Any, seen: Seen) -> dict[str, Any]:
    counts = mark.plan_hash == (seen.trail.plan_hash or seen.hash)
    return {
        "mark": mark.mark,
        "by": mark.by,
        "at": mark.at,
        "approve": mark.approve,
        "counts": counts,
        "source": mark.source,
        "reason": mark.reason,
    }


def _sent(sent: Any) -> dict[str, Any]:
    times = {n: getattr(sent, n) for n in ("requested_at", "answered_at")}
    text = {n: database.text_of(t) if t else None for n, t in times.items()}
    return {"key": sent.key, "kind": sent.kind, "target": sent.target, "state": sent.state, "run": sent.run_id, **text}


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {n: row[n] for n in ("kind", "code", "occasion", "language", "way", "state", "note", "sent_at")}


def receipt(bench: Bench, name: str) -> dict[str, Any]:
    """What may be told about one request: number, type, state, and the steps with their instants; no value of it."""
    full = explained(bench, name)
    steps = [{n: s[n] for n in ("kind", "state", "requested_at", "answered_at")} for s in full["sent"]]
    said = [{n: s[n] for n in ("code", "state", "sent_at")} for s in full["said"] if s["kind"] == "message"]
    plain = ("case", "type", "shop", "received_at", "state", "reason", "case_status")
    return {n: full[n] for n in plain} | {
        "approved_by": len([m for m in full["marks"] if m["counts"] and m["approve"]]),
        "steps": steps,
        "messages": said,
    }
