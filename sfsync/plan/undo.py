"""The way back from a run, as a plan: from its before-images, for what was really written and has not moved since.

An update goes back to what the image holds, a created record is deleted (Salesforce keeps it in the recycle bin), a
deleted one is created again. Children go before their parents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from sfsync.ledger import base, history, images
from sfsync.ledger.store import Ledger
from sfsync.mapping.model import Mapping, Owner
from sfsync.plan import folder as stored
from sfsync.plan.folder import PlanFolder
from sfsync.plan.forecast import sent
from sfsync.plan.model import (
    ADOPT,
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
from sfsync.plan.settle import Digest, moved
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Reader

_BACK = {UPDATE: UPDATE, CREATE: DELETE, DELETE: CREATE}


@dataclass(frozen=True)
class Past:
    """What undo looks at: readers only."""

    ledger: Ledger
    mappings: dict[str, Mapping]  # parents first
    platform: Reader
    salesforce: Reader
    digest: Callable[[Mapping], Digest]
    as_of: datetime


def make(past: Past, run_id: str, folder: PlanFolder) -> Header:
    """Plans the way back from ``run_id`` into ``folder``."""
    parts: dict[str, MappingPlan] = {}
    findings: list[Note] = []
    for name in reversed(past.mappings):
        mapping = past.mappings[name]
        changes, gone = _back(past, mapping, run_id)
        if not len(changes) and not gone:
            continue
        folder.add(0, Segment(name, changes, _no_base(mapping), _no_issues(), np.zeros((0, 2), np.uint64)))
        parts[name] = _part(past, mapping, changes)
        if gone:
            text = f"{gone:,} {name} changes were left alone: the records have moved since"
            findings.append(Note(code="MOVED_SINCE", message=text, mapping=name, level="warning"))
    header = Header(
        kind="undo",
        undoes=run_id,
        as_of=past.as_of,
        platform=past.platform.identity(),
        org=past.salesforce.identity(),
        order=tuple(parts),
        mappings=parts,
        findings=findings,
    )
    return folder.finish(header)


def _back(past: Past, mapping: Mapping, run_id: str) -> tuple[Changes, int]:
    written = history.written(past.ledger, run_id, mapping.name)
    kept, gone = [], 0
    for image in images.load(past.ledger, run_id):
        if image.mapping != mapping.name:
            continue
        changes = stored.changes_of(image.table, mapping.columns)
        done = changes.keys.isin(written.loc[written["side"] == image.side, "key"])
        done &= (changes.rows["kind"] != ADOPT).to_numpy(bool)
        back = _reversed(past, mapping, image.side, changes.take(done))
        stale = _moved(past, mapping, image.side, back)
        kept.append(back.take(~stale))
        gone += int(stale.sum())
    return _once(join(mapping.columns, kept)), gone


def _once(changes: Changes) -> Changes:
    """A record that is deleted need not be changed first."""
    rows = changes.rows
    deleted = rows[rows["kind"] == DELETE][["key", "side"]].assign(goes=True)
    goes = rows[["key", "side"]].merge(deleted, on=["key", "side"], how="left")["goes"].notna().to_numpy(bool)
    return changes.take(~goes | (rows["kind"] == DELETE).to_numpy(bool))


def _reversed(past: Past, mapping: Mapping, side: str, changes: Changes) -> Changes:
    rows = changes.rows.copy()
    if side == "salesforce":
        ids = base.ids_of(past.ledger, mapping.name, changes.keys)
        rows["id"] = rows["id"].fillna(pd.Series(ids.reindex(changes.keys).to_numpy(), dtype=TEXT))
    else:
        rows["id"] = rows["key"]
    rows["kind"] = rows["kind"].map(_BACK)
    rows["stamp"] = pd.NA
    cause = np.where(changes.touched, Cause.UNDO, 0).astype(np.int8)
    return _without_protection(mapping, Changes(rows.astype(TEXT), changes.before, changes.after, cause))


def _without_protection(mapping: Mapping, back: Changes) -> Changes:
    """Compliance flags and consents are never taken back: an undo must not lift a suppression, even for a minute."""
    protected = np.array([f.lane == "compliance" or f.owner is Owner.STRICTER for f in mapping.synced])
    updates = (back.rows["kind"] == UPDATE).to_numpy(bool)
    cause = np.where(updates[:, None] & protected, 0, back.cause).astype(np.int8)
    mask = cause != 0
    kept = Changes(back.rows, columns.masked(back.after, mask), columns.masked(back.before, mask), cause)
    return kept.take(~updates | kept.touched.any(axis=1))


def _moved(past: Past, mapping: Mapping, side: str, back: Changes) -> np.ndarray:
    if not len(back):
        return np.zeros(0, bool)
    reader = past.salesforce if side == "salesforce" else past.platform
    ids = back.rows["id"].set_axis(back.keys) if side == "salesforce" else None
    known = np.ones(len(back), bool) if ids is None else ids.notna().to_numpy(bool)
    now = reader.fetch(mapping, back.keys[known], ids[known] if ids is not None else None)
    return moved(mapping, back, now)


def _part(past: Past, mapping: Mapping, changes: Changes) -> MappingPlan:
    counts = {side: _count(changes.select(side=side)) for side in ("salesforce", "platform")}
    return MappingPlan(
        columns=mapping.columns,
        digest=mapping.digest,
        generation=base.generation(past.ledger, mapping.name),
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
    """Records, not rows: one record may have been written in two lanes. Creating outranks deleting, that updating."""
    keys = {kind: set(changes.select(kind=kind).rows["key"]) for kind in (CREATE, DELETE, UPDATE)}
    created = keys[CREATE]
    archived = keys[DELETE] - created
    return Count(created=len(created), archived=len(archived), updated=len(keys[UPDATE] - created - archived))


def _no_base(mapping: Mapping) -> BaseRows:
    meta = pd.DataFrame(columns=["id", "salesforce_stamp", "platform_stamp", "state", "survivor"], dtype=TEXT)
    return BaseRows(pd.Index([], dtype=TEXT, name="key"), np.zeros((0, len(mapping.columns)), np.uint64), meta)


def _no_issues() -> pd.DataFrame:
    return pd.DataFrame(columns=list(ISSUE_COLUMNS), dtype=TEXT)


def parked(changes: Iterator[Changes], digest: Digest) -> Iterator[tuple[pd.Index, np.ndarray]]:
    """For each piece of an undone run: keys and digests (n x f) of what must not be written again as it was.

    Compliance flags are never parked: if their source still says so, the next run writes them again.
    """
    for part in changes:
        undone = Changes(part.rows, part.before, part.after, part.cause)
        for side in ("salesforce", "platform"):
            mine = undone.select(side=side)
            mine = mine.take((mine.rows["lane"] != "compliance").to_numpy(bool))
            if len(mine):
                yield mine.keys, mine.digests(digest)
