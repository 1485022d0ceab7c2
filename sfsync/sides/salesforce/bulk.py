"""Large writes: Bulk API 2.0 ingest jobs (wire reference 11).

A job's id is told before its first byte leaves, so a run that dies can find it. Every row gets exactly one outcome,
also rows no result file mentions.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sfsync.errors import BudgetReached
from sfsync.faultpoints import hit
from sfsync.sides.salesforce import faults, tables
from sfsync.sides.salesforce.faults import Fault, fault
from sfsync.sides.salesforce.jobs import Jobs, JobStuck
from sfsync.sides.salesforce.joined import alike, joined
from sfsync.sides.salesforce.loads import Load
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.salesforce.results import LOST, failed, outcome, passing, unknown
from sfsync.sides.salesforce.session import ReplyLost, Session
from sfsync.sides.side import DELETED, TEXT, UNKNOWN, UPDATED, Outcomes

UPLOADS = 3
UPLOAD_LOST = Fault("UPLOAD_LOST", faults.TRANSIENT, "The upload broke off several times; nothing was written.")

OnJob = Callable[[str], None]


@dataclass
class Sent:
    """A job that holds its rows (positions in the payload) of the write with this number.

    ``said``: the outcome of all its rows where that is known without its result files; ``stop``: the budget ended;
    ``since`` and ``until``: when it was at work, by the org's clock.
    """

    job_id: str
    payload: Payload
    rows: np.ndarray
    number: int = 0
    started: float = 0.0
    since: datetime | None = None
    until: datetime | None = None
    ended: dict[str, Any] | None = None
    said: dict[str, Any] | None = None
    stop: BudgetReached | None = None


class BulkLoad:
    """Ingest jobs, step by step; ``convoy`` has them follow each other."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        self._session = session
        self._jobs = jobs

    # -- one job ----------------------------------------------------------------------------------------

    def uploaded(self, payload: Payload, load: Load, on_job: OnJob | None) -> Sent | None:
        """A job that holds the rows and waits to be started, None if they could not be uploaded."""
        for _ in range(UPLOADS):
            job_id = str(self._jobs.create(_job(payload))["id"])
            with self._jobs.abandoned_on_error(job_id):
                if on_job is not None:
                    on_job(job_id)
                try:
                    path, headers = self._jobs.path(job_id, "batches"), {"Content-Type": "text/csv"}
                    self._session.call("PUT", path, body=load.csv, headers=headers, resend=False)
                except ReplyLost:
                    self._jobs.set_state(job_id, "Aborted")  # a job takes one upload; it was not started yet
                    continue
                load.csv = b""
                hit("bulk.uploaded")
                return Sent(job_id, payload, load.rows)
        return None

    def abandoned_on_error(self, sent: Sent) -> AbstractContextManager[None]:
        """Abort the job if what follows fails before it has started."""
        return self._jobs.abandoned_on_error(sent.job_id)

    def start(self, sent: Sent) -> None:
        """Let the org begin."""
        with _judging(sent):
            sent.started, sent.since = time.monotonic(), self._session.now()
            self._jobs.set_state(sent.job_id, "UploadComplete")
            hit("bulk.started")

    def wait(self, sent: Sent | None) -> None:
        """Until the job has ended, or cannot be waited for."""
        if sent is not None and sent.said is None and sent.ended is None:
            with _judging(sent):
                sent.ended = self._jobs.wait(sent.job_id, len(sent.rows), sent.started)
                sent.until = self._session.now()
                hit("bulk.ended")

    def outcomes(self, sent: Sent) -> Outcomes:
        """One outcome per row of the job, also of rows no result file mentions."""
        keys = sent.payload.write.keys[sent.rows]
        during = (sent.since, sent.until) if sent.since and sent.until else None
        if sent.ended is not None:
            with _judging(sent):
                return Outcomes(self._results(sent, keys, sent.ended), sent.job_id, during)
        return Outcomes(alike(keys, sent.said or unknown(LOST)), sent.job_id)

    # -- results ----------------------------------------------------------------------------------------

    def told(self, key: str, job_id: str, kind: str, keys: pd.Index, ids: pd.Series) -> pd.DataFrame:
        """What the result files of an ended job say for good about these records; the others are left out."""
        name, names = _names(key, kind, keys, ids)
        found = joined(names, keys, name, self._files(job_id, name, {"state": ""}, len(keys)), kind, None)
        return found[(found["result"] != UNKNOWN).to_numpy(bool) & ~passing(found)]

    def _results(self, sent: Sent, keys: pd.Index, ended: dict[str, Any]) -> pd.DataFrame:
        payload = sent.payload
        kind, own = payload.write.kind, payload.write.ids.iloc[sent.rows]
        if not payload.creates and _all_done(ended, len(keys)):
            return alike(keys, outcome(DELETED if kind == "delete" else UPDATED), pa.array(own.astype(TEXT)))
        name, names = _names(payload.view.mapping.salesforce.key, kind, keys, own)
        return joined(names, keys, name, self._files(sent.job_id, name, ended, len(keys)), kind, _rest(ended))

    def _files(self, job_id: str, name: str, ended: dict[str, Any], rows: int) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Successful, failed and unprocessed rows; a file that can hold none is not asked for."""
        done = self._file(job_id, "successfulResults", [name, "sf__Id", "sf__Created"])
        all_done = len(done) == rows and _all_done(ended, rows)
        refused = self._file(job_id, "failedResults", [name, "sf__Id", "sf__Error"], asked=not all_done)
        closed = len(done) + len(refused) >= rows
        return done, refused, self._file(job_id, "unprocessedrecords", [name], asked=not closed)

    def _file(self, job_id: str, name: str, columns: list[str], *, asked: bool = True) -> pa.Table:
        """A result file's columns; no rows if it need not be ``asked`` for."""
        if not asked:
            return pa.table({c: pa.array([], pa.string()) for c in columns})
        with tempfile.TemporaryFile() as file:
            path, headers = self._jobs.path(job_id, name), {"Accept": "text/csv"}
            self._session.call("GET", path, headers=headers, into=file, closing=True)
            found = tables.columns(file, columns)
        missing = {c: pa.nulls(len(found), pa.string()) for c in columns if c not in found.column_names}
        return pa.table({n: found[n] for n in found.column_names} | missing)


