"""The sweep's plan: the computed fields that differ from what both sides hold, and the rungs that fire now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping as SyncMapping
from sfsync.plan.model import (
    ISSUE_COLUMNS,
    UPDATE,
    BaseRows,
    Cause,
    Changes,
    Count,
    MappingPlan,
    Segment,
    join,
    no_changes,
)
from sfsync.planners.sla import values as fields
from sfsync.planners.sla import walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.editions import Waived
from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.trace import Trace
from sfsync.planners.sla.variant import COMPLETED, GIVEN, PRIORITY
from sfsync.planners.sla.words import CLOCKS, L2, NONE, RUNGS, Reason, Warned
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Records

WAIVED = "waived-"  # before a clock: a late holiday undid its breach
RESUMED = "resumed"  # a pause came to its limit: its owner gets a task
HARMED = "harm"  # words of harm found the case on its level: nobody would be called by a rung
Fired = Callable[[], set[tuple[str, int, str]]]


@dataclass(frozen=True)
class Sweep:
    """What the sweep found out about some cases.

    wanted   frame of the computed fields, in the order of ``trace.rows``
    rungs    frame case_id, episode, rung, key, path, reason, policy_version, reached_at, silent: reached and not fired
    """

    trace: Trace
    result: Result
    wanted: pd.DataFrame
    rungs: pd.DataFrame

    @property
    def held(self) -> np.ndarray:
        """bool n: compliance held the case before: nothing of it changes but clocks and level (policy C.7)."""
        found: np.ndarray = self.trace.rows["hold"].fillna(False).to_numpy(bool)
        return found


def sweep(
    trace: Trace, result: Result, figures: Figures, fired: set[tuple[str, int, str]], as_of: int, entered: np.ndarray
) -> Sweep:
    """Compares what the clocks say with the rungs that have fired.

    ``entered`` (object n): the category for which a case was held once. Entering another one of compliance holds it;
    a hold that a person of compliance released stays released.
    """
    category = np.array(figures.categories, object)[result.category]
    hold = trace.rows["hold"].fillna(False).to_numpy(bool) | (figures.hold[result.category] & (category != entered))
    wanted = fields.values(result, figures, hold, as_of)
    return Sweep(trace, result, wanted, _rungs(trace, result, figures, fired))


def warned(swept: Sweep) -> pd.DataFrame:
    """Cases that were taken and have something to say: frame id, key, code."""
    order = (swept.result.warnings & Warned.TIME_ORDER) != 0
    early = swept.trace.rows[order][["id", "key"]].assign(code="E-TIME-ORDER")
    return pd.concat([swept.trace.warnings, early], ignore_index=True).drop_duplicates("id")


def _rungs(trace: Trace, result: Result, figures: Figures, fired: set[tuple[str, int, str]]) -> pd.DataFrame:
    parts = []
    for number, name in enumerate(RUNGS):
        rows = np.flatnonzero(result.reached[:, number])
        reasons = [Reason(r).name for r in result.rung_reason[rows, number]]
        parts.append(fires(trace, result, figures, rows, name, result.rungs[rows, number], reasons))
    rows = np.flatnonzero(result.resumed_by_limit != NONE)
    resumed = fires(trace, result, figures, rows, RESUMED, result.resumed_by_limit[rows], ["LIMIT"] * len(rows))
    parts.append(_harmed(trace, result, figures))
    named = [f"{RESUMED}-{at}".replace(":", "") for at in resumed["reached_at"]]
    parts.append(resumed.assign(rung=named))
    return unfired(pd.concat(parts, ignore_index=True), fired)


def unfired(found: pd.DataFrame, fired: set[tuple[str, int, str]]) -> pd.DataFrame:
    """Those that have not fired yet."""
    known = [key in fired for key in zip(found["case_id"], found["episode"], found["rung"], strict=True)]
    return found[~np.array(known, bool)].reset_index(drop=True)


def _harmed(trace: Trace, result: Result, figures: Figures) -> pd.DataFrame:
    rows = np.flatnonzero((result.harm_at > result.rungs[:, L2]) & (result.path == figures.harm_path))
    reasons = [Reason.WORDS.name] * len(rows)
    return fires(trace, result, figures, rows, HARMED, result.harm_at[rows], reasons)


def fires(
    trace: Trace,
    result: Result,
    figures: Figures,
    rows: np.ndarray,
    name: str | list[str],
    at: np.ndarray,
    reasons: list[str],
) -> pd.DataFrame:
    """What fires once on these cases (positions): frame as ``Sweep.rungs``.

    ``silent``: the case is over; what it went through is recorded, but nobody is called any more."""
    return pd.DataFrame(
        {
            "case_id": trace.rows["id"].to_numpy(object)[rows],
            "episode": result.episode[rows].astype(int),
            "rung": name,
            "key": trace.rows["key"].to_numpy(object)[rows],
            "path": [figures.paths[p] for p in result.path[rows]],
            "reason": reasons,
            "policy_version": figures.version,
            "reached_at": list(walltime.texts(at)),
            "silent": ~result.open[rows],
        }
    )


def waivers(trace: Trace, result: Result, figures: Figures, waived: Waived, reasons: Sequence[str]) -> pd.DataFrame:
    """What fires once for each breach that was waived, in its own episode; ``reasons`` by edition.

    It is said on a case that is over as well: somebody may answer for the breach.
    """
    rows, numbers = np.nonzero(waived.at != NONE)
    names = [WAIVED + CLOCKS[c] for c in numbers]
    why = [reasons[n] for n in waived.by[rows, numbers]]
    found = fires(trace, result, figures, rows, names, waived.at[rows, numbers], why)
    return found.assign(silent=False, episode=waived.episode[rows, numbers].astype(int))


def owners(
    swept: Sweep,
    figures: Figures,
    queues: Mapping[str, str],
    outside: set[tuple[str, int]],
    history: pd.DataFrame,
) -> pd.Series:
    """The queue id each case goes to now (null: it stays): that of its level, when a rung of this level fires.

    Not where the level is outside the company, not where compliance held the case, and not where it has been in that
    queue since the rung was reached (``history``): a sweep that died had put it there, and somebody has taken it.
    """
    rows = swept.trace.rows
    made = pd.Series([None] * len(rows), dtype=object)
    new = set(zip(swept.rungs["case_id"], swept.rungs["rung"], strict=True))
    held = swept.held | ~swept.result.open
    been = _been(swept, history)
    for i, (case_id, level, path) in enumerate(zip(rows["id"], swept.result.level, swept.result.path, strict=True)):
        called = (case_id, f"L{level}") in new or (case_id, HARMED) in new
        stays = level < 2 or not called or (figures.paths[path], int(level)) in outside
        queue = None if stays or held[i] else queues.get(figures.owner_of(int(path), int(level)))
        made[i] = None if (case_id, queue) in been else queue
    return made.astype(TEXT)


def _been(swept: Sweep, history: pd.DataFrame) -> set[tuple[str, str]]:
    """Cases and the queues they were given to at or after their level was reached."""
    reached = pd.Series(swept.result.level_at, index=swept.trace.rows["id"])
    moves = history[(history["field"] == "Owner") & history["new"].notna()]
    at = moves["at"].to_numpy("datetime64[us]").view(np.int64)
    since = moves["id"].map(reached).fillna(np.iinfo(np.int64).max).to_numpy(np.int64)
    some = moves[at >= since]
    return set(zip(some["id"], some["new"], strict=True))


def segment(mapping: SyncMapping, side: str, swept: Sweep, now: Records, issues: pd.DataFrame) -> Segment:
    """Updates of one side: the cells of ``swept.wanted`` that differ from ``now``; ``issues`` come with them."""
    keys, wanted = pd.Index(swept.trace.rows["key"], dtype=TEXT, name="key"), swept.wanted
    holds = pd.Series(swept.held, index=keys)
    here = columns.within(keys, now.values.index)
    keys, wanted = keys[here], wanted[here].set_axis(keys[here])
    held, meta = columns.aligned(now.values, keys), now.meta.loc[keys]
    names = list(mapping.columns)
    after = wanted.reindex(columns=names).astype(TEXT)
    seen = np.array([n in now.observed and n in wanted.columns for n in names])
    mask = ~columns.equal(after, held[names]) & seen
    for name in set(GIVEN) & set(names):  # an owner is only written where somebody is called
        mask[:, names.index(name)] &= after[name].notna().to_numpy(bool)
    if PRIORITY in names:
        raised = (after[PRIORITY] < held[PRIORITY]).fillna(True).to_numpy(bool)  # a floor raises, never lowers
        mask[:, names.index(PRIORITY)] &= raised & ~holds[keys].to_numpy(bool)
    rows = mask.any(axis=1)
    return Segment(
        mapping.name,
        _changes(side, keys[rows], after[rows], held[rows], meta[rows], mask[rows]),
        _none(names),
        issues,
        np.zeros((len(issues), 2), np.uint64),
    )


def suppressions(mapping: SyncMapping, name: str, sides: Mapping[str, Records]) -> Segment:
    """Raises the flag ``name`` of all records of both sides that do not have it, before anything else is written."""
    names = list(mapping.columns)
    parts = []
    for side, now in sides.items():
        low = (now.values[name] != "true").fillna(True).to_numpy(bool)
        before = now.values[low][names]
        mask = np.zeros(before.shape, bool)
        mask[:, names.index(name)] = True
        after = before.assign(**{name: pd.array(["true"] * len(before), dtype=TEXT)})
        parts.append(_changes(side, before.index, after, before, now.meta[low], mask, mapping.fields[name].lane))
    return Segment(
        mapping.name, join(mapping.columns, parts), _none(names), issues(_NOBODY, []), np.zeros((0, 2), np.uint64)
    )


def completions(mapping: SyncMapping, wanted: pd.Series, now: Records, issues: pd.DataFrame) -> Segment:
    """Completes milestones that are open: ``wanted`` is when, as text by milestone id."""
    keys = pd.Index(wanted.index, dtype=TEXT, name="key")
    keys = keys[columns.within(keys, now.values.index)]
    held, meta = columns.aligned(now.values, keys), now.meta.loc[keys]
    after = pd.DataFrame({COMPLETED: pd.array(wanted.loc[list(keys)].tolist(), dtype=TEXT)}, index=keys)
    some = held[COMPLETED].isna().to_numpy(bool)
    changes = _changes("salesforce", keys[some], after[some], held[some], meta[some], np.ones((some.sum(), 1), bool))
    return Segment(mapping.name, changes, _none([COMPLETED]), issues, np.zeros((len(issues), 2), np.uint64))


_NOBODY = pd.DataFrame({"key": [], "code": []}, dtype=object)


def refusals(mapping: SyncMapping, issues: pd.DataFrame) -> Segment:
    """Nothing to write, but something to say."""
    names = mapping.columns
    return Segment(mapping.name, no_changes(names), _none(list(names)), issues, np.zeros((len(issues), 2), np.uint64))


def issues(refused: pd.DataFrame, healed: Sequence[str]) -> pd.DataFrame:
    """What does not fit (frame key, code), and the keys of what fits again, as a plan's issues."""
    some = refused.drop_duplicates("key")
    status = ["failed"] * len(some) + ["clear"] * len(healed)
    found = {"key": [*some["key"], *healed], "status": status, "code": [*some["code"], *([None] * len(healed))]}
    made = {c: found.get(c, [None] * len(status)) for c in ISSUE_COLUMNS}
    fields = some["field"].fillna("").tolist() if "field" in some else [""] * len(some)
    made |= {"side": ["salesforce"] * len(status), "field": [*fields, *([""] * len(healed))]}
    return pd.DataFrame(made, dtype=object).astype(TEXT)


