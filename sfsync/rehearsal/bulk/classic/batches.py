"""The calls of Bulk 1.0 on batches and their results (wire reference 13)."""

from __future__ import annotations

from sfsync.rehearsal.bulk.classic import show
from sfsync.rehearsal.bulk.classic.orders import QUERIES, job_of
from sfsync.rehearsal.bulk.job import BATCH, OPEN, Job
from sfsync.rehearsal.call import Call, Reply, Span
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

REQUEST, RESULT = "request", "result"
MOST_BYTES = 10_000_000
# A result file grows by appending; its last bracket is put on when it is sent.
_TAILS = {"CSV": (b"", b""), "JSON": (b"]", b"]"), "XML": (b"</results>", b"</queryResult>")}


def add(context: Context, call: Call) -> Reply:
    """POST job/{id}/batch: a Queued batch, 201 with its place."""
    job = job_of(context, call)
    _check_batch(context, call, job)
    batch = context.jobs.create(
        BATCH,
        job.operation,
        job.object,
        call.version,
        job.created_by,
        external_field=job.external_field,
        assignment_rule=job.assignment_rule,
        content_type=job.content_type,
        chunking=job.chunking,
        parent=job.id,
        client=call.options.client or job.client,
    )
    size = call.body.copy_to(context.jobs.path(batch, REQUEST))
    if not 0 < size <= MOST_BYTES:
        context.jobs.forget(batch)
        text = "Unable to find any data to create batch" if not size else f"A batch may not exceed {MOST_BYTES} bytes"
        raise OrgError("ClientInputError", text)
    context.limits.use("DailyBulkApiBatches")
    answer = show.batch(
        context.jobs,
        batch,
        json=job.content_type == "JSON",
        status=201,
        headers={"Location": f"/services/async/{call.version}/job/{job.id}/batch/{batch.id}"},
    )
    context.jobs.begin(batch)
    return answer


def _check_batch(context: Context, call: Call, job: Job) -> None:
    if job.state != OPEN:
        raise OrgError("InvalidJobState", f"Batches cannot be added to a job in state {job.state}")
    if context.jobs.too_old(job):
        raise OrgError("InvalidJobState", "Batches cannot be added to a job that is more than 24 hours old")
    if job.api != call.version:
        raise OrgError("InvalidUrl", f"The job was created with API version {job.api}; add its batches with the same")
    _check_media(call, job)
    if context.limits.left("DailyBulkApiBatches") == 0:
        raise OrgError("ExceededQuota", "ApiBatchItems Limit exceeded.")


def _check_media(call: Call, job: Job) -> None:
    """Rows come as the job says, or without a name; a query is plain text under any of the three names."""
    given = call.header("Content-Type").partition(";")[0].strip().lower().replace("text/xml", show.XML)
    known = show.MEDIA.values() if job.operation in QUERIES else (show.MEDIA[job.content_type],)
    if given and given not in known:
        raise OrgError("ClientInputError", f"Content type {given!r} does not match the job's {job.content_type}")


def list_all(context: Context, call: Call) -> Reply:
    """GET job/{id}/batch"""
    job = job_of(context, call)
    for one in context.jobs.batches(job):
        context.jobs.look(one)
    return show.batches(context.jobs, job, json=job.content_type == "JSON")


def read_batch(context: Context, call: Call) -> Reply:
    """GET job/{id}/batch/{batch}"""
    batch = _batch(context, call)
    context.jobs.look(batch)
    return show.batch(context.jobs, batch, json=batch.content_type == "JSON")


def _batch(context: Context, call: Call) -> Job:
    job = job_of(context, call)
    try:
        batch = context.jobs.get(BATCH, call.args["batch"])
    except OrgError:
        batch = None
    if batch is None or batch.parent != job.id:
        raise OrgError("InvalidBatch", f"Invalid batch id: {call.args['batch']}")
    return batch


def request(context: Context, call: Call) -> Reply:
    """GET job/{id}/batch/{batch}/request: what was sent."""
    batch = _batch(context, call)
    if batch.query:
        return Reply(200, text=batch.query.encode(), media=show.MEDIA[batch.content_type])
    return Reply(200, parts=(Span(context.jobs.path(batch, REQUEST)),), media=show.MEDIA[batch.content_type])


def result_id(batch: Job) -> str:
    """The id of a query batch's rows: 15 characters, 752."""
    return f"752{batch.id[3:15]}"


def check_finished(context: Context, batch: Job) -> None:
    """OrgError InvalidBatch while there is nothing to show."""
    state = show.batch_state(context.jobs, batch)
    if state in ("Queued", "InProgress"):
        raise OrgError("InvalidBatch", "Batch not completed")
    if state != "Completed" and not (batch.rows_done and RESULT in batch.sizes):
        raise OrgError("InvalidBatch", "Records not processed")


def result(context: Context, call: Call) -> Reply:
    """GET job/{id}/batch/{batch}/result: what became of each row, or the ids of a query's results."""
    batch = _batch(context, call)
    check_finished(context, batch)
    if batch.operation in QUERIES:
        return show.result_list([result_id(batch)], json=batch.content_type == "JSON")
    return _file(context, batch)


def rows(context: Context, call: Call) -> Reply:
    """GET job/{id}/batch/{batch}/result/{result}: the rows of a query."""
    batch = _batch(context, call)
    check_finished(context, batch)
    if batch.operation not in QUERIES or call.args["result"][:15] != result_id(batch):
        raise OrgError("InvalidBatch", f"Invalid result id: {call.args['result']}")
    return _file(context, batch)


def _file(context: Context, batch: Job) -> Reply:
    span = Span(context.jobs.path(batch, RESULT), 0, batch.sizes.get(RESULT, 0))
    tail = _TAILS[batch.content_type][batch.operation in QUERIES]
    return Reply(200, parts=(span, tail), media=show.MEDIA[batch.content_type])
