"""sla enforce: the sweep that keeps clocks, level and owner of cases as the policy wants them, every minute.

It looks at the cases that changed since the last sweep, and at those that time alone has changed; never at all of them.
Nothing due: one API call. Each rung fires once: it is claimed in the ledger before anything is written for it, and
fires until its notice has left. Killed anywhere, the next sweep looks at the same cases again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import ConfigError, DriftError, Exit
from sfsync.faultpoints import hit
from sfsync.ledger import database, issues
from sfsync.ledger import sla as memory
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Note
from sfsync.plan.recover import over, recover
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.variant import ORG, ROW, org_fields, row_fields
from sfsync.planners.sync.make import Progress
from sfsync.planners.sync.sayings import note
from sfsync.runs import notices
from sfsync.runs import sync as runs
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result, planned_numbers
from sfsync.runs.running import Run, quiet, running, scratch
from sfsync.runs.sla_policy import policies
from sfsync.runs.sla_suppress import suppress
from sfsync.runs.sla_sweep import CODES, SOON, Looked, Suppress, Sweeper
from sfsync.sides.salesforce import happened

TOGETHER = 2_000  # cases looked at together


@dataclass
class Enforced:
    """What a sweep did."""

    result: Result
    looked_at: int = 0
    rungs: list[dict[str, Any]] = field(default_factory=list)  # fired now: key, rung, path, reached_at
    done: list[dict[str, Any]] = field(default_factory=list)  # recoveries proposed, repeats, cases closed too early
    told: int = 0

    @property
    def exit(self) -> Exit:
        """3 where a case could not be used."""
        return self.result.exit

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {
            **self.result.as_json(),
            "looked_at": self.looked_at,
            "rungs": self.rungs,
            "done": self.done,
            "told": self.told,
        }


def enforce(
    bench: Bench, *, full: bool = False, dry_run: bool = False, live: bool = False, progress: Progress = quiet
) -> Enforced:
    """One sweep at ``bench.as_of``, or (``live``) at the org's own time; with ``full`` over every open case."""
    case = bench.mappings.get("case")
    if case is None:
        step = "Put mappings/case.yaml back; a fresh one comes from sfsync init."
        raise ConfigError("there is no mapping `case` to enforce promises on", "SLA_CASES", "mappings", step)
    if live:
        bench.as_of = bench.salesforce.session.clock().replace(microsecond=0)
    sides = {ORG: org_fields(case), ROW: row_fields(case)}
    if dry_run:
        return _dry(bench, sides, full, progress)
    with running(bench, "sla enforce", sides, progress) as run:
        done = Enforced(run.result)
        _run(run, done, full, progress)
        run.result.api_calls = bench.salesforce.api_calls
        run.result.api_remaining = bench.salesforce.api_remaining
    return done


def policies_of(bench: Bench) -> list[Policy]:
    """The policy versions of the project."""
    from sfsync.planners.sla import policy as model

    own = bench.settings.mappings / model.FILE
    return model.load(own) if own.exists() else policies(None)


def _dry(bench: Bench, sides: dict[str, Mapping], full: bool, progress: Progress) -> Enforced:
    started = time.monotonic()
    done = Enforced(Result("dry-run", bench.as_of))
    with _looked(bench, sides, done, full, progress) as (looked, _, _):
        header = looked.folder.header
        assert header is not None
        done.result.mappings = planned_numbers(header) if looked.ids else {}
        done.result.exit = Exit.REFUSED_ROWS if len(looked.refused) else Exit.DONE
    done.result.api_calls = bench.salesforce.api_calls
    done.result.duration_s = time.monotonic() - started
    return done


def _run(run: Run, done: Enforced, full: bool, progress: Progress) -> None:
    """Looks, claims, writes, tells; the mark moves when all of it is done."""
    bench, ledger = run.bench, run.bench.ledger
    bound = ledger.bind(bench.platform.identity(), bench.salesforce.identity())
    runs.stop_at([note(f) for f in bound], ())
    for mapping in run.mappings.values():
        recover(ledger, bench.platform, bench.salesforce, mapping)
    first = partial(suppress, run)
    with _looked(bench, run.mappings, done, full, progress, first) as (looked, sweeper, until):
        stopped = False
        if looked.ids:
            memory.fire(ledger, run.id, looked.rungs, bench.as_of)
            hit("sla.fired")
            bench.salesforce.follow(looked.follow)
            stopped = _write(run, looked)
            _remember(run, looked, stopped)
        done.told = notices.tell(bench, sweeper.policies, run.id)
        hit("sla.told")
        if not stopped:
            ledger.set_watermark(ORG, "salesforce", until, run.id)
            if sweeper.late_days != memory.late_days(ledger):
                memory.keep_late_days(ledger, sweeper.late_days)
            for name in run.mappings:
                over(ledger, name, run.id)


