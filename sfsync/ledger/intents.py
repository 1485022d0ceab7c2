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
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from sfsync import faultpoints
from sfsync.errors import Defect
from sfsync.ledger import conflicts, database, history, issues
from sfsync.ledger import digest as digest_
from sfsync.ledger.base import Base, advance_in
from sfsync.ledger.lease import Lease
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import conflict, intent
from sfsync.sides.columns import arrow, key_index, places, texts
from sfsync.sides.side import FAILED, MOVED, TEXT, UNKNOWN

OPEN, DONE, VOID = "open", "done", "void"
_NOT_WRITTEN = (FAILED, MOVED, UNKNOWN)
_PENDING = ("open", "decided", "applying")  # states of conflicts that a write may end
_SAMPLE, _FEW = 2_000, 64


@dataclass(frozen=True)
class Intent:
    """A batch that was meant to leave.

    ``keys`` n keys; ``columns`` f field names; ``digests`` uint64 n x f: of the values to write, 0 where a cell is not
    touched. ``side``, ``kind`` and ``job_id`` as in ``sides.side``.
    """

    intent_id: str
    run_id: str
    mapping: str
    side: str
    kind: str
    keys: pd.Index
    columns: tuple[str, ...]
    digests: np.ndarray
    job_id: str | None  # ids of its bulk jobs, comma-joined
    state: str
    made_at: str

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def touched(self) -> np.ndarray:
        """bool n x f: the cells to write."""
        return self.digests != 0


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
    if touched.shape != (len(keys), len(columns)) or digests.shape != touched.shape:
        raise Defect(f"digests {digests.shape} and touched {touched.shape} do not fit", "INTENT_SHAPE")
    cells = np.where(touched, digests, np.uint64(0))
    if ((cells == 0) & touched).any():
        raise Defect("a cell that is to be written has no digest", "INTENT_SHAPE")
    payload = _packed(keys, columns, cells)
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
        _log(connection, ledger, meant, rows, now)
        if base is not None:
            advance_in(connection, meant.mapping, _among(meant, base, rows))
        _settle(connection, meant, rows, now)
        faultpoints.hit("ledger.outcome.middle")
        done = _shrink(connection, meant, rows)
    faultpoints.hit("ledger.outcome.after")
    return done


