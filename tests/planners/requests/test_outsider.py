"""Files of somebody who has only read the specification."""

from __future__ import annotations

import json

import pytest

from tests.planners.requests.shopworld import HEADER, SAMPLE, Desk, line

HEAD = "shop_code;request_type;occurred_at;email;description;request_id"
BASE = "0042;{};12/05/2026 10:15;x@example.it;prova;{}"


def said(desk: Desk, kind: str, **columns: list[str]) -> list[tuple[str, set[str]]]:
    """Outcome and codes of one row per value of these columns, all of one type of request."""
    head = ";".join([HEAD, *columns])
    rows = [";".join([BASE.format(kind, f"R-{n}"), *v]) for n, v in enumerate(zip(*columns.values(), strict=True))]
    return [(r["outcome"], set(r["codes"])) for r in desk.rows(*rows, header=head)]


def test_a_vat_number_whose_digits_are_lost_is_refused(desk: Desk) -> None:
    found = said(desk, "contract_change", vat_number=["1,23457E+10", "1234567890\u0417", "12345678903"])
    assert found == [("REJECT", {"E-SCI"}), ("REJECT", {"E-CHARSET"}), ("ACCEPT", set())]


def test_an_amount_whose_digits_are_lost_is_refused(desk: Desk) -> None:
    found = said(desk, "ticket_dispute", amount=["1,5E+3", "1.5e3", "15 e", "1500"])
    assert found == [("REJECT", {"E-SCI"}), ("REJECT", {"E-SCI"}), ("QUARANTINE", {"E-NUM"}), ("ACCEPT", set())]


def test_a_terminal_of_another_shop_waits_whatever_is_asked(desk: Desk) -> None:
    row = "0043;terminal_request;12/05/2026 10:15;x@example.it;prova;R-1;T-0042-01"
    new = "0043;terminal_request;12/05/2026 10:15;x@example.it;prova;R-2;T-NEW"
    found = desk.rows(row, new, header=f"{HEAD};terminal_id")
    assert [(r["outcome"], r["codes"]) for r in found] == [("QUARANTINE", ["E-TERMINAL-SHOP"]), ("ACCEPT", [])]


def test_a_certified_address_is_changed_by_the_owner_only(desk: Desk) -> None:
    columns = {"field_name": ["PEC", "telefono", "pec"], "operator_code": ["OP-2", "OP-2", "OP-1"]}
    found = said(desk, "contact_change", new_value=["a@pec.example"] * 3, **columns)
    assert found == [("REJECT", {"E-ROLE"}), ("ACCEPT", set()), ("ACCEPT", set())]


def test_an_operator_is_a_person(desk: Desk) -> None:
    found = said(desk, "operator_create", fiscal_code=["12345678903", "RSSMRA85T10A562S"])
    assert found == [("REJECT", {"E-CF"}), ("ACCEPT", set())]


def test_an_account_is_one_of_a_sepa_country_at_its_length(desk: Desk) -> None:
    ibans = ["DE89370400440532013000", "GB82WEST12345698765432", "BR1500000000000010932840814P2", "DE88AAAA"]
    found = said(desk, "iban_change", iban=ibans)
    assert found == [("ACCEPT", set())] * 2 + [("ACCEPT-W", {"E-IBAN"})] * 2


@pytest.mark.parametrize("text", ["Una novitÃ\u00a0", "La cittÃ\u00a0 di Roma"])
def test_an_accent_encoded_twice_is_repaired_at_the_end_of_a_cell_too(desk: Desk, text: str) -> None:
    found = desk.one(text=text)
    assert (found["outcome"], found["codes"]) == ("ACCEPT-W", ["W-MOJIBAKE"])
    assert "à" in desk.case(found["source_key"], "Description")["Description"]


@pytest.mark.parametrize("text", ["la mia pass è pippo", "pw: geheim", "parola chiave: tramonto"])
def test_other_words_for_a_password_count_too(desk: Desk, text: str) -> None:
    found = desk.one(text=text)
    assert found["codes"] == ["W-SECRET"]
    assert text.split()[-1] not in desk.case(found["source_key"], "Description")["Description"]


def test_a_title_above_the_header_is_no_request(desk: Desk) -> None:
    ran = desk.ran("\n".join(["Richieste del giorno;12/05/2026", "", HEADER, line(), ""]))
    assert [(r["row"], r["outcome"], r["codes"]) for r in ran.doc["rows"]] == [
        (1, "SKIPPED", ["W-FOOTER"]),
        (2, "SKIPPED", ["W-FOOTER"]),
        (4, "ACCEPT", []),
    ]
    assert ran.exit == 0


