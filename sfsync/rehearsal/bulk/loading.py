"""How a job or batch is worked off: in chunks whose rows, result files and progress are committed together or not.

A process killed in the middle therefore goes on after the last chunk its log knows, with result files cut back to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sfsync.rehearsal.bulk.job import Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.dml.options import Options

CHUNK_ROWS = 2000
Row = TypeVar("Row")


@dataclass(frozen=True)
class Done:
    """What became of a chunk: ``failed`` rows, and the bytes to append to each result file."""

    failed: int
    written: dict[str, bytes]


def begin(jobs: Jobs, job: Job, files: dict[str, bytes]) -> None:
    """Makes the result files with their first bytes; for work that goes on, cuts them back to the last commit."""
    if job.sizes:
        for name, size in job.sizes.items():
            with jobs.path(job, name).open("ab") as file:
                file.truncate(size)
        return
    for name, first in files.items():
        jobs.path(job, name).write_bytes(first)
    job.sizes = {name: len(first) for name, first in files.items()}
    jobs.save(job)


def run(jobs: Jobs, job: Job, rows: Iterator[Row], act: Callable[[list[Row]], Done]) -> None:
    """Works rows off from the last committed one to the end, an abort, or the row where the job is to break."""
    left = islice(rows, job.rows_done, None)
    while chunk := list(islice(left, _size(job))):
        if not jobs.goes_on(job):
            return
        _step(jobs, job, chunk, act)
        jobs.break_if_due(job)
    jobs.finish(job)


def _size(job: Job) -> int:
    if job.break_at is None or job.break_at <= job.rows_done:
        return CHUNK_ROWS
    return min(CHUNK_ROWS, job.break_at - job.rows_done)


def _step(jobs: Jobs, job: Job, chunk: list[Row], act: Callable[[list[Row]], Done]) -> None:
    before = (job.rows_done, job.rows_failed, dict(job.sizes), job.millis)
    started = time.monotonic()
    try:
        with jobs.org.transaction():
            done = act(chunk)
            for name, data in done.written.items():
                _append(jobs, job, name, data)
            job.rows_done += len(chunk)
            job.rows_failed += done.failed
            job.millis += int((time.monotonic() - started) * 1000)
            jobs.save(job)
    except BaseException:
        job.rows_done, job.rows_failed, job.sizes, job.millis = before
        raise


def _append(jobs: Jobs, job: Job, name: str, data: bytes) -> None:
    with jobs.path(job, name).open("ab") as file:
        file.truncate(job.sizes[name])
        job.sizes[name] += file.write(data)


def options(job: Job) -> Options:
    """Bulk runs an assignment rule only for a job that names one."""
    rule = job.assignment_rule
    return Options(
        user_id=job.created_by,
        auto_assign=rule is not None,
        assignment_rule=rule,
        client=job.client,
        version=job.api,
        bulk=True,
    )
