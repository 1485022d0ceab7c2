"""The calls of Bulk 1.0 on jobs (wire reference 13)."""

from __future__ import annotations

import re
from typing import Any

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.bulk.classic import show
from sfsync.rehearsal.bulk.classic.edge import speaks_json
from sfsync.rehearsal.bulk.entities import entity
from sfsync.rehearsal.bulk.job import ABORTED, CLASSIC, Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid

CLOSED = "Closed"
QUERIES = ("query", "queryAll")
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete", *QUERIES)
MODES = {"0": "Parallel", "1": "Serial", "Parallel": "Parallel", "Serial": "Serial"}
DEFAULT_CHUNK, MOST_CHUNK = 100_000, 250_000


# -- jobs -------------------------------------------------------------------------------------------------


def create(context: Context, call: Call) -> Reply:
    """POST job: an Open job, 201."""
    order = _order(call)
    operation = _choice(order, "operation", OPERATIONS)
    name = _object_name(context, order)
    if operation == "hardDelete" and not context.org.acts_as_administrator:
        raise OrgError("FeatureNotEnabled", errors.hard_delete_not_allowed().message)
    if operation == "upsert" and not order.get("externalIdFieldName"):
        text = f"External ID was blank for {name}. An External ID must be specified for upsert."
        raise OrgError("InvalidJob", text)
    job = context.jobs.create(
        CLASSIC,
        operation,
        name,
        call.version,
        call.session.user_id if call.session else None,
        external_field=order.get("externalIdFieldName"),
        assignment_rule=order.get("assignmentRuleId"),
        concurrency=_mode(order),
        content_type=_content_type(order),
        client=call.options.client,
        chunking=_chunking(call.header("Sforce-Enable-PKChunking")),
    )
    return show.job(context.jobs, job, json=speaks_json(call), status=201)


def _order(call: Call) -> dict[str, str]:
    """The elements of ``<jobInfo>``, or the JSON object that says the same."""
    if speaks_json(call):
        return {key: str(value) for key, value in call.body.object().items() if value is not None}
    try:
        root = xml.parse(call.body.read().strip())
    except xml.XmlError as error:
        raise OrgError("InvalidXML", f"Unable to parse the job: {error}") from error
    if root.tag != "jobInfo":
        raise OrgError("InvalidXML", f"Found element {root.tag} where jobInfo was expected")
    return {child.tag: (child.text or "").strip() for child in root}


def _choice(order: dict[str, str], key: str, known: tuple[str, ...]) -> str:
    if order.get(key) not in known:
        raise OrgError("InvalidJob", f"{key} must be one of {', '.join(known)}, not {order.get(key)!r}")
    return order[key]


def _mode(order: dict[str, str]) -> str:
    found = MODES.get(order.get("concurrencyMode") or "Parallel")
    if found is None:
        raise OrgError("InvalidJob", f"concurrencyMode must be Parallel or Serial, not {order['concurrencyMode']!r}")
    return found


def _content_type(order: dict[str, str]) -> str:
    wanted = order.get("contentType") or "XML"
    if wanted.startswith("ZIP_"):
        raise OrgError("FeatureNotEnabled", f"Binary attachments ({wanted}) are not supported by this org")
    return _choice({"contentType": wanted}, "contentType", tuple(show.MEDIA))


def _object_name(context: Context, order: dict[str, str]) -> str:
    name = order.get("object", "")
    if not name:
        raise OrgError("InvalidJob", "Object must be specified")
    return entity(context.org.seen, name).name


def _chunking(header: str) -> dict[str, Any] | None:
    """``TRUE``, or ``chunkSize=50000; startRow=00130000000xEft``; None when it is off."""
    if not header or header.strip().upper() == "FALSE":
        return None
    pairs = (one.partition("=") for one in header.split(";"))
    named = {name.strip().lower(): value.strip() for name, _, value in pairs}
    size = named.get("chunksize", str(DEFAULT_CHUNK))
    if not re.fullmatch("[0-9]{1,6}", size) or not 0 < int(size) <= MOST_CHUNK:
        raise OrgError("InvalidJob", f"chunkSize must be between 1 and {MOST_CHUNK}, not {size}")
    start = named.get("startrow")
    if start and not is_valid(start):
        raise OrgError("InvalidJob", f"startRow must be a record id, not {start}")
    return {"size": int(size), "start": start, "parent": named.get("parent")}


def read(context: Context, call: Call) -> Reply:
    """GET job/{id}"""
    job = job_of(context, call)
    media = call.header("Content-Type") + call.header("Accept")
    wants_json = speaks_json(call) or (job.content_type == "JSON" and "xml" not in media)
    for batch in context.jobs.batches(job):
        context.jobs.look(batch)
    return show.job(context.jobs, job, json=wants_json)


def change(context: Context, call: Call) -> Reply:
    """POST job/{id}: ``Closed`` takes no more batches, ``Aborted`` drops those still queued."""
    job = job_of(context, call)
    wanted = _order(call).get("state")
    if wanted not in (CLOSED, ABORTED):
        raise OrgError("InvalidJobState", f"A job can be Closed or Aborted, not {wanted}")
    if job.state == ABORTED or (job.state == CLOSED and wanted == ABORTED and _is_done(context.jobs, job)):
        word = "Completed" if job.state == CLOSED else job.state
        verb = "Closing" if wanted == CLOSED else "Aborting"
        raise OrgError("InvalidJobState", f"{verb} already {word} Job not allowed")
    if wanted == ABORTED:
        for batch in context.jobs.batches(job):
            context.jobs.drop_if_queued(batch)
    context.jobs.turn(job, wanted)
    return show.job(context.jobs, job, json=speaks_json(call))


def _is_done(jobs: Jobs, job: Job) -> bool:
    return all(show.batch_state(jobs, one) in ("Completed", "Failed", "NotProcessed") for one in jobs.batches(job))


def job_of(context: Context, call: Call) -> Job:
    """The job of a call's path. OrgError InvalidJob."""
    try:
        return context.jobs.get(CLASSIC, call.args["id"])
    except OrgError as error:
        raise OrgError("InvalidJob", f"Invalid job id: {call.args['id']}") from error


def spec(context: Context, call: Call) -> Reply:
    """Transformation specs (mapping of foreign column names) are not there."""
    raise OrgError("FeatureNotEnabled", "Transformation specs are not supported by this org")
