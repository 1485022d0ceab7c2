"""The next steps of requests as changes of one plan. Pure: what both sides hold goes in, frames come out.

Asked of the platform: a new row of its outbox, never a change of an old one. In Salesforce: what the platform holds now
is written over what Salesforce holds. The case: its status on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from sfsync.mapping.model import FieldType, Owner
from sfsync.mapping.model import Mapping as SyncMapping
from sfsync.plan.folder import PlanFolder
from sfsync.plan.forecast import sent
from sfsync.plan.model import (
    CREATE,
    DELETE,
    ISSUE_COLUMNS,
    UPDATE,
    BaseRows,
    Cause,
    Changes,
    Count,
    Header,
    MappingPlan,
    Note,
    Segment,
    join,
)
from sfsync.planners.requests.life.outbox import COLUMNS
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Records

KIND = "partners"


@dataclass(frozen=True)
class Ends:
    """Whose plan it is: both identities, the base's generations, and now."""

    platform: str
    org: str
    generations: Mapping[str, int]
    as_of: datetime


@dataclass
class Draft:
    """Changes by mapping, as they come together; ``mappings`` in the order of writing."""

    mappings: dict[str, SyncMapping]
    parts: dict[str, list[Changes]] = field(default_factory=dict)

    def add(self, name: str, changes: Changes) -> None:
        """Changes of one mapping; none is fine."""
        if len(changes):
            self.parts.setdefault(name, []).append(changes)

    def __len__(self) -> int:
        return sum(len(c) for parts in self.parts.values() for c in parts)


def finish(draft: Draft, ends: Ends, folder: PlanFolder, findings: Sequence[Note] = (), kind: str = KIND) -> Header:
    """Seals the plan."""
    parts = {}
    for name, mapping in draft.mappings.items():
        changes = _once(join(mapping.columns, draft.parts.get(name, [])))
        if len(changes):
            folder.add(0, Segment(name, changes, _no_base(mapping), _no_issues(), np.zeros((0, 2), np.uint64)))
            parts[name] = _part(mapping, changes, ends.generations[name])
    header = Header(
        kind=kind,
        as_of=ends.as_of,
        platform=ends.platform,
        org=ends.org,
        order=tuple(parts),
        mappings=parts,
        findings=list(findings),
    )
    return folder.finish(header)


def _once(changes: Changes) -> Changes:
    """One row per record and side: what a second request wants of the same record waits for the next round."""
    again = changes.rows.duplicated(["key", "side"]).to_numpy(bool)
    return changes.take(~again)


# ── what is asked of the platform


def asked(mapping: SyncMapping, rows: Sequence[Mapping[str, Any]]) -> Changes:
    """New rows of the outbox: dictionaries with ``request_key`` and the columns of ``outbox``."""
    keys = [r["request_key"] for r in rows]
    after = columns.frame({c: [r.get(c) for r in rows] for c in COLUMNS}, pd.RangeIndex(len(rows)))
    before = columns.empty(COLUMNS, pd.RangeIndex(len(rows)))
    mask = after.notna().to_numpy(bool)
    cause = np.where(mask, Cause.NEW, Cause.BOTH_NULL).astype(np.int8)
    return Changes(_rows(keys, "platform", CREATE, [None] * len(keys), [None] * len(keys)), after, before, cause)


# ── what Salesforce is told


def mirrored(
    mapping: SyncMapping, keys: Iterable[str], fields: Sequence[str], platform: Records, salesforce: Records
) -> Changes:
    """Salesforce's copies of these records brought to what the platform holds; one that is missing is made.

    ``fields``: the ones to write, none for all that the platform owns.
    """
    index = pd.Index(sorted(set(keys)), dtype=TEXT, name="key")
    index = index[columns.within(index, platform.values.index)]
    there = columns.within(index, salesforce.values.index[~salesforce.meta["deleted"].to_numpy(bool)])
    usable = [f.name for f in mapping.synced if _mirrors(f.owner, f.type) and f.name in platform.observed]
    wanted = [n for n in usable if n in fields] if fields else usable
    new = _made(mapping, index[~there], usable, platform)
    return join(mapping.columns, [_updated(mapping, index[there], wanted, platform, salesforce), new])


def _mirrors(owner: Owner, kind: FieldType) -> bool:
    return owner is not Owner.SALESFORCE and kind is not FieldType.USER


def _updated(
    mapping: SyncMapping, keys: pd.Index, fields: Sequence[str], platform: Records, salesforce: Records
) -> Changes:
    names = list(mapping.columns)
    after, before = columns.rows(platform.values, keys, names), columns.rows(salesforce.values, keys, names)
    mask = np.logical_not(columns.equal(after, before)) & np.array(
        [n in fields and n in salesforce.observed for n in names]
    )
    meta = columns.aligned(salesforce.meta[["id", "stamp"]], keys)
    made = _changes(keys, "salesforce", UPDATE, meta["id"], meta["stamp"], after, before, mask)
    return made.take(mask.any(axis=1))


def _made(mapping: SyncMapping, keys: pd.Index, fields: Sequence[str], platform: Records) -> Changes:
    names = list(mapping.columns)
    after = columns.rows(platform.values, keys, names)
    before = columns.empty(names, keys)
    mask = np.broadcast_to(np.array([n in fields for n in names]), (len(keys), len(names)))
    nothing = [None] * len(keys)
    return _changes(keys, "salesforce", CREATE, nothing, nothing, after, before, mask)


