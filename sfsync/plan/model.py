"""A plan is a frozen value: a header, and per mapping a row of segments with the changes themselves.

Only one segment is in memory at a time, so a plan of a million changes costs what one segment costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from sfsync.merge.verdict import Verdict
from sfsync.sides import columns as columns_
from sfsync.sides.side import TEXT

SEGMENT_ROWS = 50_000
CREATE, UPDATE, ADOPT, DELETE = "create", "update", "adopt", "delete"
LANES = ("compliance", "main", "patch")  # in the order they are written, each for all mappings


class Cause(IntEnum):
    """Why a cell is written; 0 and less mean it is not. The first ones are the verdicts of the merge."""

    BOTH_NULL = -1  # a new record, and the source has no value either: nothing to write, but to remember
    UNTOUCHED = 0
    TO_SALESFORCE = Verdict.TO_SALESFORCE
    TO_PLATFORM = Verdict.TO_PLATFORM
    CONFLICT = Verdict.CONFLICT
    FIRST_MEETING = Verdict.FIRST_MEETING
    NEW = 10
    CYCLE = 11
    DECIDED = 12
    UNDO = 13
    DEFAULT = 14  # a record born in Salesforce lacks it; the mapping fills it


@dataclass(frozen=True)
class Changes:
    """Changes to records, one row each.

    rows     frame with columns key, side (written), kind (create, update, adopt, delete), lane, id, stamp (as read)
    after    frame n x f, canonical text to be written
    before   frame n x f, canonical text as read from the side to be written (NA for creates)
    cause    int8 n x f, ``Cause``; > 0 = cell touched
    """

    rows: pd.DataFrame
    after: pd.DataFrame
    before: pd.DataFrame
    cause: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def touched(self) -> np.ndarray:
        """bool n x f: the cells to write."""
        return self.cause > 0

    @property
    def keys(self) -> pd.Index:
        """The records' keys, by position."""
        return pd.Index(self.rows["key"], dtype=TEXT, name="key")

    def keyed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """``after`` or ``before``, indexed by key: digests of sensitive fields depend on it."""
        return frame.set_axis(self.keys)

    def digests(self, digest: Callable[[pd.DataFrame], np.ndarray]) -> np.ndarray:
        """Digests (uint64 n x f) of what is to be written; 0 where the cell is not touched."""
        return np.where(self.touched, digest(self.keyed(self.after)), np.uint64(0))

    def take(self, mask: np.ndarray) -> Changes:
        """The rows where ``mask`` (bool, n) holds."""
        if mask.all():
            return self
        if not mask.any():
            return no_changes(tuple(self.after.columns))
        return Changes(
            self.rows[mask].reset_index(drop=True),
            self.after[mask].reset_index(drop=True),
            self.before[mask].reset_index(drop=True),
            self.cause[mask],
        )

    def select(self, *, side: str | None = None, kind: str | None = None, lane: str | None = None) -> Changes:
        """The rows for one side, kind and lane."""
        mask = np.ones(len(self), bool)
        for column, wanted in (("side", side), ("kind", kind), ("lane", lane)):
            if wanted is not None:
                mask &= (self.rows[column] == wanted).to_numpy(bool)
        return self.take(mask)


ROW_COLUMNS = ("key", "side", "kind", "lane", "id", "stamp")
BASE_COLUMNS = ("id", "salesforce_stamp", "platform_stamp", "state", "survivor")
ISSUE_COLUMNS = (
    "key",
    "side",
    "status",  # held | failed | conflict; undone, refused: as before, not tried again; automated: accepted; clear: over
    "code",
    "field",
    "waits_mapping",
    "waits_key",
    "p_stamp",
    "s_stamp",
)


def no_changes(columns: tuple[str, ...]) -> Changes:
    """Changes of no record."""
    frame = columns_.empty(columns, pd.RangeIndex(0))
    rows = columns_.empty(ROW_COLUMNS, pd.RangeIndex(0))
    return Changes(rows, frame, frame.copy(), np.zeros((0, len(columns)), np.int8))


