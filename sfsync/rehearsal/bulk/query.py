"""Bulk API 2.0 query: the calls on /jobs/query and the work behind them (wire reference 12)."""

from __future__ import annotations

import base64
import binascii
from array import array
from itertools import accumulate
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk import files as bulk_csv
from sfsync.rehearsal.bulk import rows
from sfsync.rehearsal.bulk.ingest import check_choice, check_csv_options, paged
from sfsync.rehearsal.bulk.jobs import COMPLETE, FAILED, QUERY, UPLOADED, Job, Jobs
from sfsync.rehearsal.call import CSV_MEDIA, Call, Reply, Span, nothing
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

OPERATIONS = ("query", "queryAll")
ROWS, INDEX = "rows.csv", "rows.idx"
DEFAULT_PAGE = 50_000
PAGES_PER_ANSWER = 5


# -- calls ------------------------------------------------------------------------------------------------


def create(context: Context, call: Call) -> Reply:
    """POST jobs/query: the query is checked now, run in the background; state UploadComplete at once."""
    order = call.body.object()
    check_choice(order, "operation", OPERATIONS, None)
    check_csv_options(order)
    soql = order.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise errors.malformed_query("A query string has to be specified")
    if context.limits.left("DailyBulkV2QueryJobs") == 0:
        raise OrgError("EXCEEDEDQUOTA", "Max bulk v2 query jobs (10000) per 24 hrs has been reached")
    result = context.org.query(soql, all_rows=order["operation"] == "queryAll", version=call.version)
    rows.check_supported(context.org.schema, result, soql)
    context.limits.use("DailyBulkV2QueryJobs")
    job = context.jobs.create(
        QUERY,
        order["operation"],
        result.object,
        call.version,
        line_ending=order.get("lineEnding", "LF"),
        delimiter=order.get("columnDelimiter", "COMMA"),
        query=soql,
    )
    answer = {**_head(job, UPLOADED), "lineEnding": job.line_ending, "columnDelimiter": job.delimiter}
    context.jobs.begin(job)
    return Reply(200, answer)


def _head(job: Job, state: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": job.created,
        "systemModstamp": job.modified,
        "state": state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": job.api_version,
    }


def read(context: Context, call: Call) -> Reply:
    """GET jobs/query/{id}"""
    job = context.jobs.get(QUERY, call.args["id"])
    state = context.jobs.look(job)
    shown = {
        **_head(job, state),
        "jobType": "V2Query",
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
        "numberRecordsProcessed": job.rows_done,
        "retries": 0,
        "totalProcessingTime": job.millis,
        "isPkChunkingSupported": True,
    }
    return Reply(200, {**shown, "errorMessage": job.error} if state == FAILED and job.error else shown)


def list_all(context: Context, call: Call) -> Reply:
    """GET jobs/query"""
    jobs = context.jobs.all(QUERY)
    rows = [{**_head(job, context.jobs.shown(job)), "jobType": "V2Query"} for job in jobs]
    return paged(call, rows, "jobs/query")


def change(context: Context, call: Call) -> Reply:
    """PATCH jobs/query/{id}: a query job can only be aborted."""
    job = context.jobs.get(QUERY, call.args["id"])
    wanted = call.body.object().get("state")
    if wanted != "Aborted":
        raise errors.invalid_job_state(f"Job state {wanted} cannot be set; a query job can be Aborted")
    context.jobs.abort(job)
    return Reply(200, _head(job, job.state))


def delete(context: Context, call: Call) -> Reply:
    """DELETE jobs/query/{id}: 204."""
    context.jobs.remove(context.jobs.get(QUERY, call.args["id"]))
    return nothing()


# -- results ----------------------------------------------------------------------------------------------


def results(context: Context, call: Call) -> Reply:
    """GET jobs/query/{id}/results?maxRecords=&locator=: a slice of the result under its header."""
    job, starts = _ready(context, call)
    begin = _offset(call.params.get("locator", ""))
    end = min(begin + _page(call), job.rows_done)
    if begin > job.rows_done:
        raise errors.invalid_query_locator()
    path = context.jobs.path(job, ROWS)
    header = Span(path, 0, starts[0])
    rows = Span(path, starts[begin], starts[end] - starts[begin])
    locator = "null" if end >= job.rows_done else _locator(end)
    headers = {"Sforce-NumberOfRecords": str(end - begin), "Sforce-Locator": locator}
    return Reply(200, parts=(header, rows), media=CSV_MEDIA, headers=headers)


def result_pages(context: Context, call: Call) -> Reply:
    """GET jobs/query/{id}/resultPages (from v58): where the next five slices lie, for parallel download."""
    job, _ = _ready(context, call)
    path, page = f"{call.base}/jobs/query/{job.id}", _page(call)
    begin = _offset(call.params.get("locator", ""))
    places = range(begin, max(job.rows_done, 1), page)
    urls = [{"resultUrl": f"{path}/results?locator={_locator(one)}&maxRecords={page}"} for one in places]
    shown: dict[str, Any] = {"resultPages": urls[:PAGES_PER_ANSWER]}
    done = len(urls) <= PAGES_PER_ANSWER
    if not done:
        following = _locator(places[PAGES_PER_ANSWER])
        shown["nextRecordsUrl"] = f"{path}/resultPages?locator={following}&maxRecords={page}"
    return Reply(200, {**shown, "done": done})


def _ready(context: Context, call: Call) -> tuple[Job, array[int]]:
    job = context.jobs.get(QUERY, call.args["id"])
    if float(call.version) != job.api_version:
        text = f"The job was created with API version {job.api}; ask for its results with the same"
        raise OrgError("API_ERROR", text, status=409)
    if context.jobs.shown(job) != COMPLETE:
        raise errors.invalid_job_state(f"Results of a job in state {context.jobs.shown(job)} cannot be fetched")
    return job, array("Q", context.jobs.path(job, INDEX).read_bytes())


def _page(call: Call) -> int:
    text = call.params.get("maxRecords", "")
    return max(1, int(text)) if text.isdecimal() else DEFAULT_PAGE


def _locator(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(locator: str) -> int:
    if not locator:
        return 0
    try:
        text = base64.b64decode(locator + "=" * (-len(locator) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise errors.invalid_query_locator() from error
    if not text.isdigit():
        raise errors.invalid_query_locator()
    return int(text)


# -- the work ---------------------------------------------------------------------------------------------


def work(jobs: Jobs, job: Job) -> None:
    """Runs the query and writes its rows with an index of where each begins; starts over after a kill."""
    result = jobs.org.query(job.query, all_rows=job.operation == "queryAll", version=job.api)
    starts = array("Q")
    with jobs.path(job, ROWS).open("wb") as file:
        place = file.write(bulk_csv.encode([result.columns], job.delimiter, job.line_ending))
        for lines in rows.chunks(jobs.org.schema, result, job.delimiter, job.line_ending):
            if not jobs.goes_on(job):
                return
            starts.extend(accumulate(map(len, lines[:-1]), initial=place))
            place += file.write(b"".join(lines))
            job.rows_done = len(starts)
    starts.append(place)
    jobs.path(job, INDEX).write_bytes(starts.tobytes())
    jobs.finish(job)
