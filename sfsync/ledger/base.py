"""The base: per record, the digests of the values both sides last agreed on.

A row keeps its digests as one blob together with the *layout* (the names of the fields they stand for), so that a
mapping may gain, lose or reorder fields without touching a million rows: a field the row's layout does not know reads
as 0, *never agreed*. Only this module writes the table; a cell of 0 in what is written leaves the cell as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import LedgerError
from sfsync.ledger import database, packing
from sfsync.ledger.audit import canonical
from sfsync.ledger.store import Ledger, get_meta
from sfsync.ledger.tables import KNOWN, base, layout, meta
from sfsync.sides.columns import arrow, places, texts
from sfsync.sides.side import TEXT

SYNCED, DETACHED, MERGED = "synced", "detached", "merged"
_TEXTS = ("salesforce_id", "salesforce_stamp", "platform_stamp", "state", "survivor")
_PROBED = 64


@dataclass(frozen=True)
class Base:
    """Known records. All columns have the length and order of ``keys``.

    ``digests`` uint64 n x f in the order of ``columns`` (0: never agreed); ``rows`` frame of text indexed by key with
    ``salesforce_id``, ``salesforce_stamp``, ``platform_stamp``, ``state`` (synced | detached | merged) and
    ``survivor`` (the Salesforce id it was merged into); NA where unknown.
    """

    columns: tuple[str, ...]
    digests: np.ndarray
    rows: pd.DataFrame

    @classmethod
    def of(cls, columns: Sequence[str], keys: pd.Index, digests: np.ndarray, **rows: Any) -> Base:
        """A base from parts; what is not given is NA (when written: left as it was), the state ``synced``."""
        unknown = set(rows) - set(_TEXTS)
        if unknown or digests.shape != (len(keys), len(columns)):
            raise ValueError(f"a base has {_TEXTS} and digests n x f, not {unknown or digests.shape}")
        rows.setdefault("state", SYNCED)
        index = pd.Index(keys, dtype=TEXT, name="key")
        frame = {c: texts(rows.get(c), len(index)) for c in _TEXTS}
        return cls(tuple(columns), digests, pd.DataFrame(frame, index=index))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def keys(self) -> pd.Index:
        """The records' keys."""
        return self.rows.index

    @property
    def ids(self) -> pd.Series:
        """Salesforce ids by key."""
        return self.rows["salesforce_id"]

    @property
    def salesforce_stamp(self) -> pd.Series:
        """Salesforce change stamps by key."""
        return self.rows["salesforce_stamp"]

    @property
    def platform_stamp(self) -> pd.Series:
        """Platform change stamps by key."""
        return self.rows["platform_stamp"]

    @property
    def state(self) -> pd.Series:
        """synced, detached or merged, by key."""
        return self.rows["state"]

    def align(self, keys: pd.Index) -> Base:
        """The same for exactly these keys, in this order; unknown records are rows of 0 and NA."""
        found = places(keys, self.keys)
        digests = np.zeros((len(keys), len(self.columns)), np.uint64)
        digests[found >= 0] = self.digests[found[found >= 0]]
        return Base(self.columns, digests, self.rows.reindex(pd.Index(keys, dtype=TEXT, name="key")))


def read(ledger: Ledger, mapping: str, columns: Sequence[str], keys: Iterable[str]) -> Base:
    """What is known of these keys, in their order; unknown ones are left out (``align`` brings them back)."""
    with ledger.reading() as connection:
        if not database.any_row(connection, base, base.c.mapping == mapping):
            return _decoded(connection, [], columns)
        wanted = list(dict.fromkeys(keys))
        found = _read_in(connection, mapping, columns, wanted)
    order = pd.Index(wanted, dtype=TEXT)
    return found.align(order[places(order, found.keys) >= 0])


def read_all(ledger: Ledger, mapping: str, columns: Sequence[str]) -> Iterator[Base]:
    """Everything known of a mapping, sorted by key, in pieces."""
    after = ""
    while True:
        query = sa.select(*_wanted(columns)).where(base.c.mapping == mapping, base.c.key > after).order_by(base.c.key)
        with ledger.reading() as connection:
            found = _decoded(connection, connection.execute(query.limit(database.CHUNK)).all(), columns)
        if not len(found):
            return
        yield found
        after = found.keys[-1]


def _read_in(connection: Connection, mapping: str, columns: Sequence[str], keys: Sequence[str]) -> Base:
    rows: list[Any] = []
    for some in database.chunks(keys):
        query = sa.select(*_wanted(columns)).where(
            base.c.mapping == mapping, database.within(connection, base.c.key, some)
        )
        rows += connection.execute(query).all()
    return _decoded(connection, rows, columns)


