"""The threads that work jobs off: one for loads and one for queries, so that a query does not wait for a long load."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

LOADS, QUERIES = "loads", "queries"
STOP_SECONDS = 30


class Crew:
    """``act`` is given the ids of jobs, one at a time in each lane, in the order in which they were put."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self._act = act
        self._queues: dict[str, queue.SimpleQueue[str | None]] = {}
        self._threads: list[threading.Thread] = []
        self._renew()

    def _renew(self) -> None:
        self._queues = {lane: queue.SimpleQueue() for lane in (LOADS, QUERIES)}

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._loop, args=(waiting,), name=f"bulk {lane}", daemon=True)
            for lane, waiting in self._queues.items()
        ]
        for thread in self._threads:
            thread.start()

    def put(self, operation: str, job_id: str) -> None:
        """Queues a job by what it does; before ``start`` it waits for it."""
        self._queues[QUERIES if operation.startswith("query") else LOADS].put(job_id)

    def stop(self) -> None:
        """Waits for the jobs in work, forgets those that wait."""
        for waiting in self._queues.values():
            waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=STOP_SECONDS)
        self._threads = []
        self._renew()

    def _loop(self, waiting: queue.SimpleQueue[str | None]) -> None:
        while (job_id := waiting.get()) is not None:
            self._act(job_id)
