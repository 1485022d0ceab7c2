"""Plans of an import: the platform's rows of the cases, then the cases in Salesforce with all they are linked to.

Two plans, because the second is an ordinary sync of exactly these records: it reads the rows the first one wrote, and
parents that Salesforce does not have yet go along. A run that dies between the two leaves rows without a case in
Salesforce, and the next sync, or the same file again, makes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sfsync.mapping.model import FieldType, Mapping, Owner
from sfsync.merge.guard import Sizes
from sfsync.plan.folder import PlanFolder
from sfsync.plan.forecast import sent
from sfsync.plan.model import (
    CREATE,
    ISSUE_COLUMNS,
    UPDATE,
    BaseRows,
    Cause,
    Changes,
    Count,
    Header,
    MappingPlan,
    Segment,
    join,
    no_changes,
)
from sfsync.planners.sync import bucket as one
from sfsync.planners.sync.count import Tally
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.make import Sources
from sfsync.sides import columns
from sfsync.sides.side import TEXT, empty_records

ROW, MARKS = "case.row", "case.marks"
TOGETHER = 10_000  # records in one segment
MOST_PARENTS = 2_000  # per mapping, that go along with the cases; more are for a sync


def row_mapping(case: Mapping) -> Mapping:
    """Cases as the import writes their platform rows: the base of this name is not the base of a sync."""
    return case.model_copy(update={"name": ROW})


def marks_mapping(case: Mapping) -> Mapping:
    """Fields of a case that only sfsync writes and only Salesforce has. Nothing is read from the columns named."""
    fields = {
        "repeat_contacts": {"platform": "esc_level", "type": FieldType.INTEGER},
        "outcome_code": {"platform": "subcategory"},
        "attachments": {"platform": "status", "type": FieldType.BOOLEAN},
    }
    named = {n: {**f, "salesforce": case.fields[n].salesforce} for n, f in fields.items()}
    document = {
        "mapping": MARKS,
        "platform": {"table": case.platform.table, "key": case.platform.key},
        "salesforce": {"object": case.salesforce.object, "key": case.salesforce.key},
        "fields": named,
    }
    return Mapping.model_validate(document)


# -- the platform's rows ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """Rows to create (``new``), and rows to update from ``before`` to ``now``; frames n x f, indexed by key."""

    new: pd.DataFrame
    now: pd.DataFrame
    before: pd.DataFrame


def rows_plan(sources: Sources, folder: PlanFolder, mapping: Mapping, rows: Iterable[Rows]) -> Header:
    """Rows to create and to update, piece by piece: a piece is a segment."""
    pieces = (join(mapping.columns, [_created(mapping, r.new), _updated(mapping, r.now, r.before)]) for r in rows)
    return _finished(sources, folder, "import.rows", {mapping.name: _whole(sources, folder, mapping, pieces)})


def _created(mapping: Mapping, new: pd.DataFrame) -> Changes:
    if not len(new):
        return no_changes(mapping.columns)
    simple = np.array([len(f.columns) == 1 for f in mapping.synced])
    touched = _present(new) & simple
    rows = _rows(new.index, "platform", CREATE)
    after = new[list(mapping.columns)].reset_index(drop=True)
    before = columns.empty(mapping.columns, pd.RangeIndex(len(new)))
    return Changes(rows, columns.masked(after, touched), before, np.where(touched, Cause.NEW, 0).astype(np.int8))


def _updated(mapping: Mapping, now: pd.DataFrame, before: pd.DataFrame) -> Changes:
    if not len(now):
        return no_changes(mapping.columns)
    after = now[list(mapping.columns)].reset_index(drop=True)
    was = columns.rows(before, now.index, mapping.columns).reset_index(drop=True)
    touched = ~columns.equal(after, was)
    rows = _rows(now.index, "platform", UPDATE)
    cause = np.where(touched, Cause.TO_PLATFORM, 0).astype(np.int8)
    return Changes(rows, columns.masked(after, touched), columns.masked(was, touched), cause).take(
        np.asarray(touched.any(axis=1))
    )


def _present(frame: pd.DataFrame) -> np.ndarray:
    return np.column_stack([frame[c].notna().to_numpy(bool) for c in frame.columns])


def _rows(keys: pd.Index, side: str, kind: str) -> pd.DataFrame:
    cells = {"key": keys, "side": side, "kind": kind, "lane": "main", "id": keys if kind == UPDATE else pd.NA}
    return pd.DataFrame({**cells, "stamp": pd.NA}, index=pd.RangeIndex(len(keys))).astype(TEXT)


# -- the cases in Salesforce --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cases:
    """What goes to Salesforce: keys of new cases and of changed ones, and what is said of some (frame by key)."""

    new: pd.Index
    changed: pd.Index
    marks: pd.DataFrame


def cases_plan(sources: Sources, folder: PlanFolder, cases: Cases, parents: dict[str, pd.Index]) -> Header:
    """Parents Salesforce lacks, the cases, and their marks; reads the platform's rows as they are now."""
    links = Links(sources.memory, sources.users, {*sources.parents, "case"})
    parts = {}
    for name, keys in parents.items():
        parts[name] = _merged(sources, folder, sources.mappings[name], links, keys)
    case = sources.mappings["case"]
    both = cases.new.append(cases.changed)
    parts["case"] = _merged(sources, folder, case, links, both, ours=True)
    if len(cases.marks):
        mapping = marks_mapping(case)
        parts[MARKS] = _whole(sources, folder, mapping, _pieces(_marked(mapping, cases.marks)))
    return _finished(sources, folder, "import", parts)


