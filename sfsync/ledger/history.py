"""The write history: what happened to which record, a batch at a time.

A batch is one row: who and when, the sums by result and code, the marks its records are found and counted by
(``marks``), and the records themselves as a compressed Arrow table. A million records written cost some hundred bytes
of SQL, not a million rows with an index each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.ledger import database, marks
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import write_log
from sfsync.sides.columns import arrow, text_array, texts
from sfsync.sides.side import CREATED, DELETED, TEXT, UPDATED

WRITTEN = (CREATED, UPDATED, DELETED)
_ABOUT = ("run_id", "mapping", "side", "kind", "at")


def add_in(
    connection: Connection,
    ledger: Ledger,
    about: dict[str, str],
    keys: pa.Array,
    results: pa.Array,
    codes: pa.Array,
    fields: pa.Array,
) -> None:
    """One batch, in a transaction of the caller: ``about`` it (run_id, mapping, side, kind, at), and per record its
    key, result, code or null, and comma-joined fields (text, or a dictionary of it).
    """
    if not len(keys):
        return
    columns = {"result": _coded(results), "code": _coded(codes), "fields": _coded(fields)}
    ranks = np.array([marks.RANKS.get(r, 0) for r in columns["result"].dictionary.to_pylist()], np.uint64)
    row = {
        **about,
        "rows": len(keys),
        "sums": json.dumps(_sums(columns["result"], columns["code"])),
        "marks": marks.of(ledger.key, keys, ranks[columns["result"].indices.to_numpy()]),
        "records": _packed(pa.table({"key": keys, **columns})),
    }
    connection.execute(write_log.insert().values(**row))


def log(ledger: Ledger, run_id: str, mapping: str, rows: pd.DataFrame) -> None:
    """Notes what happened to records that were not written: frame with side, key, kind, result, code."""
    with ledger.writing() as connection:
        about = {"run_id": run_id, "mapping": mapping, "at": database.text_of(database.clock(connection))}
        for (side, kind), some in rows.groupby(["side", "kind"], sort=True):
            key, result, code = (arrow(pd.Series(texts(some[n], len(some)))) for n in ("key", "result", "code"))
            nothing = pa.repeat(pa.scalar(""), len(some))
            add_in(connection, ledger, {**about, "side": str(side), "kind": str(kind)}, key, result, code, nothing)


def written(ledger: Ledger, run_id: str, mapping: str) -> pd.DataFrame:
    """What a run really wrote: frame with columns side, key."""
    w = write_log.c
    found = [pd.DataFrame({"side": [], "key": []}, dtype=TEXT)]
    with ledger.reading() as connection:
        query = sa.select(w.side, w.records).where(w.run_id == run_id, w.mapping == mapping).order_by(w.seq)
        for side, body in connection.execute(query.execution_options(yield_per=1)):
            records = _unpacked(body)
            done = pc.is_in(records["result"].cast(pa.string()), value_set=pa.array(WRITTEN))
            keys = texts(pd.Series(text_array(records["key"].filter(done))), 0)
            found.append(pd.DataFrame({"side": texts(side, len(keys)), "key": keys}))
    return pd.concat(found, ignore_index=True).drop_duplicates(ignore_index=True)


def of_record(ledger: Ledger, mapping: str, key: str, limit: int = 20) -> list[dict[str, Any]]:
    """The newest entries of one record, newest first: run_id, side, kind, at, result, code, fields and more."""
    w, mark = write_log.c, marks.of_key(ledger.key, key)
    newest = sa.select(w.seq, w.marks).where(w.mapping == mapping).order_by(w.seq.desc())
    found: list[dict[str, Any]] = []
    with ledger.reading() as connection:
        for seq, body in connection.execute(newest.execution_options(yield_per=16)):
            if marks.holds(body, mark):
                found += _of_batch(connection, seq, key)
            if len(found) >= limit:
                break
    return found[:limit]


def _of_batch(connection: Connection, seq: int, key: str) -> list[dict[str, Any]]:
    row = connection.execute(sa.select(write_log).where(write_log.c.seq == seq)).one()
    about = {"seq": row.seq, **{n: getattr(row, n) for n in _ABOUT}}
    records = _unpacked(row.records)
    return [about | r for r in reversed(records.filter(pc.equal(records["key"], key)).to_pylist())]


def of_run(ledger: Ledger, run_id: str) -> Iterator[dict[str, Any]]:
    """Everything a run noted, in order, one record at a time; as in ``of_record``."""
    w = write_log.c
    with ledger.reading() as connection:
        query = sa.select(write_log).where(w.run_id == run_id).order_by(w.seq)
        for row in connection.execute(query.execution_options(yield_per=1)):
            about = {"seq": row.seq, **{n: getattr(row, n) for n in _ABOUT}}
            yield from (about | r for r in _unpacked(row.records).to_pylist())


def sums(connection: Connection, *which: sa.ColumnElement[bool]) -> Counter[tuple[str, str, str, str | None]]:
    """Entries by (mapping, side, result, code) of the batches that meet the conditions on ``write_log``."""
    w, counts = write_log.c, Counter[tuple[str, str, str, str | None]]()
    for mapping, side, body in connection.execute(sa.select(w.mapping, w.side, w.sums).where(*which)):
        for result, code, number in json.loads(body):
            counts[mapping, side, result, code] += number
    return counts


def worst(connection: Connection, *which: sa.ColumnElement[bool], only: str | None = None) -> dict[int, int]:
    """How many records have which rank (``marks.RANKS``) as the worst in the batches that meet the conditions.

    ``only``: entries of this result alone.
    """
    w = write_log.c
    rows = int(connection.scalar(sa.select(sa.func.sum(w.rows)).where(*which)) or 0)

    def bodies() -> Iterator[bytes]:
        query = sa.select(w.marks).where(*which).execution_options(yield_per=1)
        yield from connection.execute(query).scalars()

    return dict(enumerate(marks.worst(bodies, rows, None if only is None else marks.RANKS[only]).tolist()))


def counts(ledger: Ledger, run_id: str) -> dict[tuple[str, str, str], int]:
    """Entries of a run by (mapping, side, result)."""
    found: Counter[tuple[str, str, str]] = Counter()
    with ledger.reading() as connection:
        for (mapping, side, result, _), number in sums(connection, write_log.c.run_id == run_id).items():
            found[mapping, side, result] += number
    return dict(found)


def _coded(column: pa.Array) -> pa.DictionaryArray:
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _sums(results: pa.DictionaryArray, codes: pa.DictionaryArray) -> list[list[Any]]:
    said, why = results.dictionary.to_pylist(), [*codes.dictionary.to_pylist(), None]
    pairs = results.indices.to_numpy().astype(np.int64) * len(why) + codes.indices.fill_null(len(why) - 1).to_numpy()
    numbers = np.bincount(pairs, minlength=len(said) * len(why)).tolist()
    return [[said[i // len(why)], why[i % len(why)], n] for i, n in enumerate(numbers) if n]


def _packed(records: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, records.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(records)
    return bytes(sink.getvalue().to_pybytes())


def _unpacked(body: bytes) -> pa.Table:
    return pa.ipc.open_stream(pa.BufferReader(body)).read_all()
