"""partners work: the next steps of every open request (confirm, plan, apply, verify, say) until nothing is left to do.

Every write goes through the one plan and apply. What is asked of the platform is a row of its outbox with a key of its
own, so a run that was killed anywhere, run again, asks once; a message has an idempotency key, so it leaves once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pandas as pd

from sfsync.errors import Exit
from sfsync.faultpoints import hit
from sfsync.ledger import base, database, requests, tally
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.hands import Hands
from sfsync.plan.model import Count, Note
from sfsync.plan.recover import over, recover
from sfsync.planners.requests.life import changes, outbox
from sfsync.planners.requests.life.changes import Draft, Ends
from sfsync.planners.requests.life.words import Sent, Standing, State, Trail
from sfsync.planners.requests.steps import Action, Book
from sfsync.planners.sync.make import Progress
from sfsync.planners.sync.sayings import note
from sfsync.runs import request_process, request_say, sync
from sfsync.runs.bench import Bench
from sfsync.runs.request_view import Seen, book, keep, row_of, see
from sfsync.runs.result import Result, exit_status, numbers
from sfsync.runs.running import Run, quiet, running, scratch
from sfsync.sides.platform import desk
from sfsync.sides.side import TEXT

ROUNDS = 8  # a request has fewer steps than this; what is left waits for the next run
TRIES = 3  # two requests about one record take turns
RECORDS = ("company", "shop", "operator", "terminal")
CASE, TRANSFER = "case", "RP-27"


@dataclass
class Work:
    """A run over requests: the catalogue, the mappings it writes by, and the Salesforce steps it has tried."""

    run: Run
    book: Book
    mappings: dict[str, Mapping]
    hands: Hands
    keys: list[str] | None
    tried: Counter[tuple[str, int]] = field(default_factory=Counter)


def mappings_of(bench: Bench) -> dict[str, Mapping]:
    """What a run over requests may write, in the order of writing: the outbox, records parents first, the case."""
    real = {n: bench.mappings[n] for n in RECORDS if n in bench.mappings}
    faults = {outbox.FAULTS: outbox.faults(real["terminal"])} if "terminal" in real else {}
    return {outbox.NAME: outbox.outbox(), **real, **faults, CASE: bench.mappings[CASE]}


def work(bench: Bench, names: Sequence[str] = (), *, waive: Sequence[str] = (), progress: Progress = quiet) -> Result:
    """Does the next steps of the named requests (by case number or key; all open ones if none is named)."""
    requests.ready(bench.ledger)
    found = book(bench)
    keys = [row_of(bench, n)["case_key"] for n in names] or None
    mappings = mappings_of(bench)
    with running(bench, "partners", mappings, progress, waive) as run:
        _ready(bench, mappings, waive)
        for mapping in mappings.values():
            recover(bench.ledger, bench.platform, bench.salesforce, mapping)
        job = Work(run, found, mappings, sync.hands_of(run), keys)
        seen = _rounds(job)
        seen = [_verified(s) for s in seen]
        request_say.say(bench, found, run, seen)
        keep(bench, seen, worked=True)
        for name in mappings:
            over(bench.ledger, name, run.id)
        requests.purge(bench.ledger, timedelta(days=found.steps.keep_days))
        _finish(job, seen)
    return run.result


def _ready(bench: Bench, mappings: dict[str, Mapping], waive: Sequence[str]) -> None:
    """Both ends fit what may be written; the outbox is the platform's alone."""
    real = {n: m for n, m in mappings.items() if n not in (outbox.NAME, outbox.FAULTS)}
    sync.fit(bench, real)
    errors = [note(f) for f in bench.platform.check(mappings[outbox.NAME]) if f.level == "error"]
    sync.stop_at(errors, waive)
    sync.same_ends(bench, real, waive)


def _rounds(job: Work) -> list[Seen]:
    """Plans and applies until nothing is left to do now; the requests as they stand then."""
    for _ in range(ROUNDS):
        seen = _look(job)
        if request_process.exchange(job.run.bench, job.book, seen):
            seen = _look(job)
        _begin(job, seen)
        if not _round(job, _look(job) if _began(seen) else seen):
            break
    return _look(job)


