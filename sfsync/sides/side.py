"""What every side can do, in the words everyone else uses.

A side hands out and takes **frames**: pandas frames indexed by key, one column per synced field of the mapping
(``Mapping.columns``, in that order), dtype ``string[pyarrow]``, values canonical text, null = ``pd.NA``.
*Null*, *record absent* and *not observed* are three things:

* null: the cell is ``pd.NA`` and its column is in ``Records.observed``;
* record absent: the key is not in the frame;
* not observed: the column is missing from ``Records.observed`` (no permission, failed extract).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping

TEXT = "string[pyarrow]"  # by its name, so that pandas is loaded when there is a frame to make

# Outcomes of one write, one per row, never more and never fewer.
CREATED, UPDATED, DELETED, FAILED, MOVED, UNKNOWN = "created", "updated", "deleted", "failed", "moved", "unknown"
OUTCOME_COLUMNS = ("result", "id", "stamp", "code", "fields", "kind_of_failure", "reason")


@dataclass(frozen=True)
class Records:
    """Records of one side.

    values    frame as described above
    meta      frame with the same index: ``id`` (the side's own id, text or NA), ``stamp`` (ISO instant text, UTC,
              the change stamp), ``deleted`` (bool), ``survivor`` (id of the record it was merged into, or NA),
              ``keyless`` (bool: the record has no key on its side yet, the key shown was made by template)
    observed  the columns that were really delivered
    problems  frame with columns ``key``, ``field`` (empty text: the whole record), ``code``: values that cannot be
              made canonical, keys that are null or twice, rows refused by a rule. Those records are in ``values``
              only if they have a usable key; they must not be written to the other side.
    """

    values: pd.DataFrame
    meta: pd.DataFrame
    observed: frozenset[str]
    problems: pd.DataFrame

    def __len__(self) -> int:
        return len(self.values)


def empty_problems() -> pd.DataFrame:
    """A problems frame with no rows."""
    return pd.DataFrame({c: pd.Series(dtype=TEXT) for c in ("key", "field", "code")})


def empty_records(mapping: Mapping) -> Records:
    """Records of no record, with all columns of the mapping observed."""
    index = pd.Index([], dtype=TEXT, name="key")
    values = pd.DataFrame({c: pd.Series(dtype=TEXT) for c in mapping.columns}).set_axis(index)
    return Records(values, _empty_meta(index), frozenset(mapping.columns), empty_problems())


def _empty_meta(index: pd.Index) -> pd.DataFrame:
    columns = {"id": TEXT, "stamp": TEXT, "deleted": "bool", "survivor": TEXT, "keyless": "bool"}
    return pd.DataFrame({c: pd.Series(dtype=t) for c, t in columns.items()}).set_axis(index)


def concat(mapping: Mapping, parts: Sequence[Records]) -> Records:
    """One ``Records`` from several; a key that occurs again keeps its last row (a later page is newer)."""
    parts = [p for p in parts if len(p) or len(p.problems)]
    if not parts:
        return empty_records(mapping)
    values = pd.concat([p.values for p in parts])
    meta = pd.concat([p.meta for p in parts])
    last = ~values.index.duplicated(keep="last")
    observed = frozenset.intersection(*[p.observed for p in parts])
    problems = pd.concat([p.problems for p in parts], ignore_index=True).drop_duplicates()
    return Records(values[last], meta[last], observed, problems)


@dataclass(frozen=True)
class Write:
    """Rows to write to one side, whole columns at once.

    kind     create | update | delete (one kind per Write)
    keys     index of keys, n rows
    ids      the side's own id per row, NA for creates
    values   frame n x fields: canonical values to set
    touched  bool array n x fields: False = leave the cell alone (a null that is touched clears the cell)
    lane     compliance | normal
    """

    kind: str
    keys: pd.Index
    ids: pd.Series
    values: pd.DataFrame
    touched: np.ndarray
    lane: str = "normal"

    def __len__(self) -> int:
        return len(self.keys)


Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Outcomes:
    """One row per row written, indexed by key.

    Columns: ``result`` (created, updated, deleted, failed, moved, unknown), ``id``, ``stamp`` (if known), ``code``,
    ``fields`` (comma-joined API names, no values), ``kind_of_failure`` (data | parent | lock | permission | limit |
    transient | unknown), ``reason`` (a sentence of ours, no values of the record).

    ``during``: from when to when the side wrote them, by its own clock, if a job tells.
    """

    rows: pd.DataFrame
    job_id: str | None = None
    during: Span | None = None


@dataclass(frozen=True)
class Finding:
    """Something a person should know: from a drift check, a guard or a run. Holds no personal value."""

    code: str
    message: str
    level: str = "warning"  # error | warning | info
    mapping: str = ""
    where: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class Window:
    """A stretch of one side's change stamps: since (None = everything) and the side's own time at the start.

    ``until`` is where the next window may begin: the side's time at query start minus the mapping's settle. Reading
    goes on to the present (fresher is better); the margin only keeps the watermark behind rows visible late.
    """

    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class Capabilities:
    """What a side can do and how it wants to be fed."""

    name: str
    batch_rows: int
    sees_deletes: bool
    settle_read: bool = False
    notes: tuple[str, ...] = field(default_factory=tuple)


class Reader(Protocol):
    """The half of a side that cannot write; ``explain`` and ``plan`` get only this."""

    capabilities: Capabilities

    def identity(self) -> str:
        """A stable name of this org or database, without secrets; the base belongs to it."""

    def window(self, mapping: Mapping, since: datetime | None) -> Window:
        """The window to read now, by this side's own clock; it begins the mapping's overlap before ``since``."""

    def check(self, mapping: Mapping) -> list[Finding]:
        """Drift: everything the mapping needs and this side lacks (level error) or differs in (warning)."""

    def changes(self, mapping: Mapping, window: Window, bounds: Sequence[tuple[str, str]] = ()) -> Iterator[Records]:
        """Records whose stamp lies in the window, deletions included where the side sees them.

        ``bounds`` are (stamp, id) pairs of records known to lie in the window, sorted: a hint that lets a side cut
        one long read into parallel ones.
        """

    def fetch(self, mapping: Mapping, keys: pd.Index, ids: pd.Series | None = None) -> Records:
        """The records with these keys (or, where given, these own ids), as they are now; absent ones are left out."""


class OrgReader(Reader, Protocol):
    """Salesforce as a reader.

    ``unkeyed``: mapping name -> records seen without a key that no template gives one (they are left out).
    ``lane``: set by the caller, whose calls the next ones are: compliance may go where others must stop.
    """

    unkeyed: dict[str, int]
    lane: str

    def cost(self, mapping: Mapping, kind: str, rows: int) -> dict[str, int]:
        """API calls by way that writing a batch of so many records will take."""


class Side(Reader, Protocol):
    """A side that can be written."""

    def write(self, mapping: Mapping, write: Write) -> Iterator[Outcomes]:
        """Write the rows; yields outcomes per batch. Every row gets exactly one outcome over all yields.

        Rows whose result cannot be known (a lost reply) are ``unknown``; the caller reads them back.
        """

    def close(self) -> None:
        """Release connections."""


ManyWrites = Iterable[tuple[Write, Callable[[str], None]]]  # each with who is told of its bulk jobs


class Org(OrgReader, Side, Protocol):
    """Salesforce as a side: its bulk jobs outlive the process that began them.

    ``on_job``: told the id of every job before its first byte is uploaded.
    """

    on_job: Callable[[str], None] | None

    def settled(self, mapping: Mapping, ids: pd.Series, during: Span | None) -> Records:
        """Records just written, as they are now: ``ids`` by key, NA where unknown.

        ``during``: when the org wrote them, if known, so that many can be read by one query.
        """

    def write_many(self, mapping: Mapping, writes: ManyWrites) -> Iterator[tuple[int, Outcomes]]:
        """Large writes in a row; outcomes name theirs by its number from 0, and come in its order.

        The next write is asked for while the one before it is at work, and never at work together with it. Every row
        gets exactly one outcome, unless the budget ends: then what was not sent has none.
        """

    def job_state(self, job_id: str) -> dict[str, Any] | None:
        """The job as the org shows it; None if the org no longer knows it."""

    def job_outcomes(self, mapping: Mapping, job_id: str, kind: str, keys: pd.Index, ids: pd.Series) -> pd.DataFrame:
        """What an ended job says about these records (``Outcomes.rows``); those it does not mention are left out.

        ``keys`` and, beside them, the org's own ``ids`` (NA for creates). Rows refused for a moment only (a lock) are
        left out too: they may have gone another way since.
        """

    def abort(self, job_id: str) -> None:
        """End a job nobody closed."""
