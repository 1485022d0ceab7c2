"""What a run sees of partner requests: the ledger's rows, what both sides hold about them, and where each one is.

A few queries for all requests together, never one per request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sfsync.errors import LedgerError
from sfsync.ledger import database, request_notes, request_steps, request_tables, requests, sealed
from sfsync.ledger.keys import derive
from sfsync.planners.requests.life.ops import ops as ops_of
from sfsync.planners.requests.life.ops import plan_hash
from sfsync.planners.requests.life.standing import standing
from sfsync.planners.requests.life.words import ENDED, Facts, Mark, Op, Request, Sent, Standing, State, Trail
from sfsync.planners.requests.steps import Book, load
from sfsync.runs.bench import Bench
from sfsync.runs.request_facts import facts
from sfsync.sides.platform import desk
from sfsync.sides.salesforce.soql import quote, select


@dataclass(frozen=True)
class Seen:
    """One request and everything its standing follows from. ``ops``, ``hash``: of a plan made now."""

    row: dict[str, Any] = field(repr=False)
    request: Request
    facts: Facts
    trail: Trail
    ops: list[Op]
    hash: str
    standing: Standing

    @property
    def key(self) -> str:
        """The case's key."""
        return self.request.key


def book(bench: Bench) -> Book:
    """The project's catalogue and steps."""
    return load(bench.settings.mappings)


def row_of(bench: Bench, name: str) -> dict[str, Any]:
    """The ledger's row of a request, by its key (or the beginning of it) or its case's number.

    The number of a case that no run has looked at yet is looked up in the org. Raises ``LedgerError`` REQUEST_UNKNOWN.
    """
    try:
        return requests.find(bench.ledger, name)
    except LedgerError:
        if not name.isdigit():
            raise
        rows = bench.salesforce.query(select(["SFS_Source_Key__c"], "Case", f"CaseNumber = {quote(name)}"))
        if not rows or not rows[0]["SFS_Source_Key__c"]:
            raise
        return requests.find(bench.ledger, rows[0]["SFS_Source_Key__c"])


def see(bench: Bench, found: Book, rows: Sequence[dict[str, Any]]) -> list[Seen]:
    """The requests whose case exists, as they stand now; the others are left out."""
    rows = [r for r in rows if r["code"] in found.lives]
    if not rows:
        return []
    asked = [_request(bench, r) for r in rows]
    trails = _trails(bench, rows)
    held = facts(bench, rows, asked, ZoneInfo(found.steps.zone))
    executor = bench.salesforce.username()
    seen = []
    for row, request in zip(rows, asked, strict=True):
        if held[request.key].case:
            seen.append(_seen(bench, found, row, request, held[request.key], trails[request.key], executor))
    return seen


def _seen(
    bench: Bench, found: Book, row: dict[str, Any], request: Request, facts: Facts, trail: Trail, executor: str
) -> Seen:
    ops = [] if trail.plan_hash else ops_of(found, request, facts)
    made = trail.plan_hash or plan_hash(found, request, facts, ops, derive(bench.ledger.key, "partner-plans"))
    where = standing(found, request, facts, trail, ops, made, executor=executor, as_of=bench.as_of)
    return Seen(row, request, facts, trail, ops, made, where)


def keep(bench: Bench, seen: Iterable[Seen], *, worked: bool = False) -> None:
    """Writes where these requests stand, for lists that ask neither side.

    Only what was worked (its case written, its messages sent) may count as ended: the next run leaves it alone.
    """
    now = database.text_of(bench.ledger.now())
    request_steps.stand(bench.ledger, [_stand(s, now if worked else None) for s in seen])


def _stand(seen: Seen, now: str | None) -> dict[str, Any]:
    where = seen.standing
    return {
        "case_key": seen.key,
        "case_number": seen.facts.case.get("number"),
        "state": str(where.state),
        "waits": json.dumps([w.text() for w in where.waits]),
        "reason": where.reason,
        "shown_hash": seen.hash,
        "phone": seen.facts.case.get("phone_at_receipt"),
        "ended_at": (seen.row["ended_at"] or now) if where.state in ENDED and not seen.facts.case.get("hold") else None,
    }


# ── what was asked, and what happened


def _request(bench: Bench, row: Mapping[str, Any]) -> Request:
    return Request(
        key=row["case_key"],
        code=row["code"],
        shop=row["shop"],
        operator=row["operator"],
        terminal=row["terminal"],
        requester=row["requester"],
        imported_by=row["imported_by"],
        received_at=database.instant_of(row["received_at"]),
        fields=sealed.unseal(bench.ledger, row["case_key"], row["sealed"]),
        codes=tuple(json.loads(row["codes"])),
        language=row["language"],
    )


def _trails(bench: Bench, rows: Sequence[dict[str, Any]]) -> dict[str, Trail]:
    keys = [r["case_key"] for r in rows]
    tables = (request_tables.mark, request_tables.gate, request_tables.op, request_tables.mirror)
    marks, gates, ops, mirrors = (requests.rows_of(bench.ledger, t, keys) for t in tables)
    revised = request_notes.revisions(bench.ledger, keys)
    told = desk.outbox(bench.platform.query, [o["request_key"] for some in ops.values() for o in some])
    return {
        k: Trail(
            marks=tuple(_mark(m) for m in marks[k]),
            gates={g["gate"]: json.loads(g["bound"]) | {"by": g["by"], "at": g["at"]} for g in gates[k]},
            sent=tuple(_sent(o, told.get(o["request_key"])) for o in ops[k]),
            mirrored=frozenset(m["number"] for m in mirrors[k]),
            plan_hash=row["plan_hash"],
            undoing=bool(row["undoing"]),
            first=row["state"] == "new",
            revised=revised.get(k, 0),
            refused=row["reason"] if row["state"] == State.REFUSED else "",
        )
        for k, row in zip(keys, rows, strict=True)
    }


def _mark(row: Mapping[str, Any]) -> Mark:
    return Mark(row["mark"], row["by"], bool(row["approve"]), row["plan_hash"], row["at"], row["source"], row["reason"])


def _sent(row: Mapping[str, Any], told: Mapping[str, Any] | None) -> Sent:
    """An op as the platform's outbox shows it; one that is not there has not left, whatever we remember."""
    return Sent(
        number=row["number"],
        step=row["step"],
        key=row["request_key"],
        kind=row["kind"],
        target=row["target"],
        state=str(told["state"]) if told else "waiting",
        reads=bool(row["reads"]),
        back=row["back"],
        run_id=row["run_id"],
        requested_at=told["requested_at"] if told else None,
        answered_at=told["answered_at"] if told else None,
        answer=str(told["answer"] or "") if told else "",
    )
