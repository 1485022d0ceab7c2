"""All Bulk jobs and batches of an org: making them, working them off, and when they show as finished.

A job is a row of the org's state, so a job in progress when the process is killed goes on after the next start:
an ingest job or batch from its last committed chunk, a query from its beginning. When a job *shows* that it is
finished is a matter of the finish policy: at once, after so many looks at it, or after so many seconds.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk.crew import Crew
from sfsync.rehearsal.bulk.job import (
    ABORTED,
    BATCH,
    COMPLETE,
    FAILED,
    FINISHED,
    OPEN,
    RUNNING,
    UPLOADED,
    Job,
)
from sfsync.rehearsal.clock import instant
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import new_id, to18

if TYPE_CHECKING:
    from sfsync.rehearsal.faults import Faults
    from sfsync.rehearsal.org import Org

log = logging.getLogger(__name__)
OPEN_FOR, KEPT_FOR, SWEEP_EVERY = timedelta(hours=24), timedelta(days=7), timedelta(minutes=1)
_KIND, _POLICY = "job", "job_policy"
_PREFIXES = {BATCH: "751"}

Work = Callable[["Jobs", Job], None]


class Jobs:
    """All jobs of one org. ``work`` maps a job kind to what does it; it runs in threads of a crew."""

    def __init__(self, org: Org, faults: Faults, work: dict[str, Work]) -> None:
        self.org = org
        self._faults = faults
        self._work = work
        self._lock = threading.RLock()
        self._crew = Crew(self._take)
        self._started: dict[str, float] = {}
        self._stop = threading.Event()
        self._jobs = {key: Job(**value) for key, value in sorted(dict(org.state_list(_KIND)).items())}
        self._swept = datetime.fromtimestamp(0, UTC)
        stored = org.state_get(_POLICY, "now") or {}
        self._policy: dict[str, Any] = stored or {"finish": "now"}

    @property
    def folder(self) -> Path:
        return self.org.files_dir / "jobs"

    # -- the work -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts working; jobs that an earlier process left unfinished come first."""
        self._stop.clear()
        for job in self._jobs.values():
            if job.state in {UPLOADED, RUNNING}:
                self._crew.put(job.operation, job.id)
        self._crew.start()

    def stop(self) -> None:
        """Stops between two chunks; what is left goes on after the next start."""
        self._stop.set()
        self._crew.stop()

    def _take(self, job_id: str) -> None:
        job = self._jobs.get(job_id)
        if job is not None and job.state in {UPLOADED, RUNNING} and not self._stop.is_set():
            self._started[job_id] = time.monotonic()
            self._run(job)
            self._started.pop(job_id, None)

    def _run(self, job: Job) -> None:
        try:
            self.turn(job, RUNNING)
            self._break_if_ordered(job)
            if self.goes_on(job):
                with self.org.acting(job.created_by):
                    self._work[job.kind](self, job)
        except OrgError as error:
            self._fail(job, f"{error.code} : {error.message}")
        except Exception:
            log.exception("job.failed id=%s", job.id)
            self._fail(job, "InternalServerError : An unexpected error occurred")

    def _break_if_ordered(self, job: Job) -> None:
        for fault in self._faults.strike(f"JOB {job.operation} {job.object}", ("job_state",)):
            if fault.ms:
                job.policy = {"finish": "seconds", "t": fault.ms / 1000}
            if fault.state != COMPLETE:
                job.break_at, job.break_state, job.break_error = fault.rows, fault.state, fault.error
        self.break_if_due(job)

    def break_if_due(self, job: Job) -> None:
        """Ends a job that the control plane ordered to break after the rows it has now done."""
        if job.break_at is None or job.rows_done < job.break_at:
            return
        if job.break_state == ABORTED:
            self.turn(job, ABORTED)
            return
        code, _, text = job.break_error.partition(" : ")
        raise OrgError(code, text)

    def _fail(self, job: Job, message: str) -> None:
        with self._lock:
            if self.goes_on(job):
                job.error = message
                self.turn(job, FAILED)

    def finish(self, job: Job) -> None:
        """The work is done (unless someone aborted it meanwhile)."""
        with self._lock:
            if self.goes_on(job):
                self.turn(job, COMPLETE)

    def goes_on(self, job: Job) -> bool:
        """False once the job is aborted, deleted or the org stops: the worker then leaves it."""
        return self._jobs.get(job.id) is job and job.state == RUNNING and not self._stop.is_set()

    def turn(self, job: Job, state: str) -> None:
        """Puts a job into a state, unless it has come to its end or is deleted."""
        with self._lock:
            if job.state not in FINISHED and self._jobs.get(job.id) is job:
                job.state = state
                job.millis = max(job.millis, self._millis(job))
                self.save(job)

    def _millis(self, job: Job) -> int:
        """How long this process has worked on the job."""
        started = self._started.get(job.id)
        return 0 if started is None else int((time.monotonic() - started) * 1000)

    def save(self, job: Job) -> None:
        """Writes the job down; inside a transaction of the org it is written with it or not at all."""
        if self._jobs.get(job.id) is not job:
            return  # deleted meanwhile: it must not come back
        job.modified = instant(self.org.clock.now())
        self.org.state_put(_KIND, job.id, asdict(job))

    # -- what callers do ----------------------------------------------------------------------------------

    def create(
        self, kind: str, operation: str, object_name: str, version: str, user_id: str | None = None, **more: Any
    ) -> Job:
        """A new, Open job of a user (None: the administrator)."""
        stamp = instant(self.org.clock.now())
        with self._lock:
            job = Job(
                id=self._new_id(_PREFIXES.get(kind, "750")),
                kind=kind,
                operation=operation,
                object=object_name,
                created_by=user_id or self.org.user_id,
                created=stamp,
                modified=stamp,
                api_version=float(version),
                **more,
            )
            self._jobs[job.id] = job
            self.save(job)
        return job

    def _new_id(self, prefix: str) -> str:
        name = f"counter {prefix}"
        counter = (self.org.state_get(_POLICY, name) or {"last": 0})["last"] + 1
        self.org.state_put(_POLICY, name, {"last": counter})
        return new_id(prefix, counter)

    def get(self, kind: str, job_id: str) -> Job:
        """OrgError NOT_FOUND for an unknown job or one of another kind."""
        self._forget_old()
        try:
            job = self._jobs.get(to18(job_id))
        except ValueError:
            job = None
        if job is None or job.kind != kind:
            raise errors.not_found()
        return job

    def all(self, *kinds: str) -> list[Job]:
        self._forget_old()
        with self._lock:
            return [job for job in self._jobs.values() if job.kind in kinds]

    def too_old(self, job: Job) -> bool:
        """A job takes content for 24 hours."""
        return self._age(job.created) > OPEN_FOR

    def _age(self, stamp: str) -> timedelta:
        return self.org.clock.now() - datetime.fromisoformat(stamp)

    def _forget_old(self) -> None:
        """Jobs and their results are kept for seven days, whatever their state; a job goes by its youngest batch."""
        now = self.org.clock.now()
        with self._lock:
            if timedelta(0) <= now - self._swept < SWEEP_EVERY:
                return
            self._swept = now
            youngest = {job.parent: job.created for job in self._jobs.values() if job.parent}
            stamps = {id_: max(job.modified, youngest.get(job.parent or id_, "")) for id_, job in self._jobs.items()}
            old = [job for id_, job in self._jobs.items() if job.state != RUNNING and self._age(stamps[id_]) > KEPT_FOR]
            for job in old:
                self.forget(job)

    def batches(self, job: Job) -> list[Job]:
        """The batches of a Bulk 1.0 job, in the order in which they came."""
        with self._lock:
            return [one for one in self._jobs.values() if one.parent == job.id]

    def begin(self, job: Job) -> None:
        """UploadComplete: the job or batch is taken up by the worker."""
        with self._lock:
            if job.state != OPEN:
                raise errors.invalid_job_state(f"Closing already {self.shown(job)} Job not allowed")
            job.closed_at, job.policy = time.time(), dict(self._policy)
            self.turn(job, UPLOADED)
        self._crew.put(job.operation, job.id)

    def abort(self, job: Job) -> None:
        """OrgError INVALIDJOBSTATE when the job has come to an end; its word for that is Completed."""
        with self._lock:
            shown = self.shown(job)
            if shown in FINISHED:
                word = "Completed" if shown == COMPLETE else shown
                raise errors.invalid_job_state(f"Aborting already {word} Job not allowed")
            if job.state in FINISHED:  # and only held back: its rows stay, as those of a real job aborted late
                job.state = ABORTED
                self.save(job)
            self.turn(job, ABORTED)

    def remove(self, job: Job) -> None:
        """Deletes the job and its files. OrgError API_ERROR while it is open or running."""
        with self._lock:
            if self.shown(job) in {OPEN, RUNNING}:
                text = "Error encountered when deleting the job because the job is not terminated"
                raise errors.bulk_api_error(text)
            self.forget(job)

    def drop_if_queued(self, batch: Job) -> None:
        """A batch that nobody has taken up yet will not be processed any more."""
        with self._lock:
            if batch.state == UPLOADED:
                self.turn(batch, ABORTED)

    def forget(self, job: Job) -> None:
        """Takes a job away with its files, whatever its state."""
        with self._lock:
            self._jobs.pop(job.id, None)
            self.org.state_delete(_KIND, job.id)
        shutil.rmtree(self.path(job), ignore_errors=True)

    def path(self, job: Job, name: str = "") -> Path:
        """The job's folder, or a file in it."""
        folder = self.folder / job.id
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name if name else folder

    def clear(self) -> None:
        """Forgets all jobs and the finish policy."""
        with self._lock:
            gone = list(self._jobs.values())
            self._jobs.clear()
            self._policy = {"finish": "now"}
        for job in gone:
            self.org.state_delete(_KIND, job.id)
            shutil.rmtree(self.folder / job.id, ignore_errors=True)

    # -- when a job shows as finished ---------------------------------------------------------------------

    def set_policy(self, order: dict[str, Any]) -> dict[str, Any]:
        """``{"finish": "now"}``, ``{"finish": "looks", "n": 3}`` or ``{"finish": "seconds", "t": 1.5}``.

        It holds for jobs closed from now on. ValueError for anything else.
        """
        finish = order.get("finish")
        number = {"looks": "n", "seconds": "t"}.get(str(finish))
        if finish != "now" and (number is None or not isinstance(order.get(number), int | float)):
            raise ValueError('finish is "now", "looks" with a number n, or "seconds" with a number t')
        with self._lock:
            self._policy = dict(order)
        self.org.state_put(_POLICY, "now", self._policy)
        return self._policy

    @property
    def policy(self) -> dict[str, Any]:
        return dict(self._policy)

    def look(self, job: Job) -> str:
        """A client's look at the job: counts it, returns the state shown."""
        with self._lock:
            job.looks += 1
        return self.shown(job)

    def shown(self, job: Job) -> str:
        """The state a client sees: a finished job still looks InProgress while the policy holds it back."""
        return RUNNING if job.state in {COMPLETE, FAILED} and self._held_back(job) else job.state

    def _held_back(self, job: Job) -> bool:
        finish = job.policy.get("finish", "now")
        if finish == "looks":
            return job.looks <= int(job.policy["n"])
        return finish == "seconds" and time.time() - job.closed_at < float(job.policy["t"])