def _wanted(columns: Sequence[str]) -> list[sa.Column[Any]]:
    """What is read of a record: its digests, which are most of it, only if some are asked for."""
    return [c for c in base.c if columns or c.name not in ("layout_id", "digests")]


def _decoded(connection: Connection, rows: Sequence[Any], columns: Sequence[str]) -> Base:
    names = [c.name for c in _wanted(columns)]
    parts = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    digests = np.zeros((len(rows), len(columns)), np.uint64)
    layouts = np.array(parts["layout_id"] if columns else (), np.int64)
    for layout_id in np.unique(layouts):
        which = np.flatnonzero(layouts == layout_id)
        fields = _fields(connection, int(layout_id))
        cells = _unpacked([parts["digests"][i] for i in which], len(fields))
        shared = [(i, fields.index(c)) for i, c in enumerate(columns) if c in fields]
        for target, source in shared:
            digests[which, target] = cells[:, source]
    return Base.of(columns, pd.Index(parts["key"], dtype=TEXT), digests, **{t: parts[t] for t in _TEXTS})


def _unpacked(rows: Sequence[bytes], fields: int) -> np.ndarray:
    try:
        return packing.unpacked(rows, fields)
    except ValueError:
        message = "rows of the base do not fit their layout"
        raise LedgerError(message, "LEDGER_DAMAGED", "", "Restore a backup.") from None


def _fields(connection: Connection, layout_id: int) -> list[str]:
    fields = connection.scalar(sa.select(layout.c.fields).where(layout.c.layout_id == layout_id))
    if fields is None:
        raise LedgerError("the base names a layout that is missing", "LEDGER_DAMAGED", "", "Restore a backup.")
    return list(json.loads(fields))


def advance(ledger: Ledger, mapping: str, rows: Base) -> None:
    """Remember these records: digests, ids and stamps that are given replace the old ones (0 and NA do not).

    ``rows.columns`` are all fields of the mapping: fields left out are forgotten.
    """
    with ledger.writing() as connection:
        advance_in(connection, mapping, rows)


def advance_in(connection: Connection, mapping: str, rows: Base) -> None:
    """``advance`` inside a transaction of the caller."""
    if not len(rows):
        return
    _raise_generation(connection, mapping)
    layout_id = _layout(connection, mapping, rows.columns)
    rows = _in_order(rows)
    fresh = 0
    if not _any_known(connection, mapping, rows.keys):  # a load of new records: nothing to look up, nothing to keep
        fresh = database.upsert(connection, base, _values(mapping, layout_id, rows), update={})
    if fresh < len(rows):
        kept, known = _kept(connection, mapping, rows)
        values = _values(mapping, layout_id, Base(rows.columns, kept, rows.rows))
        database.upsert(connection, base, values, _replacing(values))
        fresh = fresh or len(rows) - known
    _count(connection, mapping, fresh)


def _in_order(rows: Base) -> Base:
    """Sorted by key, the last row of each: neighbours in the index are written together."""
    keys = arrow(rows.keys)
    order = pc.sort_indices(keys).to_numpy()
    ordered = keys.take(pa.array(order))
    last = np.ones(len(order), bool)
    last[:-1] = pc.not_equal(ordered[1:], ordered[:-1]).to_numpy(zero_copy_only=False)
    order = order[last]
    if (order == np.arange(len(rows))).all():
        return rows
    return Base(rows.columns, rows.digests[order], rows.rows.iloc[order])


def _kept(connection: Connection, mapping: str, rows: Base) -> tuple[np.ndarray, int]:
    """The digests to write (where a cell is 0, what the record had), and how many of the records are known."""
    keys = list(rows.keys)
    if not rows.digests.all():
        old = _read_in(connection, mapping, rows.columns, keys)
        return np.where(rows.digests == 0, old.align(rows.keys).digests, rows.digests), len(old)
    query = sa.select(sa.func.count()).select_from(base).where(base.c.mapping == mapping)
    parts = [query.where(database.within(connection, base.c.key, some)) for some in database.chunks(keys)]
    return rows.digests, sum(int(connection.scalar(part) or 0) for part in parts)


