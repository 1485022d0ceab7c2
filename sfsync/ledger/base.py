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
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import LedgerError
from sfsync.ledger import database
from sfsync.ledger.audit import canonical
from sfsync.ledger.store import Ledger, get_meta
from sfsync.ledger.tables import base, layout, meta
from sfsync.sides.side import TEXT

SYNCED, DETACHED, MERGED = "synced", "detached", "merged"
_TEXTS = ("salesforce_id", "salesforce_stamp", "platform_stamp", "state", "survivor")


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
        frame = {c: pd.Series(_plain(rows.get(c), len(keys)), index=index, dtype=TEXT) for c in _TEXTS}
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
        found = self.keys.get_indexer(keys)
        digests = np.zeros((len(keys), len(self.columns)), np.uint64)
        digests[found >= 0] = self.digests[found[found >= 0]]
        return Base(self.columns, digests, self.rows.reindex(pd.Index(keys, dtype=TEXT, name="key")))


def _plain(values: Any, count: int) -> list[str | None]:
    """Values by position: a column of another index must not be joined by label."""
    if values is None or isinstance(values, str):
        return [values] * count
    return database.texts(pd.Series(list(values), dtype=TEXT))


def read(ledger: Ledger, mapping: str, columns: Sequence[str], keys: Iterable[str]) -> Base:
    """What is known of these keys, in their order; unknown ones are left out (``align`` brings them back)."""
    wanted = list(dict.fromkeys(keys))
    with ledger.reading() as connection:
        found = _read_in(connection, mapping, columns, wanted)
    order = pd.Index(wanted, dtype=TEXT)
    return found.align(order[found.keys.get_indexer(order) >= 0])


def read_all(ledger: Ledger, mapping: str, columns: Sequence[str]) -> Iterator[Base]:
    """Everything known of a mapping, sorted by key, in pieces."""
    after = ""
    while True:
        query = sa.select(base).where(base.c.mapping == mapping, base.c.key > after).order_by(base.c.key)
        with ledger.reading() as connection:
            found = _decoded(connection, connection.execute(query.limit(database.CHUNK)).all(), columns)
        if not len(found):
            return
        yield found
        after = found.keys[-1]


def _read_in(connection: Connection, mapping: str, columns: Sequence[str], keys: Sequence[str]) -> Base:
    rows: list[Any] = []
    for some in database.chunks(keys):
        query = sa.select(base).where(base.c.mapping == mapping, database.within(connection, base.c.key, some))
        rows += connection.execute(query).all()
    return _decoded(connection, rows, columns)


def _decoded(connection: Connection, rows: Sequence[Any], columns: Sequence[str]) -> Base:
    names = list(base.c.keys())
    parts = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    layouts = np.array(parts["layout_id"], np.int64)
    digests = np.zeros((len(rows), len(columns)), np.uint64)
    for layout_id in np.unique(layouts):
        which = np.flatnonzero(layouts == layout_id)
        fields = _fields(connection, int(layout_id))
        cells = _matrix([parts["digests"][i] for i in which], len(fields))
        shared = [(i, fields.index(c)) for i, c in enumerate(columns) if c in fields]
        for target, source in shared:
            digests[which, target] = cells[:, source]
    return Base.of(columns, pd.Index(parts["key"], dtype=TEXT), digests, **{t: parts[t] for t in _TEXTS})


def _matrix(blobs: Sequence[bytes], fields: int) -> np.ndarray:
    body = b"".join(blobs)
    if len(body) != len(blobs) * fields * 8:
        raise LedgerError("rows of the base do not fit their layout", "LEDGER_DAMAGED", "", "Restore a backup.")
    return np.frombuffer(body, "<u8").reshape(len(blobs), fields)


def _blobs(digests: np.ndarray) -> list[bytes]:
    width = digests.shape[1] * 8
    body = np.ascontiguousarray(digests, "<u8").tobytes()
    return [body[i * width : (i + 1) * width] for i in range(len(digests))]


