"""A side in memory: the public twin of both real sides, for tests of everything that uses a side.

It keeps the promises of ``sides.side``: stamps move with every change and never go back, one outcome per row, an
update never re-creates a record, a create of what is there updates it. As ``salesforce`` it also shows deletions,
records without a key and lookups to records it does not have. Its clock moves only when told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pandas as pd

from sfsync.errors import Unreachable
from sfsync.mapping.model import Mapping
from sfsync.sides.side import (
    CREATED,
    DELETED,
    FAILED,
    MOVED,
    OUTCOME_COLUMNS,
    TEXT,
    UNKNOWN,
    UPDATED,
    Capabilities,
    Finding,
    ManyWrites,
    Outcomes,
    Records,
    Span,
    Window,
    Write,
    concat,
    empty_problems,
)

Name = Literal["platform", "salesforce"]
Point = Literal["read", "fetch", "before_commit", "after_commit"]
Values = dict[str, str | None]
TICK = timedelta(microseconds=1)


class Died(BaseException):
    """The process was killed here. Nobody may catch it but the test that armed it."""


@dataclass
class Faults:
    """What goes wrong next; everything is off until a test arms it.

    lose_reply    so many batches are written, but their outcomes are ``unknown``
    lose_request  so many batches are not written, and their outcomes are ``unknown``
    unreachable   so many calls raise ``Unreachable``
    refuse        keys whose writes fail, with the class of failure (``data``, ``lock``, ``permission`` …)
    die_at        the point at which the process dies, once, after ``die_after`` passes over it
    """

    lose_reply: int = 0
    lose_request: int = 0
    unreachable: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    die_at: Point | None = None
    die_after: int = 0

    def passing(self, point: Point) -> None:
        """Die here if this is the point that is armed."""
        if self.die_at == point:
            if self.die_after == 0:
                self.die_at = None
                raise Died(point)
            self.die_after -= 1

    def reach(self, name: str) -> None:
        """Fail like a connection if that is armed."""
        if self.unreachable:
            self.unreachable -= 1
            raise Unreachable("the side cannot be reached", "UNREACHABLE", name, "Try again later.")

    def take(self, name: Literal["lose_reply", "lose_request"]) -> bool:
        """True if this batch loses its reply or its request; counts it."""
        left = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return bool(left)


@dataclass
class Row:
    """One record of the memory side; ``key`` is what is shown, ``keyless`` says that it is only a template's."""

    key: str
    id: str
    values: Values
    stamp: datetime
    changed: dict[str, datetime] = field(default_factory=dict)
    deleted: bool = False
    survivor: str | None = None
    keyless: bool = False


@dataclass
class Table:
    """The records of one mapping by their own id, and the living ones that have a key by key."""

    by_id: dict[str, Row] = field(default_factory=dict)
    by_key: dict[str, Row] = field(default_factory=dict)

    def keep(self, row: Row) -> None:
        """Take the row in as it is now."""
        self.by_id[row.id] = row
        if not row.deleted and not row.keyless:
            self.by_key[row.key] = row
        elif self.by_key.get(row.key) is row:
            del self.by_key[row.key]

    def drop(self, row: Row) -> None:
        """Forget the row."""
        del self.by_id[row.id]
        self.by_key.pop(row.key, None)


