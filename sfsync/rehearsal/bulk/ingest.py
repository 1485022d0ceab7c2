"""Bulk API 2.0 ingest: the calls on /jobs/ingest and the work behind them (wire reference 11)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk import files as bulk_csv
from sfsync.rehearsal.bulk import loading
from sfsync.rehearsal.bulk.files import Row
from sfsync.rehearsal.bulk.jobs import COMPLETE, FAILED, INGEST, OPEN, UPLOADED, Job, Jobs
from sfsync.rehearsal.bulk.loading import CHUNK_ROWS, Done
from sfsync.rehearsal.call import CSV_MEDIA, Call, Reply, Span, nothing
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

if TYPE_CHECKING:
    from sfsync.rehearsal.org import SaveResult

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
DELETES = frozenset({"delete", "hardDelete"})
UPLOAD, GOOD, BAD = "upload.csv", "successful.csv", "failed.csv"
MOST_BYTES = 150 * 1024 * 1024
LIST_PAGE = 1000


# -- calls ------------------------------------------------------------------------------------------------


def create(context: Context, call: Call) -> Reply:
    """POST jobs/ingest: an Open job."""
    order = call.body.object()
    _check_order(order)
    name = _object_name(context, order.get("object"))
    if context.limits.left("DailyBulkApiBatches") == 0:
        raise OrgError("EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")
    job = context.jobs.create(
        INGEST,
        order["operation"],
        name,
        call.version,
        external_field=order.get("externalIdFieldName"),
        assignment_rule=order.get("assignmentRuleId"),
        line_ending=order.get("lineEnding", "LF"),
        delimiter=order.get("columnDelimiter", "COMMA"),
    )
    return Reply(200, {**_head(job), **_upload_keys(job)})


def _check_order(order: dict[str, Any]) -> None:
    if order.get("operation") == "hardDelete":
        text = "hardDelete operation requires special user profile permission, please contact your system administrator"
        raise OrgError("FEATURENOTENABLED", text)
    check_choice(order, "operation", OPERATIONS, None)
    check_choice(order, "contentType", ("CSV",), "CSV")
    check_csv_options(order)
    if order["operation"] == "upsert" and not order.get("externalIdFieldName"):
        name = order.get("object")
        text = f"External ID was blank for {name}. An External ID must be specified for upsert."
        raise OrgError("INVALIDJOB", text)


def check_choice(order: dict[str, Any], key: str, known: tuple[str, ...], default: str | None) -> None:
    """OrgError API_ERROR when a key of a job holds a word the API does not have."""
    if order.get(key, default) not in known:
        raise errors.bulk_api_error(f"Value does not match expected type for {key}; expected one of {', '.join(known)}")


def check_csv_options(order: dict[str, Any]) -> None:
    check_choice(order, "lineEnding", tuple(bulk_csv.LINE_ENDINGS), "LF")
    check_choice(order, "columnDelimiter", tuple(bulk_csv.DELIMITERS), "COMMA")


def _object_name(context: Context, name: Any) -> str:
    found = context.org.schema.find(str(name))
    if found is None:
        raise errors.invalid_entity(str(name))
    return found.name


def _head(job: Job, state: str | None = None) -> dict[str, Any]:
    """The keys of every answer about a job, in the recorded order."""
    shown: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": job.created,
        "systemModstamp": job.modified,
        "state": state or job.state,
    }
    if job.external_field:
        shown["externalIdFieldName"] = job.external_field
    shown |= {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": job.api_version}
    if job.assignment_rule:
        shown["assignmentRuleId"] = job.assignment_rule
    return shown


def _upload_keys(job: Job) -> dict[str, Any]:
    return {
        "contentUrl": f"services/data/v{job.api}/jobs/ingest/{job.id}/batches",
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }


def upload(context: Context, call: Call) -> Reply:
    """PUT jobs/ingest/{id}/batches: the CSV, once, while the job is Open. 201 without a body."""
    job = context.jobs.get(INGEST, call.args["id"])
    if job.state != OPEN:
        raise errors.invalid_job_state(f"Uploading data to a job in state {job.state} is not allowed")
    if job.uploaded:
        text = (
            f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then "
            "create a new Job and make sure you only do 'PUT' once on a given Job."
        )
        raise errors.invalid_job_state(text)
    if call.body.copy_to(context.jobs.path(job, UPLOAD)) > MOST_BYTES:
        context.jobs.path(job, UPLOAD).unlink()
        raise OrgError("EXCEEDEDQUOTA", f"The content of a job may not exceed {MOST_BYTES} bytes")
    job.uploaded = True
    context.jobs.save(job)
    return nothing(201)


def change(context: Context, call: Call) -> Reply:
    """PATCH jobs/ingest/{id}: UploadComplete starts the work, Aborted gives it up."""
    job = context.jobs.get(INGEST, call.args["id"])
    wanted = call.body.object().get("state")
    if wanted == UPLOADED:
        if not job.uploaded:
            context.jobs.path(job, UPLOAD).touch()
        context.limits.use("DailyBulkApiBatches")
        answer = _head(job, UPLOADED)
        context.jobs.begin(job)
        return Reply(200, answer)
    if wanted != "Aborted":
        raise errors.invalid_job_state(f"Job state {wanted} cannot be set; it is UploadComplete or Aborted")
    context.jobs.abort(job)
    return Reply(200, _head(job))


def read(context: Context, call: Call) -> Reply:
    """GET jobs/ingest/{id}"""
    job = context.jobs.get(INGEST, call.args["id"])
    return Reply(200, _full(job, context.jobs.look(job)))


def _full(job: Job, state: str) -> dict[str, Any]:
    shown = {**_head(job, state), "jobType": "V2Ingest"}
    shown |= _upload_keys(job) if state == OPEN else {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}
    shown |= {
        "numberRecordsProcessed": job.rows_done,
        "numberRecordsFailed": job.rows_failed,
        "retries": 0,
        "totalProcessingTime": job.millis,
        "apiActiveProcessingTime": job.millis,
        "apexProcessingTime": 0,
    }
    return {**shown, "errorMessage": job.error} if state == FAILED and job.error else shown


def list_all(context: Context, call: Call) -> Reply:
    """GET jobs/ingest: a thousand per page."""
    jobs = context.jobs.all(INGEST)
    rows = [{**_head(job, context.jobs.shown(job)), "jobType": "V2Ingest"} for job in jobs]
    return paged(call, rows, "jobs/ingest")


def paged(call: Call, rows: list[dict[str, Any]], path: str) -> Reply:
    """A page of a job list, its queryLocator being the number of rows before it."""
    begin = int(text) if (text := call.params.get("queryLocator", "0")).isdecimal() else 0
    end = begin + LIST_PAGE
    following = f"{call.base}/{path}?queryLocator={end}" if end < len(rows) else None
    return Reply(200, {"done": following is None, "records": rows[begin:end], "nextRecordsUrl": following})


def delete(context: Context, call: Call) -> Reply:
    """DELETE jobs/ingest/{id}: 204."""
    context.jobs.remove(context.jobs.get(INGEST, call.args["id"]))
    return nothing()


# -- results ----------------------------------------------------------------------------------------------


def successful(context: Context, call: Call) -> Reply:
    return _result(context, call, GOOD)


def failed(context: Context, call: Call) -> Reply:
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
    header, rows = bulk_csv.read(jobs.path(job, UPLOAD), job.delimiter, job.line_ending)
    done = None if job.state == COMPLETE else job.rows_done
    return _rest_parts(job, header, rows, done)


def _rest_parts(job: Job, header: list[str], rows: Iterator[Row], done: int | None) -> Iterator[bytes]:
    yield bulk_csv.header_line((), header, job.delimiter, job.line_ending)
    left = islice(rows, done, None) if done is not None else iter(())
    while chunk := list(islice(left, CHUNK_ROWS)):
        plain = [row for row in chunk if not isinstance(row, OrgError)]
        yield bulk_csv.encode(plain, job.delimiter, job.line_ending)


# -- the work ---------------------------------------------------------------------------------------------


def work(jobs: Jobs, job: Job) -> None:
    """Loads the upload; a chunk's rows, results and progress are committed together."""
    if not job.uploaded:
        jobs.finish(job)
        return
    header, rows = bulk_csv.read(jobs.path(job, UPLOAD), job.delimiter, job.line_ending)
    if not job.rows_done:
        check_header(jobs, job, header)
    good = bulk_csv.header_line(("sf__Id", "sf__Created"), header, job.delimiter, job.line_ending)
    bad = bulk_csv.header_line(("sf__Id", "sf__Error"), header, job.delimiter, job.line_ending)
    loading.begin(jobs, job, {GOOD: good, BAD: bad})
    loading.run(jobs, job, rows, lambda chunk: _load(jobs, job, header, chunk))


def check_header(jobs: Jobs, job: Job, header: list[str]) -> None:
    """One unknown column kills the whole job, before any row."""
    if job.operation in DELETES and [name.lower() for name in header] != ["id"]:
        raise errors.invalid_batch(f"{job.operation} takes the Id column and no other")
    if job.operation not in DELETES:
        list(jobs.org.load_csv(job.object, job.operation, job.external_field, header, iter(())))


def _load(jobs: Jobs, job: Job, header: list[str], chunk: list[Row]) -> Done:
    good, bad = _split(chunk, save(jobs, job, header, chunk), len(header))
    lines = {name: bulk_csv.encode(rows, job.delimiter, job.line_ending) for name, rows in ((GOOD, good), (BAD, bad))}
    return Done(len(bad), lines)


def save(jobs: Jobs, job: Job, header: list[str], chunk: list[Row]) -> Iterator[SaveResult]:
    """Saves the readable rows of a chunk; one result for each of them, in order."""
    rows = [row for row in chunk if not isinstance(row, OrgError)]
    return jobs.org.load_csv(job.object, job.operation, job.external_field, header, rows, options=loading.options(job))


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
