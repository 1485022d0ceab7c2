"""Deploys over REST: ``/metadata/deployRequest`` (Metadata API Developer Guide, "Deploying with REST").

A deploy comes as multipart: a part of JSON with ``deployOptions`` and a part with the zip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message as Headers
from email.parser import BytesHeaderParser
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call, Reply, parse_json
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.metadata import jobs
from sfsync.rehearsal.metadata.results import Options, without_details

_PATH = "/metadata/deployRequest"


@dataclass(frozen=True)
class Part:
    """One part of a multipart body."""

    headers: Headers
    body: bytes

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get_content_type()


def parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart body. OrgError if it has none."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None:
        raise errors.OrgError("INVALID_MULTIPART_REQUEST", "The multipart boundary is missing")
    pieces = body.split(b"--" + found.group(1).strip().encode())
    return [_part(one) for one in pieces[1:] if one.strip() not in (b"", b"--") and not one.startswith(b"--")]


def _part(raw: bytes) -> Part:
    raw = raw.removeprefix(b"\r\n").removeprefix(b"\n")
    gap = b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n"
    head, _, body = raw.partition(gap)
    end = b"\r\n" if gap == b"\r\n\r\n" else b"\n"
    return Part(BytesHeaderParser().parsebytes(head), body.removesuffix(end))


def options_of(given: Any) -> Options:
    """DeployOptions as JSON says them."""
    said = given if isinstance(given, dict) else {}

    def true(name: str, default: bool) -> bool:
        return str(said.get(name, default)).lower() == "true"

    return Options(
        check_only=true("checkOnly", False),
        rollback_on_error=true("rollbackOnError", True),
        ignore_warnings=true("ignoreWarnings", False),
        run_tests=tuple(str(one) for one in said.get("runTests") or () if one),
        test_level=str(said.get("testLevel") or "NoTestRun"),
        single_package=true("singlePackage", True),
    )


def create(context: Context, call: Call) -> Reply:
    """POST deployRequest: a zip to deploy, or, as JSON, an earlier validation."""
    user = _user(context, call)
    if call.header("Content-Type").startswith("multipart/"):
        result, told = _deploy(context, call, user)
        return Reply(201, _answer(context, call, result, told, details=False))
    wanted = call.body.object().get("validatedDeployRequestId")
    if not wanted:
        raise errors.OrgError("INVALID_MULTIPART_REQUEST", "Send the deploy options and the zip file as multipart")
    result = jobs.quick_deploy(context.org, user, str(wanted))
    return Reply(201, _answer(context, call, result, {}, details=False) | {"validatedDeployRequestId": wanted})


def _deploy(context: Context, call: Call, user: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = parts(call.header("Content-Type"), call.body.read())
    order: Any = next((parse_json(one.body) for one in found if one.is_json), {})
    archive = next((one.body for one in found if not one.is_json), None)
    if archive is None:
        raise errors.OrgError("INVALID_MULTIPART_REQUEST", "There is no part with the zip file")
    told = order.get("deployOptions") if isinstance(order, dict) else None
    return jobs.start_deploy(context.org, user, archive, options_of(told)), told or {}


def _user(context: Context, call: Call) -> str:
    user = call.session.user_id if call.session else context.org.user_id
    jobs.require_rights(context.org, user)
    return user


def status(context: Context, call: Call) -> Reply:
    """GET deployRequest/{id}"""
    _user(context, call)
    result = jobs.deploy_of(context.org, call.args["id"])
    details = call.params.get("includeDetails", "").lower() == "true"
    return Reply(200, _answer(context, call, result, {}, details=details))


def cancel(context: Context, call: Call) -> Reply:
    """PATCH deployRequest/{id} with the status Canceling."""
    if call.body.object().get("deployResult", {}).get("status") != "Canceling":
        raise errors.OrgError("INVALID_OPERATION", "The only change a deploy takes is the status Canceling")
    _user(context, call)
    return Reply(202, jobs.cancel(context.org, call.args["id"]))


def _answer(
    context: Context, call: Call, result: dict[str, Any], told: dict[str, Any], *, details: bool
) -> dict[str, Any]:
    shown = _listed(result) if details else without_details(result)
    url = f"{context.instance_url}{call.base}{_PATH}/{result['id']}"
    return {
        "validatedDeployRequestId": None,
        "id": result["id"],
        "url": url + ("?includeDetails=true" if details else ""),
        "deployOptions": told,
        "deployResult": shown,
    }


def _listed(result: dict[str, Any]) -> dict[str, Any]:
    """In JSON the details list everything once more, and name the retrieve there was none of."""
    found = result["details"]
    every = [*found["componentSuccesses"], *found["componentFailures"]]
    return result | {"details": found | {"allComponentMessages": every, "retrieveResult": None}}
