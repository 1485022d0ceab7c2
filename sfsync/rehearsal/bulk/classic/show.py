"""How Bulk 1.0 shows jobs and batches, as XML or as JSON (wire reference 13).

XML has the recorded order and line breaks; JSON has its keys in alphabetical order, more of them, and instants in
``+0000`` instead of ``Z``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sfsync.rehearsal import xml
from sfsync.rehearsal.bulk.job import ABORTED, COMPLETE, FAILED, OPEN, RUNNING, UPLOADED, Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.call import Reply

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
JSON, XML, CSV = "application/json", "application/xml", "text/csv"
MEDIA = {"JSON": JSON, "XML": XML, "CSV": CSV}
BATCH_STATES = {
    OPEN: "Queued",
    UPLOADED: "Queued",
    RUNNING: "InProgress",
    COMPLETE: "Completed",
    FAILED: "Failed",
    ABORTED: "NotProcessed",
}
_Info = dict[str, Any]


def batch_state(jobs: Jobs, batch: Job) -> str:
    return BATCH_STATES[jobs.shown(batch)]


def job_info(jobs: Jobs, job: Job) -> _Info:
    """The elements of ``<jobInfo>`` in their order; None for what XML leaves out."""
    batches = jobs.batches(job)
    states = [batch_state(jobs, one) for one in batches]
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": job.created,
        "systemModstamp": max([job.modified, *(one.modified for one in batches)]),
        "state": job.state,
        "externalIdFieldName": job.external_field,
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        "assignmentRuleId": job.assignment_rule,
        **{f"numberBatches{name}": states.count(name) for name in ("Queued", "InProgress", "Completed", "Failed")},
        "numberBatchesTotal": len(batches),
        "numberRecordsProcessed": sum(one.rows_done for one in batches),
        "numberRetries": 0,
        "apiVersion": job.api_version,
        "numberRecordsFailed": sum(one.rows_failed for one in batches),
        **_times(sum(one.millis for one in batches)),
    }


def batch_info(jobs: Jobs, batch: Job) -> _Info:
    """The elements of ``<batchInfo>`` in their order; None for what XML leaves out."""
    state = batch_state(jobs, batch)
    return {
        "id": batch.id,
        "jobId": batch.parent,
        "state": state,
        "stateMessage": batch.error if state == "Failed" else None,
        "createdDate": batch.created,
        "systemModstamp": batch.modified,
        "numberRecordsProcessed": batch.rows_done,
        "numberRecordsFailed": batch.rows_failed,
        **_times(batch.millis),
    }


def _times(millis: int) -> _Info:
    return {"totalProcessingTime": millis, "apiActiveProcessingTime": millis, "apexProcessingTime": 0}


# -- answers ----------------------------------------------------------------------------------------------


def job(jobs: Jobs, one: Job, *, json: bool, status: int = 200) -> Reply:
    info = job_info(jobs, one)
    if json:
        return Reply(status, _sorted({**info, "fastPathEnabled": False}), media=JSON)
    return document("jobInfo", lines(info), status)


def batch(jobs: Jobs, one: Job, *, json: bool, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    info = batch_info(jobs, one)
    if json:
        return Reply(status, _sorted(info), media=JSON, headers=headers or {})
    return document("batchInfo", lines(info), status, headers)


def batches(jobs: Jobs, parent: Job, *, json: bool) -> Reply:
    infos = [batch_info(jobs, one) for one in jobs.batches(parent)]
    if json:
        return Reply(200, {"batchInfo": [_sorted(one) for one in infos]}, media=JSON)
    return document("batchInfoList", [f" <batchInfo>\n{_nested(one)}\n </batchInfo>" for one in infos])


def result_list(ids: list[str], *, json: bool) -> Reply:
    """Where the rows of a query batch lie."""
    if json:
        return Reply(200, ids, media=JSON)
    inside = "".join(f"<result>{one}</result>" for one in ids)
    return Reply(200, text=f'<result-list xmlns="{NAMESPACE}">{inside}</result-list>'.encode(), media=XML)


def error(status: int, code: str, message: str, *, json: bool) -> Reply:
    if json:
        return Reply(status, {"exceptionCode": code, "exceptionMessage": message}, media=JSON)
    return document("error", lines({"exceptionCode": code, "exceptionMessage": message}), status)


def lines(info: _Info) -> list[str]:
    return [f" {xml.element(name, _shown(value))}" for name, value in info.items() if value is not None]


def _nested(info: _Info) -> str:
    return "\n".join(f" {line}" for line in lines(info))


def _shown(value: Any) -> Any:
    return value.replace("+0000", "Z") if isinstance(value, str) and value.endswith(".000+0000") else value


def _sorted(info: _Info) -> _Info:
    return dict(sorted(info.items()))


def document(root: str, inside: Iterable[str], status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """An XML answer with the vendor's line breaks."""
    children = "\n".join(inside)
    start = f'{xml.HEAD}<{root}\n   xmlns="{NAMESPACE}"'
    text = f"{start}>\n{children}\n</{root}>" if children else f"{start} />"
    return Reply(status, text=text.encode(), media=XML, headers=headers or {})
