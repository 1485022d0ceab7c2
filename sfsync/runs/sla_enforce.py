"""sla enforce: the sweep that keeps clocks, level and owner of cases as the policy wants them, every minute.

It looks at the cases that changed since the last sweep, and at those that time alone has changed; never at all of them.
Nothing due: one API call. Each rung fires once: its row in the ledger is there before its notice leaves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sfsync.errors import ConfigError, Exit
from sfsync.faultpoints import hit
from sfsync.ledger import issues
from sfsync.ledger import sla as memory
from sfsync.mapping.model import Mapping
from sfsync.plan.apply import apply
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Count, Header, MappingPlan, Note
from sfsync.plan.recover import over, recover
from sfsync.planners.sla import make, walltime
from sfsync.planners.sla.clocks import evaluate
from sfsync.planners.sla.figures import Figures, figures
from sfsync.planners.sla.make import Sweep
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.trace import trace
from sfsync.planners.sla.variant import ORG, QUEUE, ROW, org_fields, row_fields
from sfsync.planners.sync.make import Progress
from sfsync.runs import notices
from sfsync.runs import sync as runs
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result
from sfsync.runs.running import Run, quiet, running, scratch
from sfsync.runs.sla_policy import policies, policy_at
from sfsync.sides.salesforce import happened
from sfsync.sides.side import TEXT

TOGETHER = 2_000  # cases looked at together


@dataclass
class Enforced:
    """What a sweep did."""

    result: Result
    looked_at: int = 0
    rungs: list[dict[str, Any]] = field(default_factory=list)  # fired now: key, rung, path, reached_at
    told: int = 0

    @property
    def exit(self) -> Exit:
        """3 where a case could not be used."""
        return self.result.exit

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        return {**self.result.as_json(), "looked_at": self.looked_at, "rungs": self.rungs, "told": self.told}


def enforce(bench: Bench, *, full: bool = False, dry_run: bool = False, progress: Progress = quiet) -> Enforced:
    """One sweep at ``bench.as_of``; with ``full`` over every open case."""
    case = bench.mappings.get("case")
    if case is None:
        step = "Put mappings/case.yaml back; a fresh one comes from sfsync init."
        raise ConfigError("there is no mapping `case` to enforce promises on", "SLA_CASES", "mappings", step)
    policy = policy_at(policies_of(bench), bench.as_of)
    sides = {ORG: org_fields(case), ROW: row_fields(case)}
    if dry_run:
        started = time.monotonic()
        done = Enforced(Result("dry-run", bench.as_of))
        sweeper = _Sweeper(bench, policy, sides, done, None)
        sweeper.run(full, progress)
        done.result.api_calls = bench.salesforce.api_calls
        done.result.duration_s = time.monotonic() - started
        return done
    with running(bench, "sla enforce", sides, progress) as run:
        done = Enforced(run.result)
        _Sweeper(bench, policy, sides, done, run).run(full, progress)
        run.result.api_calls = bench.salesforce.api_calls
        run.result.api_remaining = bench.salesforce.api_remaining
    return done


def policies_of(bench: Bench) -> list[Policy]:
    """The policy versions of the project."""
    from sfsync.planners.sla import policy as model

    own = bench.settings.mappings / model.FILE
    return model.load(own) if own.exists() else policies(None)


class _Sweeper:
    """One sweep: which cases, what happened to them, what follows."""

    def __init__(
        self, bench: Bench, policy: Policy, sides: dict[str, Mapping], done: Enforced, run: Run | None
    ) -> None:
        self.bench, self.policy, self.sides, self.done, self.run_ = bench, policy, sides, done, run
        self.figures: Figures = figures(policy)
        self.as_of = walltime.micros(bench.as_of)
        self.rows = pd.DataFrame()

    def run(self, full: bool, progress: Progress) -> None:
        """Looks, writes, tells; the mark moves when all of it is done."""
        bench, ledger = self.bench, self.bench.ledger
        mapping = self.sides[ORG]
        if self.run_:
            for each in self.sides.values():
                recover(ledger, bench.platform, bench.salesforce, each)
        since = None if full else ledger.watermark(ORG, "salesforce")
        window = bench.salesforce.window(mapping, since)
        found = happened.changed(bench.salesforce.queries, window.since, min(window.until, bench.as_of))
        ids = self._worth_it(found)
        for start in range(0, len(ids), TOGETHER):
            progress(ORG, "looking at cases", start)
            self._some(ids[start : start + TOGETHER])
        if self.run_:
            self.done.told = notices.tell(bench, self.policy, self.run_.id)
            hit("sla.told")
            ledger.set_watermark(ORG, "salesforce", min(window.until, bench.as_of), self.run_.id)
            for name in self.sides:
                over(ledger, name, self.run_.id)

    def _worth_it(self, found: pd.DataFrame) -> list[str]:
        """Changed since we looked, or changed by time."""
        known = memory.stamps(self.bench.ledger, found["id"].tolist())
        seen = [bool(s) and known.get(i) == s for i, s in zip(found["id"], found["stamp"], strict=True)]
        moved = found["id"][~np.array(seen, bool)].tolist() if len(found) else []
        return sorted({*moved, *memory.due(self.bench.ledger, self.bench.as_of)})

    def _some(self, ids: list[str]) -> None:
        bench, ledger = self.bench, self.bench.ledger
        told = happened.read(bench.salesforce.queries, ids)
        me = bench.salesforce.user_id()
        traced = trace(told, self.figures, self.as_of, me)
        self.done.looked_at += len(told.cases)
        self._refuse(traced.problems)
        result = evaluate(traced.cases, traced.events, self.figures, self.as_of)
        swept = make.sweep(traced, result, self.figures, memory.fired(ledger, ids), self.as_of)
        self.done.rungs += swept.rungs.drop(columns=["case_id", "silent"]).to_dict("records")
        swept.wanted[QUEUE] = make.owners(swept, self.figures, self._queues(swept), _outside(self.policy))
        if self.run_:
            memory.fire(ledger, self.run_.id, swept.rungs, bench.as_of)
            hit("sla.fired")
        self._write(swept)
        if self.run_:
            memory.remember(ledger, self._when(swept))

    def _queues(self, swept: Sweep) -> dict[str, str]:
        """Ids of the queues by name; asked only when somebody is called."""
        if not len(swept.rungs):
            return {}
        return self.bench.salesforce.queues()

    def _refuse(self, problems: pd.DataFrame) -> None:
        for code, some in problems.groupby("code"):
            text = f"{len(some):,} cases cannot be used: {', '.join(some['key'].head(5))}"
            step = "Correct the field in Salesforce; the next sweep looks again."
            self.done.result.findings.append(
                Note(code=str(code), message=text, level="error", mapping=ORG, next_step=step)
            )
        if len(problems):
            self.done.result.exit = Exit.REFUSED_ROWS
        if len(problems) and self.run_:
            rows = problems.set_index("key")[["code"]].assign(
                fields="", kind_of_failure="data", reason="the case does not fit the service-level policy"
            )
            issues.fail(self.bench.ledger, self.run_.id, ORG, "salesforce", rows)

    def _write(self, swept: Sweep) -> None:
        bench = self.bench
        folder = PlanFolder.create(scratch(bench))
        try:
            header = self._plan(folder, swept)
            if self.run_ is None:
                _count(self.done.result, header)
                return
            self.run_.mappings = self.sides
            hands = runs.hands_of(self.run_)
            apply(folder, hands)
            runs.finish(self.run_, folder, hands)
            self.done.result.findings += [*header.findings]
        finally:
            folder.remove()

    def _plan(self, folder: PlanFolder, swept: Sweep) -> Header:
        bench, plans = self.bench, {}
        keys = pd.Index(swept.trace.rows["key"], dtype=TEXT, name="key")
        ids = pd.Series(swept.trace.rows["id"].to_numpy(object), index=keys, dtype=TEXT)
        for name, mapping in self.sides.items():
            side = "salesforce" if name == ORG else "platform"
            now = bench.salesforce.fetch(mapping, keys, ids) if name == ORG else bench.platform.fetch(mapping, keys)
            if name == ORG:
                self.rows = now.meta
            segment = make.segment(mapping, side, swept, swept.wanted, now)
            if len(segment.changes):
                folder.add(0, segment)
            plans[name] = _part(mapping, side, len(now), len(segment.changes))
        header = Header(
            kind="sla",
            as_of=bench.as_of,
            platform=bench.platform.identity(),
            org=bench.salesforce.identity(),
            order=tuple(n for n in self.sides),
            mappings=plans,
        )
        return folder.finish(header)

    def _when(self, swept: Sweep) -> pd.DataFrame:
        """When to look at each case again, and the stamp of the state that was looked at."""
        rows = swept.trace.rows
        return pd.DataFrame(
            {
                "case_id": rows["id"],
                "key": rows["key"],
                "stamp": rows["stamp"].fillna(""),
                "next_at": list(walltime.texts(swept.result.next_at)),
                "policy_version": self.figures.version,
            }
        )


def _outside(policy: Policy) -> set[tuple[str, int]]:
    return {(name, int(spec.outside[1])) for name, spec in policy.paths.items() if spec.outside}


def _part(mapping: Mapping, side: str, read: int, changed: int) -> MappingPlan:
    numbers = {"salesforce": Count(), "platform": Count()}
    numbers[side] = Count(updated=changed, unchanged=read - changed)
    other = "platform" if side == "salesforce" else "salesforce"
    return MappingPlan(
        columns=mapping.columns,
        digest=mapping.digest,
        generation=0,
        windows={},
        read={side: 0, other: read},
        salesforce=numbers["salesforce"],
        platform=numbers["platform"],
        conflicts=0,
        segments=1 if changed else 0,
        lanes={"main": changed},
        sent={"main update": changed} if side == "salesforce" and changed else {},
    )


def _count(result: Result, header: Header) -> None:
    from sfsync.runs.result import planned_numbers

    for name, part in planned_numbers(header).items():
        known = result.mappings.get(name)
        if known is None:
            result.mappings[name] = part
            continue
        for side in ("salesforce", "platform"):
            for what, number in part[side].items():
                known[side][what] += number