def test_a_request_above_the_header_is_not_lost(desk: Desk) -> None:
    found = desk.rows(HEADER, line(), header=line(id="R-0"))
    assert [(r["request_id"], r["outcome"]) for r in found] == [("R-0", "ACCEPT"), ("R-1", "ACCEPT")]


def test_headers_in_another_case_and_counted_totals_are_no_requests(desk: Desk) -> None:
    odd = HEADER.upper().replace("Ò", "o")
    part = "codice pdv;TIPO RICHIESTA;;;;;;;;;;;;"
    totals = ["TOTALE;;;;;;;;;;;;;2", "TOT.;;;;;;12,00;;;;;;;", "Totale righe: 2;;;;;;;;;;;;;"]
    found = desk.rows(line(), odd, part, *totals, force=False)
    assert [(r["outcome"], r["codes"]) for r in found] == [("ACCEPT", []), *[("SKIPPED", ["W-FOOTER"])] * 5]


def test_the_receipt_says_of_a_total_that_it_was_ignored(desk: Desk) -> None:
    desk.ran(SAMPLE, "--out", str(desk.world.folder / "out"))
    [receipt] = (desk.world.folder / "out").glob("*.esito.csv")
    [total] = [row for row in receipt.read_text("utf-8").splitlines() if row.startswith("TOTALE")]
    assert ";ignorata;" in total


def test_a_secret_in_the_column_of_the_type_is_masked_in_what_goes_back(desk: Desk) -> None:
    row = line(type="4111 1111 1111 1111 pwd: Pippo123")
    desk.ran(f"{HEADER}\n{row}\n", "--out", str(desk.world.folder / "out"))
    for path in (desk.world.folder / "out").iterdir():
        assert "Pippo123" not in path.read_text("utf-8-sig"), path
        assert "4111 1111 1111 1111" not in path.read_text("utf-8-sig"), path


def test_an_error_file_with_a_fiscal_code_can_be_corrected_and_sent_again(desk: Desk) -> None:
    row = "0042;operator_create;13/13/2026;x@example.it;prova;R-1;RSSMRA85T10A562S"
    desk.ran(f"{HEAD};fiscal_code\n{row}\n", "--out", str(desk.world.folder / "out"))
    [wrong] = (desk.world.folder / "out").glob("*.error.csv")
    ran = desk.ran(wrong.read_text("utf-8-sig").replace("13/13/2026", "12/05/2026 09:00"))
    assert (ran.exit, ran.doc["counts"]) == (0, {"ACCEPT": 1})


def test_a_folder_is_read_without_what_programs_leave_in_it(desk: Desk) -> None:
    inbox = desk.world.folder / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_text(f"{HEADER}\n{line()}\n", "utf-8")
    (inbox / "~$a.xlsx").write_bytes(b"open")
    (inbox / ".b.csv").write_text(f"{HEADER}\n{line(id='R-2')}\n", "utf-8")
    ran = desk.ran(inbox)
    assert (ran.exit, ran.doc["counts"]) == (0, {"ACCEPT": 1})


def test_json_lines_may_be_called_json(desk: Desk) -> None:
    one = dict(zip(HEAD.split(";"), BASE.format("altro", "R-1").split(";"), strict=True))
    ran = desk.ran(json.dumps(one) + "\n", name="richieste.json")
    assert (ran.exit, ran.doc["counts"]) == (0, {"ACCEPT": 1})


def test_a_file_refused_is_said_to_be_refused(desk: Desk) -> None:
    ran = desk.world.run("partners", "import", str(desk.file("<html>", "pagina.csv")))
    assert ran.exit == 4
    assert "pagina.csv: refused" in ran.err


def test_what_nobody_sees_is_no_part_of_an_address(desk: Desk) -> None:
    """A zero-width space at the end of a pasted address cost the only way to reach the shop."""
    assert desk.one(email="pv0042@example.it\u200b")["codes"] == []


def test_the_dash_for_no_cents_is_no_minus(desk: Desk) -> None:
    """``50,-`` is fifty to whoever wrote it: unclear to us, but not negative."""
    payout = {"type": "ticket_payout", "ticket": "T-1"}
    assert desk.one(amount="50,-", **payout)["codes"] == ["E-NUM"]
    assert desk.one(amount="50,00-", **payout)["codes"] == ["E-AMOUNT-NEG"]


def test_the_code_of_a_payout_from_a_pvr_is_known(desk: Desk) -> None:
    """As "other" it would have gone to a queue where nobody watches for it."""
    assert desk.one(type="RP-06P", shop="0060", ticket="T-1", amount="50")["request_type"] == "ticket_payout"
