"""What a sweep finds out about cases: their clocks by the policy version each of them stands under, as a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from sfsync.ledger import database, issues, majeure
from sfsync.ledger import sla as memory
from sfsync.mapping.model import Mapping
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header, Segment
from sfsync.planners.sla import editions, make, tipoff, walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.editions import Edition
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.make import Counted, Sweep
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.trace import Majeure, trace
from sfsync.planners.sla.variant import ORG, QUEUE, ROW
from sfsync.planners.sla.words import NONE, RUNGS
from sfsync.runs.bench import Bench
from sfsync.runs.sla_deeds import deeds
from sfsync.runs.sla_people import read
from sfsync.runs.sla_policy import policy_at
from sfsync.runs.sla_suppress import CATEGORIES
from sfsync.runs.sla_words import heard
from sfsync.sides.salesforce import happened
from sfsync.sides.salesforce.happened import Happened
from sfsync.sides.side import TEXT

Suppress: TypeAlias = "Callable[[pd.DataFrame, dict[str, str | None]], set[str]]"
FRESH = timedelta(seconds=1)  # a stamp so young may be given to another change of the same second
SOON = timedelta(minutes=15)  # when a case is looked at again that could not be written, or lies in the future
REMEMBERED = ("case_id", "key", "stamp", "next_at", "policy_version", "entered")
FAR = walltime.micros(datetime(2999, 12, 31, tzinfo=UTC))  # of a case that waits for somebody, not for time
USER = "005"  # how ids of users begin
CODES = ("E-", "W-")  # how codes of what does not fit the policy begin


@dataclass
class Looked:
    """What was found out, collected over all pieces.

    folder    the plan: one segment per piece and side
    stamps    by case id: the last stamp the window told of
    refused   frame id, key, code: cases, or stamps of theirs, that do not fit the policy
    rungs     frame of the rungs that fire (``make.Sweep``); remember: frame as ``ledger.sla.remember`` takes it
    """

    folder: PlanFolder
    stamps: dict[str, str]
    ids: list[str] = field(default_factory=list)
    counted: dict[str, Counted] = field(default_factory=lambda: {ORG: Counted(), ROW: Counted()})
    follow: list[tuple[str, str]] = field(default_factory=list)  # case id, user id: people who lose a case to a queue
    _refused: list[pd.DataFrame] = field(default_factory=list)
    _rungs: list[pd.DataFrame] = field(default_factory=list)
    _remember: list[pd.DataFrame] = field(default_factory=list)

    @cached_property
    def refused(self) -> pd.DataFrame:
        """All refusals."""
        return pd.concat([pd.DataFrame({"id": [], "key": [], "code": []}, dtype=object), *self._refused])

    @cached_property
    def rungs(self) -> pd.DataFrame:
        """All rungs that fire."""
        return pd.concat(self._rungs, ignore_index=True) if self._rungs else pd.DataFrame()

    @cached_property
    def remember(self) -> pd.DataFrame:
        """What to remember of all cases."""
        nothing = pd.DataFrame({n: [] for n in REMEMBERED}, dtype=object)
        return pd.concat([nothing, *self._remember], ignore_index=True)

    def told(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The rungs as ``--json`` shows them, and what else was done."""
        rows: list[dict[str, Any]] = self.rungs.drop(columns=["case_id", "silent"], errors="ignore").to_dict("records")
        ladder = [r for r in rows if r["rung"] in (*RUNGS, make.HARMED) or r["rung"].startswith(make.RESUMED)]
        return ladder, [r for r in rows if r not in ladder]

    def _follow(self, swept: Sweep) -> None:
        rows = swept.trace.rows
        moved = swept.wanted[QUEUE].notna().to_numpy(bool) & rows["owner"].str.startswith(USER).fillna(False).to_numpy(
            bool
        )
        self.follow += list(zip(rows["id"][moved], rows["owner"][moved], strict=True))


