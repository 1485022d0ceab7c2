"""Rules of single types: incidents, addresses, vouchers, terminals, and until when something can be taken back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desk import AM, T0, Desk
from tests.e2e.test_requests import IBAN
from tests.e2e.world import ROOT, opened, restored

MINUTES = timedelta(minutes=1)
IT = "andrea.rizzi@operator.example"


@pytest.fixture
def desk(prepared: Path, place: Path) -> Iterator[Desk]:
    with opened(restored(prepared, place)) as world:
        yield Desk(world)


# ── RP-03


@pytest.fixture
def province(desk: Desk) -> list[str]:
    """Shops of one province."""
    shops = [s for (s,) in desk.world.sql("SELECT shop_code FROM shops ORDER BY 1")]
    for shop in shops:
        desk.world.edit("shops", shop, province="RM", state="active")
    desk.world.sync()
    return shops


def outage(desk: Desk, shop: str, minute: int) -> str:
    at = (T0 - 60 * MINUTES + minute * MINUTES).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"occurred_at": at, "since": at, "scope": "tutto"}
    return desk.opened("RP-03", "connectivity_fault", f"REQ-{shop}", fields, shop=shop, queue="RET_TECH")


def parents(desk: Desk) -> list[dict[str, Any]]:
    query = "SELECT CaseNumber, SFS_Source_Key__c, Priority, Owner.Name FROM Case WHERE SFS_Incident__c = TRUE"
    return desk.world.rows(query)


def children(desk: Desk) -> set[str]:
    rows = desk.world.rows(
        "SELECT SFS_Source_Key__c FROM Case WHERE ParentId != null AND SFS_Source_Key__c LIKE 'REQ%'"
    )
    return {r["SFS_Source_Key__c"] for r in rows}


def test_five_shops_of_a_province_are_one_incident(desk: Desk, province: list[str]) -> None:
    for minute, shop in enumerate(province[:4]):
        outage(desk, shop, minute)
    desk.work()
    assert parents(desk) == []
    assert desk.codes() == ["M-TAKEN"] * 4
    outage(desk, province[4], 14)
    desk.work()
    [parent] = parents(desk)
    assert (parent["Priority"], parent["Owner"]["Name"]) == ("P1", "RET_TECH")
    assert children(desk) == {f"REQ-{s}" for s in province[:5]}
    assert desk.codes() == ["M-INCIDENT"] * 5 + ["M-TAKEN"] * 4  # the fifth hears of the incident at once
    assert all(parent["CaseNumber"] in text for code, text in desk.mails() if code == "M-INCIDENT")
    desk.work()
    assert len(parents(desk)) == 1
    assert len(desk.codes()) == 9
    desk.world.sync()
    assert len(desk.world.sql("SELECT 1 FROM cases WHERE source_key = :k", k=parent["SFS_Source_Key__c"])) == 1


def test_faults_further_apart_are_no_incident(desk: Desk, province: list[str]) -> None:
    for minute, shop in enumerate(province[:5]):
        outage(desk, shop, minute * 4)
    desk.work()
    assert parents(desk) == []


# ── RP-24, RP-08, RP-02


@pytest.mark.parametrize(
    ("asked", "state", "text"),
    [
        ("203.0.113.7, 203.0.113.9", "blocked", "in uso"),
        ("10.0.0.1", "blocked", "valido"),
        ("203.0.113.9", "running", ""),
    ],
)
def test_an_address_is_public_and_nobody_elses(desk: Desk, asked: str, state: str, text: str) -> None:
    other = desk.world.sql("SELECT min(shop_code) FROM shops WHERE shop_code <> :s", s=desk.shop)[0][0]
    desk.world.sql("UPDATE shops SET public_ips = NULL")
    desk.world.edit("shops", other, public_ips="203.0.113.7", state="active")
    desk.world.edit("shops", desk.shop, public_ips="203.0.113.8")
    case = desk.open("RP-24", "public_ip_change", public_ips=asked, since="2026-11-20T10:00:00Z")
    desk.work()
    assert desk.state(case) == state
    assert [c for c, t in desk.mails() if text in t] == (["M-NEED"] if text else [])
    assert len(desk.asked("public_ip_change")) == (state == "running")


def test_two_requests_for_one_voucher_are_flagged(desk: Desk) -> None:
    fields = {"voucher_id": "V-1", "amount": "5000"}
    first = desk.opened("RP-08", "voucher_issue", "REQ-A", fields, matter="RP-08|V-1")
    desk.opened("RP-08", "voucher_issue", "REQ-C", fields | {"voucher_id": "V-2"}, matter="RP-08|V-2")
    second = desk.opened("RP-08", "voucher_issue", "REQ-B", fields, matter="RP-08|V-1")
    desk.work()
    desk.work()
    flagged = desk.world.rows("SELECT WhatId FROM Task WHERE Subject LIKE 'Possible fraud%'")
    both = desk.world.rows(f"SELECT Id FROM Case WHERE CaseNumber IN ('{first}', '{second}')")
    assert sorted(t["WhatId"] for t in flagged) == sorted(c["Id"] for c in both)
    assert "gate:fraud_checked" in desk.run("explain", second)["waits"]
    desk.run("record", second, "fraud_checked", "--as", AM)
    assert "gate:fraud_checked" not in desk.run("explain", second)["waits"]


def test_a_voucher_is_told_by_its_number_in_the_file(desk: Desk) -> None:
    at = (T0 - 60 * MINUTES).strftime("%d/%m/%Y %H:%M")
    others = desk.world.sql("SELECT shop_code FROM shops ORDER BY shop_code LIMIT 2")
    for (shop,) in others:
        desk.world.edit("shops", shop, state="active")
    head = "Codice PDV;Tipo richiesta;Data ora;Telefono;Voucher;Importo;Note;ID richiesta"
    rows = [f"{s};voucher;{at};06 1234567;v-77;50,00;non pagato;R-{n}" for n, (s,) in enumerate(others)]
    file = desk.world.folder / "richieste.csv"
    file.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    desk.run("import", str(file))
    desk.work()
    assert len(desk.world.rows("SELECT Id FROM Task WHERE Subject LIKE 'Possible fraud%'")) == 2


def withdrawal(desk: Desk) -> str:
    fields = {"action": "ritiro", "kind": "pos", "quantity": "1", "terminal_id": desk.terminal}
    return desk.opened("RP-02", "terminal_request", "REQ-02", fields, terminal=desk.terminal, queue="RET_TECH")


def test_a_terminal_with_an_open_case_is_not_taken_away(desk: Desk) -> None:
    desk.opened("RP-01", "terminal_fault", "REQ-01", {}, terminal=desk.terminal, queue="RET_TECH")
    case = withdrawal(desk)
    assert "reason:ASSET_BUSY" in desk.run("explain", case)["waits"]
    desk.world.edit("cases", "REQ-01", status="Closed")
    assert "reason:ASSET_BUSY" not in desk.run("explain", case)["waits"]


# ── until when


def test_a_withdrawal_is_taken_back_until_the_terminal_is_gone(desk: Desk) -> None:
    group = desk.world.rows("SELECT Id FROM Group WHERE DeveloperName = 'RET_TECH'")[0]["Id"]
    user = desk.world.rows(f"SELECT Id FROM User WHERE Username = '{IT}'")[0]["Id"]
    desk.world.sobject("GroupMember").create({"GroupId": group, "UserOrGroupId": user})
    case = withdrawal(desk)
    desk.approve(case, AM, "--mark", "AM")
    desk.approve(case, IT, "--mark", "IT")
    run = desk.work()["run"]
    desk.answer("terminal_id_switch")
    desk.world.edit("terminals", desk.terminal, state="retired")
    late = desk.world.run("undo", run, "--yes", "--json")
    assert (late.exit, "UNDO_WINDOW" in late.err, "RP-02" in late.err) == (5, True, True)
    desk.world.edit("terminals", desk.terminal, state="active")
    assert desk.world.run("undo", run, "--yes", "--json").exit in (0, 4)
    [back] = [a for a in desk.asked("terminal_id_switch") if "undoes" in a["payload"]]
    assert back["state"] == "requested"


def test_goods_are_taken_back_until_they_are_shipped(desk: Desk) -> None:
    folder = desk.world.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    for name, old, new in (
        ("requests.yaml", "steps: [{side: SF, do: order_reference}]", "steps: [{side: PL, do: order}]"),
        ("request_steps.yaml", "  status_ping:", "  order: {target: shop, send: [item], back: order}\n  status_ping:"),
    ):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    desk.world.configure(mappings=folder)
    desk.open("RP-04", "consumables", "REQ-04", item="rotoli", quantity="3")
    run = desk.work()["run"]
    desk.answer("order")
    desk.work()
    desk.world.change("Case", "SFS_Source_Key__c", "REQ-04", Status="Resolved")
    late = desk.world.run("undo", run, "--yes", "--json")
    assert (late.exit, "UNDO_WINDOW" in late.err) == (5, True)
    desk.world.change("Case", "SFS_Source_Key__c", "REQ-04", Status="InProgress")
    assert desk.world.run("undo", run, "--yes", "--json").exit in (0, 4)


def test_what_cannot_be_taken_back_is_refused(desk: Desk) -> None:
    case = desk.open("RP-18", "credential_reset", operator_code=desk.owner)
    desk.run("record", case, "call_back", "--as", AM)
    desk.run("confirm", case, "--number", case, "--as", AM)
    run = desk.work()["run"]
    desk.answer("credential_reset")
    ran = desk.world.run("undo", run, "--yes", "--json")
    assert (ran.exit, "UNDO_IRREVERSIBLE" in ran.err) == (5, True)
    assert IBAN not in ran.err