def healed(keys: Sequence[str]) -> pd.DataFrame:
    """That nothing is wrong with these any more, as a plan's issues."""
    return issues(_NOBODY, keys)


@dataclass
class Counted:
    """One side of a sweep's plan in numbers: records met, to be written, refused altogether or in part."""

    read: int = 0
    changed: int = 0
    failed: int = 0
    segments: int = 0
    left_out: int = 0  # refused altogether: not among those read

    def add(self, segment: Segment, read: int) -> None:
        """One more segment."""
        failed = set(segment.issues["key"][segment.issues["status"] == "failed"])
        self.read += read
        self.failed += len(failed)
        self.changed += int((~segment.changes.rows["key"].isin(failed)).sum())


def part(mapping: SyncMapping, side: str, counted: Counted) -> MappingPlan:
    """The header's part for one side: what was met is what is written, refused, or as it should be."""
    read = counted.read + counted.left_out
    rest = read - counted.changed - counted.failed
    numbers = {"salesforce": Count(), "platform": Count()}
    numbers[side] = Count(updated=counted.changed, failed=counted.failed, unchanged=rest)
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
        segments=counted.segments,
        lanes={"main": counted.changed},
        sent={"main update": counted.changed} if side == "salesforce" and counted.changed else {},
    )


def _changes(
    side: str,
    keys: pd.Index,
    after: pd.DataFrame,
    before: pd.DataFrame,
    meta: pd.DataFrame,
    mask: np.ndarray,
    lane: str = "main",
) -> Changes:
    n = len(keys)
    rows = pd.DataFrame(
        {
            "key": keys.array,
            "side": side,
            "kind": UPDATE,
            "lane": lane,
            "id": meta["id"].array,
            "stamp": meta["stamp"].array,
        },
        index=pd.RangeIndex(n),
    ).astype(TEXT)
    return Changes(
        rows,
        columns.masked(after.reset_index(drop=True), mask),
        columns.masked(before.reset_index(drop=True), mask),
        np.where(mask, Cause.NEW, 0).astype(np.int8),
    )


def _none(names: list[str]) -> BaseRows:
    meta = columns.empty(("id", "salesforce_stamp", "platform_stamp", "state", "survivor"), pd.RangeIndex(0))
    return BaseRows(pd.Index([], dtype=TEXT, name="key"), np.zeros((0, len(names)), np.uint64), meta)
