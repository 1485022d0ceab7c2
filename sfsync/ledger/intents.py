"""Intent before, outcome after: what makes a kill at any point harmless.

CRASH RECOVERY. Before a batch leaves, ``open`` commits what it means to write. When its outcome is known, ``close``
commits in one transaction: the write history, the base's advance, failures, and the intent's end. So at any moment
each row is in one of three states: the ledger knows nothing of it (nothing left), an intent is open (it may or may not
have arrived: read it back), or outcome and base are both there. There is no state in between.

An intent shrinks: rows whose outcome is still unknown stay in it, and it is done when no row is left.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from sfsync import faultpoints
from sfsync.errors import Defect
from sfsync.ledger import conflicts, database, issues
from sfsync.ledger import digest as digest_
from sfsync.ledger.base import Base, advance_in
from sfsync.ledger.lease import Lease
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import intent, write_log
from sfsync.sides.side import FAILED, MOVED, TEXT, UNKNOWN

OPEN, DONE, VOID = "open", "done", "void"
_NOT_WRITTEN = (FAILED, MOVED, UNKNOWN)


@dataclass(frozen=True)
class Intent:
    """A batch that was meant to leave.

    ``keys`` n keys; ``columns`` f field names; ``touched`` bool n x f: the cells to write; ``digests`` uint64 n x f:
    of the values to write, 0 where not touched. ``side``, ``kind`` and ``job_id`` as in ``sides.side``.
    """

    intent_id: str
    run_id: str
    mapping: str
    side: str
    kind: str
    keys: pd.Index
    columns: tuple[str, ...]
    digests: np.ndarray
    touched: np.ndarray
    job_id: str | None  # ids of its bulk jobs, comma-joined
    state: str
    made_at: str

    def __len__(self) -> int:
        return len(self.keys)


def open(
    ledger: Ledger,
    run_id: str,
    mapping: str,
    side: str,
    kind: str,
    keys: pd.Index,
    columns: Sequence[str],
    digests: np.ndarray,
    touched: np.ndarray,
    *,
    lease: Lease | None = None,
) -> str:
    """Commit what is about to leave; returns the intent's id. ``lease``: refuse if it was lost meanwhile."""
    payload = _packed(keys, columns, digests, touched)
    intent_id = f"{run_id}.{secrets.token_hex(4)}"
    with ledger.writing() as connection:
        if lease:
            lease.fence(connection)
        row = {"intent_id": intent_id, "run_id": run_id, "mapping": mapping, "side": side, "kind": kind}
        made = database.text_of(database.clock(connection))
        connection.execute(intent.insert().values(**row, rows=len(keys), payload=payload, state=OPEN, made_at=made))
    faultpoints.hit("ledger.intent.opened")
    return intent_id


def set_job(ledger: Ledger, intent_id: str, job_id: str) -> None:
    """Note a bulk job before its first byte is uploaded, so that it can be found again; a batch may need several."""
    with ledger.writing() as connection:
        which = intent.c.intent_id == intent_id
        known = connection.scalar(sa.select(intent.c.job_id).where(which).with_for_update())
        joined = ",".join([known, job_id] if known else [job_id])
        connection.execute(intent.update().where(which).values(job_id=joined))
    faultpoints.hit("ledger.intent.job")


def close(
    ledger: Ledger,
    intent_id: str,
    outcomes: pd.DataFrame,
    *,
    base: Base | None = None,
    lease: Lease | None = None,
) -> bool:
    """Record the outcome of all or some rows, in one transaction; returns True when the intent is done.

    ``outcomes`` is ``sides.side.Outcomes.rows`` (indexed by key). Written rows lose the failures and conflicts of the
    touched cells and what an earlier run held; failed rows get a failure; moved and unknown rows are held, so that the
    next run looks at them wherever its windows are; unknown ones also stay in the intent.
    ``base``: what the base now knows of the rows. Closing rows again that were closed before changes nothing.
    """
    faultpoints.hit("ledger.outcome.before")
    with ledger.writing() as connection:
        if lease:
            lease.fence(connection)
        meant = _one(connection, intent_id)
        rows = _of(meant, outcomes)
        now = database.text_of(database.clock(connection))
        _log(connection, meant, rows, now)
        if base is not None:
            advance_in(connection, meant.mapping, _among(meant, base, rows))
        _settle(connection, meant, rows, now)
        faultpoints.hit("ledger.outcome.middle")
        done = _shrink(connection, meant, rows)
    faultpoints.hit("ledger.outcome.after")
    return done


