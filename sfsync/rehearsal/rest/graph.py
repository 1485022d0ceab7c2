"""POST composite/graph: graphs of dependent requests, each graph done whole or not at all (wire reference 8)."""

from __future__ import annotations

import re
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.call import Call, Reply, refusal
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.rest.references import roots
from sfsync.rehearsal.rest.rollback import Undo, undo_unless
from sfsync.rehearsal.rest.since import GRAPH, check_since
from sfsync.rehearsal.rest.subrequests import Run, checked, done

MOST_GRAPHS, MOST_NODES, MOST_KINDS, MOST_DEPTH, MOST_FAILED = 75, 500, 15, 15, 14
_GRAPH_ID = re.compile(r"[A-Za-z0-9][^.]{0,38}")
# Rows of one object only: POST on the object, the others on a row by id or by external id.
_ROW = re.compile(r"/services/data/v(\d+)\.\d/sobjects/([^/?]+)(/[^/?]+){0,2}/?(\?.*)?")
_NOT_ROWS = re.compile(r"/(describe|updated|deleted|listviews|quickActions|compactLayouts)\b")

Graph = dict[str, Any]


def graph(context: Context, call: Call) -> Reply:
    """Answers 200 whatever happens to the graphs; one that fails is undone and says so with ``isSuccessful``."""
    check_since(call, GRAPH)
    graphs = _checked(call.body.object().get("graphs"), call.version)
    kinds: set[tuple[str, str, str]] = set()
    shown: list[dict[str, Any]] = []
    for one in graphs:
        if sum(not done_["isSuccessful"] for done_ in shown) >= MOST_FAILED:
            shown.append(_refused(one, errors.graph_not_processed(MOST_FAILED)))
        else:
            shown.append(_run(context, call, one, kinds))
    return Reply(200, {"graphs": shown})


def _checked(graphs: Any, version: str) -> list[Graph]:
    if not isinstance(graphs, list) or not graphs:
        raise OrgError("REQUIRED_FIELD_MISSING", "graphs is required and cannot be empty")
    if len(graphs) > MOST_GRAPHS:
        raise errors.too_many_graph_parts("graphs", MOST_GRAPHS)
    for one in graphs:
        _check_name(one)
        checked(one.get("compositeRequest"), version)
    names = [one["graphId"] for one in graphs]
    if len({*names}) < len(names):
        raise errors.invalid_input("Each graphId must be unique in the request")
    if sum(len(one["compositeRequest"]) for one in graphs) > MOST_NODES:
        raise errors.too_many_graph_parts("nodes", MOST_NODES)
    return graphs


def _check_name(one: Any) -> None:
    name = one.get("graphId") if isinstance(one, dict) else None
    if not isinstance(name, str):
        raise OrgError("REQUIRED_FIELD_MISSING", "Each graph needs a graphId")
    if not _GRAPH_ID.fullmatch(name):
        text = f"Provided graphId ('{name}') must start with a letter or a number, be shorter than 40 characters"
        raise errors.json_parser(f"{text} and have no period.")


def _run(context: Context, call: Call, one: Graph, kinds: set[tuple[str, str, str]]) -> dict[str, Any]:
    requests: list[dict[str, Any]] = one["compositeRequest"]
    kinds.update(kind for request in requests if (kind := _kind(request)))
    if len(kinds) > MOST_KINDS:
        return _refused(one, errors.too_many_graph_kinds())
    if _depth(requests) > MOST_DEPTH:
        return _refused(one, errors.graph_too_deep(MOST_DEPTH))
    run, good = Run(context, call), True
    try:
        with context.org.transaction(strict=True):
            for request in requests:
                undo_unless(not _step(run, request))
    except Undo:
        run.halt_others(requests)
        good = False
    except OrgError as error:
        run.refuse_all(requests, error)
        good = False
    return _shown(one, run.answer(requests), good)


def _step(run: Run, request: dict[str, Any]) -> bool:
    """Runs a node; True if it failed. Only rows may be nodes, of version 50 or later."""
    kind = _kind(request)
    if kind is None or _NOT_ROWS.search(request["url"]) or digits.number(kind[0]) < GRAPH:
        text = f"The url of a node must be a row of an object, in version {GRAPH}.0 or later: {request['url']}"
        run.done[request["referenceId"]] = done(refusal(errors.invalid_input(text)))
        return True
    return run.step(request).failed


def _kind(request: dict[str, Any]) -> tuple[str, str, str] | None:
    """Version, method and object: what makes nodes different in the vendor's count."""
    found = _ROW.fullmatch(request["url"])
    return (found.group(1), request["method"], found.group(2).lower()) if found else None


def _depth(requests: list[dict[str, Any]]) -> int:
    """Nodes on the longest chain of references."""
    depths: dict[str, int] = {}
    for request in requests:
        above = {*roots(request["url"]), *roots(request.get("body"))}
        depths[request["referenceId"]] = 1 + max((depths.get(name, 0) for name in above), default=0)
    return max(depths.values(), default=0)


def _refused(one: Graph, error: OrgError) -> dict[str, Any]:
    requests: list[dict[str, Any]] = one["compositeRequest"]
    halted = done(refusal(error))
    return _shown(one, _all(requests, halted), False)


def _all(requests: list[dict[str, Any]], made: Any) -> list[dict[str, Any]]:
    return [
        {"body": made.value, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": request["referenceId"]}
        for request in requests
    ]


def _shown(one: Graph, answers: list[dict[str, Any]], good: bool) -> dict[str, Any]:
    return {"graphId": one["graphId"], "graphResponse": {"compositeResponse": answers}, "isSuccessful": good}
