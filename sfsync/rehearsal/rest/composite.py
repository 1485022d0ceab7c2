"""Several requests in one: /composite (counts as one call) and /composite/batch (each part counts).

Subrequests run through the same route table as requests from outside. Sources: wire reference 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Body, Call, Reply, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.resources import check_version
from sfsync.rehearsal.rest.rollback import Undo, undo_unless
from sfsync.rehearsal.routes import BATCH, COMPOSITE, Route

MOST, MOST_HEAVY = 25, 5
FAILED = 400
_REFERENCE = re.compile(r"@\{([^}]*)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ID = re.compile(r"[A-Za-z0-9_]+")
_URL_SAFE = "/%?&=+:,.-_~!*'()@$;[] "


@dataclass
class _Done:
    """What a subrequest came to. ``failed`` includes a collection with a failed item, whose status is 200."""

    reply: Reply
    value: Any
    failed: bool


@dataclass
class _Run:
    """One composite call under way: results by reference id, in order."""

    context: Context
    outer: Call
    done: dict[str, _Done] = field(default_factory=dict)


def make_call(outer: Call, method: str, url: str, headers: dict[str, str], body: Any) -> Call:
    """A Call from a subrequest. Raw blanks in ``url`` are as good as encoded ones."""
    path, _, text = url.partition("?")
    inherited = {name: value for name, value in outer.headers.items() if name.startswith("sforce-")}
    own = {name.lower(): str(value) for name, value in headers.items()}
    return Call(
        method=method.upper(),
        path=quote(path, safe=_URL_SAFE),
        params=dict(parse_qsl(text, keep_blank_values=True)),
        headers={**inherited, **own},
        body=Body(value=body),
        session=outer.session,
    )


def perform(context: Context, call: Call, kind: str) -> Reply:
    """Runs a subrequest; ``kind`` is the composite resource it stands in."""
    try:
        route, args = context.table.find(call.method, call.path)
        if kind not in route.within:
            raise errors.not_found()
        check_version(args.get("version", "60.0"))
        context.limits.note_part(route.kind)
        return route.handler(context, _with_args(call, args))
    except OrgError as error:
        return refusal(error)


def _with_args(call: Call, args: Any) -> Call:
    return Call(call.method, call.path, call.params, call.headers, call.body, args, call.session)


# -- composite --------------------------------------------------------------------------------------------


def composite(context: Context, call: Call) -> Reply:
    """POST composite: up to 25 dependent requests, each may use the results of those before it."""
    body = call.body.object()
    requests = _checked(context, body.get("compositeRequest"))
    run = _Run(context, call)
    if body.get("allOrNone") is not True:
        for request in requests:
            _step(run, request)
        return _answer(run, requests)
    try:
        with context.org.transaction():
            for request in requests:
                _step(run, request)
                undo_unless(not run.done[request["referenceId"]].failed)
    except Undo:
        _halt_others(run, requests)
    return _answer(run, requests)


def _checked(context: Context, requests: Any) -> list[dict[str, Any]]:
    if not isinstance(requests, list) or not requests:
        raise OrgError("REQUIRED_FIELD_MISSING", "compositeRequest is required and cannot be empty")
    if len(requests) > MOST:
        raise _Refused(errors.too_many_subrequests(MOST))
    for request in requests:
        _check_shape(request)
    names = [request["referenceId"] for request in requests]
    if len({*names}) < len(names):
        again = next(name for name in names if names.count(name) > 1)
        raise OrgError("DUPLICATE_VALUE", f"Duplicate referenceId provided in the request: {again}")
    if sum(_is_heavy(context, request) for request in requests) > MOST_HEAVY:
        text = f"The request can’t contain more than {MOST_HEAVY} Query or sObject Collections operations."
        raise _Refused(OrgError("LIMIT_EXCEEDED", text))
    return requests


class _Refused(OrgError):
    """A composite call refused as a whole, in the envelope of one."""

    def __init__(self, error: OrgError) -> None:
        super().__init__(error.code, error.message)


def _check_shape(request: Any) -> None:
    needed = ("method", "url", "referenceId")
    if not isinstance(request, dict) or not all(isinstance(request.get(name), str) for name in needed):
        raise OrgError("REQUIRED_FIELD_MISSING", "Each subrequest needs method, url and referenceId")
    if not _ID.fullmatch(request["referenceId"]):
        text = f"Invalid referenceId: {request['referenceId']}. It may hold letters, digits and underscores only"
        raise OrgError("INVALID_INPUT", text)


def _is_heavy(context: Context, request: dict[str, Any]) -> bool:
    route = _route(context, request)
    return route is not None and route.heavy


def _route(context: Context, request: dict[str, Any]) -> Route | None:
    try:
        return context.table.find(request["method"].upper(), quote(request["url"].split("?")[0], safe=_URL_SAFE))[0]
    except OrgError:
        return None


def _step(run: _Run, request: dict[str, Any]) -> None:
    try:
        call = make_call(
            run.outer,
            request["method"],
            str(_filled(run, request["url"])),
            _filled(run, request.get("httpHeaders") or {}),
            _filled(run, request.get("body")),
        )
        reply = perform(run.context, call, COMPOSITE)
    except OrgError as error:
        reply = refusal(error)
    value = reply.json_value()
    run.done[request["referenceId"]] = _Done(reply, value, reply.status >= FAILED or _has_failed_item(value))


def _has_failed_item(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) and one.get("success") is False for one in value)


def _halt_others(run: _Run, requests: list[dict[str, Any]]) -> None:
    """After a failure of all-or-none: the culprit keeps its error, collections keep their bodies, the rest halts.

    A collection body goes on saying ``success: true`` for its good items although they are undone (documented).
    """
    halted = refusal(errors.processing_halted())
    for request in requests:
        name = request["referenceId"]
        done = run.done.get(name)
        if done is None or not (done.failed or isinstance(done.value, list)):
            run.done[name] = _Done(halted, halted.value, True)


def _answer(run: _Run, requests: list[dict[str, Any]]) -> Reply:
    shown = []
    for request in requests:
        done = run.done[request["referenceId"]]
        kept = ("Location", "ETag", "Last-Modified")
        headers = {name: value for name, value in done.reply.headers.items() if name in kept}
        shown.append(_envelope(done.value, headers, done.reply.status, request["referenceId"]))
    return Reply(200, {"compositeResponse": shown})


def _envelope(body: Any, headers: dict[str, str], status: int, reference: str | None) -> dict[str, Any]:
    return {"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": reference}


def refused_envelope(error: OrgError) -> Reply | None:
    """The answer to a composite call that broke a limit as a whole; None for other errors."""
    if not isinstance(error, _Refused):
        return None
    item = {"errorCode": error.code, "message": error.message}
    return Reply(400, {"compositeResponse": [_envelope([item], {}, 400, None)]})


# -- references -------------------------------------------------------------------------------------------


def _filled(run: _Run, value: Any) -> Any:
    """The value with every ``@{ref.path}`` replaced; a text that is one reference takes the value's own type."""
    if isinstance(value, dict):
        return {key: _filled(run, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(run, item) for item in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _resolve(run, whole.group(1))
    return _REFERENCE.sub(lambda found: _text(_resolve(run, found.group(1))), value)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _resolve(run: _Run, path: str) -> Any:
    root, *steps = _steps(path)
    done = run.done.get(str(root))
    if done is None or done.reply.status >= FAILED:
        raise errors.invalid_reference(path, str(root))
    value = done.value
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError) as error:
            raise errors.invalid_reference(path, str(root)) from error
    if value is None or isinstance(value, dict | list):
        raise errors.invalid_reference(path, str(root))
    return value


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _STEP.findall(path)] or [path]


