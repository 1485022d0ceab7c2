"""plan, apply and sync."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sfsync.errors import BudgetReached, DriftError, Exit, GuardStop
from sfsync.faultpoints import hit
from sfsync.frugal import be_frugal
from sfsync.ledger import base, loads, rulings, tally
from sfsync.mapping.model import Mapping
from sfsync.merge import guard
from sfsync.merge.footing import Standing
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.forecast import forecast, total
from sfsync.plan.hands import Hands
from sfsync.plan.model import Count, Header, Note
from sfsync.plan.recover import over, recover
from sfsync.planners.sync.make import Progress, Sources, make
from sfsync.planners.sync.sayings import note
from sfsync.runs import standing
from sfsync.runs.bench import Bench
from sfsync.runs.memory import LedgerMemory
from sfsync.runs.result import Result, exit_status, numbers, planned_numbers
from sfsync.runs.running import Run, quiet, running, scratch

Maker = Callable[..., object]  # sources, folder, full, progress: makes a plan as ``make`` does

# --- plan ---------------------------------------------------------------------------------------------------------


@contextmanager
def planned(
    bench: Bench,
    names: Sequence[str],
    *,
    out: Path | None = None,
    full: bool = False,
    progress: Progress = quiet,
    maker: Maker = make,
) -> Iterator[PlanFolder]:
    """A plan of the named mappings by ``maker``; kept in ``out``, or thrown away at the end. Reads only."""
    be_frugal()
    mappings = bench.chosen(names)
    fit(bench, mappings)
    folder = PlanFolder.create(out or scratch(bench))
    try:
        memory = LedgerMemory(bench.ledger, standings=standing.standings(bench, mappings))
        maker(sources_of(bench, mappings, memory), folder, full=full, progress=progress)
        yield folder
    finally:
        if out is None:
            folder.remove()


def plan_exit(folder: PlanFolder) -> Exit:
    """What ``plan`` exits with: a guard that would stop the run, or done."""
    assert folder.header is not None
    return Exit.GUARD if guard.stopping(folder.header.findings, ()) else Exit.DONE


def opened(bench: Bench, path: Path) -> PlanFolder:
    """A saved plan, checked against its own digest, this base, this database and this org."""
    folder = PlanFolder.open(path)
    header = folder.header
    assert header is not None
    for name, part in header.mappings.items():
        mapping = bench.chosen([name])[name]
        if mapping.digest != part.digest:
            raise _stale(path, f"the mapping {name} was changed since")
        if base.generation(bench.ledger, name) != part.generation:
            raise _stale(path, f"the base of {name} has moved since: another run came in between")
    fit(bench, bench.chosen(list(header.order)))
    if (header.platform, header.org) != (bench.platform.identity(), bench.salesforce.identity()):
        raise _stale(path, "it was made for another database or another org")
    return folder


def _stale(path: Path, why: str) -> GuardStop:
    return GuardStop(f"this plan is stale: {why}", "PLAN_STALE", str(path), "Make a new one: sfsync plan --out DIR")


def fit(bench: Bench, mappings: dict[str, Mapping]) -> list[Note]:
    """Checks both ends against the mappings; raises ``DriftError`` if one does not fit."""
    bench.salesforce.prepare(list(mappings.values()))
    found = [f for m in mappings.values() for side in (bench.platform, bench.salesforce) for f in side.check(m)]
    errors = [f for f in found if f.level == "error"]
    if errors:
        raise DriftError(
            "an end does not fit the mapping; nothing was written",
            "DRIFT",
            next_step=errors[0].next_step or "See: sfsync doctor",
            details=[f"{f.mapping}: {f.message} [{f.code}]" for f in errors],
            findings=[note(f).model_dump() for f in errors],
        )
    return [note(f) for f in found]


def sources_of(bench: Bench, mappings: dict[str, Mapping], memory: LedgerMemory) -> Sources:
    """What a planner reads from: both sides, and the ledger as far as it is memory."""
    ledger = bench.ledger
    return Sources(
        mappings=mappings,
        platform=bench.platform,
        salesforce=bench.salesforce,
        memory=replace(memory, as_of=bench.as_of),
        watermark=ledger.watermark,
        generation=lambda name: base.generation(ledger, name),
        digest=ledger.digest.bound,
        users=lambda names: set(bench.salesforce.users(names)),
        as_of=bench.as_of,
        standing=memory.standing,
        recently=partial(standing.recently, bench),
    )


# --- sync and apply -----------------------------------------------------------------------------------------------


def sync(
    bench: Bench,
    names: Sequence[str],
    *,
    full: bool = False,
    waive: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress = quiet,
) -> Result:
    """Plan and apply in one go; with ``dry_run`` only plan."""
    mappings = bench.chosen(names)
    if dry_run:
        return _dry(bench, mappings, full, progress)
    with running(bench, "sync", mappings, progress, waive) as run:
        notes = fit(bench, mappings)
        memory = LedgerMemory(bench.ledger, standings=same_ends(bench, mappings, waive))
        try:
            _plan_and_write(run, memory, full, waive, notes)
        except BudgetReached as stop:
            from sfsync.runs import urgent

            urgent.write(run, sources_of(bench, mappings, memory), memory, stop, waive)
    return run.result


def _plan_and_write(run: Run, memory: LedgerMemory, full: bool, waive: Sequence[str], notes: list[Note]) -> None:
    bench, mappings, progress = run.bench, run.mappings, run.progress
    for mapping in mappings.values():
        memory.in_doubt[mapping.name] = recover(bench.ledger, bench.platform, bench.salesforce, mapping)
        rulings.decide_due(bench.ledger, run.id, mapping, bench.as_of)
    folder = PlanFolder.create(scratch(bench))
    try:
        make(sources_of(bench, mappings, memory), folder, full=full, progress=progress)
        _apply(run, folder, memory.standings, waive, notes)
    finally:
        folder.remove()


def apply_saved(bench: Bench, path: Path, *, waive: Sequence[str] = (), progress: Progress = quiet) -> Result:
    """Writes a saved plan."""
    header = PlanFolder.open(path).header
    assert header is not None
    with running(bench, "apply", bench.chosen(list(header.order)), progress, waive) as run:
        folder = opened(bench, path)
        for mapping in run.mappings.values():
            rulings.decide_due(bench.ledger, run.id, mapping, bench.as_of)
        found = same_ends(bench, run.mappings, waive)
        _apply(run, folder, found, waive, [])
    return run.result


def _dry(bench: Bench, mappings: dict[str, Mapping], full: bool, progress: Progress) -> Result:
    started = time.monotonic()
    with planned(bench, list(mappings), full=full, progress=progress) as folder:
        header = folder.header
        assert header is not None
        result = Result(
            "dry-run", bench.as_of, plan_exit(folder), mappings=planned_numbers(header), findings=header.findings
        )
    _calls(bench, result)
    result.duration_s = time.monotonic() - started
    return result


def same_ends(bench: Bench, mappings: dict[str, Mapping], waive: Sequence[str]) -> dict[str, Standing]:
    """What the bases stand on; raises ``GuardStop`` before anything is read if these are other ends."""
    found = standing.standings(bench, mappings)
    findings = [f for s in found.values() for f in s.findings]
    findings += bench.ledger.bind(bench.platform.identity(), bench.salesforce.identity())
    stop_at([note(f) for f in findings], waive)
    return found


def stop_at(notes: Sequence[Note], waive: Sequence[str]) -> None:
    """Raises ``GuardStop`` for findings nobody waived."""
    stopping = guard.stopping(notes, waive)
    if stopping:
        raise GuardStop(
            "a guard stopped the run before its first write; nothing was written",
            stopping[0].code,
            stopping[0].mapping,
            stopping[0].next_step,
            [f"{f.mapping}: {f.message} [{f.code}]".removeprefix(": ") for f in stopping],
            [f.model_dump() for f in stopping],
        )


def _apply(run: Run, folder: PlanFolder, found: dict[str, Standing], waive: Sequence[str], notes: list[Note]) -> None:
    header = folder.header
    assert header is not None
    stop_at(header.findings, waive)
    standing.move(run.bench, found)
    expect(run, header)
    hit("sync.planned")
    hands = hands_of(run)
    apply(folder, hands)
    run.result.findings = [*notes, *header.findings, *(note(f) for f in hands.findings)]
    if hands.stopped is None and header.kind == "sync":
        _advance_windows(run, folder)
    finish(run, folder, hands)


def expect(run: Run, header: Header) -> None:
    """Notes what the writes are expected to cost, and what planning has cost: compared when the run is over."""
    salesforce = run.bench.salesforce
    run.result.api_forecast = total(forecast(header, run.mappings, salesforce.cost))
    run.result.api_planning = salesforce.api_calls


def hands_of(run: Run) -> Hands:
    """What apply works with in this run."""
    bench, ledger = run.bench, run.bench.ledger
    return Hands(
        bench.platform,
        bench.salesforce,
        ledger,
        run.id,
        run.mappings,
        ledger.digest.bound,
        bench.as_of,
        run.progress,
        leases=run.leases,
    )


def _advance_windows(run: Run, folder: PlanFolder) -> None:
    """The windows move only after everything they delivered is written, held, refused or in conflict."""
    assert folder.header is not None
    hit("sync.windows")
    for name, part in folder.header.mappings.items():
        for side, window in part.windows.items():
            run.bench.ledger.set_watermark(name, side, window.until, run.id)
        loads.passed(run.bench.ledger, name, part.windows["salesforce"].until)
        over(run.bench.ledger, name, run.id)
        standing.settle(run.bench, name, part.footing, run.id)


def finish(run: Run, folder: PlanFolder, hands: Hands) -> None:
    """The sums: read and unchanged from the plan, everything written from the ledger."""
    assert folder.header is not None
    counts = tally.of_run(run.bench.ledger, run.id)
    for name, part in folder.header.mappings.items():
        sides = {s: Count(**dict(counts.sides.get((name, s), {}))) for s in ("salesforce", "platform")}
        for side, planned_count in (("salesforce", part.salesforce), ("platform", part.platform)):
            sides[side].unchanged = planned_count.unchanged
            sides[side].failed += part.nameless.get(side, 0)
        conflicts = counts.conflicts.get(name, 0)
        read = {**part.read, "salesforce": part.read["salesforce"] + hands.echoed.get(name, 0)}
        run.result.mappings[name] = numbers(read, sides["salesforce"], sides["platform"], conflicts)
    _check_sums(run.result)
    _calls(run.bench, run.result)
    run.result.exit = exit_status(
        run.result.mappings.values(), waiting=counts.waiting, stopped=hands.stopped is not None
    )


def _check_sums(result: Result) -> None:
    """A sum that does not close is a defect, and is said aloud."""
    for name, part in result.mappings.items():
        for side, source in (("salesforce", "platform"), ("platform", "salesforce")):
            total = sum(part[side].values()) + part["conflicts"]
            if total != part["read"][source]:
                text = f"{part['read'][source]:,} records read from {source}, {total:,} accounted for on {side}"
                step = f"Report this with the run id {result.run}; sfsync sync {name} --full looks at every record."
                result.findings.append(Note(code="SUM_OPEN", message=text, level="error", mapping=name, next_step=step))


def _calls(bench: Bench, result: Result) -> None:
    result.api_calls = bench.salesforce.api_calls
    result.api_remaining = bench.salesforce.api_remaining
