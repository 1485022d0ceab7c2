"""Bulk API 2.0 query: the calls on /jobs/query and the work behind them (wire reference 12)."""

from __future__ import annotations

import base64
import binascii
from array import array
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk import files as bulk_csv
from sfsync.rehearsal.bulk.ingest import check_choice, check_csv_options, paged
from sfsync.rehearsal.bulk.jobs import COMPLETE, FAILED, QUERY, UPLOADED, Job, Jobs
from sfsync.rehearsal.call import CSV_MEDIA, Call, Reply, Span, nothing
from sfsync.rehearsal.columns import fields_of
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

if TYPE_CHECKING:
    from sfsync.rehearsal.org import QueryResult
    from sfsync.rehearsal.schema.model import Field

OPERATIONS = ("query", "queryAll")
ROWS, INDEX = "rows.csv", "rows.idx"
DEFAULT_PAGE = 50_000
CHUNK_ROWS = 2000
PAGES_PER_ANSWER = 5
_COMPOUND = frozenset({"address", "location"})


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
    _check_supported(context, result, soql)
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


def _check_supported(context: Context, result: QueryResult, soql: str) -> None:
    """Aggregates, subqueries, TYPEOF, OFFSET and compound fields are refused."""
    words = soql.upper().split()
    aggregate = result.aggregate or not result.columns
    if aggregate or "TYPEOF" in words or "OFFSET" in words or _has_subquery(soql):
        raise errors.bulk_api_error("Aggregate Relationships not supported in Bulk Query")
    fields = fields_of(context.org.schema, result.columns, result.object)
    if any(field is not None and field.type in _COMPOUND for field in fields):
        raise errors.bulk_api_error("Selecting compound data not supported in Bulk Query")


def _has_subquery(soql: str) -> bool:
    """A SELECT inside the field list, as against a semi-join after WHERE."""
    fields = soql.upper().partition(" FROM ")[0]
    return fields.count("SELECT") > 1


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
    shown = [_shower(field) for field in fields_of(jobs.org.schema, result.columns, result.object)]
    paths = [column.split(".") for column in result.columns]
    starts = array("Q")
    rows = iter(result.records)
    with jobs.path(job, ROWS).open("wb") as file:
        place = file.write(bulk_csv.encode([result.columns], job.delimiter, job.line_ending))
        while chunk := list(islice(rows, CHUNK_ROWS)):
            if not jobs.goes_on(job):
                return
            for row in chunk:
                starts.append(place)
                values = [show(_at(row, path)) for path, show in zip(paths, shown, strict=True)]
                place += file.write(bulk_csv.encode([values], job.delimiter, job.line_ending))
            job.rows_done = len(starts)
    starts.append(place)
    jobs.path(job, INDEX).write_bytes(starts.tobytes())
    jobs.finish(job)


def _at(row: dict[str, Any], path: list[str]) -> Any:
    value: Any = row
    for step in path:
        if value is None:
            return None
        value = value.get(step)
    return value


def _shower(field: Field | None) -> Callable[[Any], str]:
    """How a column's values are written; instants end in ``.000Z`` here, not in ``.000+0000``."""
    return _instant if field is not None and field.type == "datetime" else _plain


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _instant(value: Any) -> str:
    return "" if value is None else str(value).replace("+0000", "Z")