def _any_known(connection: Connection, mapping: str, keys: pd.Index) -> bool:
    """Whether one of a few of these keys, spread over all, is known."""
    some = database.texts(keys[:: max(len(keys) // _PROBED, 1)])
    query = sa.select(base.c.key).where(base.c.mapping == mapping, database.within(connection, base.c.key, some))
    return connection.execute(query.limit(1)).first() is not None


def _values(mapping: str, layout_id: int, rows: Base) -> dict[str, Any]:
    """Columns for the database; a text column that is null throughout is left out."""
    count = len(rows)
    values: dict[str, Any] = {"mapping": [mapping] * count, "key": database.texts(rows.keys)}
    values |= {"layout_id": [layout_id] * count, "digests": packing.packed(rows.digests)}
    for name in _TEXTS:
        column = arrow(rows.rows[name])
        if column.null_count < count:
            values[name] = column.to_pylist()
    return values


def _replacing(values: dict[str, Any]) -> dict[str, Any]:
    replaced: dict[str, Any] = {n: database.new(base, n) for n in values if n not in ("mapping", "key")}
    for name in _TEXTS:
        if name in replaced and name != "state":
            replaced[name] = sa.func.coalesce(replaced[name], base.c[name])
    return replaced


def _count(connection: Connection, mapping: str, change: int) -> None:
    """Keeps the number of known records: counting a million rows takes a tenth of a second."""
    if change:
        known = int(get_meta(connection, KNOWN + mapping) or 0) + change
        database.upsert(connection, meta, {"name": [KNOWN + mapping], "value": [str(known)]})


def _layout(connection: Connection, mapping: str, columns: Sequence[str]) -> int:
    body = canonical({"mapping": mapping, "fields": list(columns)})
    layout_id = int.from_bytes(sha256(body.encode()).digest()[:8], "big") >> 1
    row: dict[str, Any] = {"layout_id": [layout_id], "mapping": [mapping], "fields": [json.dumps(list(columns))]}
    database.upsert(connection, layout, row, update={})
    return layout_id


def _raise_generation(connection: Connection, mapping: str) -> None:
    name = f"generation.{mapping}"
    database.exclusive(connection, name)
    value = str(int(get_meta(connection, name) or 0) + 1)
    database.upsert(connection, meta, {"name": [name], "value": [value]})


def generation(ledger: Ledger, mapping: str) -> int:
    """How often this mapping's base was advanced; a plan is void when it moved."""
    with ledger.reading() as connection:
        return int(get_meta(connection, f"generation.{mapping}") or 0)


def forget(ledger: Ledger, mapping: str, keys: Iterable[str]) -> None:
    """Drop these records from the base: at the next look they meet for the first time."""
    with ledger.writing() as connection:
        _raise_generation(connection, mapping)
        for some in database.chunks(list(keys)):
            which = database.within(connection, base.c.key, some)
            gone = connection.execute(base.delete().where(base.c.mapping == mapping, which)).rowcount
            _count(connection, mapping, -gone)


def known_since(ledger: Ledger, mapping: str, stamp: datetime | str, most: int | None = None) -> list[tuple[str, str]]:
    """(salesforce stamp, id) of the records known to lie at or after ``stamp``, sorted: a hint for ``changes``."""
    start = stamp if isinstance(stamp, str) else database.text_of(stamp)
    query = (
        sa.select(base.c.salesforce_stamp, base.c.salesforce_id)
        .where(base.c.mapping == mapping, base.c.salesforce_stamp >= start[:19], base.c.salesforce_id.is_not(None))
        .order_by(base.c.salesforce_stamp, base.c.salesforce_id)
        .limit(most)
    )
    with ledger.reading() as connection:
        return [(s, i) for s, i in connection.execute(query)]


def ids_of(ledger: Ledger, mapping: str, keys: Iterable[str], *, state: str | None = None) -> pd.Series:
    """Salesforce ids by key, sorted, for the keys that have one (and are in this state)."""
    where = [base.c.mapping == mapping, base.c.salesforce_id.is_not(None)]
    where += [] if state is None else [base.c.state == state]
    query = sa.select(base.c.key, base.c.salesforce_id).where(*where)
    wanted = sorted(set(keys))
    found: dict[str, str] = {}
    with ledger.reading() as connection:
        for some in database.chunks(wanted):
            rows = connection.execute(query.where(database.within(connection, base.c.key, some)))
            found.update((key, record_id) for key, record_id in rows)
    known = [k for k in wanted if k in found]
    index = pd.Index(known, dtype=TEXT, name="key")
    return pd.Series(pd.array([found[k] for k in known], dtype=TEXT), index=index, name="salesforce_id")


def count(ledger: Ledger, mapping: str) -> int:
    """Known records."""
    with ledger.reading() as connection:
        return int(get_meta(connection, KNOWN + mapping) or 0)
