"""Lives of requests that somebody from outside tried: who may do what, what goes back, what follows from an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.desk import AM, COM, FIN, LEG, T0, Desk
from tests.e2e.test_requests import HOURS, IBAN, closing, iban_change, limit, reset
from tests.e2e.world import opened, restored

TICKET = {"ticket_id": "AB12CD34EF56", "amount": "25000", "event_date": "2026-11-20"}


@pytest.fixture
def desk(prepared: Path, place: Path) -> Iterator[Desk]:
    with opened(restored(prepared, place)) as world:
        yield Desk(world)


def member(desk: Desk, user: str, queue: str) -> None:
    [group] = desk.world.rows(f"SELECT Id FROM Group WHERE DeveloperName = '{queue}'")
    [who] = desk.world.rows(f"SELECT Id FROM User WHERE Username = '{user}'")
    desk.world.sobject("GroupMember").create({"GroupId": group["Id"], "UserOrGroupId": who["Id"]})


def leaves(desk: Desk, user: str) -> None:
    """The user is no longer active."""
    desk.world.change("User", "Username", user, IsActive=False)


# ── who decides


def test_an_order_of_material_waits_for_its_account_manager(desk: Desk) -> None:
    case = desk.open("RP-23", "promo_material", item="vetrofania", quantity="2")
    desk.work()
    assert (desk.state(case), desk.codes()) == ("waiting", [])
    desk.approve(case, AM)
    desk.work()
    assert (desk.state(case), desk.codes()) == ("open", ["M-ORDER"])


def test_a_second_order_of_the_month_is_over_the_cap(desk: Desk) -> None:
    desk.opened("RP-04", "consumables", "REQ-A", {"item": "rotoli", "quantity": "30"})
    second = desk.opened("RP-04", "consumables", "REQ-B", {"item": "rotoli", "quantity": "30"})
    before = {"received_at": T0 - timedelta(days=40)}
    desk.opened("RP-04", "consumables", "REQ-C", {"item": "rotoli", "quantity": "50"}, **before)
    desk.work()
    assert desk.run("explain", second)["marks_needed"] == ["AM"]
    assert desk.codes() == ["M-ORDER", "M-ORDER"]


def test_a_shop_that_is_yet_to_open_has_somebody_to_approve_it(desk: Desk) -> None:
    fields = {"vat_number": "01234567897", "kind": "corner", "address": "Via Nuova 1", "documents": "visura"}
    case = desk.opened("RP-28", "shop_open", "REQ-28", fields, shop="", operator="", requester="agenzia")
    desk.approve(case, AM, "--mark", "AM", exit=5)
    member(desk, AM, "RET_ONBOARD")
    desk.work()
    assert [r["case_number"] for r in desk.run("requests", "--approver", AM)["requests"]] == [case]
    for user in (AM, COM, LEG):
        desk.approve(case, user)
    desk.run("record", case, "documents", "--as", AM)
    run = desk.work()["run"]
    [asked] = desk.asked("shop_open")
    desk.world.copy_row("shops", desk.shop, "777001", state="onboarding")
    desk.answer("shop_open", answer={"shop_code": "777001"})
    desk.work()
    assert desk.world.one("Account", "SFS_Shop_Code__c", "777001", "SFS_State__c")["SFS_State__c"] == "onboarding"
    assert desk.world.run("undo", run, "--yes", "--json").exit in (0, 4)
    [back] = desk.asked("shop_withdraw")
    assert (back["target_key"], back["payload"]["undoes"]) == ("777001", asked["request_key"])


def test_a_shop_at_a_known_address_is_looked_at_first(desk: Desk) -> None:
    [(street,)] = desk.world.sql("SELECT street FROM shops WHERE shop_code = :s", s=desk.shop)
    fields = {"vat_number": "01234567897", "kind": "corner", "address": street.upper(), "documents": "visura"}
    case = desk.opened("RP-28", "shop_open", "REQ-28", fields, shop="", operator="", requester="agenzia")
    assert "gate:duplicate_checked" in desk.run("explain", case)["waits"]


def test_finance_checks_an_account_and_nobody_else(desk: Desk) -> None:
    case = iban_change(desk, codes=("W-IBAN-CIN",))
    for user in (LEG, "nobody@operator.example"):
        desk.run("record", case, "iban_checked", "--as", user, exit=5)
        assert "NOT_APPROVER" in desk.why()
    desk.run("record", case, "iban_checked", "--as", FIN)
    assert "gate:iban_checked" not in desk.run("explain", case)["waits"]


def test_who_has_left_decides_nothing(desk: Desk) -> None:
    case = iban_change(desk)
    leaves(desk, FIN)
    for command in (("approve",), ("refuse", "--reason", "no"), ("record", "call_back")):
        desk.run(command[0], case, *command[1:], "--as", FIN, exit=5)
        assert "NOT_APPROVER" in desk.why()


def test_who_approved_may_still_refuse(desk: Desk) -> None:
    case = limit(desk, "1500000")
    desk.approve(case, AM)
    desk.run("refuse", case, "--as", AM, "--reason", "ripensamento")
    assert desk.state(case) == "refused"


def test_one_person_gives_one_mark_of_a_request(desk: Desk) -> None:
    member(desk, AM, "FINANCE_L2")
    case = limit(desk, "1500000")
    desk.approve(case, AM, "--mark", "AM")
    desk.approve(case, AM, "--mark", "FIN", exit=5)
    assert "FOUR_EYES" in desk.why()
    desk.approve(case, AM, "--mark", "AM")  # twice is once
    assert desk.run("explain", case)["waits"] == ["mark:FIN"]


def test_what_has_ended_is_not_decided_again(desk: Desk) -> None:
    case = limit(desk, "1500000")
    desk.run("refuse", case, "--as", FIN, "--reason", "IT60X0542811101000000123456 di RSSMRA85T10A562S")
    for deed in (("approve",), ("refuse", "--reason", "ancora"), ("record", "documents")):
        desk.run(deed[0], case, *deed[1:], "--as", AM, exit=5)
        assert "REQUEST_STATE" in desk.why()
    ledger = (desk.world.folder / ".sfsync" / "ledger.db").read_bytes()
    assert b"IT60X" not in ledger
    assert b"RSSMRA" not in ledger


def test_a_reason_is_for_people_inside(desk: Desk) -> None:
    case = limit(desk, "1500000")
    desk.run("refuse", case, "--as", AM, "--reason", "segnalazione AML, scrivere a mario@example.it")
    desk.work()
    [mark] = desk.run("explain", case)["marks"]
    assert mark["reason"] == "segnalazione AML, scrivere a ***"
    told = str(desk.mails()) + str(desk.run("receipt", case))
    assert "AML" not in told
    assert desk.run("receipt", case)["approved_by"] == 0


# ── limits, when several are ready at once


def test_two_changes_of_an_iban_are_not_begun_together(desk: Desk) -> None:
    first = iban_change(desk)
    fields = {"iban": "IT40S0542811101000000123457", "holder": "Bianchi Giochi", "document_ref": "D"}
    second = desk.opened("RP-12", "iban_change", "REQ-12b", fields)
    for case in (first, second):
        desk.run("record", case, "call_back", "--as", AM)
        desk.approve(case, FIN)
    desk.work(after=25 * HOURS)
    assert len(desk.asked("iban_change")) == 1
    assert any("IBAN_RECENT" in w for w in desk.run("explain", second, after=25 * HOURS)["waits"])


def test_four_resets_at_once_are_three(desk: Desk) -> None:
    for number in range(4):
        case = reset(desk, number, requester=desk.owner)
        desk.run("record", case, "two_factor", "--as", AM)
        desk.run("confirm", case, "--number", case, "--as", AM)
    desk.work()
    assert len(desk.asked("credential_reset")) == 3


# ── what the platform answers


def test_an_operator_who_was_made_is_the_one_taken_back(desk: Desk) -> None:
    fields = {"role": "cashier", "first_name": "Ada", "last_name": "Neri", "fiscal_code": "RSSMRA85T10A562S"}
    case = desk.opened("RP-16", "operator_create", "REQ-16", fields)
    desk.approve(case, AM)
    run = desk.work()["run"]
    desk.world.copy_row("shop_operators", desk.owner, "OP-ADA", role="cashier")
    desk.answer("operator_create", answer={"operator_code": "OP-ADA"})
    desk.work()
    assert desk.world.run("undo", run, "--yes", "--json").exit in (0, 4)
    [back] = desk.asked("operator_disable")
    assert back["target_key"] == "OP-ADA"


def test_the_terminals_of_a_request_are_written_to_salesforce(desk: Desk) -> None:
    member(desk, LEG, "RET_TECH")
    desk.world.edit("shops", desk.shop, contract_state="active", contract_start="2020-01-01", contract_end="2099-12-31")
    case = desk.opened("RP-02", "terminal_request", "REQ-02", {"action": "add", "kind": "pos", "quantity": "1"})
    desk.approve(case, AM, "--mark", "AM")
    desk.approve(case, LEG, "--mark", "IT")
    desk.work()
    desk.world.copy_row("terminals", desk.terminal, "T-NEW", state="active", installed_on="2026-11-20")
    desk.answer("terminal_id_switch", answer={"terminal_id": "T-NEW"})
    desk.work()
    asset = desk.world.one("Asset", "SFS_Terminal_Id__c", "T-NEW", "InstallDate")
    assert asset["InstallDate"] == "2026-11-20"
    assert desk.state(case) == "done"


def test_a_new_name_of_the_company_is_written_to_its_account(desk: Desk) -> None:
    case = desk.open("RP-11", "contract_change", what="ragione sociale", effective_on="2099-01-01", documents="visura")
    desk.run("record", case, "documents", "--as", AM)
    for user in (AM, LEG):
        desk.approve(case, user)
    desk.work()
    desk.world.edit("companies", desk.company, legal_name="Verdi Giochi S.r.l.")
    desk.answer("contract_change")
    desk.work()
    assert desk.world.one("Account", "SFS_Company_Code__c", desk.company, "Name")["Name"] == "Verdi Giochi S.r.l."


def test_a_shop_that_closed_while_an_operator_did_not_is_looked_at(desk: Desk) -> None:
    case = closing(desk)
    for user in (AM, FIN, LEG):
        desk.approve(case, user)
    desk.run("confirm", case, "--number", case, "--as", LEG)
    other = desk.opened("RP-32", "partner_other", "REQ-32", {})
    desk.work()
    [left] = desk.world.rows("SELECT Description FROM Task WHERE Subject LIKE 'A shop closes%'")
    assert other in left["Description"]
    assert desk.terminal in left["Description"]
    desk.world.edit("shops", desk.shop, state="closing")
    desk.answer("shop_close")
    desk.work()
    desk.answer("operator_disable", "refused")
    desk.work()
    assert desk.world.one("Account", "SFS_Shop_Code__c", desk.shop, "SFS_State__c")["SFS_State__c"] == "closing"
    assert desk.case("REQ-26")["Status"] == "InProgress"
    [task] = desk.world.rows("SELECT Owner.Username FROM Task WHERE Subject LIKE 'The platform did a part%'")
    assert task["Owner"]["Username"] == AM  # the case is a queue's, so the shop's account manager has it


def test_a_change_the_platform_refuses_ends_the_request_and_somebody_says_so(desk: Desk) -> None:
    desk.open("RP-24", "public_ip_change", public_ips="203.0.113.9", since="2026-11-20T10:00:00Z")
    desk.world.sql("UPDATE shops SET public_ips = NULL")
    desk.work()
    desk.answer("public_ip_change", "refused")
    desk.work()
    assert desk.case("REQ-RP-24")["Status"] == "Resolved"
    assert desk.codes() == []
    assert len(desk.world.rows("SELECT Id FROM Task WHERE Subject LIKE 'The request was refused%'")) == 1


# ── cases that stand still


def test_an_answer_makes_the_clock_ours_again(desk: Desk) -> None:
    file = desk.world.folder / "richieste.csv"
    head = "Codice PDV;Tipo richiesta;Data ora;Codice operatore;IBAN;Intestatario;Rif documento;Note;ID richiesta"
    at = (T0 - HOURS).strftime("%d/%m/%Y %H:%M")
    for iban in ("IT60X0542811101000000123457", IBAN):
        row = f"{desk.shop};cambio iban;{at};{desk.owner};{iban};Bianchi Giochi;DOC-7;nuovo conto;R-1"
        file.write_text(f"{head}\n{row}\n", "utf-8")
        [done] = desk.run("import", str(file), exit=None)["rows"]
        desk.work()
        status = desk.world.rows(f"SELECT Status FROM Case WHERE SFS_Source_Key__c = '{done['source_key']}'")
        assert status[0]["Status"] == ("InProgress" if iban == IBAN else "WaitingPartner")


def test_what_was_held_is_said_when_it_is_released(desk: Desk) -> None:
    desk.open("RP-32", "partner_other")
    desk.world.change("Case", "SFS_Source_Key__c", "REQ-RP-32", SFS_Compliance_Hold__c=True)
    desk.work()
    assert desk.codes() == []
    desk.world.change("Case", "SFS_Source_Key__c", "REQ-RP-32", SFS_Compliance_Hold__c=False)
    desk.work()
    assert desk.codes() == ["M-TAKEN"]