@contextmanager
def _looked(
    bench: Bench,
    sides: dict[str, Mapping],
    done: Enforced,
    full: bool,
    progress: Progress,
    first: Suppress = lambda *_: set(),
) -> Iterator[tuple[Looked, Sweeper, Any]]:
    """What is to be done, as a plan in a folder that is thrown away at the end; only ``first`` may write."""
    since = None if full else bench.ledger.watermark(ORG, "salesforce")
    window = bench.salesforce.window(sides[ORG], since)
    until = min(window.until, bench.as_of)
    sweeper = Sweeper(bench, policies_of(bench), sides, first)
    found = happened.changed(bench.salesforce.queries, window.since, until)
    ids = _worth_it(bench, found, sweeper.late_days)
    folder = PlanFolder.create(scratch(bench))
    try:
        looked = Looked(folder, dict(zip(found["id"], found["stamp"], strict=True)))
        if ids:
            _fit(bench, sides[ORG])
        for start in range(0, len(ids), TOGETHER):
            progress(ORG, "looking at cases", start)
            sweeper.look(ids[start : start + TOGETHER], looked)
        sweeper.finish(looked)
        done.looked_at, (done.rungs, done.done) = len(looked.ids), looked.told()
        done.result.findings += _sayings(looked.refused)
        yield looked, sweeper, until
    finally:
        folder.remove()


def _fit(bench: Bench, mapping: Mapping) -> None:
    """Every field the sweep writes must be there: a promise that is not shown is not kept."""
    errors = [f for f in bench.salesforce.check(mapping) if f.level == "error"]
    if errors:
        details = [f"{f.message} [{f.code}]" for f in errors]
        said = "the org lacks what the sweep writes; nothing was written"
        found = [note(f).model_dump() for f in errors]
        raise DriftError(said, "DRIFT", ORG, errors[0].next_step or "See: sfsync doctor", details, found)


def _worth_it(bench: Bench, found: pd.DataFrame, late_days: str) -> list[str]:
    """Changed since we looked, or changed by time; all that are not over, once a holiday became known late."""
    known = memory.stamps(bench.ledger, found["id"].tolist())
    seen = [str(s)[:19] <= known.get(i, "")[:19] for i, s in zip(found["id"], found["stamp"], strict=True)]
    moved = found["id"][~np.array(seen, bool)].tolist() if len(found) else []
    ledger = bench.ledger
    same = late_days == memory.late_days(ledger)
    return sorted({*moved, *(memory.due(ledger, bench.as_of) if same else memory.waiting(ledger))})


def _sayings(refused: pd.DataFrame) -> list[Note]:
    made = []
    for code, some in refused.groupby("code"):
        text = f"{len(some):,} cases do not fit: {', '.join(some['key'].head(5))}"
        step = "Correct the field in Salesforce; the next sweep looks again. All of them: sfsync failures"
        made.append(Note(code=str(code), message=text, level="error", mapping=ORG, next_step=step))
    return made


def _write(run: Run, looked: Looked) -> bool:
    """Applies the plan; True if the budget ended before it did."""
    hands = runs.hands_of(run)
    apply(looked.folder, hands)
    said = [*run.result.findings, *(note(f) for f in hands.findings)]
    runs.finish(run, looked.folder, hands)
    run.result.findings = said + run.result.findings[len(said) - len(hands.findings) :]
    return hands.stopped is not None


def _remember(run: Run, looked: Looked, stopped: bool) -> None:
    """When to look again; soon, and whatever its stamp, at a case of which something could not be written."""
    ledger, as_of = run.bench.ledger, run.bench.as_of
    rows = looked.remember
    keys = rows["key"].tolist()
    again = _unwritten(run, keys)
    late = rows["key"].isin(again).to_numpy(bool) | stopped
    soon = database.text_of(as_of if stopped else as_of + SOON)
    rows = rows.assign(stamp=rows["stamp"].mask(late, ""), next_at=rows["next_at"].mask(late, soon))
    memory.remember(ledger, rows)
    memory.forget(ledger, sorted(set(looked.ids) - set(rows["case_id"])))


def _unwritten(run: Run, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for name in run.mappings:
        found |= set(issues.holds(run.bench.ledger, name, keys=keys)["key"])
        failed = issues.failures(run.bench.ledger, name, keys=keys)
        found |= set(failed["key"][~failed["code"].str.startswith(CODES)])
    return found