class Sweeper:
    """Looks at cases, piece by piece; only ``suppress`` may write."""

    def __init__(
        self, bench: Bench, policies: list[Policy], sides: dict[str, Mapping], suppress: Suppress = lambda *_: set()
    ) -> None:
        self.bench, self.sides, self._suppress = bench, sides, suppress
        self.policies = {p.policy_version: p for p in policies}
        self._known = policies
        self._editions: dict[str, Sequence[Edition]] = {}
        self.as_of = walltime.micros(bench.as_of)
        self.majeures = majeures(bench)
        self.late_days = editions.digest(policies, self.as_of)

    def look(self, ids: list[str], looked: Looked) -> None:
        """These cases, each by its own version of the policy."""
        found = read(self.bench, ids)
        looked.ids += ids
        lost = self._suppress(found.cases, memory.entered(self.bench.ledger, ids))
        if lost:  # nothing else is written for who could not be suppressed
            self._leave_out(found.of(pd.Series(sorted(lost))), "E-SUPPRESS", looked)
            found = found.of(found.cases["id"][~found.cases["id"].isin(lost)])
        versions = versions_of(found.cases, self._known)
        for version in sorted(set(versions)):
            some = found.of(found.cases["id"][versions == version])
            if version in self.policies:
                self._look(version, some, looked)
            else:
                self._leave_out(some, "E-POLICY", looked)

    def finish(self, looked: Looked) -> Header:
        """Seals the plan."""
        bench = self.bench
        parts = {n: make.part(m, _SIDE[n], looked.counted[n]) for n, m in self.sides.items()}
        header = Header(
            kind="sla",
            as_of=bench.as_of,
            platform=bench.platform.identity(),
            org=bench.salesforce.identity(),
            order=tuple(self.sides),
            mappings=parts,
        )
        return looked.folder.finish(header)

    def _leave_out(self, some: Happened, code: str, looked: Looked) -> None:
        rows = some.cases.assign(key=some.cases["key"].fillna("SF-" + some.cases["number"].astype(str)))
        problems = rows[["id", "key", "stamp"]].assign(code=code)
        self._refuse(problems, problems, looked)
        said = make.issues(problems, [])
        self._add(looked, self.sides[ORG], make.refusals(self.sides[ORG], said), 0)
        looked._remember.append(self._later(problems, "", looked))

    def _look(self, version: str, found: Happened, looked: Looked) -> None:
        ledger = self.bench.ledger
        if version not in self._editions:
            self._editions[version] = editions.editions(self.policies[version])
        made = self._editions[version]
        known = made[0].figures
        traced = trace(heard(self.bench, found, known), known, self.as_of, self.majeures)
        result, waived = editions.evaluate(traced.cases, traced.events, made, self.as_of)
        ids = traced.rows["id"].tolist()
        entered = traced.rows["id"].map(memory.entered(ledger, ids)).to_numpy(object)
        policy, fired = self.policies[version], memory.fired(ledger, ids)
        swept = make.sweep(traced, result, known, fired, self.as_of, entered)
        swept.wanted[QUEUE] = make.owners(swept, known, self._queues(swept), _outside(policy), found.history)
        more = deeds(self.bench, swept, policy, known, found, fired)
        swept.wanted[list(more.wanted)] = more.wanted
        gone = make.waivers(traced, result, known, waived, [edition.reason for edition in made])
        looked._rungs += [swept.rungs, more.rungs, make.unfired(gone, fired)]
        looked._follow(swept)
        warned = pd.concat([self._told(swept, known), make.warned(swept), more.told]).drop_duplicates("id")
        self._plan(swept, pd.concat([traced.problems, warned]), looked)
        self._refuse(traced.problems, pd.concat([traced.problems, warned]), looked)
        looked._remember.append(self._when(swept, version, known, looked))
        looked._remember.append(self._later(traced.problems, version, looked))

    def _told(self, swept: Sweep, known: Figures) -> pd.DataFrame:
        """Cases on which a customer can read what nobody may tell him: frame id, key, code."""
        named = np.array(known.categories, object)[swept.result.category]
        some = swept.trace.rows[np.isin(named, tipoff.CATEGORIES)][["id", "key"]]
        said = happened.said(self.bench.salesforce.queries, some["id"].tolist()) if len(some) else {}
        told = [tipoff.tells(said.get(i, ())) for i in some["id"]]
        return some[np.array(told, bool)].assign(code="E-TIPOFF")

    def _queues(self, swept: Sweep) -> dict[str, str]:
        """Ids of the queues by name; asked only when somebody is called."""
        return self.bench.salesforce.queues() if len(swept.rungs) else {}

    def _refuse(self, left_out: pd.DataFrame, refused: pd.DataFrame, looked: Looked) -> None:
        looked._refused.append(refused[["id", "key", "code"]].drop_duplicates("id"))
        looked.counted[ORG].left_out += len(left_out)

    def _plan(self, swept: Sweep, refused: pd.DataFrame, looked: Looked) -> None:
        bench = self.bench
        keys = pd.Index(swept.trace.rows["key"], dtype=TEXT, name="key")
        ids = pd.Series(swept.trace.rows["id"].to_numpy(object), index=keys, dtype=TEXT)
        org, row = self.sides[ORG], self.sides[ROW]
        now = {ORG: bench.salesforce.fetch(org, keys, ids), ROW: bench.platform.fetch(row, keys)}
        for name, mapping in self.sides.items():
            said = self._issues(name, keys, refused)
            self._add(looked, mapping, make.segment(mapping, _SIDE[name], swept, now[name], said), len(now[name]))

    def _issues(self, name: str, keys: pd.Index, refused: pd.DataFrame) -> pd.DataFrame:
        """What does not fit, and what does again."""
        if name != ORG:
            return make.issues(refused[:0], [])
        failed = issues.failures(self.bench.ledger, ORG, keys=keys)
        ours = failed["code"].str.startswith(CODES).to_numpy(bool)
        healed = failed["key"][ours & ~failed["key"].isin(refused["key"]).to_numpy(bool)]
        return make.issues(refused, healed.tolist())

    @staticmethod
    def _add(looked: Looked, mapping: Mapping, segment: Segment, read: int) -> None:
        counted = looked.counted[mapping.name]
        counted.add(segment, read)
        if len(segment.changes) or len(segment.issues):
            looked.folder.add(counted.segments, segment)
            counted.segments += 1

    def _when(self, swept: Sweep, version: str, known: Figures, looked: Looked) -> pd.DataFrame:
        """When to look at each case again, and the stamp of the state that was looked at."""
        rows = swept.trace.rows
        named = np.array(known.categories, object)[swept.result.category]
        return pd.DataFrame(
            {
                "case_id": rows["id"],
                "key": rows["key"],
                "stamp": self._stamps(rows, looked),
                "next_at": _texts(self._next(swept.result)),
                "policy_version": version,
                "entered": np.where(known.hold[swept.result.category] | np.isin(named, CATEGORIES), named, None),
            }
        ).reset_index(drop=True)

    def _next(self, result: Result) -> np.ndarray:
        """When time alone changes something, a declared force majeure among it; a case that is not over has such."""
        edges = [at for m in self.majeures for at in (m.since, m.until) if at is not None and at > self.as_of]
        soonest = min(edges, default=FAR)
        found: np.ndarray = np.where(result.next_at == NONE, np.where(result.open, FAR, NONE), result.next_at)
        return np.where(found == NONE, NONE, np.minimum(found, soonest))

    def _later(self, problems: pd.DataFrame, version: str, looked: Looked) -> pd.DataFrame:
        """Cases that do not fit: looked at again when they change, or when the future has come."""
        soon = database.text_of(self.bench.as_of + SOON)
        future = problems["code"].isin(("E-TIME-FUTURE", "E-SUPPRESS")).to_numpy(bool)
        return pd.DataFrame(
            {
                "case_id": problems["id"],
                "key": problems["key"],
                "stamp": self._stamps(problems, looked),
                "next_at": [soon if f else None for f in future],
                "policy_version": version,
                "entered": None,
            }
        ).reset_index(drop=True)

    def _stamps(self, rows: pd.DataFrame, looked: Looked) -> list[str]:
        """The later of the record's stamp and that of what was said on it; none while it may not be the last."""
        limit = (self.bench.salesforce.session.clock() - FRESH).strftime("%Y-%m-%dT%H:%M:%S")
        found = (max(str(s), looked.stamps.get(i, "")) for i, s in zip(rows["id"], rows["stamp"], strict=True))
        return [s if s[:19] <= limit else "" for s in found]


