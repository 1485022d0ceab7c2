"""Row locks between writers who want one parent at the same time: UNABLE_TO_LOCK_ROW.

A save locks its rows and their parents for as long as it runs. A real org takes seconds for 200 rows and runs the
batches of a Bulk job side by side; this org takes milliseconds, one write at a time, and would never meet itself. So,
when switched on, time is reckoned: a save holds its locks for ``hold_s`` seconds, a writer who finds one taken waits,
and one who would wait more than ``wait_s`` fails in the rows that want it. A call takes the time it is reckoned to
take; a Bulk job is reckoned beforehand (``doomed``), its batches of 10,000 rows in ``lanes`` side by side.
Source: wire reference 6; vendor, "Record-Level Locking", "Bulk API and Locks".
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

BATCH_ROWS, CHUNK_ROWS = 10_000, 200
Key = tuple[int, str]  # a column of the upload and the parent it names there


@dataclass(frozen=True)
class Reckoning:
    """The times of one org, in seconds. Raises ValueError for times or lanes that make no sense."""

    hold_s: float = 4.0
    wait_s: float = 10.0
    lanes: int = 5

    def __post_init__(self) -> None:
        if self.hold_s < 0 or self.wait_s < 0 or self.lanes < 1:
            raise ValueError("row locks need times from 0 seconds and at least one lane")

    def dump(self) -> dict[str, Any]:
        return asdict(self)


class Contention:
    """The locks that calls hold, by record; ``reckoning`` None: nobody waits for anybody."""

    def __init__(self, reckoning: Reckoning | None = None) -> None:
        self.reckoning = reckoning
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()
        self._own = threading.local()

    def taken(self, ids: Iterable[str]) -> set[str]:
        """Of these records, the ones this call cannot lock in time; it holds the others until it has rested."""
        if self.reckoning is None:
            return set()
        now, wanted = time.monotonic(), set(ids)
        mine: set[str] = self._own.__dict__.setdefault("ids", set())
        with self._lock:
            waits = {one: self._until.get(one, now) - now for one in wanted - mine}
            lost = {one for one, wait in waits.items() if wait > self.reckoning.wait_s}
            ready = now + max((wait for one, wait in waits.items() if one not in lost), default=0.0)
            end = max(ready + self.reckoning.hold_s, self._own.__dict__.get("end", 0.0))
            mine |= wanted - lost
            self._until.update(dict.fromkeys(mine, end))
            self._own.end = end
        return lost

    def rest(self) -> None:
        """The end of a call: it has taken as long as its locks were held."""
        end = self._own.__dict__.pop("end", None)
        if end is None:
            return
        self._own.__dict__.pop("ids", None)
        time.sleep(max(0.0, end - time.monotonic()))
        with self._lock:
            now = time.monotonic()
            self._until = {one: until for one, until in self._until.items() if until > now}


def doomed(rows: Iterable[Sequence[Key]], reckoning: Reckoning) -> dict[int, Key]:
    """The rows of an upload that do not get a parent's lock in time: row number -> the parent.

    ``rows``: the parents each row names, in the order of the upload.
    """
    chunks = list(_chunks(rows))
    lost: dict[int, Key] = {}
    free: dict[Key, float] = {}
    batches = iter(_batches(len(chunks)))
    running = [(0.0, lane, batch) for lane, batch in enumerate(islice(batches, reckoning.lanes))]
    heapq.heapify(running)
    while running:
        now, lane, batch = heapq.heappop(running)
        number, left = batch[0], batch[1:]
        end = _run(chunks[number], now, free, reckoning, lost)
        following = left or next(batches, None)
        if following:
            heapq.heappush(running, (end, lane, following))
    return lost


def _chunks(rows: Iterable[Sequence[Key]]) -> Iterator[dict[Key, list[int]]]:
    """Of every 200 rows: which parent is wanted by which rows."""
    source = enumerate(rows)
    while few := list(islice(source, CHUNK_ROWS)):
        wanted: dict[Key, list[int]] = {}
        for row, keys in few:
            for key in keys:
                wanted.setdefault(key, []).append(row)
        yield wanted


def _batches(count: int) -> Iterator[range]:
    """The numbers of the chunks of each batch."""
    step = BATCH_ROWS // CHUNK_ROWS
    for start in range(0, count, step):
        yield range(start, min(start + step, count))


def _run(
    wanted: dict[Key, list[int]], now: float, free: dict[Key, float], reckoning: Reckoning, lost: dict[int, Key]
) -> float:
    """One chunk in its lane: waits for what it can have, loses the rows whose parent takes too long."""
    late = {key for key in wanted if free.get(key, now) - now > reckoning.wait_s}
    for key in late:
        lost.update((row, key) for row in wanted[key] if row not in lost)
    got = wanted.keys() - late
    end = max((free.get(key, now) for key in got), default=now)
    end = max(end, now) + reckoning.hold_s
    free.update(dict.fromkeys(got, end))
    return end
