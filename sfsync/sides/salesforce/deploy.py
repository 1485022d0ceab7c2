"""Deploys a package through REST and waits for the end (Metadata API Developer Guide, "Deploying with REST")."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sfsync.errors import Unreachable
from sfsync.sides.salesforce.session import ReplyLost, Session

log = logging.getLogger("sfsync.salesforce")
_PATH = "metadata/deployRequest"
_FIRST_S, _MOST_S = 0.5, 10.0
Say = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Component:
    """What became of one component. ``outcome``: created, changed, unchanged, deleted or failed."""

    kind: str
    name: str
    outcome: str
    problem: str = ""
    file: str = ""


@dataclass(frozen=True)
class Deployed:
    """A finished deploy. ``success`` False: nothing was written. ``problem`` is what failed as a whole."""

    id: str
    success: bool
    status: str
    check_only: bool
    total: int
    components: tuple[Component, ...] = ()
    problem: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Component, ...]:
        """The components the org refused."""
        return tuple(one for one in self.components if one.outcome == "failed")


def deploy(session: Session, archive: bytes, *, check_only: bool, wait_s: float, say: Say) -> Deployed:
    """Sends a zip, polls until the org is done. All or nothing: one refused component undoes the others.

    ``say`` is told (status, components done, components in all). Raises ReplyLost when it is not known whether the
    deploy has begun, Unreachable DEPLOY_SLOW when it takes longer than ``wait_s`` seconds, and what calls raise.
    """
    job = _start(session, archive, check_only)
    log.info("salesforce.deploy", extra={"job": job, "check_only": check_only})
    for result in _polls(session, job, wait_s):
        say(str(result.get("status")), int(result["numberComponentsDeployed"]), int(result["numberComponentsTotal"]))
        if result["done"]:
            return _finished(result)
    step = f"It goes on without us: see Setup, Deployment Status, {job}."
    raise Unreachable(f"the deploy is not done after {wait_s:g} s", "DEPLOY_SLOW", "salesforce", step)


def _start(session: Session, archive: bytes, check_only: bool) -> str:
    options = {"checkOnly": check_only, "rollbackOnError": True, "singlePackage": True}
    boundary = f"sfsync-{secrets.token_hex(16)}"
    body = _multipart(boundary, {"deployOptions": options}, archive)
    try:
        answer = session.call(
            "POST",
            _PATH,
            body=body,
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
            resend=False,
        )
    except ReplyLost as lost:
        lost.next_step = "See Setup, Deployment Status, whether it runs; deploying the same twice does no harm."
        raise
    return str(answer.data["id"])


def _multipart(boundary: str, order: dict[str, Any], archive: bytes) -> bytes:
    """A part of JSON named ``json`` and the zip in a part named ``file``."""
    head = 'Content-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n'
    zipped = (
        'Content-Disposition: form-data; name="file"; filename="deploy.zip"\r\nContent-Type: application/zip\r\n\r\n'
    )
    edge = f"--{boundary}\r\n"
    return (
        (edge + head + json.dumps(order) + "\r\n" + edge + zipped).encode()
        + archive
        + f"\r\n--{boundary}--\r\n".encode()
    )


def _polls(session: Session, job: str, wait_s: float) -> Iterator[dict[str, Any]]:
    """The DeployResult, again and again, less often as time passes; the last look is at the end of the wait."""
    end, pause = time.monotonic() + wait_s, _FIRST_S
    while True:
        answer = session.call("GET", f"{_PATH}/{job}?includeDetails=true")
        yield answer.data["deployResult"]
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _MOST_S)


def _finished(result: Mapping[str, Any]) -> Deployed:
    details = result.get("details") or {}
    told = [*(details.get("componentFailures") or ()), *(details.get("componentSuccesses") or ())]
    components = tuple(_component(one) for one in told if one.get("fullName") != "package.xml" or not one["success"])
    outcomes = [one.outcome for one in components]
    return Deployed(
        id=str(result["id"]),
        success=bool(result["success"]),
        status=str(result["status"]),
        check_only=bool(result["checkOnly"]),
        total=int(result["numberComponentsTotal"]),
        components=components,
        problem=str(result.get("errorMessage") or ""),
        counts={word: outcomes.count(word) for word in ("created", "changed", "unchanged", "deleted", "failed")},
    )


def _component(one: Mapping[str, Any]) -> Component:
    return Component(
        kind=str(one.get("componentType") or ""),
        name=str(one.get("fullName") or ""),
        outcome=_outcome(one),
        problem=str(one.get("problem") or ""),
        file=str(one.get("fileName") or ""),
    )


def _outcome(one: Mapping[str, Any]) -> str:
    if not one["success"]:
        return "failed"
    return next((word for word in ("deleted", "created", "changed") if one.get(word)), "unchanged")
