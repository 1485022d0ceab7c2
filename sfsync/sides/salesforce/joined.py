"""The result files of a Bulk job joined to the rows that were sent: exactly one outcome per row.

Results may come in any order, name rows twice, name strangers, or leave rows out; the join is by our key (new
records) or by Id, never by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.faults import Fault, fault
from sfsync.sides.salesforce.results import MISCOUNTED, TWO_RESULTS, failed, outcome, unknown
from sfsync.sides.side import CREATED, DELETED, FAILED, OUTCOME_COLUMNS, TEXT, UPDATED

_SAID = ("result", "code", "fields", "kind_of_failure", "reason")
_DONE = {"update": UPDATED, "delete": DELETED}


def joined(
    sent: pa.Array, keys: pd.Index, name: str, files: tuple[pa.Table, pa.Table, pa.Table], kind: str, rest: Fault | None
) -> pd.DataFrame:
    """Outcome rows indexed by ``keys``, which stand beside ``sent``: what the column ``name`` held in the upload.

    ``files``: successful (name, sf__Id, sf__Created), failed (name, sf__Id, sf__Error) and unprocessed (name) rows.
    ``rest``: what is to be said of rows a job left behind that did not complete.
    """
    done, refused, _ = files
    good, bad, named = (_places(sent, file[name]) for file in files)
    rows = _Rows(len(sent))
    rows.say(good >= 0, outcome(_DONE.get(kind, UPDATED)))
    if kind == "create":
        rows.say(_true(done["sf__Created"], good), outcome(CREATED))
    _refusals(rows, refused, np.where(good < 0, bad, -1))
    rows.say((good >= 0) & (bad >= 0), unknown(TWO_RESULTS))
    lost = (good < 0) & (bad < 0)
    rows.say(lost & (named >= 0), failed(rest or fault("UNPROCESSED")))
    rows.say(lost & (named < 0), failed(rest) if rest else unknown(MISCOUNTED))
    return rows.table(keys, pc.coalesce(_taken(done["sf__Id"], good), _taken(refused["sf__Id"], bad)))


def alike(keys: pd.Index, row: dict[str, Any], ids: pa.Array | None = None) -> pd.DataFrame:
    """One outcome for all rows, by key."""
    rows = _Rows(len(keys))
    rows.say(np.ones(len(keys), bool), row)
    return rows.table(keys, pa.nulls(len(keys), pa.large_string()) if ids is None else ids)


class _Rows:
    """The outcomes of n rows as numbers into the few different ones there are; -1: nothing said yet."""

    def __init__(self, count: int) -> None:
        self._which = np.full(count, -1, np.int32)
        self._said: list[dict[str, Any]] = []

    def say(self, where: np.ndarray, row: dict[str, Any]) -> None:
        """These rows (bool, n) have this outcome, whatever was said before."""
        if where.any():
            self._which[where] = len(self._said)
            self._said.append(row)

    def say_each(self, where: np.ndarray, which: np.ndarray, rows: Sequence[dict[str, Any]]) -> None:
        """These rows (bool, n) have the outcome whose number stands in ``which`` (int, n)."""
        self._which[where] = len(self._said) + which[where]
        self._said.extend(rows)

    def table(self, keys: pd.Index, ids: pa.Array) -> pd.DataFrame:
        """Everything said, with the ids, as an outcome frame."""
        which = pa.array(self._which)
        made = {c: pa.array([row[c] for row in self._said], pa.large_string()).take(which) for c in _SAID}
        made |= {"id": ids.cast(pa.large_string()), "stamp": pa.nulls(len(keys), pa.large_string())}
        columns = {c: pd.array(made[c], dtype=TEXT) for c in OUTCOME_COLUMNS}
        return pd.DataFrame(columns, index=pd.Index(keys, dtype=TEXT, name="key"), copy=False)


def _places(sent: pa.Array, told: pa.ChunkedArray) -> np.ndarray:
    """Per row sent the first line of a result file that names it, -1 for none."""
    told = told.cast(sent.type)
    if len(told) == len(sent) and told.null_count == 0 and pc.all(pc.equal(told, sent)).as_py():
        return np.arange(len(sent))  # the usual case: all rows, in the order of the upload
    if not len(told):
        return np.full(len(sent), -1)
    found = pc.fill_null(pc.index_in(sent, told, skip_nulls=True), -1)
    places: np.ndarray = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def _taken(column: pa.ChunkedArray, places: np.ndarray) -> pa.Array:
    """The lines' cells per row, null where there is no line."""
    found = column.take(pa.array(places, mask=places < 0))
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _true(column: pa.ChunkedArray, places: np.ndarray) -> np.ndarray:
    said = pc.equal(pc.utf8_lower(_taken(column, places)), "true")
    mask: np.ndarray = pc.fill_null(said, False).to_numpy(zero_copy_only=False)
    return mask


def _refusals(rows: _Rows, refused: pa.Table, places: np.ndarray) -> None:
    """Fill in the failed rows; equal error texts are read once."""
    if (places < 0).all():
        return
    texts = pc.fill_null(_taken(refused["sf__Error"], places), "").dictionary_encode()
    read = [outcome(FAILED, None, faults.of_csv(text)) for text in texts.dictionary.to_pylist()]
    rows.say_each(places >= 0, texts.indices.to_numpy(zero_copy_only=False), read)
