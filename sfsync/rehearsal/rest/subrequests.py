"""Subrequests: calls inside a call, run through the same route table as those from outside (wire reference 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Body, Call, Reply, refusal, understood
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.references import filled, filled_url, steps
from sfsync.rehearsal.rest.resources import check_version
from sfsync.rehearsal.routes import COMPOSITE, Route

FAILED = 400
# Null is a value to refer to, and an odd referenceId refuses the call, from this version on.
STRICT_VERSION = 52
_METHODS = frozenset({"DELETE", "GET", "PATCH", "POST", "PUT"})
_INHERITED = frozenset({"accept", "authorization", "content-type"})
_SHOWN_HEADERS = ("Location", "ETag", "Last-Modified")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_URL_SAFE = "/%?&=+:,.-_~!*'()@$;[] "


def make_call(outer: Call, method: str, url: str, headers: Mapping[str, Any], body: Any) -> Call:
    """A Call from a subrequest. Raw blanks in ``url`` are as good as encoded ones."""
    path, _, text = url.partition("?")
    inherited = {name: value for name, value in outer.headers.items() if name.startswith("sforce-")}
    own = {name.lower(): str(value) for name, value in headers.items()}
    return Call(
        method=method,
        path=quote(path, safe=_URL_SAFE),
        params=dict(parse_qsl(text, keep_blank_values=True)),
        headers={**inherited, **own},
        body=Body(value=body),
        session=outer.session,
    )


def find_route(context: Context, method: str, url: str) -> Route | None:
    """The route a subrequest will take, or None; references in ``url`` stand for one part of the path."""
    try:
        return context.table.find(method, quote(url.partition("?")[0], safe=_URL_SAFE))[0]
    except OrgError:
        return None


def perform(context: Context, call: Call, kind: str) -> Reply:
    """Runs a subrequest; ``kind`` is the composite resource it stands in."""
    try:
        route, args = context.table.find(call.method, call.path)
        if kind not in route.within:
            raise errors.not_found()
        check_version(args.get("version", "60.0"))
        context.limits.note_part(route.kind)
        with understood():
            return route.handler(context, replace(call, args=args))
    except OrgError as error:
        return refusal(error)


def checked(requests: Any, version: str) -> list[dict[str, Any]]:
    """The subrequests of a composite call or of one graph. OrgError for a list that cannot be run at all."""
    if not isinstance(requests, list) or not requests:
        raise OrgError("REQUIRED_FIELD_MISSING", "compositeRequest is required and cannot be empty")
    for request in requests:
        _check_shape(request, strict=float(version) >= STRICT_VERSION)
    names = [request["referenceId"] for request in requests]
    if len({*names}) < len(names):
        again = next(name for name in names if names.count(name) > 1)
        raise OrgError("PROCESSING_HALTED", errors.duplicate_reference(again).message)
    return requests


def _check_shape(request: Any, *, strict: bool) -> None:
    needed = ("method", "url", "referenceId")
    if not isinstance(request, dict) or not all(isinstance(request.get(name), str) for name in needed):
        raise OrgError("REQUIRED_FIELD_MISSING", "Each subrequest needs method, url and referenceId")
    if request["method"] not in _METHODS:
        raise errors.bad_method(request["method"])
    if strict and not _ID.fullmatch(request["referenceId"]):
        raise errors.bad_reference_id(request["referenceId"])
    headers = request.get("httpHeaders") or {}
    if not isinstance(headers, dict):
        raise errors.json_parser("httpHeaders must be an object at [line:1, column:1]")
    for name in headers:
        if name.lower() in _INHERITED:
            raise errors.header_not_allowed(name)


@dataclass
class Done:
    """What a subrequest came to. ``failed`` includes a collection with a failed item, whose status is 200."""

    reply: Reply
    value: Any
    failed: bool


def done(reply: Reply) -> Done:
    value = reply.json_value()
    return Done(reply, value, reply.status >= FAILED or _has_failed_item(value))


def _has_failed_item(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) and one.get("success") is False for one in value)


def _without_dates(call: Call, reply: Reply) -> Reply:
    """Some fields of a row come without ``ETag`` and ``Last-Modified`` (the vendor's examples of composite)."""
    if not call.params.get("fields") or reply.status >= FAILED:
        return reply
    return replace(reply, headers={name: one for name, one in reply.headers.items() if name == "Location"})


@dataclass
class Run:
    """Subrequests under way: results by referenceId, in order; later ones may use those of earlier ones."""

    context: Context
    outer: Call
    done: dict[str, Done] = field(default_factory=dict)

    def step(self, request: dict[str, Any]) -> Done:
        """Runs one subrequest and remembers what it came to."""
        try:
            with understood():
                url = filled_url(request["url"], self._look)
                headers = filled(request.get("httpHeaders") or {}, self._look)
                call = make_call(self.outer, request["method"], url, headers, filled(request.get("body"), self._look))
            reply = _without_dates(call, perform(self.context, call, COMPOSITE))
        except OrgError as error:
            reply = refusal(error)
        made = self.done[request["referenceId"]] = done(reply)
        return made

    def halt_others(self, requests: list[dict[str, Any]]) -> None:
        """After the failure of something that is whole or not at all: who failed keeps its answer, the rest halts.

        A collection that failed goes on saying ``success: true`` for its good items although they are undone
        (documented).
        """
        halted = done(refusal(errors.processing_halted()))
        for request in requests:
            made = self.done.get(request["referenceId"])
            if made is None or not made.failed:
                self.done[request["referenceId"]] = halted

    def refuse_all(self, requests: list[dict[str, Any]], error: OrgError) -> None:
        """The transaction did not even begin: others hold the lock."""
        refused = done(refusal(error))
        self.done = {request["referenceId"]: refused for request in requests}

    def answer(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """compositeResponse, in the order of the requests."""
        return [_shown(self.done[request["referenceId"]], request["referenceId"]) for request in requests]

    def _look(self, path: str) -> Any:
        root, *rest = steps(path)
        made = self.done.get(str(root))
        if made is None or made.reply.status >= FAILED:
            raise errors.no_reference(path, str(root))
        value = made.value
        for step in rest:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError) as error:
                raise errors.no_value_for_reference(path, str(root)) from error
        if isinstance(value, dict | list) or (value is None and not self._null_counts(made)):
            raise errors.no_value_for_reference(path, str(root))
        return value

    def _null_counts(self, made: Done) -> bool:
        """An empty field of a row that was read by itself may be handed on from version 52."""
        of_a_row = isinstance(made.value, dict) and "attributes" in made.value
        return of_a_row and float(self.outer.version) >= STRICT_VERSION


def _shown(made: Done, reference: str) -> dict[str, Any]:
    headers = {name: value for name, value in made.reply.headers.items() if name in _SHOWN_HEADERS}
    return envelope(made.value, headers, made.reply.status, reference)


def envelope(body: Any, headers: Mapping[str, str], status: int, reference: str | None) -> dict[str, Any]:
    """One entry of compositeResponse."""
    return {"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": reference}