def join(columns: tuple[str, ...], parts: list[Changes]) -> Changes:
    """One ``Changes`` from several."""
    parts = [p for p in parts if len(p)]
    if not parts:
        return no_changes(columns)
    if len(parts) == 1:
        return parts[0]
    return Changes(
        pd.concat([p.rows for p in parts], ignore_index=True),
        pd.concat([p.after for p in parts], ignore_index=True),
        pd.concat([p.before for p in parts], ignore_index=True),
        np.vstack([p.cause for p in parts]),
    )


@dataclass(frozen=True)
class BaseRows:
    """What the ledger should remember without any write: records whose sides agree.

    keys n; digests uint64 n x f (0 = leave what is remembered); ids, salesforce_stamp, platform_stamp: text or NA;
    state: synced | detached | merged.
    """

    keys: pd.Index
    digests: np.ndarray
    meta: pd.DataFrame  # columns id, salesforce_stamp, platform_stamp, state, survivor

    def __len__(self) -> int:
        return len(self.keys)


def no_rows(columns: tuple[str, ...]) -> BaseRows:
    """Agreements of no record."""
    keys = pd.Index([], dtype=TEXT, name="key")
    return BaseRows(keys, np.zeros((0, len(columns)), np.uint64), columns_.empty(BASE_COLUMNS, pd.RangeIndex(0)))


@dataclass(frozen=True)
class Segment:
    """One piece of one mapping's plan: changes, agreements, and what cannot be written with the reason.

    issues   frame with ``ISSUE_COLUMNS``
    digests  uint64 arrays of the issues' rows: ``p`` and ``s`` (0 where the issue concerns the whole record)
    """

    mapping: str
    changes: Changes
    base: BaseRows
    issues: pd.DataFrame
    issue_digests: np.ndarray  # uint64, n x 2: platform, salesforce


class WindowNote(BaseModel):
    """The window one side was read through; None means everything."""

    model_config = ConfigDict(frozen=True)

    since: datetime | None
    until: datetime


class Count(BaseModel):
    """Numbers of one side of one mapping, in records."""

    created: int = 0
    updated: int = 0
    archived: int = 0
    unchanged: int = 0
    held: int = 0
    failed: int = 0


class MappingPlan(BaseModel):
    """The header's part for one mapping. ``salesforce`` and ``platform`` count what would be done on that side."""

    columns: tuple[str, ...]
    digest: str  # of the mapping's content: a plan made with another mapping is stale
    generation: int  # of the base it was built on
    windows: dict[str, WindowNote]
    read: dict[str, int]
    salesforce: Count
    platform: Count
    conflicts: int
    segments: int
    lanes: dict[str, int] = Field(default_factory=dict)  # changes per lane
    sent: dict[str, int] = Field(default_factory=dict)  # changes to Salesforce by "lane kind": see ``forecast``
    resolved: int = 0  # issues that are gone by themselves
    nameless: dict[str, int] = Field(default_factory=dict)  # rows refused for want of a key, per side not written
    footing: dict[str, Any] = Field(default_factory=dict)  # what the base stands on once this plan is done


class Note(BaseModel):
    """A finding, as it stands in a header."""

    code: str
    message: str
    level: str = "warning"
    mapping: str = ""
    next_step: str = ""


class Header(BaseModel):
    """What a plan is about. It holds no personal value; the segments do."""

    format: int = 1
    plan_id: str = ""  # digest of everything in the plan: the same inputs give the same id
    kind: str = "sync"  # which planner made it: sync | undo | …
    as_of: datetime
    platform: str  # identity of the database it was built from
    org: str
    order: tuple[str, ...]  # mappings, parents first
    mappings: dict[str, MappingPlan]
    findings: list[Note] = Field(default_factory=list)
    undoes: str | None = None

    @property
    def changes(self) -> int:
        """How many records would be written, both sides together."""
        return sum(
            c.created + c.updated + c.archived for m in self.mappings.values() for c in (m.salesforce, m.platform)
        )
