"""Salesforce's own approval processes: submit a record, and read who decided (vendor: Process Approvals).

The plan's hash travels in the comment of the submission, so that what was approved there is approved for that plan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.errors import SideError
from sfsync.sides.salesforce.approvers import Query
from sfsync.sides.salesforce.session import Session
from sfsync.sides.salesforce.soql import URL_CHARS, in_lists, select

PATH = "process/approvals"
_HASH = re.compile(r"\bplan ([0-9a-f]{32})\b")
_STEPS = (
    "Actor.Username",
    "StepStatus",
    "Comments",
    "CreatedDate",
    "ProcessInstance.TargetObjectId",
    "ProcessInstanceId",
)
_MORE = ("ProcessInstance.Status",)


@dataclass(frozen=True)
class Decision:
    """One approver's step in a process. ``record``: the id of what was submitted; ``status``: of the whole process."""

    record: str
    instance: str
    by: str
    approved: bool
    plan_hash: str
    status: str


def submit(session: Session, record: str, process: str, plan_hash: str) -> None:
    """Submits a record for a plan; one that is in the process already stays there. ``SideError`` APPROVAL_SUBMIT."""
    order = {"actionType": "Submit", "contextId": record, "processDefinitionNameOrId": process}
    order |= {"comments": f"sfsync plan {plan_hash}", "skipEntryCriteria": "true"}
    answer = session.call("POST", PATH, json_body={"requests": [order]}, resend=False)
    result: dict[str, Any] = answer.data[0]
    codes = [e.get("statusCode") for e in result.get("errors") or []]
    if not result["success"] and "ALREADY_IN_PROCESS" not in codes:
        step = "Check the process's name and entry criteria (request_steps.yaml, approval_process)."
        text = f"the approval process did not take the case ({', '.join(map(str, codes))})"
        raise SideError(text, "APPROVAL_SUBMIT", process, step)


def decisions(query: Query, records: Sequence[str]) -> tuple[list[Decision], set[str]]:
    """What was decided about these records, oldest first, and the records that are in a process now."""
    rows: list[dict[str, Any]] = []
    for clause in in_lists("ProcessInstance.TargetObjectId", sorted(set(records)), URL_CHARS - 400):
        rows += query(select([*_STEPS, *_MORE], "ProcessInstanceStep", clause))
    rows.sort(key=lambda r: (r["CreatedDate"], r["ProcessInstanceId"]))
    hashes = {r["ProcessInstanceId"]: found[1] for r in rows if (found := _HASH.search(r["Comments"] or ""))}
    pending = {r["ProcessInstance"]["TargetObjectId"] for r in rows if r["ProcessInstance"]["Status"] == "Pending"}
    return [_decision(r, hashes) for r in rows if r["StepStatus"] in ("Approved", "Rejected")], pending


def _decision(row: dict[str, Any], hashes: dict[str, str]) -> Decision:
    return Decision(
        record=row["ProcessInstance"]["TargetObjectId"],
        instance=row["ProcessInstanceId"],
        by=str((row["Actor"] or {}).get("Username") or ""),
        approved=row["StepStatus"] == "Approved",
        plan_hash=hashes.get(row["ProcessInstanceId"], ""),
        status=row["ProcessInstance"]["Status"],
    )
