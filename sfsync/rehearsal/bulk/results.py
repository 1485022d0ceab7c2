"""The result files of an ingest job (wire reference 11)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sfsync.rehearsal.bulk import files
from sfsync.rehearsal.bulk.files import Row
from sfsync.rehearsal.bulk.job import COMPLETE, INGEST, Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.bulk.load import BAD, GOOD, UPLOAD
from sfsync.rehearsal.bulk.loading import CHUNK_ROWS
from sfsync.rehearsal.call import CSV_MEDIA, Call, Reply, Span
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError


def successful(context: Context, call: Call) -> Reply:
    """GET jobs/ingest/{id}/successfulResults"""
    return _result(context, call, GOOD)


def failed(context: Context, call: Call) -> Reply:
    """GET jobs/ingest/{id}/failedResults"""
    return _result(context, call, BAD)


def _result(context: Context, call: Call, name: str) -> Reply:
    job = context.jobs.get(INGEST, call.args["id"])
    size = job.sizes.get(name, 0)
    if context.jobs.shown(job) != job.state or not size:
        return Reply(200, parts=(b"",), media=CSV_MEDIA)
    return Reply(200, parts=(Span(context.jobs.path(job, name), 0, size),), media=CSV_MEDIA)


def unprocessed(context: Context, call: Call) -> Reply:
    """The rows an aborted or failed job did not come to, under the header as uploaded."""
    job = context.jobs.get(INGEST, call.args["id"])
    finished = context.jobs.shown(job) == job.state
    try:
        parts = _rest(context.jobs, job) if finished and job.uploaded else iter((b"",))
    except OrgError:
        parts = Span(context.jobs.path(job, UPLOAD)).chunks()
    return Reply(200, parts=parts, media=CSV_MEDIA)


def _rest(jobs: Jobs, job: Job) -> Iterator[bytes]:
    header, rows = files.read(jobs.path(job, UPLOAD), job.delimiter, job.line_ending, any_bytes=True)
    done = None if job.state == COMPLETE else job.rows_done
    return _rest_parts(job, header, rows, done)


def _rest_parts(job: Job, header: list[str], rows: Iterator[Row], done: int | None) -> Iterator[bytes]:
    yield files.header_line((), header, job.delimiter, job.line_ending)
    left = islice(rows, done, None) if done is not None else iter(())
    while chunk := list(islice(left, CHUNK_ROWS)):
        plain = [row for row in chunk if not isinstance(row, OrgError)]
        yield files.encode(plain, job.delimiter, job.line_ending)