def versions_of(cases: pd.DataFrame, known: list[Policy]) -> np.ndarray:
    """The version each case is written with, or the one that was in force when it reached us (policy C.6)."""
    begun = cases["received"].fillna(cases["created"])
    return np.array(
        [
            str(own) if own else policy_at(known, at.to_pydatetime()).policy_version
            for own, at in zip(cases["policy"], begun, strict=True)
        ],
        dtype=object,
    )


def majeures(bench: Bench) -> list[Majeure]:
    """What was declared, as the clocks take it."""
    return [
        Majeure(
            walltime.micros(database.instant_of(row["from_at"])),
            walltime.micros(database.instant_of(row["until_at"])) if row["until_at"] else None,
            frozenset(row["tiers"]),
            frozenset(row["queues"]),
        )
        for row in majeure.declared(bench.ledger)
    ]


_SIDE = {ORG: "salesforce", ROW: "platform"}


def _outside(policy: Policy) -> set[tuple[str, int]]:
    return {(name, int(spec.outside[1])) for name, spec in policy.paths.items() if spec.outside}


def _texts(at: np.ndarray) -> list[str | None]:
    """Instants as the ledger writes them: text that compares."""
    return [None if one == NONE else database.text_of(walltime.EPOCH + timedelta(microseconds=int(one))) for one in at]