@contextmanager
def _judging(sent: Sent) -> Iterator[None]:
    """What an error on the way says about the rows of a job."""
    try:
        yield
    except (ReplyLost, JobStuck):
        sent.said, sent.ended = unknown(LOST), None
    except faults.Refused as error:
        sent.said, sent.ended = failed(error.faults[0] if error.faults else fault(error.code)), None
    except BudgetReached as stop:  # the job runs on without us
        sent.said, sent.ended, sent.stop = unknown(LOST), None, stop


def _job(payload: Payload) -> dict[str, str]:
    job = {"object": payload.view.info.name, "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}
    if payload.creates:
        return {**job, "operation": "upsert", "externalIdFieldName": payload.view.mapping.salesforce.key}
    return {**job, "operation": payload.write.kind}


def _names(key: str, kind: str, keys: pd.Index, ids: pd.Series) -> tuple[str, pa.Array]:
    """The column of the upload that names its rows, and those names."""
    if kind == "create":
        return key, pa.array(keys.astype(TEXT), pa.large_string())
    return "Id", pa.array(ids.astype(TEXT), pa.large_string())


def _all_done(ended: dict[str, Any], rows: int) -> bool:
    """True if the org itself says that it processed every row and refused none."""
    counts = ended.get("numberRecordsProcessed"), ended.get("numberRecordsFailed")
    return ended["state"] == "JobComplete" and counts == (rows, 0)


def _rest(ended: dict[str, Any]) -> Fault | None:
    """What to say of rows a job that did not complete left behind."""
    if ended["state"] == "Failed":
        return faults.of_job(str(ended.get("errorMessage") or "JOB_FAILED"))
    return fault("JOB_ABORTED") if ended["state"] == "Aborted" else None
