"""What a Bulk 2.0 job may be ordered to be: checks shared by ingest and query (wire reference 11, 12)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.bulk import show
from sfsync.rehearsal.bulk.files import DELIMITERS, LINE_ENDINGS
from sfsync.rehearsal.bulk.job import CLASSIC, Job
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context

LIST_PAGE = 1000
Order = dict[str, Any]


def since(call: Call, version: float) -> None:
    """OrgError NOT_FOUND for an API version that does not have the resource yet."""
    if float(call.version) < version:
        raise errors.not_found()


def user_of(call: Call) -> str | None:
    return call.session.user_id if call.session else None


def check_choice(order: Order, raw: bytes, key: str, known: Sequence[str], default: str | None) -> None:
    """OrgError API_ERROR when a key of a job holds a word the API does not have; it says where the word begins."""
    if order.get(key, default) in known:
        return
    raise errors.bulk_api_error(f"Value does not match expected type at {_place(raw, key)}")


def _place(raw: bytes, key: str) -> str:
    text = raw.decode("utf-8", "replace")
    found = re.search(rf"{re.escape(json.dumps(key))}\s*:\s*", text)
    if found is None:
        return "[line:1, column:1]"
    before = text[: found.end()]
    return f"[line:{before.count(chr(10)) + 1}, column:{len(before) - (before.rfind(chr(10)) + 1) + 1}]"


def check_format(order: Order, raw: bytes) -> None:
    """Content type, line ending and delimiter."""
    check_choice(order, raw, "contentType", ("CSV",), "CSV")
    check_choice(order, raw, "lineEnding", tuple(LINE_ENDINGS), "LF")
    check_choice(order, raw, "columnDelimiter", tuple(DELIMITERS), "COMMA")


def listing(context: Context, call: Call, kind: str, operations: Sequence[str], path: str) -> Reply:
    """A page of the org's jobs of these operations, Bulk 1.0 among them; filters as the vendor has them.

    The queryLocator is the number of rows before it.
    """
    jobs = [job for job in context.jobs.all(kind, CLASSIC) if job.operation in operations and _wanted(job, call)]
    start = call.params.get("queryLocator", "0")
    begin = digits.number(start) if start.isdecimal() else 0
    end = begin + LIST_PAGE
    rows = [show.listed(job, context.jobs.shown(job)) for job in jobs[begin:end]]
    following = f"{call.base}/{path}?queryLocator={end}" if end < len(jobs) else None
    return Reply(200, {"done": following is None, "records": rows, "nextRecordsUrl": following})


def _wanted(job: Job, call: Call) -> bool:
    chunked, kind = call.params.get("isPkChunkingEnabled", ""), call.params.get("jobType", "")
    mode = call.params.get("concurrencyMode", "")
    return (
        (not chunked or (chunked.lower() == "true") == (job.chunking is not None))
        and kind.lower() in ("", show.TYPES[job.kind].lower())
        and mode.lower() in ("", job.concurrency.lower())
    )