def _of(meant: Intent, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of the intent's rows, one each (the last), with ``place``: the row of the intent."""
    place = places(outcomes.index, meant.keys)
    last = np.full(len(meant) + 1, -1, np.int64)
    last[place] = np.arange(len(place))
    ours = (place >= 0) & (last[place] == np.arange(len(place)))
    if ours.all():
        return outcomes.assign(place=place)
    return outcomes[ours].assign(place=place[ours])


def _among(meant: Intent, base: Base, rows: pd.DataFrame) -> Base:
    """The base's rows that were written; the last place stands for rows that are not in the intent."""
    written = np.zeros(len(meant) + 1, bool)
    written[rows["place"].to_numpy()[~_is(rows, _NOT_WRITTEN)]] = True
    known = written[places(base.keys, meant.keys)]
    return base if known.all() else Base(base.columns, base.digests[known], base.rows[known])


def _is(rows: pd.DataFrame, results: Sequence[str]) -> np.ndarray:
    return rows["result"].isin(results).to_numpy(bool)


def _settle(connection: Connection, meant: Intent, rows: pd.DataFrame, now: str) -> None:
    failed, waiting = rows[_is(rows, [FAILED])], rows[_is(rows, [MOVED, UNKNOWN])]
    written = rows[~_is(rows, _NOT_WRITTEN)] if len(failed) + len(waiting) else rows
    if len(failed):
        names = names_of(meant.columns, meant.touched[failed["place"]]).to_pylist()
        failed = failed.assign(digest=digest_.of_rows(meant.digests[failed["place"]]).to_numpy(), touched=names)
        issues.fail_in(connection, meant.mapping, meant.side, failed, meant.run_id, now)
    if len(written):
        names = names_of(meant.columns, meant.touched[written["place"]])
        issues.written_in(connection, meant.mapping, meant.side, written.index, names, meant.run_id)
    _end_conflicts(connection, meant, rows, written)
    if len(waiting):
        codes = [c or r.upper() for c, r in zip(issues.column(waiting, "code"), waiting["result"], strict=True)]
        issues.wait_in(connection, meant.mapping, waiting.index, codes, meant.run_id)


def _end_conflicts(connection: Connection, meant: Intent, rows: pd.DataFrame, written: pd.DataFrame) -> None:
    """What was written is no conflict any more; what was not is still to be carried out."""
    if not database.any_row(connection, conflict, conflict.c.mapping == meant.mapping, conflict.c.state.in_(_PENDING)):
        return
    if len(written):
        conflicts.close_cells_in(connection, meant.mapping, written.index, *_conflicting(meant, written))
    missed = rows[_is(rows, [FAILED, MOVED])]
    if len(missed):
        conflicts.release_in(connection, meant.mapping, missed.index, *_conflicting(meant, missed))


def _conflicting(meant: Intent, rows: pd.DataFrame) -> tuple[Sequence[str], np.ndarray]:
    """Columns and cells whose conflicts these rows are about; a creation is about the record itself, the column ""."""
    cells = meant.touched[rows["place"]]
    if meant.kind != "create":
        return meant.columns, cells
    return (*meant.columns, ""), np.hstack([cells, np.ones((len(cells), 1), bool)])


def _log(connection: Connection, ledger: Ledger, meant: Intent, rows: pd.DataFrame, now: str) -> None:
    about = {"run_id": meant.run_id, "mapping": meant.mapping, "side": meant.side, "kind": meant.kind, "at": now}
    result, code, said = (
        arrow(pd.Series(texts(c, len(rows)))) for c in (rows["result"], rows.get("code"), rows.get("fields"))
    )
    fields = names_of(meant.columns, meant.touched[rows["place"]])
    if said.null_count < len(said):
        none = pc.equal(said.fill_null(""), "")
        fields = pc.if_else(none, fields.cast(said.type), said)
    history.add_in(connection, ledger, about, arrow(rows.index), result, code, fields)


def names_of(columns: Sequence[str], touched: np.ndarray) -> pa.DictionaryArray:
    """Comma-joined names of each row's touched fields (bool n x f), made once per distinct pattern."""
    which = np.zeros(len(touched), np.int64)
    for word in _words(touched).T:
        which = pd.factorize(which << 32 | word)[0]
    first = np.zeros(which.max(initial=-1) + 1, np.int64)
    first[which[::-1]] = np.arange(len(which))[::-1]
    names = np.asarray(columns, object)
    joined = pa.array([",".join(names[touched[i]]) for i in first], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(which, pa.int32()), joined)


def _words(touched: np.ndarray) -> np.ndarray:
    """The cells as bits: int64 n x w, 32 fields a number."""
    bits = np.packbits(touched, axis=1, bitorder="little")
    words = np.zeros((len(bits), -(-bits.shape[1] // 4) * 4), np.uint8)
    words[:, : bits.shape[1]] = bits
    return words.view("<u4").astype(np.int64)


def _shrink(connection: Connection, meant: Intent, rows: pd.DataFrame) -> bool:
    left = np.ones(len(meant), bool)
    left[rows["place"].to_numpy()[~_is(rows, [UNKNOWN])]] = False
    which = intent.update().where(intent.c.intent_id == meant.intent_id)
    if not left.any():
        connection.execute(which.values(state=DONE, payload=b"", rows=0))
    elif not left.all():
        payload = _packed(meant.keys[left], meant.columns, meant.digests[left])
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


def _one(connection: Connection, intent_id: str) -> Intent:
    row = connection.execute(sa.select(intent).where(intent.c.intent_id == intent_id).with_for_update()).first()
    if row is None:
        raise Defect("an outcome came for an intent that was never opened", "INTENT_UNKNOWN", intent_id)
    return _unpacked(row)


def _packed(keys: pd.Index, columns: Sequence[str], cells: np.ndarray) -> bytes:
    arrays = [arrow(keys), *(_column(cells[:, i]) for i in range(len(columns)))]
    names = ["key", *(f"d{i}" for i in range(len(columns)))]
    table = pa.table(arrays, names=names).replace_schema_metadata({"columns": json.dumps(list(columns))})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _column(cells: np.ndarray) -> pa.Array:
    """A column of few digests (a flag, a country, nothing but nulls) as a dictionary."""
    values = pa.array(cells)
    if len(np.unique(cells[:_SAMPLE])) > _FEW:
        return values
    coded = values.dictionary_encode()
    if len(coded.dictionary) > _FEW:
        return values
    return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.uint8()), coded.dictionary)


def _unpacked(row: Row[Any]) -> Intent:
    values = row._asdict()
    values.pop("rows")
    payload = values.pop("payload")
    if not payload:
        nothing = np.zeros((0, 0), np.uint64)
        return Intent(keys=pd.Index([], dtype=TEXT), columns=(), digests=nothing, **values)
    table = pa.ipc.open_file(pa.BufferReader(payload)).read_all()
    columns = tuple(json.loads(table.schema.metadata[b"columns"]))
    cells = np.zeros((len(table), len(columns)), np.uint64)
    for i in range(len(columns)):
        column = table[f"d{i}"].combine_chunks()
        if pa.types.is_dictionary(column.type):
            cells[:, i] = column.dictionary.to_numpy()[column.indices.to_numpy()]
        else:
            cells[:, i] = column.to_numpy()
    return Intent(keys=key_index(table["key"].combine_chunks()), columns=columns, digests=cells, **values)
