"""Approvals given in Salesforce's own process, and the ways a message leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desk import AM, FIN, LEG, Desk
from tests.e2e.postbox import Postbox
from tests.e2e.postbox import opened as opened_postbox
from tests.e2e.test_requests import HOURS, iban_change, limit
from tests.e2e.world import ROOT, opened, restored


@pytest.fixture
def desk(prepared: Path, place: Path) -> Iterator[Desk]:
    with opened(restored(prepared, place)) as world:
        yield Desk(world)


@pytest.fixture
def in_process(desk: Desk) -> Desk:
    """An org with a process: the account manager decides, then Finance."""
    folder = desk.world.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    steps = folder / "request_steps.yaml"
    text = steps.read_text("utf-8").replace('approval_process: ""', "approval_process: SFS_Partner_Request")
    steps.write_text(text, "utf-8")
    desk.world.configure(mappings=folder)
    desk.world.control("approvals", name="SFS_Partner_Request", object="Case", approvers=[AM, FIN])
    return desk


def decide(desk: Desk, kind: str) -> dict[str, Any]:
    """The next approver decides the one open item."""
    [item] = desk.world.rows("SELECT Id FROM ProcessInstanceWorkitem WHERE IsDeleted = FALSE")
    order = {"actionType": kind, "contextId": item["Id"], "comments": "visto"}
    [answer] = desk.world.org.restful("process/approvals", method="POST", json={"requests": [order]})
    assert answer["success"], answer
    return dict(answer)


def test_marks_given_in_salesforce_count(in_process: Desk) -> None:
    desk = in_process
    case = limit(desk, "1500000")
    desk.work()
    desk.work()
    assert len(desk.world.rows("SELECT Id FROM ProcessInstance")) == 1  # submitted once
    assert decide(desk, "Approve")["instanceStatus"] == "Pending"
    desk.work()
    assert desk.asked() == []
    assert decide(desk, "Approve")["instanceStatus"] == "Approved"
    desk.work()
    [asked] = desk.asked()
    assert asked["approved_by"] == f"{AM}, {FIN}"
    assert {m["source"] for m in desk.run("explain", case)["marks"]} == {"salesforce"}


def test_a_rejection_in_salesforce_refuses(in_process: Desk) -> None:
    case = limit(in_process, "1500000")
    in_process.work()
    decide(in_process, "Reject")
    in_process.work()
    assert in_process.state(case) == "refused"
    assert in_process.asked() == []


def test_a_plan_that_changed_since_is_submitted_anew(in_process: Desk) -> None:
    desk = in_process
    limit(desk, "1500000")
    desk.work()
    decide(desk, "Approve")
    desk.world.edit("shops", desk.shop, guarantee_minor=3_000_000)
    decide(desk, "Approve")
    desk.work()
    assert desk.asked() == []
    statuses = sorted(r["Status"] for r in desk.world.rows("SELECT Status FROM ProcessInstance"))
    assert statuses == ["Approved", "Pending"]


def test_a_process_there_is_not_keeps_nobody_elses_request_waiting(in_process: Desk) -> None:
    in_process.world.control("approvals", name="SFS_Other", object="Case", approvers=[AM])
    steps = in_process.world.folder / "mappings" / "request_steps.yaml"
    steps.write_text(steps.read_text("utf-8").replace("SFS_Partner_Request", "SFS_None"), "utf-8")
    in_process.opened("RP-32", "partner_other", "REQ-1", {})
    case = limit(in_process, "1500000")
    found = in_process.work(exit=4)
    assert [f["code"] for f in found["findings"]] == ["APPROVAL_SUBMIT"]
    assert in_process.codes() == ["M-TAKEN"]
    in_process.approve(case, AM)  # the command line decides as well


# ── messages


def configure(desk: Desk, **messages: str) -> None:
    lines = ["[messages]", *(f'{k} = "{v}"' for k, v in messages.items())]
    with desk.world.toml.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def test_by_salesforces_own_action(desk: Desk) -> None:
    configure(desk, send="salesforce")
    iban_change(desk)
    desk.work()
    desk.work()
    [mail] = desk.world.rows("SELECT Subject, TextBody, ToAddress, Parent.SFS_Source_Key__c FROM EmailMessage")
    assert mail["TextBody"].startswith("Per sicurezza la contatteremo")
    assert mail["Parent"]["SFS_Source_Key__c"] == "REQ-12"
    [(address,)] = desk.world.sql("SELECT email FROM shop_operators WHERE operator_code = :o", o=desk.owner)
    assert mail["ToAddress"] == address


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with opened_postbox() as server:
        yield server


def by_smtp(desk: Desk, postbox: Postbox) -> None:
    url = f"smtp://127.0.0.1:{postbox.port}"
    configure(desk, send="smtp", smtp_url=url, sender="pdv@operator.example")


def test_messages_of_a_run_share_a_connection(desk: Desk, postbox: Postbox) -> None:
    by_smtp(desk, postbox)
    for number in range(5):
        desk.opened("RP-32", "partner_other", f"REQ-{number}", {})
    desk.work()
    assert (len(postbox.got), postbox.calls) == (5, 1)


def test_a_server_that_hangs_up_is_called_again(desk: Desk, postbox: Postbox) -> None:
    by_smtp(desk, postbox)
    postbox.hangs_up = True
    for number in range(3):
        desk.opened("RP-32", "partner_other", f"REQ-{number}", {})
    desk.work()
    assert (len(postbox.got), postbox.calls) == (3, 3)


def test_an_address_that_is_no_good_stops_nobody_elses_message(desk: Desk, postbox: Postbox) -> None:
    by_smtp(desk, postbox)
    postbox.unknown = b"gone@shops.example"
    desk.world.edit("shop_operators", desk.cashier, email="gone@shops.example")
    desk.opened("RP-32", "partner_other", "REQ-1", {}, operator=desk.cashier)
    case = desk.opened("RP-32", "partner_other", "REQ-2", {})
    found = desk.work()
    assert [f["code"] for f in found["findings"]] == ["SMTP_DECLINED"]
    desk.work()
    assert len(postbox.got) == 1
    assert case.encode() in postbox.got[0]


def test_by_smtp_once(desk: Desk, postbox: Postbox) -> None:
    by_smtp(desk, postbox)
    iban_change(desk)
    desk.work()
    desk.work()
    [mail] = postbox.got
    assert b"X-Sfsync-Message: M-IBAN-CHECK" in mail
    assert b"From: pdv@operator.example" in mail


def test_a_mail_server_that_is_down_is_tried_again(desk: Desk) -> None:
    configure(desk, send="smtp", smtp_url="smtp://127.0.0.1:9")
    iban_change(desk)
    for _ in range(2):
        desk.run("work", exit=9)
        assert "SMTP_FAILED" in desk.why()


def test_english_where_the_partner_reads_it(desk: Desk) -> None:
    desk.opened("RP-12", "iban_change", "REQ-12", {"iban": "x", "holder": "y", "document_ref": "z"}, language="en")
    desk.work(after=HOURS)
    assert desk.mails()[0][1].startswith("For your safety")
    assert LEG
