"""The lives of partner requests: plan, approval, apply, verify, message; on the served rehearsal org."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.desk import AM, COM, FIN, LEG, T0, Desk
from tests.e2e.world import opened, restored

HOURS, DAYS = timedelta(hours=1), timedelta(days=1)
IBAN = "IT60X0542811101000000123456"
VAT = "12345678903"


@pytest.fixture
def desk(prepared: Path, place: Path) -> Iterator[Desk]:
    with opened(restored(prepared, place)) as world:
        yield Desk(world)


# ── RP-01


def test_a_fault_is_taken_counted_and_pinged(desk: Desk) -> None:
    case = desk.opened("RP-01", "terminal_fault", "REQ-1", {}, terminal=desk.terminal, queue="RET_TECH")
    desk.work()
    [ping] = desk.asked()
    assert (ping["kind"], ping["target_key"], ping["state"]) == ("status_ping", desk.terminal, "requested")
    assert desk.world.one("Asset", "SFS_Terminal_Id__c", desk.terminal, "SFS_Faults30__c")["SFS_Faults30__c"] == 1
    assert desk.codes() == ["M-TAKEN", "M-TECH"]
    assert desk.case("REQ-1")["Status"] == "InProgress"
    desk.answer("status_ping")
    desk.work()
    assert desk.state(case) == "done"
    assert desk.case("REQ-1")["Status"] == "InProgress"  # the technician closes it
    assert desk.codes() == ["M-TAKEN", "M-TECH"]


def test_a_third_fault_proposes_a_replacement_once(desk: Desk) -> None:
    for number in range(3):
        desk.opened("RP-01", "terminal_fault", f"REQ-{number}", {}, terminal=desk.terminal, queue="RET_TECH")
    desk.work()
    desk.work()
    tasks = desk.world.rows("SELECT Subject, What.Type FROM Task WHERE Subject LIKE 'Three faults%'")
    assert len(tasks) == 3  # one at each case, none twice


# ── RP-06P


def test_a_payout_at_a_top_up_point_is_never_worked(desk: Desk) -> None:
    fields = {"ticket_id": "AB12CD34EF56", "amount": "25000", "event_date": "2026-11-01"}
    more = {"queue": "COMPLIANCE_AML", "restricted": True}
    case = desk.opened("RP-06P", "ticket_payout", "REQ-P", fields, **more)
    desk.work()
    assert desk.state(case) == "prohibited"
    assert desk.asked() == []
    [(code, text)] = desk.mails()
    assert code == "M-PVR-NOPAY"
    assert "AML" not in text
    desk.approve(case, COM, exit=5)
    assert "REQUEST_STATE" in desk.why()
    assert desk.run("requests", "--all")["requests"] == []
    assert len(desk.run("requests", "--all", "--restricted")["requests"]) == 1


# ── RP-12


def iban_change(desk: Desk, **more: object) -> str:
    fields = {"iban": IBAN, "holder": "Bianchi Giochi S.r.l.", "document_ref": "DOC-7"}
    return desk.opened("RP-12", "iban_change", "REQ-12", fields, **more)


def approved_iban_change(desk: Desk) -> str:
    case = iban_change(desk)
    desk.run("record", case, "call_back", "--as", AM)
    desk.approve(case, FIN)
    desk.work(after=25 * HOURS)
    return case


def test_an_iban_is_changed_after_call_back_approval_and_cooling(desk: Desk) -> None:
    case = iban_change(desk)
    desk.work()
    assert {w.partition(" ")[0] for w in desk.run("explain", case)["waits"]} == {
        "gate:call_back",
        "mark:FIN",
        "until:cooling",
    }
    desk.run("record", case, "call_back", "--as", AM)
    desk.approve(case, FIN)
    desk.work(after=23 * HOURS)
    assert desk.asked() == []  # cooling
    desk.work(after=25 * HOURS)
    [asked] = desk.asked()
    assert (asked["kind"], asked["target_key"], asked["approved_by"]) == ("iban_change", desk.company, FIN)
    assert asked["payload"]["iban"] == IBAN
    assert asked["payload"]["sdd_mandate"] == "renew"
    desk.world.edit("companies", desk.company, iban=IBAN, iban_verified_at="2026-11-20 10:00:00")
    desk.answer("iban_change")
    desk.work(after=26 * HOURS)
    account = desk.world.one("Account", "SFS_Company_Code__c", desk.company, "SFS_Iban_Last4__c")
    assert account["SFS_Iban_Last4__c"] == "3456"
    assert desk.case("REQ-12")["Status"] == "Resolved"
    assert desk.codes() == ["M-DONE", "M-IBAN-CHECK"]
    assert desk.world.sync().written() == {}  # the sync finds both sides in step


def test_a_changed_plan_voids_its_approval(desk: Desk) -> None:
    case = iban_change(desk)
    desk.run("record", case, "call_back", "--as", AM)
    desk.approve(case, FIN)
    desk.world.edit("companies", desk.company, iban="IT64Y0542811101000000129999")
    desk.work(after=25 * HOURS)
    assert desk.asked() == []
    assert {"mark:FIN", "void:FIN"} <= set(desk.run("explain", case, after=25 * HOURS)["waits"])
    desk.approve(case, FIN, after=25 * HOURS)
    desk.work(after=25 * HOURS)
    assert len(desk.asked()) == 1


def test_who_asks_who_approves_and_who_carries_out_are_three(desk: Desk) -> None:
    case = iban_change(desk, requester=FIN)
    desk.approve(case, FIN, exit=5)
    assert "FOUR_EYES" in desk.why()
    desk.approve(case, desk.world.ready.username, exit=5)
    assert "FOUR_EYES" in desk.why()
    desk.approve(case, LEG, exit=5)
    assert "NOT_APPROVER" in desk.why()


def test_the_number_called_is_the_one_on_file_before_the_request(desk: Desk) -> None:
    case = iban_change(desk)
    desk.work()
    desk.world.edit("shops", desk.shop, phone="06 999 0000")
    desk.run("record", case, "call_back", "--as", AM, exit=5)
    assert "PHONE_CHANGED" in desk.why()


def test_a_number_changed_after_the_call_voids_it(desk: Desk) -> None:
    case = iban_change(desk)
    desk.work()
    desk.run("record", case, "call_back", "--as", AM)
    desk.world.edit("shops", desk.shop, phone="06 999 0000")
    explained = desk.run("explain", case)
    assert "gate:call_back" not in explained["waits"]
    assert desk.asked() == []


def test_a_wrong_iban_asks_the_partner_and_stops_the_clock(desk: Desk) -> None:
    case = iban_change(desk, codes=("E-IBAN",))
    desk.work()
    assert desk.state(case) == "blocked"
    assert desk.case("REQ-12")["Status"] == "WaitingPartner"
    assert "M-NEED" in desk.codes()


def test_another_change_within_thirty_days_waits(desk: Desk) -> None:
    approved_iban_change(desk)
    desk.answer("iban_change")
    fields = {"iban": IBAN, "holder": "x", "document_ref": "y"}
    case = desk.opened("RP-12", "iban_change", "REQ-12b", fields)
    desk.work(after=26 * HOURS)
    waits = desk.run("explain", case, after=26 * HOURS)["waits"]
    assert any(w.startswith("reason:IBAN_RECENT until") for w in waits)


def test_an_iban_change_is_undone_before_the_payment_run_and_not_after(desk: Desk) -> None:
    approved_iban_change(desk)
    run = desk.said[-1].doc["run"]
    desk.world.run("undo", run, "--yes")
    assert "UNDO_UNCONFIRMED" in desk.world.said[-1].err
    desk.answer("iban_change")
    desk.work(after=26 * HOURS)
    late = desk.world.run("undo", run, "--yes", "--as-of", "2099-01-01T00:00:00Z")
    assert late.exit == 5
    assert "UNDO_WINDOW" in late.err
    ran = desk.world.run("undo", run, "--yes", "--json")
    assert ran.exit in (0, 4), ran.err
    back = [a for a in desk.asked() if "undoes" in a["payload"]]
    assert [b["kind"] for b in back] == ["iban_change"]
    desk.answer("iban_change")
    desk.work(after=27 * HOURS)
    assert desk.case("REQ-12")["Status"] == "InProgress"


def test_an_unanswered_change_becomes_a_task_after_a_day(desk: Desk) -> None:
    approved_iban_change(desk)
    for hours in (30, 50, 60):
        desk.work(after=hours * HOURS)
    assert len(desk.world.rows("SELECT Id FROM Task WHERE Subject LIKE 'The platform has not answered%'")) == 1
    assert len(desk.asked()) == 1


# ── RP-16


def test_an_operator_is_created_on_both_sides(desk: Desk) -> None:
    fields = {"role": "cashier", "first_name": "Ada", "last_name": "Neri", "fiscal_code": "RSSMRA85T10A562S"}
    desk.opened("RP-16", "operator_create", "REQ-16", fields | {"email": "ada@shops.example"})
    desk.work()
    case = str(desk.world.one("Case", "SFS_Source_Key__c", "REQ-16", "CaseNumber")["CaseNumber"])
    desk.approve(case, AM)
    desk.work()
    [asked] = desk.asked("operator_create")
    assert asked["payload"]["fiscal_code"] == "RSSMRA85T10A562S"
    desk.world.copy_row("shop_operators", desk.owner, "OP-ADA", role="cashier", first_name="Ada", last_name="Neri")
    desk.answer("operator_create", answer={"operator_code": "OP-ADA"})
    desk.work()
    assert desk.world.one("Contact", "SFS_Operator_Code__c", "OP-ADA", "LastName")["LastName"] == "Neri"
    assert desk.codes() == ["M-OP-NEW"]
    assert desk.case("REQ-16")["Status"] == "Resolved"
    told = "".join(text for _, text in desk.mails()) + desk.said[-1].out
    assert "RSSMRA" not in told


def test_a_representative_needs_the_legal_office_too(desk: Desk) -> None:
    fields = {"role": "representative", "first_name": "Ada", "last_name": "Neri", "fiscal_code": "RSSMRA85T10A562S"}
    case = desk.opened("RP-16", "operator_create", "REQ-16", fields)
    assert desk.run("explain", case)["marks_needed"] == ["AM", "LEG"]


def test_a_refusal_closes_the_case(desk: Desk) -> None:
    fields = {"role": "cashier", "first_name": "Ada", "last_name": "Neri", "fiscal_code": "RSSMRA85T10A562S"}
    case = desk.opened("RP-16", "operator_create", "REQ-16", fields)
    desk.run("refuse", case, "--as", AM, "--reason", "non previsto")
    desk.work()
    assert desk.state(case) == "refused"
    assert desk.case("REQ-16")["Status"] == "Resolved"
    assert desk.asked() == []


# ── RP-18


def reset(desk: Desk, number: int = 1, **more: object) -> str:
    key = f"REQ-18-{number}"
    return desk.opened("RP-18", "credential_reset", key, {"operator_code": desk.cashier}, **more)


def test_credentials_are_reset_after_identity_and_typed_number(desk: Desk) -> None:
    case = reset(desk, requester=desk.owner)
    desk.work()
    assert set(desk.run("explain", case)["waits"]) == {"gate:call_back", "typed"}
    desk.run("record", case, "two_factor", "--as", AM)
    desk.run("confirm", case, "--number", "00000000", "--as", AM, exit=5)
    assert "TYPED_NUMBER" in desk.why()
    desk.run("confirm", case, "--number", case, "--as", AM)
    desk.work()
    [asked] = desk.asked()
    assert (asked["kind"], asked["target_key"]) == ("credential_reset", desk.cashier)
    desk.world.edit("shop_operators", desk.cashier, last_reset_at="2026-11-20 10:00:00")
    desk.answer("credential_reset")
    desk.work()
    contact = desk.world.one("Contact", "SFS_Operator_Code__c", desk.cashier, "SFS_Last_Reset__c")
    assert contact["SFS_Last_Reset__c"].startswith("2026-11-20T10:00:00")
    assert desk.codes() == ["M-RESET"]
    run = next(s["run"] for s in desk.run("explain", case)["sent"])
    assert desk.world.run("undo", run, "--yes").exit == 5
    assert "UNDO_IRREVERSIBLE" in desk.world.said[-1].err


def test_a_fourth_reset_in_a_day_waits(desk: Desk) -> None:
    for number in range(3):
        case = reset(desk, number, requester=desk.owner)
        desk.run("record", case, "two_factor", "--as", AM)
        desk.run("confirm", case, "--number", case, "--as", AM)
        desk.work()
    case = reset(desk, 4, requester=desk.owner)
    waits = desk.run("explain", case)["waits"]
    assert any(w.startswith("reason:RESET_LIMIT until") for w in waits)
    assert not any("RESET_LIMIT" in w for w in desk.run("explain", case, after=25 * HOURS)["waits"])


def test_somebody_elses_credentials_are_not_reset(desk: Desk) -> None:
    case = desk.opened("RP-18", "credential_reset", "REQ-18", {"operator_code": desk.owner}, requester=desk.cashier)
    desk.work()
    assert desk.state(case) == "refused"


# ── RP-19


def limit(desk: Desk, amount: str, key: str = "REQ-19") -> str:
    fields = {"amount": amount, "reason": "stagione", "valid_to": "2027-06-30"}
    return desk.opened("RP-19", "credit_limit_change", key, fields)


def test_a_raise_needs_two_people_and_can_be_undone(desk: Desk) -> None:
    case = limit(desk, "1500000")
    desk.approve(case, AM, "--mark", "AM")
    desk.approve(case, FIN)
    desk.work()
    [asked] = desk.asked()
    assert asked["approved_by"] == f"{AM}, {FIN}"
    assert asked["payload"]["was"]["credit_limit"] == "1000000"
    run = desk.said[-1].doc["run"]
    desk.world.edit("shops", desk.shop, credit_limit_minor=1_500_000)
    desk.answer("credit_limit_change")
    desk.work()
    account = desk.world.one("Account", "SFS_Shop_Code__c", desk.shop, "SFS_Credit_Limit__c")
    assert account["SFS_Credit_Limit__c"] == 15000
    assert ("M-LIMIT-OK", "Fido aggiornato a 15.000,00 EUR, valido fino al 30/06/2027.") in desk.mails()
    ran = desk.world.run("undo", run, "--yes", "--json")
    assert ran.exit in (0, 4), ran.err
    [back] = [a for a in desk.asked() if "undoes" in a["payload"]]
    assert back["payload"]["set"]["credit_limit"] == "1000000"
    desk.world.edit("shops", desk.shop, credit_limit_minor=1_000_000)
    desk.answer("credit_limit_change")
    desk.work()
    account = desk.world.one("Account", "SFS_Shop_Code__c", desk.shop, "SFS_Credit_Limit__c")
    assert account["SFS_Credit_Limit__c"] == 10000
    assert desk.state(case) == "undone"


def test_a_reduction_takes_effect_at_once(desk: Desk) -> None:
    limit(desk, "500000")
    desk.work()
    assert len(desk.asked("credit_limit_change")) == 1


@pytest.mark.parametrize(("amount", "overdue", "why"), [("2500000", False, "garanzia"), ("1200000", True, "insoluto")])
def test_a_raise_is_refused_above_the_guarantee_and_while_overdue(
    desk: Desk, amount: str, overdue: bool, why: str
) -> None:
    desk.world.edit("shops", desk.shop, overdue=overdue)
    case = limit(desk, amount)
    desk.work()
    assert desk.state(case) == "refused"
    [(code, text)] = desk.mails()
    assert code == "M-LIMIT-NO"
    assert why in text


# ── RP-26


def closing(desk: Desk) -> str:
    return desk.opened(
        "RP-26", "shop_close", "REQ-26", {"last_day": "2026-12-31", "reason": "cessazione"}, queue="RET_LEGAL"
    )


def test_a_shop_closes_with_three_marks_and_the_typed_number(desk: Desk) -> None:
    case = closing(desk)
    for user in (AM, FIN, LEG):
        desk.approve(case, user)
    desk.work()
    assert desk.asked() == []
    assert desk.run("explain", case)["waits"] == ["typed"]
    desk.run("confirm", case, "--number", case, "--as", LEG)
    desk.work()
    [close] = desk.asked("shop_close")
    assert desk.terminal in close["payload"]["terminals"]
    desk.world.edit("shops", desk.shop, state="closing")
    desk.answer("shop_close")
    desk.work()
    off = desk.asked("operator_disable")
    assert {o["target_key"] for o in off} >= {desk.owner, desk.cashier}
    desk.world.sql("UPDATE shop_operators SET status = 'disabled' WHERE shop_code = :s", s=desk.shop)
    desk.world.edit("shops", desk.shop, state="closed")
    desk.answer("operator_disable")
    desk.work()
    assert desk.world.one("Account", "SFS_Shop_Code__c", desk.shop, "SFS_State__c")["SFS_State__c"] == "closed"
    assert (
        desk.world.one("Contact", "SFS_Operator_Code__c", desk.cashier, "SFS_Op_Status__c")["SFS_Op_Status__c"]
        == "disabled"
    )
    assert desk.state(case) == "done"


def test_a_shop_with_an_overdue_or_an_open_payout_does_not_close(desk: Desk) -> None:
    fields = {"ticket_id": "AB12CD34EF56", "amount": "25000", "event_date": "2026-11-20", "identified": "yes"}
    desk.opened("RP-06", "ticket_payout", "REQ-06", fields)
    desk.world.edit("shops", desk.shop, overdue=True)
    case = closing(desk)
    assert {"reason:OVERDUE", "reason:OPEN_PAYOUT"} <= set(desk.run("explain", case)["waits"])


# ── RP-27


def transfer(desk: Desk, vat: str = VAT) -> str:
    fields = {"new_vat": vat, "new_owner_cf": "RSSMRA85T10A562S", "planned_on": "2027-01-15", "documents": "contratto"}
    return desk.opened("RP-27", "shop_transfer", "REQ-27", fields, queue="RET_LEGAL")


def approved_transfer(desk: Desk) -> str:
    case = transfer(desk)
    for gate in ("documents", "new_contract", "new_licence", "old_authorisation"):
        desk.run("record", case, gate, "--as", AM)
    for user in (AM, COM, LEG, FIN):
        desk.approve(case, user)
    desk.run("confirm", case, "--number", case, "--as", LEG)
    desk.work()
    return case


def test_a_transfer_makes_a_new_shop_beside_the_old_one(desk: Desk) -> None:
    case = approved_transfer(desk)
    [asked] = desk.asked("shop_transfer")
    assert asked["payload"]["new_vat"] == VAT
    w = desk.world
    w.copy_row("companies", desk.company, "C-NEXT", vat_number=VAT, legal_name="Rossi Giochi S.r.l.")
    w.copy_row("shops", desk.shop, "888001", company_code="C-NEXT", predecessor_shop=desk.shop, state="onboarding")
    w.edit("shops", desk.shop, state="closing")
    desk.answer("shop_transfer", answer={"shop_code": "888001"})
    desk.work()
    new = w.one(
        "Account",
        "SFS_Shop_Code__c",
        "888001",
        "SFS_State__c",
        "SFS_Predecessor__r.SFS_Shop_Code__c",
        "Parent.SFS_Company_Code__c",
    )
    assert new["SFS_State__c"] == "onboarding"
    assert new["SFS_Predecessor__r"]["SFS_Shop_Code__c"] == desk.shop
    assert new["Parent"]["SFS_Company_Code__c"] == "C-NEXT"
    old = w.one("Account", "SFS_Shop_Code__c", desk.shop, "SFS_State__c", "Parent.SFS_Company_Code__c")
    assert (old["SFS_State__c"], old["Parent"]["SFS_Company_Code__c"]) == ("closing", desk.company)
    assert desk.state(case) == "done"
    assert "M-TRANSFER" in desk.codes()


def test_a_rename_is_no_transfer(desk: Desk) -> None:
    approved_transfer(desk)
    desk.world.copy_row("companies", desk.company, "C-NEXT", vat_number=VAT)
    desk.world.edit("shops", desk.shop, company_code="C-NEXT")
    desk.answer("shop_transfer", answer={"shop_code": desk.shop})
    desk.work()
    assert "NOT_KEPT" in desk.said[-1].out
    account = desk.world.one("Account", "SFS_Shop_Code__c", desk.shop, "Parent.SFS_Company_Code__c")
    assert account["Parent"]["SFS_Company_Code__c"] == desk.company
    assert len(desk.world.rows("SELECT Id FROM Task WHERE Subject LIKE 'The platform answered done%'")) == 1


def test_a_transfer_to_the_same_company_is_refused(desk: Desk) -> None:
    [(vat,)] = desk.world.sql("SELECT vat_number FROM companies WHERE company_code = :c", c=desk.company)
    case = transfer(desk, vat)
    desk.work()
    assert desk.state(case) == "refused"


# ── from the file on


def test_from_a_file_to_the_message(desk: Desk) -> None:
    file = desk.world.folder / "richieste.csv"
    head = "Codice PDV;Tipo richiesta;Data ora;Codice operatore;IBAN;Intestatario;Rif documento;Tel;Note;ID richiesta"
    at = (T0 - HOURS).strftime("%d/%m/%Y %H:%M")
    row = f"{desk.shop};cambio iban;{at};{desk.owner};{IBAN};Bianchi Giochi;DOC-7;06 1234567;nuovo conto {IBAN};R-1"
    file.write_text(f"{head}\n{row}\n", "utf-8")
    as_of = T0.strftime("%Y-%m-%dT%H:%M:%SZ")
    ran = desk.world.run("partners", "import", str(file), "--json", "--as-of", as_of)
    assert ran.exit == 0, (ran.out, ran.err)
    [imported] = ran.doc["rows"]
    desk.work()
    case = imported["case"]
    assert desk.run("explain", case)["marks_needed"] == ["FIN"]
    desk.run("record", case, "call_back", "--as", AM)
    desk.approve(case, FIN)
    desk.work(after=25 * HOURS)
    [asked] = desk.asked()
    assert asked["payload"]["iban"] == IBAN
    assert asked["requested_by"] == desk.owner
    shown = desk.run("explain", case), desk.run("receipt", case), desk.mails(), desk.run("requests")
    assert IBAN not in str(shown)
    ledger = (desk.world.folder / ".sfsync" / "ledger.db").read_bytes()
    assert IBAN.encode() not in ledger


def test_import_quality(desk: Desk) -> None:
    assert desk.world.run("partners", "quality", "--json").doc["percent"] is None
    file = desk.world.folder / "richieste.csv"
    at = (T0 - HOURS).strftime("%d/%m/%Y %H:%M")
    rows = [f"{desk.shop};altro;{at};06 1234567;una domanda;R-{n}" for n in range(6)]
    rows += [f"9999;altro;{at};06 1234567;chi siete;R-9", "TOTALE;;;;;"]
    file.write_text("\n".join(["Codice PDV;Tipo richiesta;Data ora;Telefono;Note;ID richiesta", *rows]) + "\n", "utf-8")
    desk.run("import", str(file), exit=3)
    found = desk.world.run("partners", "quality", "--json").doc
    assert (found["files"], found["rows"], found["accepted"], found["percent"]) == (1, 7, 6, 85.7)
    assert next(iter(found["codes"])) == "E-SHOP-UNKNOWN" or found["codes"]["E-SHOP-UNKNOWN"] == 1


def test_requests_by_approver_state_and_age(desk: Desk) -> None:
    case = iban_change(desk)
    desk.work()

    def numbers(*more: str) -> list[str]:
        return [r["case_number"] for r in desk.run("requests", *more, after=HOURS)["requests"]]

    assert numbers("--approver", FIN) == [case]
    assert numbers("--approver", LEG) == []
    assert numbers("--state", "waiting", "--older", "30m") == [case]
    assert numbers("--older", "2h") == []
    assert numbers("--queue", "RET_TECH") == []


def test_a_held_case_says_and_does_nothing(desk: Desk) -> None:
    desk.opened("RP-01", "terminal_fault", "REQ-1", {}, terminal=desk.terminal, queue="RET_TECH")
    desk.world.change("Case", "SFS_Source_Key__c", "REQ-1", SFS_Compliance_Hold__c=True)
    desk.work()
    assert desk.asked() == []
    assert desk.mails() == []
