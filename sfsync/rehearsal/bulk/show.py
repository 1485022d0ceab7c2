"""How Bulk 2.0 shows its jobs: the keys of every answer in the recorded order (wire reference 11, 12)."""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.bulk.job import CLASSIC, FAILED, INGEST, OPEN, Job

TYPES = {INGEST: "V2Ingest", "query": "V2Query", CLASSIC: "Classic"}
Info = dict[str, Any]


def head(job: Job, state: str | None = None) -> Info:
    """What every answer about a job begins with."""
    shown: Info = {
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
    shown |= {"concurrencyMode": job.concurrency, "contentType": job.content_type, "apiVersion": job.api_version}
    if job.assignment_rule:
        shown["assignmentRuleId"] = job.assignment_rule
    return shown


def _format(job: Job) -> Info:
    return {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}


def created(job: Job) -> Info:
    """The answer to a create; an ingest job that waits for its content says where it goes."""
    return {**head(job), **_place(job), **_format(job)}


def _place(job: Job) -> Info:
    waiting = job.kind == INGEST and job.state == OPEN
    return {"contentUrl": f"services/data/v{job.api}/jobs/ingest/{job.id}/batches"} if waiting else {}


def ingest(job: Job, state: str) -> Info:
    """The answer to a look at an ingest job."""
    return {
        **_polled(job, state),
        "numberRecordsProcessed": job.rows_done,
        "numberRecordsFailed": job.rows_failed,
        "retries": 0,
        "totalProcessingTime": job.millis,
        "apiActiveProcessingTime": job.millis,
        "apexProcessingTime": 0,
        **_error(job, state),
    }


def query(job: Job, state: str) -> Info:
    """The answer to a look at a query job."""
    return {
        **_polled(job, state),
        "numberRecordsProcessed": job.rows_done,
        "retries": 0,
        "totalProcessingTime": job.millis,
        "isPkChunkingSupported": True,
        **_error(job, state),
    }


def listed(job: Job, state: str) -> Info:
    """A job in a list; jobs of Bulk 1.0 stand there too."""
    return {**head(job, state), "jobType": TYPES[job.kind]} if job.kind == CLASSIC else _polled(job, state)


def _polled(job: Job, state: str) -> Info:
    return {**head(job, state), "jobType": TYPES[job.kind], **_place(job), **_format(job)}


def _error(job: Job, state: str) -> Info:
    return {"errorMessage": job.error} if state == FAILED and job.error else {}