def _fields(connection: Connection, layout_id: int) -> list[str]:
    fields = connection.scalar(sa.select(layout.c.fields).where(layout.c.layout_id == layout_id))
    if fields is None:
        raise LedgerError("the base names a layout that is missing", "LEDGER_DAMAGED", "", "Restore a backup.")
    return list(json.loads(fields))


def advance(ledger: Ledger, mapping: str, rows: Base, run_id: str) -> None:
    """Remember these records: digests, ids and stamps that are given replace the old ones (0 and NA do not).

    ``rows.columns`` are all fields of the mapping: fields left out are forgotten.
    """
    with ledger.writing() as connection:
        advance_in(connection, mapping, rows, run_id)


def advance_in(connection: Connection, mapping: str, rows: Base, run_id: str) -> None:
    """``advance`` inside a transaction of the caller."""
    if not len(rows):
        return
    _raise_generation(connection, mapping)
    layout_id = _layout(connection, mapping, rows.columns)
    rows = _in_order(rows)
    keys = database.texts(rows.keys)
    kept = _kept(connection, mapping, rows)
    count = len(keys)
    values: dict[str, Any] = {
        "mapping": [mapping] * count,
        "key": keys,
        "layout_id": [layout_id] * count,
        "digests": _blobs(kept),
    }
    values |= {t: database.texts(rows.rows[t]) for t in _TEXTS} | {"run_id": [run_id] * count}
    database.upsert(connection, base, values, _replacing(values))


def _in_order(rows: Base) -> Base:
    """Sorted by key, the last row of each: neighbours in the tree are written together."""
    position = pd.Series(np.arange(len(rows)), index=rows.keys)
    order = position[~position.index.duplicated(keep="last")].sort_index().to_numpy()
    return Base(rows.columns, rows.digests[order], rows.rows.iloc[order])


def _kept(connection: Connection, mapping: str, rows: Base) -> np.ndarray:
    """The digests to write: where a cell is 0, what the row had."""
    if rows.digests.all():
        return rows.digests
    holes = ~rows.digests.all(axis=1)
    old = _read_in(connection, mapping, rows.columns, list(rows.keys[holes])).align(rows.keys[holes])
    kept = rows.digests.copy()
    kept[holes] = np.where(kept[holes] == 0, old.digests, kept[holes])
    return kept


def _replacing(values: dict[str, Any]) -> dict[str, Any]:
    replaced: dict[str, Any] = {n: database.new(base, n) for n in values if n not in ("mapping", "key")}
    for name in ("salesforce_id", "salesforce_stamp", "platform_stamp", "survivor"):
        replaced[name] = sa.func.coalesce(replaced[name], base.c[name])
    return replaced


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
            connection.execute(base.delete().where(base.c.mapping == mapping, which))


def known_since(
    ledger: Ledger, mapping: str, stamp: datetime | str, most: int | None = None
) -> list[tuple[str, str]]:
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


def ids_of(ledger: Ledger, mapping: str, keys: Iterable[str]) -> pd.Series:
    """Salesforce ids by key, for the keys that have one."""
    return read(ledger, mapping, (), keys).ids.dropna()


def keys_by_salesforce_id(ledger: Ledger, mapping: str, ids: Iterable[str]) -> pd.Series:
    """Keys by Salesforce id, for the ids that are known; of several keys the synced one, then the first."""
    found: list[Any] = []
    with ledger.reading() as connection:
        for some in database.chunks(list(dict.fromkeys(ids))):
            which = database.within(connection, base.c.salesforce_id, some)
            query = sa.select(base.c.salesforce_id, base.c.key, base.c.state)
            found += connection.execute(query.where(base.c.mapping == mapping, which)).all()
    frame = pd.DataFrame(found, columns=["id", "key", "state"]).astype(TEXT)
    frame = frame.assign(other=frame["state"] != SYNCED).sort_values(["other", "key"]).drop_duplicates("id")
    return frame.set_index("id")["key"]


def count(ledger: Ledger, mapping: str, state: str | None = None) -> int:
    """Known records, of one state or of all."""
    query = sa.select(sa.func.count()).select_from(base).where(base.c.mapping == mapping)
    if state:
        query = query.where(base.c.state == state)
    with ledger.reading() as connection:
        return int(connection.scalar(query) or 0)
