"""What a deploy says: a message per component, and the whole as ``DeployResult`` (Metadata API Developer Guide)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

from sfsync.rehearsal.ids import new_id
from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.metadata.kinds import BY_NAME

_MOST_NUMBERS = 62**9
PENDING, SUCCEEDED, PARTIAL, FAILED = "Pending", "Succeeded", "SucceededPartial", "Failed"


@dataclass(frozen=True)
class Message:
    """One component's outcome (DeployMessage). ``problem_type`` is Error or Warning, empty without a problem."""

    kind: str
    name: str
    file: str
    success: bool
    created: bool = False
    changed: bool = False
    deleted: bool = False
    problem: str = ""
    problem_type: str = ""

    def shown(self, at: str) -> dict[str, Any]:
        """The keys of a DeployMessage, in the order of the vendor's WSDL; no line: components are parsed whole."""
        shown: dict[str, Any] = {
            "changed": self.changed,
            "componentType": self.kind,
            "created": self.created,
            "createdDate": at,
            "deleted": self.deleted,
            "fileName": self.file,
            "fullName": self.name,
            "id": component_id(self.kind, self.name) if self.success and self.kind else None,
            "problem": self.problem or None,
            "problemType": self.problem_type or None,
            "success": self.success,
            "warning": self.problem_type == "Warning",
        }
        return {key: value for key, value in shown.items() if value is not None}


def component_id(kind: str, name: str) -> str:
    """An id that stays the same for a component, though most have no row."""
    known = BY_NAME.get(kind)
    return new_id(known.prefix if known else "0Mx", zlib.crc32(f"{kind} {name}".encode()) % _MOST_NUMBERS)


def success(one: Component, *, created: bool, changed: bool) -> Message:
    """A component that went in; one without effect here says so."""
    if BY_NAME[one.kind].effect:
        return Message(one.kind, one.name, one.file, True, created, changed)
    problem = f"{one.kind} is kept but has no effect in the rehearsal org"
    return Message(one.kind, one.name, one.file, True, created, changed, problem=problem, problem_type="Warning")


def failure(kind: str, name: str, file: str, problem: str) -> Message:
    return Message(kind, name, file, False, problem=problem, problem_type="Error")


@dataclass(frozen=True)
class Options:
    """DeployOptions the org heeds; others (allowMissingFiles, purgeOnDelete, …) change nothing here."""

    check_only: bool = False
    rollback_on_error: bool = True
    ignore_warnings: bool = False
    run_tests: tuple[str, ...] = ()
    test_level: str = "NoTestRun"
    single_package: bool = True


@dataclass
class Outcome:
    """A finished deploy. ``messages`` in the order of the package."""

    status: str
    messages: list[Message] = field(default_factory=list)

    @property
    def errors(self) -> list[Message]:
        return [one for one in self.messages if not one.success]

    @property
    def good(self) -> list[Message]:
        return [one for one in self.messages if one.success]


def deploy_result(
    job: str, outcome: Outcome, options: Options, *, user: tuple[str, str], started: str, finished: str
) -> dict[str, Any]:
    """The whole DeployResult with its details; keys in alphabetical order, as SOAP has them."""
    counted = [one for one in outcome.messages if one.kind]
    good = [one for one in counted if one.success]
    return {
        "checkOnly": options.check_only,
        "completedDate": finished,
        "createdBy": user[0],
        "createdByName": user[1],
        "createdDate": started,
        "details": {
            "componentFailures": [one.shown(finished) for one in outcome.errors],
            "componentSuccesses": [one.shown(finished) for one in outcome.good],
            "runTestResult": _no_tests(),
        },
        "done": True,
        "id": job,
        "ignoreWarnings": options.ignore_warnings,
        "lastModifiedDate": finished,
        "numberComponentErrors": len(outcome.errors),
        "numberComponentsDeployed": 0 if outcome.status == FAILED and options.rollback_on_error else len(good),
        "numberComponentsTotal": len(counted) + len([one for one in outcome.errors if not one.kind]),
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "rollbackOnError": options.rollback_on_error,
        "runTestsEnabled": False,
        "startDate": started,
        "status": outcome.status,
        "success": outcome.status in (SUCCEEDED, PARTIAL),
    }


def _no_tests() -> dict[str, Any]:
    return {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0}


def without_details(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "details"}
