"""Writing: which rows go which way, and what happens to those refused for a lock.

guarded rows   conditional PATCHes, 25 to a call
small writes   collections, 1,000 to a call
large writes   Bulk API 2.0; rows a job refused for a lock go round again through collections, and are held for
               the next run if they stay locked
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.bulk import BulkLoad, OnJob
from sfsync.sides.salesforce.collections import Collections
from sfsync.sides.salesforce.faults import fault
from sfsync.sides.salesforce.frames import View
from sfsync.sides.salesforce.guarded import Guarded, strict_rows
from sfsync.sides.salesforce.ids import to18
from sfsync.sides.salesforce.loads import groups, loads
from sfsync.sides.salesforce.payload import Payload, part
from sfsync.sides.salesforce.query import Queries
from sfsync.sides.salesforce.results import failed, retriable, table
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import TEXT, Outcomes, Write

PIECE = 2_000  # rows made into JSON at a time
Stamps = Callable[[Sequence[str]], pd.Series]


class Writer:
    """Writes to one org. ``stamps`` gives the stamps our reader last saw, by record id."""

    def __init__(
        self, queries: Queries, small: Collections, large: BulkLoad, guarded: Guarded, stamps: Stamps, ways: Ways
    ) -> None:
        self._queries = queries
        self._small = small
        self._large = large
        self._guarded = guarded
        self._stamps = stamps
        self._ways = ways

    def write(self, view: View, write: Write, on_job: OnJob | None) -> Iterator[Outcomes]:
        """Write all rows; every row gets exactly one outcome."""
        if not len(write):
            return
        if write.kind != "create":
            write = self._with_ids(view, write)
            nowhere = write.ids.isna().to_numpy()
            yield from _refused(write, nowhere, "NOT_FOUND")
            write = part(write, np.flatnonzero(~nowhere))
        payload = Payload(view, write)
        yield from _refused(write, payload.unfit, "RECORD_TYPE_UNKNOWN")
        strict = strict_rows(payload)
        yield from self._strictly(view, write, np.flatnonzero(strict))
        yield from self._freely(view, part(write, np.flatnonzero(~strict & ~payload.unfit)), on_job)

    def _strictly(self, view: View, write: Write, rows: np.ndarray) -> Iterator[Outcomes]:
        if len(rows):
            few = part(write, rows)
            yield from self._guarded.write(Payload(view, few), self._stamps(few.ids.tolist()))

    def _freely(self, view: View, write: Write, on_job: OnJob | None) -> Iterator[Outcomes]:
        payload = Payload(view, write)
        # Bulk has no Sforce-Auto-Assign header, so a mapping that wants assignment rules stays with collections.
        if len(write) <= self._ways.small_rows or view.mapping.salesforce.auto_assign:
            yield from self._in_collections(view, write, np.arange(len(write)))
            return
        literal = payload.says_null()
        found, small = groups(payload, np.flatnonzero(~literal), self._ways.small_rows)
        again = [np.flatnonzero(literal), small]
        jobs = loads(found, payload.locks(), self._ways.shape)
        for done in self._large.write(payload, jobs, on_job):
            retry = retriable(done.rows)
            if not retry.any():
                yield done
                continue
            again.append(np.flatnonzero(write.keys.isin(done.rows.index[retry])))
            if not retry.all():
                yield Outcomes(done.rows[~retry], done.job_id)
        yield from self._in_collections(view, write, np.concatenate(again))

    def _in_collections(self, view: View, write: Write, rows: np.ndarray) -> Iterator[Outcomes]:
        """Piece by piece, because JSON rows take far more memory than columns."""
        for start in range(0, len(rows), PIECE):
            yield from self._small.write(Payload(view, part(write, rows[start : start + PIECE])))

    def _with_ids(self, view: View, write: Write) -> Write:
        """Ids by key for the rows whose caller did not know them."""
        ids = write.ids.astype(TEXT).map(to18, na_action="ignore").astype(TEXT)
        missing = ids.isna().to_numpy()
        if missing.any():
            found = pd.Series(write.keys[missing], dtype=TEXT).map(self._ids(view, write.keys[missing].tolist()))
            ids = ids.copy()
            ids.iloc[np.flatnonzero(missing)] = found.astype(TEXT).to_numpy()
        return Write(write.kind, write.keys, ids, write.values, write.touched, write.lane)

    def _ids(self, view: View, keys: list[str]) -> dict[str, str]:
        field = view.mapping.salesforce.key
        asks = [
            soql.select(["Id", field], view.info.name, c)
            for c in soql.in_lists(field, keys, soql.URL_CHARS - 200, 2_000)
        ]
        return {row[field]: row["Id"] for page in self._queries.all_pages(asks) for row in page.rows}


def _refused(write: Write, rows: np.ndarray, code: str) -> Iterator[Outcomes]:
    keys = write.keys[rows]
    if len(keys):
        yield Outcomes(table(keys, [failed(fault(code))] * len(keys)))
