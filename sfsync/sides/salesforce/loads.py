"""Which rows and columns make which Bulk job.

References that share a lookup cannot stand in one row of a CSV, so rows are grouped by the columns they use; groups too
small for a job are left for collections. A group is laid into jobs by the records its rows lock (``lanes``), and a job
that is too long in bytes is cut between two batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sfsync.sides.salesforce import tables
from sfsync.sides.salesforce.lanes import Shape, lay_out
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.side import TEXT

JOB_BYTES = 90_000_000


@dataclass(frozen=True)
class Group:
    """Rows of a payload (positions) that use the same columns, and those columns for all rows of the payload."""

    rows: np.ndarray
    columns: pa.Table


@dataclass
class Load:
    """One job to be: which rows of the payload in which order, and their CSV until it is uploaded."""

    rows: np.ndarray
    csv: bytes


def groups(payload: Payload, rows: np.ndarray, small_rows: int) -> tuple[list[Group], np.ndarray]:
    """The rows in groups, and those left for collections: groups of up to ``small_rows`` beside others."""
    if payload.write.kind == "delete":
        return [Group(rows, pa.table({"Id": pa.array(payload.write.ids.astype(TEXT))}))], rows[:0]
    columns = payload.columns()
    made, small = [], [rows[:0]]
    for used, mine in _patterns(payload, rows):
        if len(mine) <= small_rows and len(mine) < len(rows):
            small.append(mine)
            continue
        extra = [payload.link_column(link, n) for link, n in zip(payload.links, used, strict=True) if n >= 0]
        made.append(Group(mine, pa.table(columns | dict(extra))))
    return made, np.sort(np.concatenate(small))


def _patterns(payload: Payload, rows: np.ndarray) -> Iterator[tuple[list[int], np.ndarray]]:
    """The choices per link that occur, each with its rows."""
    choices = [_settled(payload.choice(link)[rows]) for link in payload.links]
    code = np.zeros(len(rows), np.int64)
    for choice in choices:
        code = code * (choice.max(initial=0) + 2) + choice + 1
    if not len(rows) or (code == code[0]).all():
        yield [int(choice[0]) if len(choice) else -1 for choice in choices], rows
        return
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    for number, place in enumerate(first):
        yield [int(choice[place]) for choice in choices], rows[which == number]


def _settled(choice: np.ndarray) -> np.ndarray:
    """Rows that leave a lookup alone can travel with any others: give them the most frequent choice."""
    chosen = choice[choice >= 0]
    if not len(chosen):
        return choice
    return np.where(choice < 0, np.bincount(chosen).argmax(), choice)


def loads(found: Sequence[Group], locks: np.ndarray, shape: Shape) -> Iterator[Load]:
    """The jobs of the groups, one CSV in memory at a time. ``locks``: as ``Payload.locks``, of all rows."""
    for group in found:
        for order in lay_out(locks[group.rows], shape):
            rows = group.rows[order]
            yield from _cut(rows, _taken(group.columns, rows), shape)


def _taken(columns: pa.Table, rows: np.ndarray) -> pa.Table:
    """The rows in this order, columns none of them uses left out; no copy where they stand together."""
    whole = len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all()
    found = columns.slice(rows[0], len(rows)) if whole else columns.take(pa.array(rows))
    return found.select([name for name in found.column_names if found[name].null_count < len(found)])


def _cut(rows: np.ndarray, columns: pa.Table, shape: Shape) -> Iterator[Load]:
    csv = tables.write(columns) if _least_bytes(columns) <= JOB_BYTES or len(rows) == 1 else b""
    if csv and (len(csv) <= JOB_BYTES or len(rows) == 1):
        yield Load(rows, csv)
        return
    middle = len(rows) // 2
    if len(rows) > shape.batch_rows:
        middle = -(-middle // shape.batch_rows) * shape.batch_rows
    for half in (slice(None, middle), slice(middle, None)):
        yield from _cut(rows[half], columns.slice(half.start or 0, len(rows[half])), shape)


def _least_bytes(columns: pa.Table) -> int:
    """What the CSV has at least: the texts, and a mark after each."""
    offsets = sum(4 if column.type == pa.string() else 8 for column in columns.columns)
    return int(columns.nbytes) - len(columns) * (offsets - columns.num_columns) - 1_000 * columns.num_columns