class MemorySide:
    """A side whose records live in this object.

    ``put``, ``remove`` and ``merge`` are what other people do to it; ``advance`` moves its clock; ``hide`` takes
    fields away from our login; ``spoil`` makes a record's value a problem; ``faults`` arms what goes wrong.
    """

    def __init__(
        self, name: Name = "platform", *, now: datetime, batch_rows: int = 200, page_rows: int = 1_000
    ) -> None:
        self.capabilities = Capabilities(name, batch_rows, sees_deletes=name == "salesforce")
        self.now = now.astimezone(UTC)
        self.faults = Faults()
        self.findings: list[Finding] = []
        self.calls = 0
        self.unkeyed: dict[str, int] = {}
        self.on_job: Callable[[str], None] | None = None
        self.lane = "main"
        self._page_rows = page_rows
        self._tables: dict[str, Table] = {}
        self._hidden: dict[str, frozenset[str]] = {}
        self._spoilt: dict[str, dict[tuple[str, str], str]] = {}
        self._born = 0

    # What other people do.

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)

    def put(self, mapping: Mapping, rows: Dict[str, Values], *, keyless: bool = False) -> None:
        """Somebody creates these records or edits these cells; cells that are not named stay."""
        for key, values in rows.items():
            row = self._find(mapping, key) or self._new(mapping, key, keyless=keyless)
            self._change(mapping, row, values)

    def remove(self, mapping: Mapping, keys: Sequence[str]) -> None:
        """Somebody deletes these records."""
        for row in [r for k in keys if (r := self._find(mapping, k))]:
            self._delete(mapping, row)

    def merge(self, mapping: Mapping, loser: str, survivor: str) -> None:
        """Somebody merges two Salesforce records."""
        lost, kept = self._find(mapping, loser), self._find(mapping, survivor)
        assert lost and kept, "both records must be there"
        self._delete(mapping, lost)
        lost.survivor = kept.id

    def hide(self, mapping: Mapping, *fields: str) -> None:
        """Our login no longer sees these fields; none: it sees all again."""
        self._hidden[mapping.name] = frozenset(fields)

    def spoil(self, mapping: Mapping, key: str, name: str, code: str) -> None:
        """The value of this cell cannot be made canonical; an empty code heals it."""
        cells = self._spoilt.setdefault(mapping.name, {})
        cells.pop((key, name), None)
        if code:
            cells[key, name] = code

    def peek(self, mapping: Mapping) -> dict[str, Values]:
        """What is really there, by key, without a call."""
        return {r.key: dict(r.values) for r in self._rows(mapping) if not r.deleted}

    # The protocol of a side.

    def identity(self) -> str:
        """One memory per name."""
        return f"memory:{self.capabilities.name}"

    def window(self, mapping: Mapping, since: datetime | None) -> Window:
        """By this side's own clock, with the margins of the mapping."""
        spec = mapping.platform if self.capabilities.name == "platform" else mapping.salesforce
        return Window(None if since is None else since - spec.overlap, self.now - spec.settle)

    def check(self, mapping: Mapping) -> list[Finding]:
        """The findings a test put into ``findings``."""
        return [f for f in self.findings if f.mapping in ("", mapping.name)]

    def changes(self, mapping: Mapping, window: Window, bounds: Sequence[tuple[str, str]] = ()) -> Iterator[Records]:
        """Pages in the order of stamp and id."""
        rows = [r for r in self._rows(mapping) if window.since is None or r.stamp >= window.since]
        rows = [r for r in rows if self.capabilities.sees_deletes or not r.deleted]
        rows.sort(key=lambda r: (r.stamp, r.id))
        for start in range(0, len(rows), self._page_rows):
            self._called("read")
            yield self._records(mapping, rows[start : start + self._page_rows])

    def fetch(self, mapping: Mapping, keys: pd.Index, ids: pd.Series | None = None) -> Records:
        """By id where given, else by key."""
        self._called("fetch")
        known = [None] * len(keys) if ids is None else [None if pd.isna(i) else str(i) for i in ids]
        found = [self._find(mapping, str(k), i) for k, i in zip(keys, known, strict=True)]
        return self._records(mapping, list({r.id: r for r in found if r}.values()))

    def settled(self, mapping: Mapping, ids: pd.Series, during: Span | None) -> Records:
        """As ``fetch``."""
        known, unknown = ids.dropna(), ids.index[ids.isna()]
        found = [self.fetch(mapping, known.index, known)] if len(known) else []
        return concat(mapping, [*found, self.fetch(mapping, unknown)] if len(unknown) else found)

    def write_many(self, mapping: Mapping, writes: ManyWrites) -> Iterator[tuple[int, Outcomes]]:
        """One after the other."""
        for number, (write, _) in enumerate(writes):
            for outcomes in self.write(mapping, write):
                yield number, outcomes

    def write(self, mapping: Mapping, write: Write) -> Iterator[Outcomes]:
        """Batch by batch, each whole or not at all when the process dies."""
        size = self.capabilities.batch_rows
        for start in range(0, len(write), size):
            self._called("before_commit")
            positions = range(start, min(start + size, len(write)))
            lost = self.faults.take("lose_request")
            answers = [] if lost else [self._one(mapping, write, p) for p in positions]
            self.faults.passing("after_commit")
            if lost or self.faults.take("lose_reply"):
                answers = [{"result": UNKNOWN} for _ in positions]
            index = pd.Index(pd.array([str(write.keys[p]) for p in positions], dtype=TEXT), name="key")
            yield Outcomes(
                pd.DataFrame(
                    {c: pd.array([a.get(c) for a in answers], dtype=TEXT) for c in OUTCOME_COLUMNS}, index=index
                )
            )

    def cost(self, mapping: Mapping, kind: str, rows: int) -> dict[str, int]:
        """Nothing here is counted."""
        return {}

    def job_state(self, job_id: str) -> dict[str, Any] | None:
        """Nothing here is a bulk job."""

    def job_outcomes(self, mapping: Mapping, job_id: str, kind: str, keys: pd.Index, ids: pd.Series) -> pd.DataFrame:
        """Nothing here is a bulk job."""
        return pd.DataFrame({c: pd.Series(dtype=TEXT) for c in OUTCOME_COLUMNS}).set_axis(keys[:0])

    def abort(self, job_id: str) -> None:
        """Nothing here is a bulk job."""

    def close(self) -> None:
        """Nothing to release."""

    # How it is done.

    def _called(self, point: Point) -> None:
        self.calls += 1
        self.faults.reach(self.capabilities.name)
        self.faults.passing(point)

    def _table(self, mapping: Mapping) -> Table:
        return self._tables.setdefault(mapping.name, Table())

    def _rows(self, mapping: Mapping) -> list[Row]:
        return list(self._table(mapping).by_id.values())

    def _find(self, mapping: Mapping, key: str, own: str | None = None) -> Row | None:
        table = self._table(mapping)
        row = table.by_id.get(own) if own else table.by_key.get(key)
        return None if row is None or row.deleted else row

    def _new(self, mapping: Mapping, key: str, *, keyless: bool = False) -> Row:
        self._born += 1
        own = key if self.capabilities.name == "platform" else f"{self._born:018d}"
        row = Row(key, own, dict.fromkeys(mapping.columns), self.now - TICK, keyless=keyless)
        self._table(mapping).keep(row)
        return row

    def _change(self, mapping: Mapping, row: Row, values: Values) -> None:
        row.values |= values
        row.stamp = max(self.now, row.stamp + TICK)
        row.changed |= {n: row.stamp for n in values if mapping.fields[n].changed_at}
        self._table(mapping).keep(row)

    def _delete(self, mapping: Mapping, row: Row) -> None:
        if not self.capabilities.sees_deletes:
            self._table(mapping).drop(row)
            return
        row.deleted, row.stamp = True, max(self.now, row.stamp + TICK)
        self._table(mapping).keep(row)

    def _one(self, mapping: Mapping, write: Write, position: int) -> dict[str, Any]:
        key = str(write.keys[position])
        own = None if pd.isna(write.ids.iloc[position]) else str(write.ids.iloc[position])
        row = self._find(mapping, key, own)
        values = _touched(write, position)
        failure = self._failure(mapping, write.kind, key, values)
        if failure:
            return {"result": FAILED, "id": own, **failure}
        if write.kind == "delete":
            if row:
                self._delete(mapping, row)
            return {"result": DELETED, "id": own or key}
        if write.kind == "update" and row is None:
            return {"result": MOVED, "id": own, **_failure("ROW_GONE", "data", "The record is gone.")}
        result = UPDATED if row else CREATED
        row = row or self._new(mapping, key)
        row.key, row.keyless = key, False
        self._change(mapping, row, values)
        return {"result": result, "id": row.id, "stamp": _text(row.stamp)}

    def _failure(self, mapping: Mapping, kind: str, key: str, values: Values) -> dict[str, str] | None:
        if key in self.faults.refuse:
            return _failure("REFUSED", self.faults.refuse[key], "The side refuses this record.")
        wanted = {n: f for n, f in mapping.fields.items() if f.required}
        empty = [n for n in wanted if (n in values and values[n] is None) or (kind == "create" and n not in values)]
        if empty and kind != "delete":
            return _failure("REQUIRED", "data", "A required field is empty.", ",".join(empty))
        missing = [n for n, v in values.items() if v is not None and self._lacks_parent(mapping, n, v)]
        return _failure("PARENT", "parent", "The parent is not there.", ",".join(missing)) if missing else None

    def _lacks_parent(self, mapping: Mapping, name: str, key: str) -> bool:
        parent = mapping.references().get(name, ("", False))[0]
        if self.capabilities.name == "platform" or not parent:
            return False
        return key not in self._tables.get(parent, Table()).by_key

    def _records(self, mapping: Mapping, rows: list[Row]) -> Records:
        hidden = self._hidden.get(mapping.name, frozenset())
        index = pd.Index(pd.array([r.key for r in rows], dtype=TEXT), name="key")
        columns = {
            c: pd.array([None if c in hidden else r.values.get(c) for r in rows], dtype=TEXT) for c in mapping.columns
        }
        meta: dict[str, Any] = {
            "id": pd.array([r.id for r in rows], dtype=TEXT),
            "stamp": pd.array([_text(r.stamp) for r in rows], dtype=TEXT),
            "deleted": pd.array([r.deleted for r in rows], dtype="bool"),
            "survivor": pd.array([r.survivor for r in rows], dtype=TEXT),
            "keyless": pd.array([r.keyless for r in rows], dtype="bool"),
        }
        if self.capabilities.name == "platform":
            for spec in (f for f in mapping.synced if f.changed_at):
                times = [_text(r.changed[spec.name]) if spec.name in r.changed else None for r in rows]
                meta[f"changed_at.{spec.name}"] = pd.array(times, dtype=TEXT)
        observed = frozenset(mapping.columns) - hidden
        return Records(
            pd.DataFrame(columns, index=index), pd.DataFrame(meta, index=index), observed, self._problems(mapping, rows)
        )

    def _problems(self, mapping: Mapping, rows: list[Row]) -> pd.DataFrame:
        keys = {r.key for r in rows}
        found = [(k, n, c) for (k, n), c in self._spoilt.get(mapping.name, {}).items() if k in keys]
        if not found:
            return empty_problems()
        return pd.DataFrame(found, columns=["key", "field", "code"]).astype(TEXT)


def _touched(write: Write, position: int) -> Values:
    cells = write.values.iloc[position]
    named = zip(write.values.columns, cells, write.touched[position], strict=True)
    return {n: None if pd.isna(v) else str(v) for n, v, touched in named if touched}


def _failure(code: str, kind: str, reason: str, fields: str = "") -> dict[str, str]:
    return {"code": code, "kind_of_failure": kind, "reason": reason, "fields": fields}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