# -- batch ------------------------------------------------------------------------------------------------


def batch(context: Context, call: Call) -> Reply:
    """POST composite/batch: up to 25 independent requests; ``haltOnError`` skips what follows a failure."""
    body = call.body.object()
    requests = body.get("batchRequests")
    if not isinstance(requests, list) or not requests:
        raise OrgError("REQUIRED_FIELD_MISSING", "batchRequests is required and cannot be empty")
    if len(requests) > MOST:
        raise OrgError("LIMIT_EXCEEDED", f"The request can’t contain more than {MOST} operations.")
    results: list[dict[str, Any]] = []
    for number, request in enumerate(requests):
        halted = body.get("haltOnError") is True and any(one["statusCode"] >= FAILED for one in results)
        results.append(_halted() if halted else _batched(context, call, request, number))
    return Reply(200, {"hasErrors": any(one["statusCode"] >= FAILED for one in results), "results": results})


def _halted() -> dict[str, Any]:
    text = "Batch processing halted as requested"
    return {"statusCode": 412, "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": text}]}


def _batched(context: Context, call: Call, request: Any, number: int) -> dict[str, Any]:
    """One part; its url has no ``/services/data/`` and its body is called richInput. The first was paid already."""
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        error = OrgError("REQUIRED_FIELD_MISSING", "Each subrequest needs method and url")
        return {"statusCode": 400, "result": refusal(error).value}
    try:
        if number:
            context.limits.spend("composite.batch")
        url = "/services/data/" + request["url"].removeprefix("/services/data/").lstrip("/")
        inner = make_call(call, str(request.get("method", "GET")), url, {}, request.get("richInput"))
        reply = perform(context, inner, BATCH)
    except OrgError as error:
        reply = refusal(error)
    return {"statusCode": reply.status, "result": reply.json_value()}
