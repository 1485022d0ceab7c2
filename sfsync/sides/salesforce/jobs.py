"""Bulk API 2.0 jobs: create, wait, abort (wire reference 11, 12)."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sfsync.errors import SfsyncError
from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.session import Session

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(frozen=True)
class Pace:
    """How often a running job is looked at (each look is an API call), and how long at most."""

    first_s: float = 0.5
    per_row_s: float = 1 / 10_000
    most_s: float = 30.0
    limit_s: float = 4 * 3600


class JobStuck(SfsyncError):
    """The job did not end in time; it goes on in the org."""


class Jobs:
    """Jobs of one kind: ``ingest`` or ``query``."""

    def __init__(self, session: Session, kind: str, pace: Pace) -> None:
        self._session = session
        self._pace = pace
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

    def wait(self, job_id: str, rows: int = 0) -> dict[str, Any]:
        """The job once it has ended. Each look is an API call, so the first comes when so many rows may be done."""
        until = time.monotonic() + self._pace.limit_s
        pause = max(self._pace.first_s, min(rows * self._pace.per_row_s, self._pace.most_s))
        while True:
            time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            found = self.state(job_id)
            if found is None:
                raise JobStuck("the job is gone", "JOB_GONE", job_id)
            if found["state"] in ENDED:
                return found
            if time.monotonic() > until:
                raise JobStuck(
                    "the job did not end in time", "JOB_STUCK", job_id, "Look at Bulk Data Load Jobs in Setup."
                )
            pause = min(pause * 1.5, self._pace.most_s)

    @contextmanager
    def abandoned_on_error(self, job_id: str) -> Iterator[None]:
        """Abort the job if what follows fails before the job has started."""
        try:
            yield
        except BaseException:
            with suppress(SfsyncError):
                self._session.call("PATCH", self.path(job_id), json_body={"state": "Aborted"}, closing=True)
            raise
