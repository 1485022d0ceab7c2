"""Bulk API 2.0 query: the calls on /jobs/query and the work behind them (wire reference 12)."""

from __future__ import annotations

import base64
import binascii
from array import array
from itertools import accumulate
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.bulk import files as bulk_csv
from sfsync.rehearsal.bulk import orders, rows, show
from sfsync.rehearsal.bulk.job import COMPLETE, QUERY, UPLOADED, Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.call import CSV_MEDIA, Call, Reply, Span, nothing
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

OPERATIONS = ("query", "queryAll")
ROWS, INDEX = "rows.csv", "rows.idx"
DEFAULT_PAGE = 50_000
PAGES_PER_ANSWER = 5
FIRST_VERSION, ORDERED_VERSION, PAGES_VERSION = 47.0, 50.0, 58.0  # before 50.0 columns come by the alphabet


# -- calls ------------------------------------------------------------------------------------------------


def create(context: Context, call: Call) -> Reply:
    """POST jobs/query: the query is checked now, run in the background; state UploadComplete at once."""
    orders.since(call, FIRST_VERSION)
    order, raw = call.body.object(), call.body.read()
    orders.check_choice(order, raw, "operation", OPERATIONS, None)
    orders.check_format(order, raw)
    soql = order.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise errors.malformed_query("A query string has to be specified")
    _check_quota(context)
    result = context.org.query(soql, all_rows=order["operation"] == "queryAll", version=call.version)
    rows.check_supported(context.org.seen, result, soql, call.version)
    result.close()
    context.limits.use("DailyBulkV2QueryJobs")
    job = context.jobs.create(
        QUERY,
        order["operation"],
        result.object,
        call.version,
        orders.user_of(call),
        line_ending=order.get("lineEnding", "LF"),
        delimiter=order.get("columnDelimiter", "COMMA"),
        query=soql,
    )
    answer = {**show.created(job), "state": UPLOADED}
    context.jobs.begin(job)
    return Reply(200, answer)


def _check_quota(context: Context) -> None:
    if context.limits.left("DailyBulkV2QueryJobs") == 0:
        raise OrgError("EXCEEDEDQUOTA", "Max bulk v2 query jobs (10000) per 24 hrs has been reached")
    if context.limits.left("DailyBulkV2QueryFileStorageMB") == 0:
        text = "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded"
        raise OrgError("EXCEEDEDQUOTA", text)


def read(context: Context, call: Call) -> Reply:
    """GET jobs/query/{id}"""
    job = context.jobs.get(QUERY, call.args["id"])
    return Reply(200, show.query(job, context.jobs.look(job)))


def list_all(context: Context, call: Call) -> Reply:
    """GET jobs/query?isPkChunkingEnabled=&jobType=&concurrencyMode=&queryLocator="""
    orders.since(call, FIRST_VERSION)
    return orders.listing(context, call, QUERY, OPERATIONS, "jobs/query")


def change(context: Context, call: Call) -> Reply:
    """PATCH jobs/query/{id}: a query job can only be aborted."""
    job = context.jobs.get(QUERY, call.args["id"])
    wanted = call.body.object().get("state")
    if wanted != "Aborted":
        raise errors.invalid_job_state(f"Job state {wanted} cannot be set; a query job can be Aborted")
    context.jobs.abort(job)
    return Reply(200, show.head(job))


def delete(context: Context, call: Call) -> Reply:
    """DELETE jobs/query/{id}: 204."""
    context.jobs.remove(context.jobs.get(QUERY, call.args["id"]))
    return nothing()


# -- results ----------------------------------------------------------------------------------------------


def results(context: Context, call: Call) -> Reply:
    """GET jobs/query/{id}/results?maxRecords=&locator=: a slice of the result under its header."""
    job, starts = _ready(context, call)
    begin, length = _place(call.params.get("locator", ""))
    end = min(begin + _page(call, length), job.rows_done)
    if begin > job.rows_done:
        raise errors.invalid_query_locator()
    path = context.jobs.path(job, ROWS)
    header = Span(path, 0, starts[0])
    slice_ = Span(path, starts[begin], starts[end] - starts[begin])
    locator = "null" if end >= job.rows_done else _locator(str(end))
    headers = {"Sforce-NumberOfRecords": str(end - begin), "Sforce-Locator": locator}
    return Reply(200, parts=(header, slice_), media=CSV_MEDIA, headers=headers)


def result_pages(context: Context, call: Call) -> Reply:
    """GET jobs/query/{id}/resultPages (from v58): where the next five slices lie, for parallel download."""
    orders.since(call, PAGES_VERSION)
    job, _ = _ready(context, call)
    begin, length = _place(call.params.get("locator", ""))
    page, path = _page(call, length), f"{call.base}/jobs/query/{job.id}"
    places = [_locator(f"{place}:{page}") for place in range(begin, max(job.rows_done, 1), page)]
    shown: dict[str, Any] = {
        "resultPages": [{"resultUrl": f"{path}/results?locator={one}"} for one in places[:PAGES_PER_ANSWER]]
    }
    done = len(places) <= PAGES_PER_ANSWER
    if not done:
        shown["nextRecordsUrl"] = f"{path}/resultpages?locator={places[PAGES_PER_ANSWER]}"
    return Reply(200, {**shown, "done": done})


def _ready(context: Context, call: Call) -> tuple[Job, array[int]]:
    job = context.jobs.get(QUERY, call.args["id"])
    if float(call.version) != job.api_version:
        text = f"The job was created with API version {job.api}; ask for its results with the same"
        raise OrgError("API_ERROR", text, status=409)
    if context.jobs.shown(job) != COMPLETE:
        raise errors.invalid_job_state(f"Results of a job in state {context.jobs.shown(job)} cannot be fetched")
    return job, array("Q", context.jobs.path(job, INDEX).read_bytes())


def _page(call: Call, length: int) -> int:
    text = call.params.get("maxRecords", "")
    return (digits.number(text) if text.isdecimal() else 0) or length


def _locator(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(locator: str) -> tuple[int, int]:
    """A locator is the number of rows before it, and the length of a slice where that is not the usual one."""
    if not locator:
        return 0, DEFAULT_PAGE
    try:
        plain = base64.b64decode(locator + "=" * (-len(locator) % 4), altchars=b"-_", validate=True)
        begin, _, length = plain.decode("ascii").partition(":")
        return int(begin), int(length or DEFAULT_PAGE)
    except (binascii.Error, ValueError) as error:
        raise errors.invalid_query_locator() from error


# -- the work ---------------------------------------------------------------------------------------------


def work(jobs: Jobs, job: Job) -> None:
    """Runs the query and writes its rows with an index of where each begins; starts over after a kill."""
    result = jobs.org.query(job.query, all_rows=job.operation == "queryAll", version=job.api)
    columns = result.columns if job.api_version >= ORDERED_VERSION else sorted(result.columns)
    starts = array("Q")
    with jobs.path(job, ROWS).open("wb") as file:
        place = file.write(bulk_csv.encode([columns], job.delimiter, job.line_ending))
        for lines in rows.chunks(jobs.org.seen, result, columns, job.delimiter, job.line_ending):
            if not jobs.goes_on(job):
                return
            starts.extend(accumulate(map(len, lines[:-1]), initial=place))
            place += file.write(b"".join(lines))
            job.rows_done = len(starts)
    starts.append(place)
    jobs.path(job, INDEX).write_bytes(starts.tobytes())
    jobs.finish(job)
