"""What shadow mode finds out: milestones of an org beside the clocks of their cases, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

from sfsync.errors import ConfigError
from sfsync.ledger import issues
from sfsync.mapping.model import Mapping
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header
from sfsync.planners.sla import editions, make, shadow, walltime
from sfsync.planners.sla.shadow import Compared
from sfsync.planners.sla.trace import trace
from sfsync.planners.sync.make import Progress
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result
from sfsync.runs.running import scratch
from sfsync.runs.sla_enforce import TOGETHER, policies_of
from sfsync.runs.sla_people import read
from sfsync.runs.sla_policy import policy_at
from sfsync.runs.sla_sweep import majeures, versions_of
from sfsync.sides.salesforce import happened, milestones
from sfsync.sides.side import TEXT


@dataclass
class Shadow:
    """What a comparison found.

    entitled     the org has entitlements; without them nothing else is said
    left_out     cases that do not fit the policy: sla enforce tells why
    unmapped     milestones of names the policy gives no clock, by name
    differences  frame of ``planners.sla.shadow.COLUMNS``
    """

    result: Result
    entitled: bool = True
    cases: int = 0
    milestones: int = 0
    agreeing: int = 0
    left_out: int = 0
    unmapped: dict[str, int] = field(default_factory=dict)
    _parts: list[pd.DataFrame] = field(default_factory=list)

    @property
    def differences(self) -> pd.DataFrame:
        """All differences, by case."""
        nothing = pd.DataFrame(columns=list(shadow.COLUMNS), dtype=object)
        return pd.concat([nothing, *self._parts], ignore_index=True)

    @property
    def counts(self) -> dict[str, int]:
        """How many differences of each kind."""
        found = self.differences["difference"].value_counts()
        return {kind: int(found.get(kind, 0)) for kind in shadow.KINDS}

    def add(self, compared: Compared) -> None:
        """What one piece gave."""
        self.milestones += len(compared.ids)
        self.agreeing += compared.agreeing
        self._parts.append(compared.differences)

    def as_json(self) -> dict[str, Any]:
        """The document of ``--json``."""
        names = ("entitled", "cases", "milestones", "agreeing", "left_out", "unmapped", "counts")
        rows = self.differences.to_dict("records")
        return {**self.result.as_json(), **{n: getattr(self, n) for n in names}, "differences": rows}


class Look:
    """Reads milestones and clocks; what it finds goes into ``done``. Raises ``ConfigError`` SLA_MILESTONES."""

    def __init__(self, bench: Bench, mapping: Mapping, done: Shadow, since: timedelta, progress: Progress) -> None:
        self._bench, self._mapping, self._done, self._since = bench, mapping, done, since
        self._progress = progress
        known = policies_of(bench)
        self._clocks = policy_at(known, bench.as_of).milestones
        if not self._clocks:
            step = "Write there which milestone stands beside which clock:  milestones: {First Response: FR}"
            raise ConfigError("the policy names no milestones", "SLA_MILESTONES", "mappings/sla.yaml", step)
        self._known = known
        self._editions = {p.policy_version: editions.editions(p) for p in known}
        self._majeures = majeures(bench)

    def pieces(self) -> Iterator[Compared]:
        """Milestones beside clocks, told to ``done``."""
        bench, done = self._bench, self._done
        queries = bench.salesforce.queries
        ids = happened.alive(queries, bench.as_of - self._since, bench.as_of)
        for start in range(0, len(ids), TOGETHER):
            self._progress(self._mapping.name, "looking at cases", start)
            found = milestones.read(queries, ids[start : start + TOGETHER])
            for name, count in found["name"][~found["name"].isin(list(self._clocks))].value_counts().items():
                done.unmapped[str(name)] = done.unmapped.get(str(name), 0) + int(count)
            for compared in self._beside(found) if len(found) else ():
                done.add(compared)
                yield compared

    def _beside(self, found: pd.DataFrame) -> Iterator[Compared]:
        """Each case by its own version of the policy."""
        as_of = walltime.micros(self._bench.as_of)
        told = read(self._bench, found["case_id"].drop_duplicates().tolist())
        self._done.cases += len(told.cases)
        versions = versions_of(told.cases, self._known)
        for version in sorted(set(versions)):
            some, known = told.of(told.cases["id"][versions == version]), self._editions.get(version)
            if known is None:
                self._done.left_out += len(some.cases)
                continue
            traced = trace(some, known[0].figures, as_of, self._majeures)
            self._done.left_out += len(traced.problems)
            result, _ = editions.evaluate(traced.cases, traced.events, known, as_of)
            yield shadow.compare(found, traced, result, self._clocks)

    def planned(self) -> PlanFolder:
        """The plan that completes what has stopped."""
        counted = make.Counted()
        folder = PlanFolder.create(scratch(self._bench))
        try:
            for compared in self.pieces():
                self._plan(folder, compared, counted)
            folder.finish(self._header(counted))
        except BaseException:
            folder.remove()
            raise
        return folder

    def _plan(self, folder: PlanFolder, compared: Compared, counted: make.Counted) -> None:
        bench, mapping = self._bench, self._mapping
        keys = pd.Index(compared.stopped.index, dtype=TEXT, name="key")
        now = bench.salesforce.fetch(mapping, keys, pd.Series(keys, index=keys))
        segment = make.completions(mapping, compared.stopped, now, make.healed(self._healed(compared)))
        counted.add(segment, len(now))
        if len(segment.changes) or len(segment.issues):
            folder.add(counted.segments, segment)
            counted.segments += 1

    def _healed(self, compared: Compared) -> list[str]:
        """Milestones that refused to be completed, and need not be any more."""
        failed = issues.failures(self._bench.ledger, self._mapping.name, keys=compared.ids)["key"]
        return sorted(set(failed) - set(compared.stopped.index))

    def _header(self, counted: make.Counted) -> Header:
        bench, mapping = self._bench, self._mapping
        return Header(
            kind="sla",
            as_of=bench.as_of,
            platform=bench.platform.identity(),
            org=bench.salesforce.identity(),
            order=(mapping.name,),
            mappings={mapping.name: make.part(mapping, "salesforce", counted)},
        )