def _of(meant: Intent, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of the intent's rows, one each, with ``place`` (row of the intent) and ``touched`` (field names)."""
    place = meant.keys.get_indexer(outcomes.index)
    ours = (place >= 0) & ~outcomes.index.duplicated(keep="last")
    return outcomes[ours].assign(place=place[ours], touched=_names(meant.columns, meant.touched[place[ours]]))


def _among(meant: Intent, base: Base, rows: pd.DataFrame) -> Base:
    """The base's rows that were written; the last place stands for rows that are not in the intent."""
    written = np.zeros(len(meant) + 1, bool)
    written[rows["place"][~rows["result"].isin(_NOT_WRITTEN)].to_numpy()] = True
    known = written[meant.keys.get_indexer(base.keys)]
    return Base(base.columns, base.digests[known], base.rows[known])


def _settle(connection: Connection, meant: Intent, rows: pd.DataFrame, now: str) -> None:
    failed, waiting = rows[rows["result"] == FAILED], rows[rows["result"].isin([MOVED, UNKNOWN])]
    written = rows[~rows["result"].isin(_NOT_WRITTEN)]
    if len(failed):
        failed = failed.assign(digest=digest_.of_rows(meant.digests[failed["place"]]).to_numpy())
        issues.fail_in(connection, meant.mapping, meant.side, failed, meant.run_id, now)
    if len(written):
        keys, names = list(written.index), list(written["touched"])
        issues.written_in(connection, meant.mapping, meant.side, keys, names, meant.run_id)
        conflicts.close_cells_in(connection, meant.mapping, written.index, *_conflicting(meant, written))
    missed = rows[rows["result"].isin([FAILED, MOVED])]
    if len(missed):
        conflicts.release_in(connection, meant.mapping, missed.index, *_conflicting(meant, missed))
    if len(waiting):
        codes = [c or r.upper() for c, r in zip(issues.column(waiting, "code"), waiting["result"], strict=True)]
        issues.wait_in(connection, meant.mapping, waiting.index, codes, meant.run_id)


def _conflicting(meant: Intent, rows: pd.DataFrame) -> tuple[Sequence[str], np.ndarray]:
    """Columns and cells whose conflicts these rows are about; a creation is about the record itself, the column ""."""
    cells = meant.touched[rows["place"]]
    if meant.kind != "create":
        return meant.columns, cells
    return (*meant.columns, ""), np.hstack([cells, np.ones((len(cells), 1), bool)])


def _log(connection: Connection, meant: Intent, rows: pd.DataFrame, now: str) -> None:
    if not len(rows):
        return
    fixed = {"run_id": meant.run_id, "mapping": meant.mapping, "side": meant.side, "kind": meant.kind, "at": now}
    columns: dict[str, Sequence[Any]] = {n: [v] * len(rows) for n, v in fixed.items()}
    columns["key"], columns["result"] = database.texts(rows.index), database.texts(rows["result"])
    columns["code"] = issues.column(rows, "code")
    columns["fields"] = [said or n for said, n in zip(issues.column(rows, "fields"), rows["touched"], strict=True)]
    database.upsert(connection, write_log, columns, update={})


def _names(columns: Sequence[str], touched: np.ndarray) -> np.ndarray:
    """Comma-joined names of each row's touched fields (objects, n), made once per distinct pattern."""
    packed = np.packbits(touched, axis=1)
    width = packed.shape[1]
    body = packed.tobytes()
    rows = np.array([body[i * width : (i + 1) * width] for i in range(len(packed))], object)
    which, patterns = pd.factorize(rows)
    first = pd.Series(np.arange(len(rows))).groupby(which).first().to_numpy(np.int64)
    names = np.asarray(columns, object)
    joined = np.array([",".join(names[touched[i]]) for i in first], object)
    return joined[which] if len(patterns) else np.array([], object)


def _shrink(connection: Connection, meant: Intent, rows: pd.DataFrame) -> bool:
    left = np.ones(len(meant), bool)
    left[rows["place"][rows["result"] != UNKNOWN].to_numpy()] = False
    which = intent.update().where(intent.c.intent_id == meant.intent_id)
    if not left.any():
        connection.execute(which.values(state=DONE, payload=b"", rows=0))
    elif not left.all():
        payload = _packed(meant.keys[left], meant.columns, meant.digests[left], meant.touched[left])
        connection.execute(which.values(payload=payload, rows=int(left.sum())))
    return not left.any()


def open_intents(ledger: Ledger, mapping: str | None = None) -> list[Intent]:
    """Batches whose outcome is not known, oldest first: what a killed run left behind."""
    query = sa.select(intent).where(intent.c.state == OPEN).order_by(intent.c.made_at, intent.c.intent_id)
    if mapping is not None:
        query = query.where(intent.c.mapping == mapping)
    with ledger.reading() as connection:
        return [_unpacked(row) for row in connection.execute(query)]


def void(ledger: Ledger, intent_id: str) -> None:
    """End an intent nothing of which arrived; its rows are planned again."""
    with ledger.writing() as connection:
        ended = intent.update().where(intent.c.intent_id == intent_id, intent.c.state == OPEN)
        connection.execute(ended.values(state=VOID, payload=b"", rows=0))


def touched_cells(ledger: Ledger, mapping: str, columns: Sequence[str], keys: pd.Index) -> np.ndarray:
    """Bool n x f: cells that stand in an open intent. A conflict there cannot be told apart by machine."""
    cells = np.zeros((len(keys), len(columns)), bool)
    for one in open_intents(ledger, mapping):
        found = one.keys.get_indexer(keys)
        source = pd.Index(one.columns).get_indexer(pd.Index(columns))
        shared = np.flatnonzero(source >= 0)
        rows = np.flatnonzero(found >= 0)
        cells[np.ix_(rows, shared)] |= one.touched[np.ix_(found[rows], source[shared])]
    return cells


def written(ledger: Ledger, mapping: str, key: str, limit: int = 20) -> list[dict[str, Any]]:
    """The last writes of one record, newest first (for ``explain``)."""
    mine = sa.select(write_log).where(write_log.c.mapping == mapping, write_log.c.key == key)
    with ledger.reading() as connection:
        return [dict(r) for r in connection.execute(mine.order_by(write_log.c.seq.desc()).limit(limit)).mappings()]


def counts(ledger: Ledger, run_id: str) -> dict[tuple[str, str, str], int]:
    """Rows of a run by (mapping, side, result), from the write history: the numbers a run reports."""
    by = (write_log.c.mapping, write_log.c.side, write_log.c.result)
    query = sa.select(*by, sa.func.count()).where(write_log.c.run_id == run_id).group_by(*by)
    with ledger.reading() as connection:
        return {(m, s, r): n for m, s, r, n in connection.execute(query)}


def _one(connection: Connection, intent_id: str) -> Intent:
    row = connection.execute(sa.select(intent).where(intent.c.intent_id == intent_id).with_for_update()).first()
    if row is None:
        raise Defect("an outcome came for an intent that was never opened", "INTENT_UNKNOWN", intent_id)
    return _unpacked(row)


def _packed(keys: pd.Index, columns: Sequence[str], digests: np.ndarray, touched: np.ndarray) -> bytes:
    if touched.shape != (len(keys), len(columns)) or digests.shape != touched.shape:
        raise Defect(f"digests {digests.shape} and touched {touched.shape} do not fit", "INTENT_SHAPE")
    cells = np.where(touched, digests, np.uint64(0))
    arrays = [pa.array(database.texts(keys), pa.string())]
    arrays += [pa.array(cells[:, i]) for i in range(len(columns))] + [
        pa.array(touched[:, i]) for i in range(len(columns))
    ]
    names = ["key", *(f"d{i}" for i in range(len(columns))), *(f"t{i}" for i in range(len(columns)))]
    table = pa.table(arrays, names=names).replace_schema_metadata({"columns": json.dumps(list(columns))})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _unpacked(row: Row[Any]) -> Intent:
    values = row._asdict()
    values.pop("rows")
    payload = values.pop("payload")
    if not payload:
        empty = np.zeros((0, 0))
        return Intent(
            keys=pd.Index([], dtype=TEXT),
            columns=(),
            digests=empty.astype(np.uint64),
            touched=empty.astype(bool),
            **values,
        )
    table = pa.ipc.open_file(pa.BufferReader(payload)).read_all()
    columns = tuple(json.loads(table.schema.metadata[b"columns"]))
    keys = pd.Index(table["key"].to_pylist(), dtype=TEXT, name="key")
    return Intent(
        keys=keys, columns=columns, digests=_cells(table, "d", np.uint64), touched=_cells(table, "t", bool), **values
    )


def _cells(table: pa.Table, prefix: str, dtype: Any) -> np.ndarray:
    cells = np.zeros((len(table), (table.num_columns - 1) // 2), dtype)
    for i in range(cells.shape[1]):
        cells[:, i] = table[f"{prefix}{i}"].to_numpy()
    return cells
