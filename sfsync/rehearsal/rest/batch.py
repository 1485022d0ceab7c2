"""POST composite/batch: up to 25 independent requests in one, each counting as a call (wire reference 8)."""

from __future__ import annotations

import re
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.call import Call, Reply, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.collections import is_true
from sfsync.rehearsal.rest.since import BATCH, check_since
from sfsync.rehearsal.rest.subrequests import FAILED, make_call, perform
from sfsync.rehearsal.routes import BATCH as WITHIN_BATCH

MOST = 25
_METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})
_VERSION = re.compile(r"(?:/?services/data)?/?v(\d+)\.\d(?=/|\?|$)")


def batch(context: Context, call: Call) -> Reply:
    """Parts run in order, each a transaction of its own; ``haltOnError`` skips what follows a failure."""
    check_since(call, BATCH)
    body = call.body.object()
    requests = _checked(body.get("batchRequests"))
    halting = is_true(body.get("haltOnError"))
    results: list[dict[str, Any]] = []
    for number, request in enumerate(requests):
        halted = halting and _failed(results)
        results.append(_shown(refusal(errors.batch_halted())) if halted else _run(context, call, request, number))
    return Reply(200, {"hasErrors": _failed(results), "results": results})


def _failed(results: list[dict[str, Any]]) -> bool:
    return any(one["statusCode"] >= FAILED for one in results)


def _checked(requests: Any) -> list[dict[str, Any]]:
    """What cannot be read refuses the whole call, whatever ``haltOnError`` says."""
    if not isinstance(requests, list) or not requests:
        raise OrgError("REQUIRED_FIELD_MISSING", "batchRequests is required and cannot be empty")
    if len(requests) > MOST:
        raise errors.too_many_subrequests(MOST)
    for request in requests:
        _check_shape(request)
    return requests


def _check_shape(request: Any) -> None:
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        raise OrgError("REQUIRED_FIELD_MISSING", "Each subrequest needs method and url")
    method = request.get("method")
    if not isinstance(method, str) or method not in _METHODS:
        raise errors.bad_method(str(method))
    if "binaryPartName" in request or "binaryPartNameAlias" in request:
        raise errors.invalid_input("Binary parts are not supported: this org keeps no files")
    if not _VERSION.match(request["url"]):
        raise errors.json_parser(f"Invalid url '{request['url']}': it must start with a version, such as v60.0/")


def _run(context: Context, call: Call, request: dict[str, Any], number: int) -> dict[str, Any]:
    """One part; its url has no ``/services/data/`` and its body is called richInput. The first was paid already."""
    try:
        _check_version(request["url"], call.version)
        if number:
            context.limits.spend("composite.batch")
        url = "/services/data/" + request["url"].lstrip("/").removeprefix("services/data/")
        inner = make_call(call, request["method"], url, {}, request.get("richInput"))
        return _shown(perform(context, inner, WITHIN_BATCH))
    except OrgError as error:
        return _shown(refusal(error))


def _check_version(url: str, outer: str) -> None:
    """A part's version is at least 34.0 and at most that of the batch."""
    found = _VERSION.match(url)
    version = digits.number(found.group(1)) if found else 0
    if not BATCH <= version <= float(outer):
        text = f"The version of a subrequest must be between {BATCH}.0 and {outer}: v{version}.0"
        raise OrgError("UNSUPPORTED_API_VERSION", text)


def _shown(reply: Reply) -> dict[str, Any]:
    return {"statusCode": reply.status, "result": reply.json_value()}