def _look(job: Work) -> list[Seen]:
    bench = job.run.bench
    seen = see(bench, job.book, requests.requests(bench.ledger, keys=job.keys))
    requests.told(bench.ledger, [t for s in seen for t in _told(s.trail)])
    return seen


def _told(trail: Trail) -> Iterable[dict[str, Any]]:
    """What the platform's outbox says, for lists that do not ask it."""
    for sent in trail.sent:
        if sent.state != "waiting":
            times = {n: getattr(sent, n) for n in ("requested_at", "answered_at")}
            text = {n: database.text_of(t) if t else None for n, t in times.items()}
            yield {"request_key": sent.key, "state": sent.state, **text}


def _began(seen: Sequence[Seen]) -> bool:
    return any(s.standing.state in (State.READY, State.REFUSED) for s in seen)


def _begin(job: Work, seen: Sequence[Seen]) -> None:
    """Freezes the plans of the requests that are ready; their approvals are used up. A refusal stays one."""
    ledger = job.run.bench.ledger
    refused = [s for s in seen if s.standing.state is State.REFUSED]
    requests.stand(ledger, [{"case_key": s.key, "state": "refused", "reason": s.standing.reason} for s in refused])
    for one in seen:
        if one.standing.state is State.READY:
            ops = [
                {
                    "request_key": o.key,
                    "number": o.number,
                    "step": o.step,
                    "kind": o.kind,
                    "target": o.target,
                    "reads": o.reads,
                    "back": o.back,
                    "sealed": requests.seal(ledger, one.key, dict(o.payload)),
                }
                for o in one.ops
            ]
            requests.begin(ledger, one.key, one.hash, ops, job.run.id, job.run.bench.actor)


def _round(job: Work, seen: Sequence[Seen]) -> bool:
    """One plan over all requests; False if there was nothing to do."""
    draft = Draft(job.mappings)
    sending = _ask(job, draft, seen)
    written = _mirror(job, draft, seen)
    _cases(job, draft, seen)
    if len(draft):
        _apply(job, draft)
    requests.told(job.run.bench.ledger, [{"request_key": k, "run_id": job.run.id} for k in sending])
    hit("requests.applied")
    for key, number in written:
        requests.mirrored(job.run.bench.ledger, key, number, job.run.id)
    return bool(len(draft) or written)


def _apply(job: Work, draft: Draft) -> None:
    bench = job.run.bench
    folder = PlanFolder.create(scratch(bench))
    try:
        generations = {n: base.generation(bench.ledger, n) for n in job.mappings}
        ends = Ends(bench.platform.identity(), bench.salesforce.identity(), generations, bench.as_of)
        changes.finish(draft, ends, folder)
        apply(folder, job.hands)
    finally:
        folder.remove()


# ── what is asked of the platform


def _ask(job: Work, draft: Draft, seen: Sequence[Seen]) -> list[str]:
    """New rows of the outbox for the ops whose turn it is; their keys."""
    rows = []
    for one in seen:
        open_ = [s for s in one.trail.sent if s.state == "waiting" and (s.number in one.standing.next or s.number < 0)]
        if one.standing.state in (State.RUNNING, State.UNDOING) and open_:
            rows += _outgoing(job.run.bench, one, open_)
    if rows:
        draft.add(outbox.NAME, changes.asked(job.mappings[outbox.NAME], rows))
    return [r["request_key"] for r in rows]