def missing_parents(sources: Sources, wanted: dict[str, pd.Index]) -> dict[str, pd.Index]:
    """Of the parents wanted, those Salesforce does not have as far as we know; none where they are too many."""
    found = {}
    for name in sources.mappings:
        keys = wanted.get(name)
        if keys is None or name == "case" or not len(keys):
            continue
        lost = keys[~sources.memory.known_parents(name, keys)]
        if 0 < len(lost) <= MOST_PARENTS:
            found[name] = lost
    return found


def _merged(
    sources: Sources, folder: PlanFolder, mapping: Mapping, links: Links, keys: pd.Index, *, ours: bool = False
) -> MappingPlan:
    """Records merged as in any sync; of ``ours``, Salesforce is asked only for those the base knows."""
    tally, segments = Tally(), 0
    digest = sources.digest(mapping)
    for start in range(0, len(keys), TOGETHER):
        some = keys[start : start + TOGETHER]
        platform = sources.platform.fetch(mapping, some)
        recall = sources.memory.recall(mapping, some)
        asked = some[recall.ids.notna().to_numpy(bool)] if ours else some
        salesforce = empty_records(mapping)
        if len(asked):
            salesforce = sources.salesforce.fetch(mapping, asked, recall.ids.dropna() if ours else None)
        draft = one.merge(mapping, platform, salesforce, recall, some, digest)
        segment = one.segment(draft, recall, links, Sizes(), digest)
        segment = replace(segment, changes=_owned(mapping, segment.changes, platform.values))
        tally.add(draft, segment)
        folder.add(segments, segment)
        segments += 1
    return _counted(_part(sources, mapping, segments), tally)


def _owned(mapping: Mapping, changes: Changes, values: pd.DataFrame) -> Changes:
    """New cases begin in their queue, which a sync would leave to the org's assignment rules."""
    owners = [f.name for f in mapping.synced if f.owner is Owner.SALESFORCE and f.name == "owner"]
    fresh = ((changes.rows["side"] == "salesforce") & (changes.rows["kind"] == CREATE)).to_numpy(bool)
    if mapping.name != "case" or not owners or not fresh.any():
        return changes
    place = mapping.columns.index("owner")
    names = columns.aligned(values[["owner"]], changes.keys)["owner"].reset_index(drop=True)
    given = fresh & names.notna().to_numpy(bool)
    cause = changes.cause.copy()
    cause[given, place] = Cause.NEW
    after = changes.after.assign(owner=changes.after["owner"].where(~given, names).astype(TEXT))
    return Changes(changes.rows, after, changes.before, cause)


