"""Bulk API 2.0 jobs: create, wait, abort (wire reference 11, 12)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.pace import Pace, Speed, Watch
from sfsync.sides.salesforce.session import Session

__all__ = ["JobStuck", "Jobs", "Pace"]
ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


class JobStuck(SfsyncError):
    """The job did not end in time; it goes on in the org."""


class Jobs:
    """Jobs of one kind: ``ingest`` or ``query``."""

    def __init__(self, session: Session, kind: str, pace: Pace) -> None:
        self._session = session
        self._pace = pace
        self._speed = Speed()
        self._root = f"jobs/{kind}"

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """A new job; sent twice after a lost reply it leaves an empty job behind, which harms nobody."""
        return dict(self._session.call("POST", self._root, json_body=body).data)

    def path(self, job_id: str, rest: str = "") -> str:
        """The path of a job, or of something below it."""
        return f"{self._root}/{job_id}{'/' + rest if rest else ''}"

    def state(self, job_id: str) -> dict[str, Any] | None:
        """What the org says about a job, None if it does not know it (deleted after seven days)."""
        answer = self._session.call("GET", self.path(job_id), accept=(404,), closing=True)
        return None if answer.status == 404 else dict(answer.data)

    def set_state(self, job_id: str, state: str) -> None:
        """``UploadComplete`` starts a job, ``Aborted`` ends it; repeating it after a lost reply is no error."""
        try:
            self._session.call("PATCH", self.path(job_id), json_body={"state": state}, closing=True)
        except faults.Refused:
            found = self.state(job_id)
            if found is None or found["state"] == "Open":
                raise

    def wait(self, job_id: str, rows: int = 0, started: float | None = None) -> dict[str, Any]:
        """The job once it has ended. Each look is an API call, so they come when the end is to be expected.

        ``rows``: how many it has; ``started``: when (``time.monotonic``), now if not given.
        """
        began = time.monotonic() if started is None else started
        watch, running = Watch(self._pace, rows, self._speed.get(rows)), 0.0
        while True:
            time.sleep(watch.pause(time.monotonic() - began))
            found = self.state(job_id)
            if found is None:
                raise JobStuck("the job is gone", "JOB_GONE", job_id)
            took = time.monotonic() - began
            if found["state"] in ENDED:
                self._speed.learn(rows, worked_s(found, running, took))
                return found
            if took > self._pace.limit_s:
                raise JobStuck(
                    "the job did not end in time", "JOB_STUCK", job_id, "Look at Bulk Data Load Jobs in Setup."
                )
            running = took
            watch.saw(int(found.get("numberRecordsProcessed") or 0))

    @contextmanager
    def abandoned_on_error(self, job_id: str) -> Iterator[None]:
        """Abort the job if what follows fails before the job has started."""
        try:
            yield
        except BaseException:
            with suppress(SfsyncError):
                self._session.call("PATCH", self.path(job_id), json_body={"state": "Aborted"}, closing=True)
            raise


def worked_s(ended: dict[str, Any], least_s: float, most_s: float) -> float:
    """How long a job took, as well as it is known: it still ran after ``least_s`` and had ended by ``most_s``.

    In between the org's own figure counts. Else a first look that came late would make every later one late.
    """
    millis = ended.get("totalProcessingTime")
    return most_s if millis is None else min(most_s, max(least_s, float(millis) / 1000))
