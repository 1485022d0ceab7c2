"""Writing: which rows go which way, and what happens to those refused for a lock.

guarded rows   conditional PATCHes, 25 to a call
small writes   collections, 1,000 to a call
large writes   Bulk API 2.0; rows a job refused for a lock go round again through collections, and are held for
               the next run if they stay locked
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TypeAlias

import numpy as np
import pandas as pd

from sfsync.errors import SfsyncError
from sfsync.sides.salesforce import soql
from sfsync.sides.salesforce.bulk import BulkLoad, OnJob
from sfsync.sides.salesforce.collections import Collections
from sfsync.sides.salesforce.convoy import IDLE, Convoy, Event
from sfsync.sides.salesforce.faults import fault
from sfsync.sides.salesforce.frames import View
from sfsync.sides.salesforce.guarded import Guarded, strict_rows
from sfsync.sides.salesforce.ids import to18
from sfsync.sides.salesforce.loads import Load, groups, loads
from sfsync.sides.salesforce.payload import Payload, part
from sfsync.sides.salesforce.query import Queries
from sfsync.sides.salesforce.results import failed, retriable, table
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import TEXT, ManyWrites, Outcomes, Write

PIECE = 2_000  # rows made into JSON at a time
Stamps: TypeAlias = "Callable[[Sequence[str]], pd.Series]"


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
        for _, outcomes in self.write_many(view, [(write, on_job or _nobody)]):
            yield outcomes

    def write_many(self, view: View, writes: ManyWrites) -> Iterator[tuple[int, Outcomes]]:
        """Write several, one after the other; outcomes name theirs by its number, from 0."""
        convoy, again = Convoy(self._large), _Again(self._in_collections, view)
        try:
            for number, (write, on_job) in enumerate(writes):
                if len(write):
                    yield from self._one(view, number, write, on_job, convoy, again)
            for event in convoy.end():
                yield from again.meet(event)
        except SfsyncError:
            for event in convoy.end():  # whatever failed: of the job at work it is told what became of it
                if event is not IDLE:
                    yield from again.meet(event)
            raise

    def _one(
        self, view: View, number: int, write: Write, on_job: OnJob, convoy: Convoy, again: _Again
    ) -> Iterator[tuple[int, Outcomes]]:
        """Its jobs join the convoy; what goes another way does so when no job is at work."""
        if write.kind != "create":
            write = self._with_ids(view, write)
            nowhere = write.ids.isna().to_numpy()
            yield from _numbered(number, _refused(write, nowhere, "NOT_FOUND"))
            write = part(write, np.flatnonzero(~nowhere))
        payload = Payload(view, write)
        yield from _numbered(number, _refused(write, payload.unfit, "RECORD_TYPE_UNKNOWN"))
        strict = strict_rows(payload)
        yield from _numbered(number, self._strictly(view, write, np.flatnonzero(strict)))
        payload = Payload(view, part(write, np.flatnonzero(~strict & ~payload.unfit)))
        jobs, small = self._sorted(payload)
        again.add(number, payload.write, small)
        alone = True
        for load in jobs:
            alone = False
            with closing(convoy.send(number, payload, load, on_job)) as events:  # failing here abandons the next job
                for event in events:
                    yield from again.meet(event)
        for event in convoy.end() if alone else ():
            yield from again.meet(event)

    def _strictly(self, view: View, write: Write, rows: np.ndarray) -> Iterator[Outcomes]:
        if len(rows):
            few = part(write, rows)
            yield from self._guarded.write(Payload(view, few), self._stamps(few.ids.tolist()))

    def _sorted(self, payload: Payload) -> tuple[Iterator[Load], np.ndarray]:
        """The jobs of a write, and the rows that go in collections."""
        rows = np.arange(len(payload.write))
        # Bulk has no Sforce-Auto-Assign header, so a mapping that wants assignment rules stays with collections.
        if len(rows) <= self._ways.small_rows or payload.view.mapping.salesforce.auto_assign:
            return iter(()), rows
        literal = payload.says_null()
        found, small = groups(payload, np.flatnonzero(~literal), self._ways.small_rows)
        return loads(found, payload.locks(), self._ways.shape), np.concatenate([np.flatnonzero(literal), small])

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


class _Again:
    """Rows that go in collections: small groups, and those a job refused for a lock. Never while a job is at work."""

    def __init__(self, collections: Callable[[View, Write, np.ndarray], Iterator[Outcomes]], view: View) -> None:
        self._collections, self._view = collections, view
        self._writes: dict[int, Write] = {}
        self._rows: dict[int, list[np.ndarray]] = {}
        self._unheard: dict[int, int] = {}  # rows in jobs that have said nothing yet

    def add(self, number: int, write: Write, rows: np.ndarray) -> None:
        """A write, and its rows (positions) that go no other way."""
        self._writes[number], self._rows[number] = write, [rows]
        self._unheard[number] = len(write) - len(rows)

    def meet(self, event: Event) -> Iterator[tuple[int, Outcomes]]:
        """Passes on what is said for good, keeps what may go again; when no job is at work, it goes."""
        if event is not IDLE:
            yield from self._kept(*event)
            return
        for number in [n for n, waiting in self._rows.items() if waiting]:
            rows = np.concatenate(self._rows[number])
            self._rows[number] = []
            yield from _numbered(number, self._collections(self._view, self._writes[number], rows))
            self._forget(number)

    def _kept(self, number: int, done: Outcomes) -> Iterator[tuple[int, Outcomes]]:
        retry = retriable(done.rows)
        if retry.any():
            keys = self._writes[number].keys
            self._rows[number].append(np.flatnonzero(keys.isin(done.rows.index[retry])))
        self._unheard[number] -= len(done.rows)
        self._forget(number)
        if not retry.all():
            yield number, done if not retry.any() else Outcomes(done.rows[~retry], done.job_id, done.during)

    def _forget(self, number: int) -> None:
        """A write of which everything was heard takes no more memory."""
        if not self._unheard[number] and not any(map(len, self._rows[number])):
            del self._writes[number], self._rows[number], self._unheard[number]


def _numbered(number: int, outcomes: Iterator[Outcomes]) -> Iterator[tuple[int, Outcomes]]:
    return ((number, o) for o in outcomes)


def _nobody(_job_id: str) -> None:
    """Nobody is told of bulk jobs."""


def _refused(write: Write, rows: np.ndarray, code: str) -> Iterator[Outcomes]:
    keys = write.keys[rows]
    if len(keys):
        yield Outcomes(table(keys, [failed(fault(code))] * len(keys)))
