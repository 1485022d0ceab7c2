"""partners work: the next steps of every open request (confirm, plan, apply, verify, say) until nothing is left to do.

Every write goes through the one plan and apply. What is asked of the platform is a row of its outbox with a key of its
own, so a run that was killed anywhere, run again, asks once; a message has an idempotency key, so it leaves once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sfsync.faultpoints import hit
from sfsync.ledger import attachments, base, request_steps, requests, sealed
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.hands import Hands
from sfsync.plan.model import Note
from sfsync.plan.recover import over, recover
from sfsync.planners.requests.life import changes, outbox
from sfsync.planners.requests.life.changes import Draft, Ends
from sfsync.planners.requests.life.words import Op, State
from sfsync.planners.requests.steps import Book
from sfsync.planners.sync.make import Progress
from sfsync.planners.sync.sayings import note
from sfsync.runs import request_ask, request_end, request_incident, request_notes, request_process, request_say, sync
from sfsync.runs.bench import Bench
from sfsync.runs.request_case import cells
from sfsync.runs.request_mirror import Tried, index_of, mirror
from sfsync.runs.request_view import Seen, book, keep, row_of, see
from sfsync.runs.result import Result
from sfsync.runs.running import Run, quiet, running, scratch

ROUNDS = 8  # a request has fewer steps than this; what is left waits for the next run
RECORDS = ("company", "shop", "operator", "terminal")
CASE = "case"


@dataclass
class Work:
    """A run over requests: the catalogue, the mappings it writes by, and what it has tried.

    ``tried``: Salesforce steps, how often; ``unsubmitted``: what the org's approval process did not take.
    """

    run: Run
    book: Book
    mappings: dict[str, Mapping]
    hands: Hands
    keys: list[str] | None
    tried: Tried = field(default_factory=Counter)
    unsubmitted: dict[str, Note] = field(default_factory=dict)


def mappings_of(bench: Bench) -> dict[str, Mapping]:
    """What a run over requests may write, in the order of writing: the outbox, records parents first, the case."""
    real = {n: bench.mappings[n] for n in RECORDS if n in bench.mappings}
    faults = {outbox.FAULTS: outbox.faults(real["terminal"])} if "terminal" in real else {}
    case = bench.mappings[CASE]
    return {outbox.NAME: outbox.outbox(), **real, **faults, CASE: case, outbox.LINKS: outbox.links(case)}


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
        request_notes.tell(bench)
        if not job.keys:
            request_incident.gather(bench, found)
        seen = _rounds(job)
        seen = [request_end.verified(s) for s in seen]
        run.result.findings += job.unsubmitted.values()
        request_say.say(bench, found, run, seen)
        keep(bench, seen, worked=True)
        for name in mappings:
            over(bench.ledger, name, run.id)
        requests.purge(bench.ledger, timedelta(days=found.steps.keep_days))
        attachments.purge(bench.ledger, bench.ledger.now())
        request_end.finish(run, job.hands, mappings, seen)
    return run.result


def _ready(bench: Bench, mappings: dict[str, Mapping], waive: Sequence[str]) -> None:
    """Both ends fit what may be written; the outbox is the platform's alone."""
    real = {n: m for n, m in mappings.items() if n not in (outbox.NAME, outbox.FAULTS, outbox.LINKS)}
    sync.fit(bench, real)
    errors = [note(f) for f in bench.platform.check(mappings[outbox.NAME]) if f.level == "error"]
    sync.stop_at(errors, waive)
    sync.same_ends(bench, real, waive)


def _rounds(job: Work) -> list[Seen]:
    """Plans and applies until nothing is left to do now; the requests as they stand then."""
    for _ in range(ROUNDS):
        seen = _look(job)
        if request_process.exchange(job.run.bench, job.book, seen, job.unsubmitted):
            seen = _look(job)
        _begin(job, seen)
        if not _round(job, _look(job) if _began(seen) else seen):
            break
    return _look(job)


def _look(job: Work) -> list[Seen]:
    bench = job.run.bench
    seen = see(bench, job.book, requests.requests(bench.ledger, keys=job.keys))
    request_steps.told(bench.ledger, [t for s in seen for t in request_ask.told(s.trail)])
    return seen


def _began(seen: Sequence[Seen]) -> bool:
    return any(s.standing.state in (State.READY, State.REFUSED) for s in seen)


def _begin(job: Work, seen: Sequence[Seen]) -> None:
    """Freezes the plans of the requests that are ready; their approvals are used up. A refusal stays one."""
    ledger = job.run.bench.ledger
    refused = [s for s in seen if s.standing.state is State.REFUSED]
    request_steps.stand(ledger, [{"case_key": s.key, "state": "refused", "reason": s.standing.reason} for s in refused])
    ready = _in_turn(seen)
    plans = [request_steps.Begin(s.key, s.hash, [_op(ledger, s, o) for o in s.ops]) for s in ready]
    request_steps.begin(ledger, plans, job.run.id, job.run.bench.actor)


def _in_turn(seen: Sequence[Seen]) -> list[Seen]:
    """The requests to begin: of several that change one record alike the first, once none is begun and unsent.

    Whether the next may follow (so many in a day, a hash that still holds) is known when this one has been asked.
    """
    taken = {(s.kind, s.target) for one in seen for s in one.trail.sent if s.state == "waiting" and not s.reads}
    found = []
    for one in (s for s in seen if s.standing.state is State.READY):
        changing = {(o.kind, o.target) for o in one.ops if not o.reads}
        if not changing & taken:
            found.append(one)
            taken |= changing
    return found


def _op(ledger: Ledger, one: Seen, op: Op) -> dict[str, Any]:
    names = ("number", "step", "kind", "target", "reads", "back")
    body = sealed.seal(ledger, one.key, dict(op.payload))
    return {"request_key": op.key, **{n: getattr(op, n) for n in names}, "sealed": body}


def _round(job: Work, seen: Sequence[Seen]) -> bool:
    """One plan over all requests; False if there was nothing to do."""
    bench, draft = job.run.bench, Draft(job.mappings)
    asked = request_ask.rows(bench, seen)
    draft.add(outbox.NAME, changes.asked(job.mappings[outbox.NAME], asked))
    written = mirror(bench, job.book, job.mappings, draft, seen, job.tried)
    _cases(job, draft, seen)
    request_incident.add(bench, job.mappings, draft)
    if len(draft):
        _apply(job, draft)
    request_steps.told(bench.ledger, [{"request_key": r["request_key"], "run_id": job.run.id} for r in asked])
    hit("requests.applied")
    request_steps.mirrored(bench.ledger, written, job.run.id)
    return bool(len(draft) or written)


def _cases(job: Work, draft: Draft, seen: Sequence[Seen]) -> None:
    bench, mapping = job.run.bench, job.mappings[CASE]
    wanted = {s.key: found for s in seen if (found := cells(job.book, s, bench.as_of))}
    if wanted:
        index = index_of(wanted)
        here, there = bench.platform.fetch(mapping, index), bench.salesforce.fetch(mapping, index)
        draft.add(CASE, changes.settled(mapping, wanted, here, there))


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
