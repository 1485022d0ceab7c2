"""Apex REST: the org runs no Apex, it answers what the control plane was told the org's code would answer.

A resource nobody described is refused as a real org refuses one that does not exist.
"""

from __future__ import annotations

from typing import Any

from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.routes import Route

PATH = "/services/apexrest/{path*}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KIND = "apex"


def routes() -> list[Route]:
    """Every method of every Apex REST path; they count as API calls do on a real org."""
    return [Route(method, PATH, "apexrest", answer) for method in METHODS]


def answer(context: Context, call: Call) -> Reply:
    """The stand-in for this method and path. OrgError NOT_FOUND."""
    told = context.org.state_get(_KIND, _key(call.method, call.args["path"]))
    if told is None:
        raise OrgError("NOT_FOUND", "Could not find a match for URL", status=404)
    return Reply(int(told["status"]), told["body"])


def describe(context: Context, order: dict[str, Any]) -> dict[str, Any]:
    """Keeps ``{"method", "path", "status"?, "body"?}``; ValueError for an order without sense."""
    unknown = set(order) - {"method", "path", "status", "body"}
    method, path = str(order.get("method", "GET")).upper(), str(order.get("path", "")).strip("/")
    if unknown or not path or method not in METHODS:
        raise ValueError("give method, path below /services/apexrest/, and maybe status and body")
    told = {"status": int(order.get("status", 200)), "body": order.get("body")}
    context.org.state_put(_KIND, _key(method, path), told)
    return {"method": method, "path": path} | told


def _key(method: str, path: str) -> str:
    return f"{method} {path.strip('/')}"