def _marked(mapping: Mapping, marks: pd.DataFrame) -> Changes:
    after = marks[list(mapping.columns)].reset_index(drop=True).astype(TEXT)
    touched = _present(after)
    before = columns.empty(mapping.columns, pd.RangeIndex(len(marks)))
    return Changes(
        _rows(marks.index, "salesforce", CREATE), after, before, np.where(touched, Cause.NEW, 0).astype(np.int8)
    )


# -- parts of a header --------------------------------------------------------------------------------------------


def _whole(sources: Sources, folder: PlanFolder, mapping: Mapping, pieces: Iterable[Changes]) -> MappingPlan:
    """Changes of one mapping to one side, a segment each."""
    segments, rows = 0, 0
    kinds, lanes, leaving = Counter[str](), Counter[str](), Counter[str]()
    for piece in pieces:
        if not len(piece):
            continue
        folder.add(segments, Segment(mapping.name, piece, _no_base(mapping), _no_issues(), np.zeros((0, 2), np.uint64)))
        segments, rows = segments + 1, rows + len(piece)
        kinds.update(_sizes(piece.rows["kind"]))
        lanes.update(_sizes(piece.rows["lane"]))
        leaving.update(sent(piece.rows))
    side, other = ("platform", "salesforce") if mapping.name == ROW else ("salesforce", "platform")
    return _part(sources, mapping, segments).model_copy(
        update={
            side: Count(created=kinds[CREATE], updated=kinds[UPDATE]),
            "read": {other: rows, side: 0},
            "lanes": dict(lanes),
            "sent": dict(sorted(leaving.items())),
        }
    )


def _sizes(column: pd.Series) -> dict[str, int]:
    return {str(k): int(v) for k, v in column.value_counts().items()}


def _pieces(changes: Changes) -> Iterator[Changes]:
    for start in range(0, len(changes), TOGETHER):
        mask = np.zeros(len(changes), bool)
        mask[start : start + TOGETHER] = True
        yield changes.take(mask)


def _part(sources: Sources, mapping: Mapping, segments: int) -> MappingPlan:
    return MappingPlan(
        columns=mapping.columns,
        digest=mapping.digest,
        generation=sources.generation(mapping.name),
        windows={},
        read={"platform": 0, "salesforce": 0},
        salesforce=Count(),
        platform=Count(),
        conflicts=0,
        segments=segments,
    )


def _counted(part: MappingPlan, tally: Tally) -> MappingPlan:
    """The part with the numbers of the tally."""
    return part.model_copy(
        update={
            "read": {n: tally.read[n] for n in ("platform", "salesforce")},
            "salesforce": tally.count("salesforce"),
            "platform": tally.count("platform"),
            "conflicts": tally.conflicts,
            "lanes": dict(tally.lanes),
            "sent": dict(sorted(tally.sent.items())),
            "resolved": tally.resolved,
        }
    )


def _finished(sources: Sources, folder: PlanFolder, kind: str, parts: dict[str, MappingPlan]) -> Header:
    return folder.finish(
        Header(
            kind=kind,
            as_of=sources.as_of,
            platform=sources.platform.identity(),
            org=sources.salesforce.identity(),
            order=tuple(parts),
            mappings=parts,
        )
    )


def _no_base(mapping: Mapping) -> BaseRows:
    meta = columns.empty(("id", "salesforce_stamp", "platform_stamp", "state", "survivor"), pd.RangeIndex(0))
    return BaseRows(pd.Index([], dtype=TEXT, name="key"), np.zeros((0, len(mapping.columns)), np.uint64), meta)


def _no_issues() -> pd.DataFrame:
    return columns.empty(ISSUE_COLUMNS, pd.RangeIndex(0))
