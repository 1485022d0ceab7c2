"""Approval processes and the standard action that sends a mail, as a client meets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.http.conftest import Client, V

URL, MAIL = f"{V}/process/approvals", f"{V}/actions/standard/emailSimple"


def rows(org: Client, soql: str) -> list[dict[str, Any]]:
    return list(org.get(f"{V}/query", params={"q": soql}).json()["records"])


@pytest.fixture
def process(org: Client) -> str:
    """A process of two steps, decided by the one user there is."""
    [user] = rows(org, "SELECT Username FROM User WHERE UserType = 'Standard' LIMIT 1")
    order = {"name": "P", "object": "Case", "approvers": [user["Username"]] * 2}
    assert org.post("/rehearsal/approvals", order).status_code == 200
    return str(user["Username"])


def act(org: Client, kind: str, about: str, **more: Any) -> dict[str, Any]:
    [answer] = org.post(URL, {"requests": [{"actionType": kind, "contextId": about, **more}]}).json()
    return dict(answer)


def test_one_step_after_the_other(org: Client, process: str) -> None:
    case = org.create("Case", Subject="x")
    assert [p["name"] for p in org.get(URL).json()["approvals"]["Case"]] == ["P"]
    begun = act(org, "Submit", case, comments="bitte")
    assert (begun["success"], begun["instanceStatus"], len(begun["newWorkitemIds"])) == (True, "Pending", 1)
    again = act(org, "Submit", case)
    assert (again["success"], again["errors"][0]["statusCode"]) == (False, "ALREADY_IN_PROCESS")
    second = act(org, "Approve", begun["newWorkitemIds"][0])
    assert second["instanceStatus"] == "Pending"
    assert act(org, "Approve", second["newWorkitemIds"][0], comments="gut")["instanceStatus"] == "Approved"
    soql = "SELECT StepStatus, Comments, Actor.Username, ProcessInstance.Status FROM ProcessInstanceStep ORDER BY Id"
    steps = rows(org, soql)
    assert [(s["StepStatus"], s["Comments"]) for s in steps] == [
        ("Started", "bitte"),
        ("Approved", None),
        ("Approved", "gut"),
    ]
    assert steps[1]["Actor"]["Username"] == process
    assert steps[0]["ProcessInstance"]["Status"] == "Approved"


def test_a_rejection_ends_it_and_it_may_be_submitted_again(org: Client, process: str) -> None:
    case = org.create("Case", Subject="x")
    begun = act(org, "Submit", case)
    assert act(org, "Reject", begun["newWorkitemIds"][0])["instanceStatus"] == "Rejected"
    assert act(org, "Submit", case)["success"] is True


def test_what_cannot_be_submitted(org: Client) -> None:
    case = org.create("Case", Subject="x")
    assert act(org, "Submit", case)["errors"][0]["statusCode"] == "NO_APPLICABLE_PROCESS"
    assert act(org, "Submit", "nonsense")["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert act(org, "Praise", case)["errors"][0]["statusCode"] == "INVALID_ENUM_VALUE"
    assert (
        org.post("/rehearsal/approvals", {"name": "Q", "object": "Case", "approvers": ["nobody@x"]}).status_code == 400
    )


def test_a_mail_is_kept_at_its_case(org: Client) -> None:
    case = org.create("Case", Subject="x")
    mail = {"emailAddresses": "a@b.example", "emailSubject": "S", "emailBody": "B"}
    [sent] = org.post(MAIL, {"inputs": [{**mail, "relatedRecordId": case, "logEmailOnSend": True}]}).json()
    assert sent["isSuccess"] is True
    [kept] = rows(org, f"SELECT TextBody, ToAddress FROM EmailMessage WHERE ParentId = '{case}'")
    assert (kept["TextBody"], kept["ToAddress"]) == ("B", "a@b.example")
    [refused] = org.post(MAIL, {"inputs": [{"emailSubject": "S"}]}).json()
    assert (refused["isSuccess"], refused["errors"][0]["statusCode"]) == (False, "MISSING_ARGUMENT")