def counted(mapping: SyncMapping, counts: Mapping[str, int], salesforce: Records) -> Changes:
    """The number of faults of each terminal's last days, where Salesforce shows another one."""
    keys = pd.Index(sorted(counts), dtype=TEXT, name="key")
    keys = keys[columns.within(keys, salesforce.values.index)]
    after = columns.frame({mapping.columns[0]: [str(counts[k]) for k in keys]}, keys)
    before = columns.rows(salesforce.values, keys, mapping.columns)
    mask = np.logical_not(columns.equal(after, before))
    meta = columns.aligned(salesforce.meta[["id", "stamp"]], keys)
    return _changes(keys, "salesforce", UPDATE, meta["id"], meta["stamp"], after, before, mask).take(mask.any(axis=1))


# ── the case


def settled(
    mapping: SyncMapping, wanted: Mapping[str, Mapping[str, str | None]], platform: Records, salesforce: Records
) -> Changes:
    """Cells of cases (key -> field -> value) on both sides, where they are not so already."""
    sides = (("platform", platform), ("salesforce", salesforce))
    return join(mapping.columns, [on_side(side, mapping, wanted, now) for side, now in sides])


def opened(
    mapping: SyncMapping, wanted: Mapping[str, Mapping[str, str]], platform: Records, salesforce: Records
) -> Changes:
    """New cases (key -> field -> value) on each side that does not have them yet."""
    parts = []
    for side, now in (("platform", platform), ("salesforce", salesforce)):
        keys = pd.Index(sorted(k for k in wanted if k not in now.values.index), dtype=TEXT, name="key")
        after = columns.frame({n: [wanted[k].get(n) for k in keys] for n in mapping.columns}, keys)
        nothing = [None] * len(keys)
        before, mask = columns.empty(mapping.columns, keys), after.notna().to_numpy(bool)
        parts.append(_changes(keys, side, CREATE, nothing, nothing, after, before, mask))
    return join(mapping.columns, parts)


def on_side(side: str, mapping: SyncMapping, wanted: Mapping[str, Mapping[str, str | None]], now: Records) -> Changes:
    """Cells of records (key -> field -> value) of one side, where they are not so already."""
    keys = pd.Index(sorted(wanted), dtype=TEXT, name="key")
    keys = keys[columns.within(keys, now.values.index[~now.meta["deleted"].to_numpy(bool)])]
    names = list(mapping.columns)
    before = columns.rows(now.values, keys, names)
    after = columns.frame({n: [wanted[k].get(n) for k in keys] for n in names}, keys)
    given = np.array([[n in wanted[k] for n in names] for k in keys], bool).reshape(len(keys), len(names))
    mask = given & ~columns.equal(after, before)
    meta = columns.aligned(now.meta[["id", "stamp"]], keys)
    return _changes(keys, side, UPDATE, meta["id"], meta["stamp"], after, before, mask).take(mask.any(axis=1))


# ── frames


def _rows(keys: Sequence[str] | pd.Index, side: str, kind: str, ids: Any, stamps: Any) -> pd.DataFrame:
    n = len(keys)
    made = {"key": list(keys), "side": [side] * n, "kind": [kind] * n, "lane": ["main"] * n}
    return columns.frame({**made, "id": list(ids), "stamp": list(stamps)}, pd.RangeIndex(n))


def _changes(
    keys: pd.Index,
    side: str,
    kind: str,
    ids: Any,
    stamps: Any,
    after: pd.DataFrame,
    before: pd.DataFrame,
    mask: np.ndarray,
) -> Changes:
    """Changes of one side and kind; of a new record nulls are remembered, not written."""
    after, before = after.reset_index(drop=True), before.reset_index(drop=True)
    why = {"salesforce": Cause.TO_SALESFORCE, "platform": Cause.TO_PLATFORM}[side] if kind == UPDATE else Cause.NEW
    cause = np.where(mask, why, Cause.UNTOUCHED)
    if kind == CREATE:
        cause = np.where(mask & after.isna().to_numpy(bool), Cause.BOTH_NULL, cause)
    cause = cause.astype(np.int8)
    return Changes(
        _rows(keys, side, kind, ids, stamps),
        columns.masked(after, cause != 0),
        columns.masked(before, cause != 0),
        cause,
    )


def _part(mapping: SyncMapping, changes: Changes, generation: int) -> MappingPlan:
    counts = {side: _count(changes.select(side=side)) for side in ("salesforce", "platform")}
    return MappingPlan(
        columns=mapping.columns,
        digest=mapping.digest,
        generation=generation,
        windows={},
        read={
            "platform": sum(counts["salesforce"].model_dump().values()),
            "salesforce": sum(counts["platform"].model_dump().values()),
        },
        salesforce=counts["salesforce"],
        platform=counts["platform"],
        conflicts=0,
        segments=1,
        lanes={str(k): int(v) for k, v in changes.rows["lane"].value_counts().items()},
        sent=sent(changes.rows),
    )


def _count(changes: Changes) -> Count:
    keys = {kind: set(changes.select(kind=kind).rows["key"]) for kind in (CREATE, UPDATE, DELETE)}
    created = len(keys[CREATE])
    return Count(created=created, updated=len(keys[UPDATE] - keys[CREATE]), archived=len(keys[DELETE]))


def _no_base(mapping: SyncMapping) -> BaseRows:
    meta = columns.empty(("id", "salesforce_stamp", "platform_stamp", "state", "survivor"), pd.RangeIndex(0))
    return BaseRows(pd.Index([], dtype=TEXT, name="key"), np.zeros((0, len(mapping.columns)), np.uint64), meta)


def _no_issues() -> pd.DataFrame:
    return columns.empty(ISSUE_COLUMNS, pd.RangeIndex(0))
