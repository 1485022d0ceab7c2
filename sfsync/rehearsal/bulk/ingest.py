"""Bulk API 2.0 ingest: the calls on /jobs/ingest (wire reference 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk import multipart, orders, show
from sfsync.rehearsal.bulk.entities import entity
from sfsync.rehearsal.bulk.job import INGEST, OPEN, UPLOADED, Job
from sfsync.rehearsal.bulk.load import UPLOAD
from sfsync.rehearsal.call import CHUNK, Call, Reply, nothing, parse_json
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MOST_BYTES = 150 * 1024 * 1024  # as base64, which is how the vendor keeps it
BATCH_ROWS = 10_000
FIRST_VERSION = 41.0


def create(context: Context, call: Call) -> Reply:
    """POST jobs/ingest: an Open job; a form with the job and its content makes one that is UploadComplete at once."""
    orders.since(call, FIRST_VERSION)
    if not multipart.is_multipart(call):
        return Reply(200, show.created(_create(context, call, call.body.read())))
    raw, content = multipart.parts(call)
    job = _create(context, call, raw)
    context.jobs.path(job, UPLOAD).write_bytes(content)
    job.uploaded = True
    answer = {**show.created(job), "state": UPLOADED}
    answer.pop("contentUrl")
    _begin(context, job)
    return Reply(200, answer)


def _create(context: Context, call: Call, raw: bytes) -> Job:
    order = _order(raw)
    name = _check_order(context, order, raw)
    if context.limits.left("DailyBulkApiBatches") == 0:
        raise OrgError("EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")
    return context.jobs.create(
        INGEST,
        order["operation"],
        name,
        call.version,
        orders.user_of(call),
        external_field=order.get("externalIdFieldName"),
        assignment_rule=order.get("assignmentRuleId"),
        line_ending=order.get("lineEnding", "LF"),
        delimiter=order.get("columnDelimiter", "COMMA"),
        client=call.options.client,
    )


def _order(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        raise errors.body_required()
    order = parse_json(raw)
    if not isinstance(order, dict):
        raise errors.bulk_api_error("Value does not match expected type at [line:1, column:1]")
    return order


def _check_order(context: Context, order: dict[str, Any], raw: bytes) -> str:
    """The object's name as the schema writes it."""
    orders.check_choice(order, raw, "operation", OPERATIONS, None)
    orders.check_format(order, raw)
    found = entity(context.org.seen, str(order.get("object")))
    if order["operation"] == "hardDelete" and not context.org.acts_as_administrator:
        raise errors.hard_delete_not_allowed()
    if order["operation"] == "upsert" and not order.get("externalIdFieldName"):
        text = f"External ID was blank for {found.name}. An External ID must be specified for upsert."
        raise OrgError("INVALIDJOB", text)
    return found.name


def upload(context: Context, call: Call) -> Reply:
    """PUT jobs/ingest/{id}/batches: the CSV, once, while the job is Open. 201 without a body."""
    job = context.jobs.get(INGEST, call.args["id"])
    _check_waits(context, job)
    size = call.body.copy_to(context.jobs.path(job, UPLOAD))
    if (size + 2) // 3 * 4 > MOST_BYTES:
        context.jobs.path(job, UPLOAD).unlink()
        raise OrgError("EXCEEDEDQUOTA", f"The content of a job may not exceed {MOST_BYTES} bytes as base64")
    job.uploaded = True
    context.jobs.save(job)
    return nothing(201)


def _check_waits(context: Context, job: Job) -> None:
    if job.state != OPEN:
        raise errors.invalid_job_state(f"Uploading data to a job in state {job.state} is not allowed")
    if context.jobs.too_old(job):
        raise errors.invalid_job_state("A job may be open for 24 hours; create a new one")
    if job.uploaded:
        text = (
            f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then "
            "create a new Job and make sure you only do 'PUT' once on a given Job."
        )
        raise errors.invalid_job_state(text)


def change(context: Context, call: Call) -> Reply:
    """PATCH jobs/ingest/{id}: UploadComplete starts the work, Aborted gives it up."""
    job = context.jobs.get(INGEST, call.args["id"])
    wanted = call.body.object().get("state")
    if wanted == UPLOADED:
        if not job.uploaded:
            context.jobs.path(job, UPLOAD).touch()
        answer = show.head(job, UPLOADED)
        _begin(context, job)
        return Reply(200, answer)
    if wanted != "Aborted":
        raise errors.invalid_job_state(f"Job state {wanted} cannot be set; it is UploadComplete or Aborted")
    context.jobs.abort(job)
    return Reply(200, show.head(job))


def _begin(context: Context, job: Job) -> None:
    context.jobs.begin(job)
    for _ in range(_batches(context.jobs.path(job, UPLOAD))):
        context.limits.use("DailyBulkApiBatches")


def _batches(upload: Path) -> int:
    """The vendor makes a batch of 10,000 rows; a line is taken for a row."""
    with upload.open("rb") as file:
        rows = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(CHUNK), b"")) - 1
    return max(1, -(-rows // BATCH_ROWS))


def read(context: Context, call: Call) -> Reply:
    """GET jobs/ingest/{id}"""
    job = context.jobs.get(INGEST, call.args["id"])
    return Reply(200, show.ingest(job, context.jobs.look(job)))


def list_all(context: Context, call: Call) -> Reply:
    """GET jobs/ingest?isPkChunkingEnabled=&jobType=&queryLocator=: a thousand per page."""
    orders.since(call, FIRST_VERSION)
    return orders.listing(context, call, INGEST, OPERATIONS, "jobs/ingest")


def delete(context: Context, call: Call) -> Reply:
    """DELETE jobs/ingest/{id}: 204."""
    context.jobs.remove(context.jobs.get(INGEST, call.args["id"]))
    return nothing()
