"""The end of a run over requests: was done what was asked, and how many records were written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sfsync.errors import Exit
from sfsync.ledger import tally
from sfsync.plan.hands import Hands
from sfsync.plan.model import Count, Note
from sfsync.planners.requests.life.words import Standing, State
from sfsync.planners.sync.sayings import note
from sfsync.runs.request_mirror import renamed
from sfsync.runs.request_view import Seen
from sfsync.runs.result import exit_status, numbers
from sfsync.runs.running import Run


def verified(one: Seen) -> Seen:
    """The platform said done: is it what was asked?"""
    if one.trail.sent and renamed(one):
        where = Standing(State.RUNNING, one.standing.waits, "NOT_KEPT", one.standing.next)
        return replace(one, standing=where)
    return one


def finish(run: Run, hands: Hands, mappings: Iterable[str], seen: Sequence[Seen]) -> None:
    """The numbers, from the ledger; what is read is what was written, because nothing else was looked for."""
    counts = tally.of_run(run.bench.ledger, run.id)
    for name in mappings:
        sides = {s: Count(**dict(counts.sides.get((name, s), {}))) for s in ("salesforce", "platform")}
        total = {s: sum(c.model_dump().values()) for s, c in sides.items()}
        if any(total.values()):
            read = {"platform": total["salesforce"], "salesforce": total["platform"]}
            run.result.mappings[name] = numbers(read, sides["salesforce"], sides["platform"], 0)
    run.result.findings += [note(f) for f in hands.findings]
    run.result.findings += [_kept(s) for s in seen if s.standing.reason == "NOT_KEPT"]
    run.result.api_calls, run.result.api_remaining = run.bench.salesforce.api_calls, run.bench.salesforce.api_remaining
    people = any(s.standing.state in (State.WAITING, State.BLOCKED) for s in seen)
    stopped = hands.stopped is not None
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
