"""The work on an ingest job: the upload goes in chunk by chunk, each row to one of two result files (wire 11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk import files, loading
from sfsync.rehearsal.bulk.files import Row
from sfsync.rehearsal.bulk.job import Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.bulk.loading import Done
from sfsync.rehearsal.dml.contention import Key, doomed
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import SaveResult

UPLOAD, GOOD, BAD = "upload.csv", "successful.csv", "failed.csv"
DELETES = frozenset({"delete", "hardDelete"})


def work(jobs: Jobs, job: Job) -> None:
    """Loads the upload; a chunk's rows, results and progress are committed together."""
    if not job.uploaded:
        jobs.finish(job)
        return
    header, rows = files.read(jobs.path(job, UPLOAD), job.delimiter, job.line_ending)
    if not job.rows_done:
        check_header(jobs, job, header)
    good = files.header_line(("sf__Id", "sf__Created"), header, job.delimiter, job.line_ending)
    bad = files.header_line(("sf__Id", "sf__Error"), header, job.delimiter, job.line_ending)
    loading.begin(jobs, job, {GOOD: good, BAD: bad})
    late = _late(jobs, job, header)
    loading.run(jobs, job, rows, lambda chunk: _load(jobs, job, header, chunk, late))


def _late(jobs: Jobs, job: Job, header: list[str]) -> dict[int, int]:
    """The rows of the upload that do not get a parent's lock in time: row number -> the parent's column."""
    reckoning = jobs.org.locks.contention.reckoning
    columns = [] if reckoning is None or job.operation in DELETES else jobs.org.parent_columns(job.object, header)
    if reckoning is None or not columns:
        return {}
    _, rows = files.read(jobs.path(job, UPLOAD), job.delimiter, job.line_ending)
    return {row: column for row, (column, _) in doomed((_parents(one, columns) for one in rows), reckoning).items()}


def _parents(row: Row, columns: list[int]) -> list[Key]:
    if isinstance(row, OrgError):
        return []
    return [(place, row[place]) for place in columns if place < len(row) and row[place] not in ("", "#N/A")]


def check_header(jobs: Jobs, job: Job, header: list[str]) -> None:
    """One unknown column kills the whole job, before any row."""
    if job.operation in DELETES and [name.lower() for name in header] != ["id"]:
        raise errors.invalid_batch(f"{job.operation} takes the Id column and no other")
    if job.operation not in DELETES:
        list(jobs.org.load_csv(job.object, job.operation, job.external_field, header, iter(())))


def save(
    jobs: Jobs, job: Job, header: list[str], chunk: list[Row], late: Mapping[int, int] | None = None
) -> Iterator[SaveResult]:
    """Saves the readable rows of a chunk; one result for each of them, in order. ``late``: see ``_late``."""
    places = [place for place, row in enumerate(chunk) if not isinstance(row, OrgError)]
    rows = [row for row in chunk if not isinstance(row, OrgError)]
    first, known = job.rows_done, late or {}
    lost = {n: known[first + place] for n, place in enumerate(places) if first + place in known} if known else {}
    options = loading.options(job)
    return jobs.org.load_csv(job.object, job.operation, job.external_field, header, rows, options=options, late=lost)


def _load(jobs: Jobs, job: Job, header: list[str], chunk: list[Row], late: Mapping[int, int]) -> Done:
    good, bad = _split(chunk, save(jobs, job, header, chunk, late), len(header))
    lines = {name: files.encode(rows, job.delimiter, job.line_ending) for name, rows in ((GOOD, good), (BAD, bad))}
    return Done(len(bad), lines)


def _split(chunk: list[Row], results: Iterator[SaveResult], width: int) -> tuple[list[list[str]], list[list[str]]]:
    """The rows of successful.csv and of failed.csv."""
    good: list[list[str]] = []
    bad: list[list[str]] = []
    for row in chunk:
        if isinstance(row, OrgError):
            bad.append(["", row.csv(), *[""] * width])
            continue
        result = next(results)
        if result.success:
            good.append([result.id or "", "true" if result.created else "false", *row])
        else:
            bad.append([result.id or "", result.errors[0].csv(), *row])
    return good, bad