def _outgoing(bench: Bench, one: Seen, ops: Sequence[Sent]) -> list[dict[str, Any]]:
    sealed = {o["request_key"]: o["sealed"] for o in requests.rows_of(bench.ledger, requests.op, [one.key])[one.key]}
    approved = sorted({m.by for m in one.trail.marks if m.approve and m.plan_hash == one.trail.plan_hash})
    return [
        {
            "request_key": op.key,
            "case_key": one.key,
            "kind": op.kind,
            "target_key": op.target,
            "payload": json.dumps(requests.unseal(bench.ledger, one.key, sealed[op.key]), sort_keys=True),
            "requested_by": one.request.requester[:120],
            "approved_by": ", ".join(approved)[:240] or None,
            "state": "requested",
            "requested_at": bench.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for op in ops
    ]


# ── what Salesforce is told


def _mirror(job: Work, draft: Draft, seen: Sequence[Seen]) -> list[tuple[str, int]]:
    """Adds what Salesforce lacks to the draft; returns the steps of which nothing is lacking: those are done."""
    done = []
    for one in seen:
        if one.standing.state is State.UNDONE and one.row["state"] != State.UNDONE:
            _as_before(job, draft, one)
        for number in one.standing.next if one.standing.state is State.RUNNING else ():
            side, _, action = job.book.actions(job.book.lives[one.request.code])[number]
            if side != "SF" or action.person:
                continue
            before = len(draft)
            if job.tried[one.key, number] < TRIES:
                _step(job, draft, one, action)
            if len(draft) == before and _is_written(job, one, action, number):
                done.append((one.key, number))
            job.tried[one.key, number] += 1
    return done


def _as_before(job: Work, draft: Draft, one: Seen) -> None:
    """What Salesforce was told is told again, now that the platform has taken it back."""
    for _, _, action in job.book.actions(job.book.lives[one.request.code]):
        if action.mirror:
            _step(job, draft, one, action)


def _is_written(job: Work, one: Seen, action: Action, number: int) -> bool:
    """Nothing lacks: seen by comparing once more, where the step was tried in this run already."""
    if job.tried[one.key, number] < TRIES:
        return True
    again = Draft(job.mappings)
    _step(job, again, one, action)
    return not len(again)


def _step(job: Work, draft: Draft, one: Seen, action: Action) -> None:
    bench = job.run.bench
    if action.count_faults:
        mapping = job.mappings[outbox.FAULTS]
        keys = _index([one.request.terminal])
        draft.add(
            mapping.name,
            changes.counted(mapping, {one.request.terminal: one.facts.faults}, bench.salesforce.fetch(mapping, keys)),
        )
        return
    keys = whose(one, action)
    if renamed(one):
        return
    if action.mirror == "shop" and action.answer:
        _write(job, draft, "company", _companies(bench, keys), ())
    _write(job, draft, action.mirror, keys, action.fields)


def _write(job: Work, draft: Draft, name: str, keys: Sequence[str], fields: Sequence[str]) -> None:
    bench, mapping = job.run.bench, job.mappings[name]
    index = _index([k for k in keys if k])
    if len(index):
        here, there = bench.platform.fetch(mapping, index), bench.salesforce.fetch(mapping, index)
        draft.add(name, changes.mirrored(mapping, index, fields, here, there))


def _companies(bench: Bench, shops: Sequence[str]) -> list[str]:
    return [str(s["company_code"]) for s in desk.shops(bench.platform.query, shops).values()]


def renamed(one: Seen) -> bool:
    """A change of hands must leave the old shop its company: a new name of the old shop is not what was asked."""
    if one.request.code != TRANSFER or not one.trail.plan_hash:
        return False
    same = any(a.get("shop_code") == one.request.shop for a in answers(one.trail))
    return same or one.facts.shop.get("vat_number") == one.request.fields.get("new_vat")


def whose(one: Seen, action: Action) -> list[str]:
    """The keys of the records a Salesforce step is about."""
    if action.of == "answer":
        return [str(a[action.answer]) for a in answers(one.trail) if a.get(action.answer)]
    named = one.request.fields.get("operator_code") or one.request.operator
    found = {
        "shop": [one.request.shop],
        "company": [str(one.facts.company.get("company_code") or "")],
        "operator": [named],
        "operators": list(one.facts.operators),
        "terminal": [one.request.terminal],
        "terminals": list(one.facts.terminals),
    }
    return found[str(action.of)]


def answers(trail: Trail) -> list[dict[str, Any]]:
    """What the platform answered, where it answered with an object."""
    found = []
    for sent in trail.sent:
        try:
            answer = json.loads(sent.answer or "null")
        except ValueError:
            continue
        found += [answer] if isinstance(answer, dict) else []
    return found


def _index(keys: Sequence[str]) -> pd.Index:
    return pd.Index(sorted({k for k in keys if k}), dtype=TEXT, name="key")


# ── the case


def _cases(job: Work, draft: Draft, seen: Sequence[Seen]) -> None:
    wanted = {s.key: cells for s in seen if (cells := _cells(job, s))}
    if not wanted:
        return
    bench, mapping = job.run.bench, job.mappings[CASE]
    index = _index(list(wanted))
    draft.add(
        CASE,
        changes.settled(mapping, wanted, bench.platform.fetch(mapping, index), bench.salesforce.fetch(mapping, index)),
    )


def _cells(job: Work, one: Seen) -> dict[str, str | None]:
    """The case's cells this standing asks for; an end is written once, people may go on from there."""
    state, status = one.standing.state, str(one.facts.case["status"])
    words = job.book.lives[one.request.code].messages
    if one.facts.case["hold"] or (one.row["ended_at"] and one.row["state"] == state):
        return {}
    ended = {"resolved_at": job.run.bench.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if state is State.DONE and "done" in words and one.standing.reason != "NOT_KEPT":
        return {} if status in ("Resolved", "Closed") else {"status": "Resolved", **ended}
    if state is State.REFUSED:
        end = "Closed" if one.standing.reason == "EXPIRED" else "Resolved"
        return {} if status in ("Resolved", "Closed", "Cancelled") else {"status": end, **ended}
    if state is State.BLOCKED:
        return {} if status == "WaitingPartner" else {"status": "WaitingPartner"}
    if state is State.RUNNING and status in ("New", "Open", "WaitingPartner"):
        return {"status": "InProgress"}
    return (
        {"status": "InProgress", "resolved_at": None}
        if state in (State.UNDOING, State.UNDONE) and status == "Resolved"
        else {}
    )


# ── the end


def _verified(one: Seen) -> Seen:
    """The platform said done: is it what was asked?"""
    if one.trail.sent and renamed(one):
        where = Standing(State.RUNNING, one.standing.waits, "NOT_KEPT", one.standing.next)
        return replace(one, standing=where)
    return one


def _finish(job: Work, seen: Sequence[Seen]) -> None:
    """The numbers, from the ledger; what is read is what was written, because nothing else was looked for."""
    run, counts = job.run, tally.of_run(job.run.bench.ledger, job.run.id)
    for name in job.mappings:
        sides = {s: Count(**dict(counts.sides.get((name, s), {}))) for s in ("salesforce", "platform")}
        total = {s: sum(c.model_dump().values()) for s, c in sides.items()}
        if any(total.values()):
            read = {"platform": total["salesforce"], "salesforce": total["platform"]}
            run.result.mappings[name] = numbers(read, sides["salesforce"], sides["platform"], 0)
    run.result.findings += [note(f) for f in job.hands.findings]
    run.result.findings += [_kept(s) for s in seen if s.standing.reason == "NOT_KEPT"]
    run.result.api_calls, run.result.api_remaining = run.bench.salesforce.api_calls, run.bench.salesforce.api_remaining
    people = any(s.standing.state in (State.WAITING, State.BLOCKED) for s in seen)
    stopped = job.hands.stopped is not None
    run.result.exit = exit_status(run.result.mappings.values(), waiting=people or counts.waiting, stopped=stopped)
    if run.result.exit is Exit.DONE and any(f.level == "error" for f in run.result.findings):
        run.result.exit = Exit.WAITING


def _kept(one: Seen) -> Note:
    text = f"case {one.facts.case['number']}: the platform answered done, but what it holds is not what was asked"
    return Note(
        code="NOT_KEPT",
        message=text,
        level="error",
        next_step="Look at the shop on the platform; see: sfsync partners explain",
    )


def preview(bench: Bench, names: Sequence[str]) -> list[dict[str, Any]]:
    """What ``work`` would begin or go on with; reads only."""
    found = book(bench)
    keys = [row_of(bench, n)["case_key"] for n in names] or None
    rows = []
    for one in see(bench, found, requests.requests(bench.ledger, keys=keys)):
        actions = found.actions(found.lives[one.request.code])
        rows.append(
            {
                "case": one.facts.case["number"],
                "state": str(one.standing.state),
                "would": [f"{actions[n][0]} {actions[n][1]}" for n in one.standing.next],
                "waits": [w.text() for w in one.standing.waits],
                "plan": one.hash,
            }
        )
    return rows
