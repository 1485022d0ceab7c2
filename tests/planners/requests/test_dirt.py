"""Each of the forty-five kinds of dirty input, and what must happen. The numbers are those of the catalogue of dirt."""

from __future__ import annotations

import json
import signal
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfsync.ledger import attachments
from sfsync.runs.bench import Bench
from tests.planners.requests.shopworld import HEADER, Desk, line
from tests.planners.requests.test_once import command

FAULT = {"type": "terminal_fault", "terminal": "T-0042-01"}
PAYOUT = {"type": "ticket_payout", "ticket": "AB12CD34EF56", "amount": "500,00"}
TOPUP = {"type": "topup_failed", "account": "GA-1", "amount": "50,00"}


@pytest.fixture(scope="module")
def shops(place: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all that is only looked at."""
    return place.fresh(tmp_path_factory.mktemp("dirt"))


def looked(desk: Desk, content: str | bytes, *more: str, name: str = "") -> dict[str, Any]:
    """The document of a dry run."""
    return desk.ran(content, "--dry-run", "--force", *more, name=name).doc


def said(desk: Desk, *, header: str = HEADER, **cells: str) -> tuple[str, set[str]]:
    """Outcome and codes of one line."""
    row = looked(desk, f"{header}\n{line(**cells)}\n")["rows"][0]
    return row["outcome"], set(row["codes"])


def canonical(desk: Desk, *names: str, **cells: str) -> Any:
    """Fields of the case one line made, as the platform holds them."""
    key = desk.one(**cells)["source_key"]
    return desk.world.sql(f"SELECT {', '.join(names)} FROM cases WHERE source_key = :key", key=key)[0]


def test_01_a_sep_line_is_a_hint(shops: Desk) -> None:
    text = "sep=|\n" + HEADER.replace(";", "|") + "\n" + line().replace(";", "|") + "\n"
    rows = looked(shops, text)["rows"]
    assert [(r["row"], r["outcome"]) for r in rows] == [(3, "ACCEPT")]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_01_any_delimiter_is_found(shops: Desk, delimiter: str) -> None:
    text = f"{HEADER}\n{line()}\n".replace(";", delimiter)
    assert [r["outcome"] for r in looked(shops, text)["rows"]] == ["ACCEPT"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_02_a_byte_order_mark_does_not_hide_the_first_header(shops: Desk, encoding: str) -> None:
    rows = looked(shops, f"{HEADER}\n{line(text='è così')}\n".encode(encoding))["rows"]
    assert (rows[0]["outcome"], rows[0]["codes"]) == ("ACCEPT", [])


def test_03_cp1252_is_read_and_said_of_the_file(shops: Desk) -> None:
    document = looked(shops, f"{HEADER}\n{line(text='perché no')}\n".encode("cp1252"))
    assert document["codes"] == ["W-ENC"]
    assert document["rows"][0]["outcome"] == "ACCEPT"


def test_03_text_is_stored_composed(desk: Desk) -> None:
    decomposed = unicodedata.normalize("NFD", "perché")
    assert canonical(desk, "description", text=decomposed) == ("perché",)


def test_04_text_encoded_twice_is_repaired_where_that_is_exact(desk: Desk) -> None:
    assert canonical(desk, "description", text="perchÃ© no") == ("perché no",)
    assert said(desk, text="perchÃ©")[1] == {"W-MOJIBAKE"}
    assert canonical(desk, "description", text="Ã© e € ą", id="R-2") == ("Ã© e € ą",)


def test_05_invisible_blanks_go_from_codes_and_become_spaces_in_text(desk: Desk) -> None:
    cells = FAULT | {"shop": "\u00a00042\u200b", "terminal": "T-0042-01\t ", "text": "schermo\u00a0nero"}
    assert canonical(desk, "shop_code", "terminal_id", "description", **cells) == ("0042", "T-0042-01", "schermo nero")


def test_06_a_shop_without_its_zeros(desk: Desk) -> None:
    assert said(desk, shop="42") == ("ACCEPT-W", {"W-PAD"})
    desk.shop("00042")
    assert said(desk, shop="42") == ("QUARANTINE", {"E-SHOP-AMBIG"})
    assert said(desk, shop="0042") == ("ACCEPT", set())


def test_07_types_have_other_names(shops: Desk) -> None:
    rows = looked(shops, f"{HEADER}\n{line(type='Guasto POS', terminal='T-0042-01')}\n{line(type='boh', id='R-2')}\n")
    assert [r["request_type"] for r in rows["rows"]] == ["terminal_fault", "partner_other"]
    assert [r["codes"] for r in rows["rows"]] == [[], ["W-TYPE"]]


@pytest.mark.parametrize(("word", "level"), [("alta", "P2"), ("urgente", "P1"), ("1", "P1"), ("boh", None)])
def test_08_the_priority_asked_for_is_stored_and_changes_nothing(desk: Desk, word: str, level: str | None) -> None:
    assert canonical(desk, "requested_priority", "priority", priority=word, text="URGENTE!") == (level, "P4")


def test_09_a_short_year_and_points_in_the_time(desk: Desk) -> None:
    assert said(desk, at="12/05/26 10.20") == ("ACCEPT-W", {"W-YEAR2"})


def test_10_a_serial_number_is_a_date(shops: Desk) -> None:
    assert said(shops, at="46154") == ("ACCEPT-W", {"W-SERIAL"})
    assert said(shops, at="39999") == ("QUARANTINE", {"E-DATE"})


def test_11_12_day_and_month_are_never_swapped(desk: Desk) -> None:
    assert said(desk, at="05/13/2026 09:00") == ("QUARANTINE", {"E-DATE"})
    cells = PAYOUT | {"at": "03/04/2026 12:00"}
    assert str(canonical(desk, "event_date", **cells)[0]) == "2026-04-03"


def test_13_the_missing_and_the_double_hour(shops: Desk) -> None:
    assert said(shops, at="29/03/2026 02:30") == ("ACCEPT-W", {"W-TIME-GAP"})
    assert said(shops, at="26/10/2025 02:30") == ("ACCEPT-W", {"W-TIME-AMBIG"})


def test_14_a_date_without_time(shops: Desk) -> None:
    assert said(shops, at="11/05/2026", **TOPUP) == ("QUARANTINE", {"E-TIME-NEEDED"})
    assert said(shops, at="11/05/2026", type="annullo", ticket="AB12CD34") == (
        "QUARANTINE",
        {"E-TIME-NEEDED"},
    )
    assert said(shops, at="46153", **TOPUP)[0] == "QUARANTINE"
    assert said(shops, at="11/05/2026") == ("ACCEPT-W", {"W-NOTIME"})


def test_15_the_future(shops: Desk) -> None:
    assert said(shops, at="12/05/2026 18:00") == ("REJECT", {"E-TIME-FUTURE"})
    header = HEADER + ";Decorrenza;Piano"
    row = looked(shops, f"{header}\n{line(type='RP-22')};01/07/2026;BASE\n")["rows"][0]
    assert row["outcome"] == "ACCEPT"


@pytest.mark.parametrize("amount", ["1.234,56", "€ 1.234,56", "1234,56", "1.234,56 EUR"])
def test_16_italian_amounts(desk: Desk, amount: str) -> None:
    assert canonical(desk, "amount_minor", **(TOPUP | {"amount": f'"{amount}"'})) == (123456,)


@pytest.mark.parametrize(
    ("amount", "outcome", "codes"),
    [
        ("1,234.56", "ACCEPT-W", {"W-NUM-EN"}),
        ("1.234", "ACCEPT-W", {"W-NUM-GROUP"}),
        ("1,234", "QUARANTINE", {"E-NUM"}),
        ("-50,00", "REJECT", {"E-AMOUNT-NEG"}),
        ("50-", "REJECT", {"E-AMOUNT-NEG"}),
        ("(50,00)", "REJECT", {"E-AMOUNT-NEG"}),
    ],
)
def test_17_18_19_other_amounts(shops: Desk, amount: str, outcome: str, codes: set[str]) -> None:
    assert said(shops, **(TOPUP | {"amount": amount})) == (outcome, codes)


def test_20_digits_a_spreadsheet_lost(shops: Desk) -> None:
    assert said(shops, **(PAYOUT | {"ticket": "8,90123E+15"})) == ("REJECT", {"E-SCI"})


@pytest.mark.parametrize(
    ("number", "outcome", "codes"),
    [
        ("12345678903", "ACCEPT", set()),
        ("1234567897", "ACCEPT-W", {"W-VAT-PAD"}),
        ("12345678901", "REJECT", {"E-VAT"}),
        ("1234567890", "REJECT", {"E-VAT"}),
        ("00000000000", "REJECT", {"E-VAT-ZERO"}),
    ],
)
def test_21_22_vat_numbers(shops: Desk, number: str, outcome: str, codes: set[str]) -> None:
    assert said(shops, vat=number) == (outcome, codes)


def test_23_24_ibans_open_a_case_and_block_the_step(shops: Desk) -> None:
    cells = {"type": "iban_change", "at": "12/05/2026 09:00"}
    assert said(shops, iban="IT60X0542811101000000123457", **cells) == ("ACCEPT-W", {"E-IBAN"})
    assert said(shops, iban="IT64Y0542811101000000123456", **cells) == ("ACCEPT-W", {"W-IBAN-CIN"})
    assert said(shops, iban="it60 x054 2811 1010 0000 0123 456", **cells) == ("ACCEPT", set())


def test_25_telephone_numbers(shops: Desk) -> None:
    assert said(shops, phone="3.33123E+11") == ("ACCEPT-W", {"W-PHONE"})
    assert said(shops, phone="12345") == ("ACCEPT-W", {"W-PHONE"})
    assert said(shops, phone="12345", email="") == ("REJECT", {"W-PHONE", "E-REQ:contact"})
    assert said(shops, phone="393331234567", email="") == ("ACCEPT-W", {"W-PHONE-PLUS"})
    assert said(shops, phone="+39 06 1234567", email="") == ("ACCEPT", set())


def test_26_addresses(shops: Desk) -> None:
    assert said(shops, email="PV0042@EXAMPLE.IT") == ("ACCEPT", set())
    assert said(shops, email='"a@example.it; b@example.it"') == ("ACCEPT-W", {"W-EMAIL-MULTI"})


@pytest.mark.parametrize(
    "secret",
    [
        "la password è Pippo123",
        "PIN 4821",
        "carta 4111 1111 1111 1111",
        "OTP: 998877",
        "IBAN IT60X0542811101000000123456",
        "cf RSSMRA85T10A562S",
    ],
)
def test_27_secrets_are_masked_before_anything_is_stored(desk: Desk, secret: str) -> None:
    assert said(desk, text=secret) == ("ACCEPT-W", {"W-SECRET"})
    stored = canonical(desk, "description", text=secret)[0]
    assert "****" in stored
    assert secret not in stored


@pytest.mark.parametrize("start", ["=1+1", "+CMD", "-2+3", "@SUM(A1)"])
def test_28_formulas_are_text(desk: Desk, start: str) -> None:
    assert said(desk, text=start) == ("ACCEPT-W", {"W-FORMULA"})
    assert canonical(desk, "description", text=start) == (start,)


def test_29_a_terminal_of_another_shop(shops: Desk) -> None:
    assert said(shops, shop="0051", **FAULT) == ("QUARANTINE", {"E-TERMINAL-SHOP"})


def test_30_the_same_request_is_done_once(desk: Desk) -> None:
    rows = desk.rows(line(), line())
    assert [r["outcome"] for r in rows] == ["ACCEPT", "SKIPPED"]
    later = desk.ran(f"{HEADER}\n\n{line()}\n", as_of="2026-05-20T09:00:00Z").doc["rows"]
    assert [r["outcome"] for r in later] == ["SKIPPED", "SKIPPED"]
    assert desk.cases() == 1


def test_31_other_content_changes_the_case_and_not_its_clock(desk: Desk) -> None:
    key = desk.one()["source_key"]
    ran = desk.ran(f"{HEADER}\n{line(text='altro testo')}\n", as_of="2026-05-20T09:00:00Z")
    assert ran.doc["rows"][0]["source_key"] == key
    case = desk.case(key, "Description", "SFS_Received_At__c")
    assert case["Description"] == "altro testo"
    assert case["SFS_Received_At__c"].startswith("2026-05-12")
    clash = desk.one(shop="0043")
    assert (clash["outcome"], clash["codes"]) == ("QUARANTINE", ["E-KEY-CLASH"])
    assert desk.cases() == 1


def comments(desk: Desk, key: str) -> list[str]:
    found = desk.world.rows(
        f"SELECT CommentBody, IsPublished FROM CaseComment WHERE Parent.SFS_Source_Key__c = '{key}'"
    )
    assert not any(c["IsPublished"] for c in found)
    return [c["CommentBody"] for c in found]


def test_31_an_internal_note_says_once_which_fields_changed(desk: Desk) -> None:
    key = desk.one(phone="06 1234567")["source_key"]
    assert comments(desk, key) == []
    for _ in range(2):
        desk.rows(line(text="altro testo", phone="06 7654321"))
        [note] = comments(desk, key)
    assert "changed: description, phone." in note
    assert "7654321" not in note
    desk.ran(f"{HEADER}\n{line(phone='06 1234567')}\n", "--force", as_of="2026-05-20T09:00:00Z")
    [later] = set(comments(desk, key)) - {note}
    assert "sent this request again at 2026-05-20T09:00:00Z" in later  # the receipt of the file, not our clock


def test_31_a_killed_import_still_notes_the_change_once(desk: Desk) -> None:
    key = desk.one()["source_key"]
    path = desk.file(f"{HEADER}\n{line(text='altro testo')}\n")
    for point in ("ledger.intent.opened", "ledger.outcome.before", "requests.noted"):
        died = command(desk, path, SFSYNC_FAULTPOINT=point)
        assert died.wait(60) == -signal.SIGKILL
    desk.ran(path)
    [note] = comments(desk, key)
    assert "changed: description." in note
    assert desk.case(key, "Description")["Description"] == "altro testo"


def test_32_lines_that_are_no_requests(shops: Desk) -> None:
    text = f"{HEADER}\n{line()}\n\n{HEADER}\n{line(id='R-2')}\nTOTALE;;;;;;1.984,56;;;;;;;\n"
    rows = looked(shops, text)["rows"]
    assert [r["outcome"] for r in rows] == ["ACCEPT", "SKIPPED", "SKIPPED", "ACCEPT", "SKIPPED"]
    assert all(r["codes"] == ["W-FOOTER"] for r in rows if r["outcome"] == "SKIPPED")


def test_33_35_too_many_and_too_few_columns(shops: Desk) -> None:
    assert said(shops, id="R-1;;;") == ("ACCEPT", set())
    assert said(shops, text="testo; con punto e virgola") == ("QUARANTINE", {"E-COLS"})
    row = looked(shops, f"{HEADER}\n0042;altro;;12/05/2026 10:15\n")["rows"][0]
    assert set(row["codes"]) == {"E-REQ:description", "E-REQ:contact"}


def test_34_line_ends_and_marks_inside_quotes(desk: Desk) -> None:
    assert canonical(desk, "description", text='"riga 1\r\nriga ""2"""') == ('riga 1\nriga "2"',)


def test_34_the_line_of_a_row_is_where_it_begins(shops: Desk) -> None:
    text = f"{HEADER}\n{line(text=chr(34) + 'a' + chr(10) + 'b' + chr(34))}\n{line(id='R-2')}\n"
    assert [r["row"] for r in looked(shops, text)["rows"]] == [2, 4]


def test_34_a_header_pasted_into_a_text_does_not_choose_the_delimiter(shops: Desk) -> None:
    head = "Codice PDV,Tipo richiesta,Data ora,E-mail,Note,ID richiesta"
    text = f'{head}\n0042,altro,12/05/2026 10:15,a@b.it,"inoltro:\n{HEADER}\n{line()}",R-1\n'
    assert [(r["request_id"], r["outcome"]) for r in looked(shops, text)["rows"]] == [("R-1", "ACCEPT")]


def test_36_a_payout_asked_for_by_a_top_up_point(desk: Desk) -> None:
    key = desk.one(shop="0060", **PAYOUT)["source_key"]
    case = desk.case(key, "Owner.Name", "SFS_Subcategory__c", "Priority")
    assert (case["Owner"]["Name"], case["SFS_Subcategory__c"], case["Priority"]) == ("COMPLIANCE_AML", "RP-06P", "P2")


def test_37_a_ticket_older_than_its_term(desk: Desk) -> None:
    row = desk.one(**(PAYOUT | {"at": "01/02/2026 18:00"}))
    assert row["codes"] == ["out_of_term"]
    assert desk.case(row["source_key"], "Status", "SFS_Outcome__c")["Status"] == "Closed"
    assert said(desk, **(PAYOUT | {"at": "11/02/2026 18:00"})) == ("ACCEPT", set())


def test_38_closed_and_unknown_shops(shops: Desk) -> None:
    assert said(shops, shop="0061") == ("REJECT", {"E-SHOP-STATE"})
    assert said(shops, shop="9999") == ("REJECT", {"E-SHOP-UNKNOWN"})


@pytest.mark.parametrize(
    ("code", "outcome", "codes"),
    [
        ("rss mra 85t10 a562s", "ACCEPT", set()),
        ("RSSMRA85T10A562T", "REJECT", {"E-CF"}),
        ("RSSMRA15T10A562Z", "REJECT", {"E-MINOR"}),
    ],
)
def test_39_fiscal_codes(shops: Desk, code: str, outcome: str, codes: set[str]) -> None:
    row = looked(shops, f"{HEADER};Codice fiscale\n{line()};{code}\n")["rows"][0]
    assert (row["outcome"], set(row["codes"])) == (outcome, codes)


def notices(desk: Desk) -> list[Any]:
    return [json.loads(p.read_text()) for p in sorted((desk.world.folder / ".sfsync/outbox").glob("*-E-MINOR.json"))]


def test_39_compliance_hears_once_of_a_minor(desk: Desk) -> None:
    text = f"{HEADER};Codice fiscale\n{line(id='R-9')};RSSMRA15T10A562Z\n{line()};\n"
    for again in range(2):
        desk.ran(text + "\n" * again, "--force")
        [notice] = notices(desk)
    assert (notice["to"], notice["shop"], notice["line"]) == ("COMPLIANCE", "0042", 2)
    assert "RSSMRA" not in json.dumps(notice)
    for path in (desk.world.folder / ".sfsync/outbox").iterdir():
        path.unlink()  # it was sent
    desk.ran(text + "\n\n", "--force")
    assert notices(desk) == []


def test_40_the_whole_text_is_kept_sealed_and_named(desk: Desk) -> None:
    text = "parola " * 6_000 + "la mia carta 4111 1111 1111 1111, fine"
    row = desk.one(text=text)
    case = desk.case(row["source_key"], "SFS_Attach_Refs__c", "CaseNumber")
    assert case["SFS_Attach_Refs__c"] is True
    [kept] = desk.world.run("partners", "explain", case["CaseNumber"], "--json").doc["attachments"]
    whole = desk.world.run("partners", "attachment", kept["reference"]).out
    assert whole.strip().endswith("la mia carta **** **** **** 1111, fine")
    assert (kept["field"], kept["length"]) == ("description", len(whole) - 1)
    [file] = (desk.world.folder / ".sfsync/attachments").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    sealed = file.read_bytes()
    assert b"parola" not in sealed
    file.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert "ATTACHMENT_KEY" in desk.world.run("partners", "attachment", kept["reference"]).err
    with Bench.open(desk.world.toml, datetime.now(UTC)) as bench:
        assert attachments.purge(bench.ledger, bench.ledger.now() + timedelta(days=29)) == 0
        assert attachments.purge(bench.ledger, bench.ledger.now() + timedelta(days=31)) == 1
    assert not file.exists()
    assert "ATTACHMENT_UNKNOWN" in desk.world.run("partners", "attachment", kept["reference"]).err


def test_40_what_was_filled_in_besides_is_not_cut_away(desk: Desk) -> None:
    header = HEADER + ";Articolo;Quantità"
    key = desk.rows(f"{line(type='rotoli', text='y' * 31_990)};rotoli termici;3", header=header)[0]["source_key"]
    [(text,)] = desk.world.sql("SELECT description FROM cases WHERE source_key = :k", k=key)
    assert text.endswith("y[…]\nArticolo: rotoli termici\nQuantita: 3")
    assert len(text) == 32_000
    assert desk.case(key, "SFS_Attach_Refs__c")["SFS_Attach_Refs__c"] is True


def test_40_a_very_long_text_is_cut(desk: Desk) -> None:
    assert said(desk, text="x" * 40_000) == ("ACCEPT-W", {"W-LEN"})
    found = canonical(desk, "description", text="x" * 40_000)[0]
    assert len(found) == 32_000
    assert found.endswith("[…]")


def test_41_napoli_is_not_null(shops: Desk) -> None:
    header = HEADER + ";Indirizzo;CAP;Provincia;Data prevista;Documenti"
    row = looked(shops, f"{header}\n{line(type='RP-14')};Via Roma 1;80100;NA;01/07/2026;licenza\n")["rows"][0]
    assert (row["outcome"], row["codes"]) == ("ACCEPT", [])
    row = looked(shops, f"{header}\n{line(type='RP-14')};Via Roma 1;100;NA;01/07/2026;licenza\n")["rows"][0]
    assert row["outcome"] == "QUARANTINE"


def test_42_required_fields_are_listed_at_once(shops: Desk) -> None:
    codes = {"E-REQ:terminal_id", "E-REQ:description", "E-REQ:contact"}
    assert said(shops, type="terminal_fault", terminal="   ", text=" \u00a0", email=" ") == ("REJECT", codes)


def test_43_look_alike_letters_in_codes(shops: Desk) -> None:
    assert said(shops, **(FAULT | {"terminal": "Т-0042-01"})) == ("REJECT", {"E-CHARSET"})
    assert said(shops, text="grazie 😀 Привет") == ("ACCEPT", set())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04rest", "workbook"),
        (b"<html><table><tr><td>Codice PDV</td></tr></table></html>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (f'{HEADER}\n0042;altro;;12/05/2026 10:15;;;;;;;;a@b.it;"aperto;R-1\n'.encode(), "quotation mark"),
        (b"uno;due\n1;2\n", "header"),
        (b"", "header"),
    ],
)
def test_44_what_is_no_csv_is_refused_with_its_name(shops: Desk, content: bytes, reason: str) -> None:
    ran = shops.ran(content, name="finto.csv")
    assert (ran.exit, ran.doc["exit"], ran.doc["rows"]) == (4, 4, [])
    assert ran.doc["refused"]["code"] == "E-FORMAT"
    assert reason in ran.doc["refused"]["message"]


def test_45_two_hundred_faults_are_one_case(desk: Desk) -> None:
    lines = [line(**FAULT, id=f"R-{n}", at=f"12/05/2026 10:{n // 20:02}:{n % 20:02}") for n in range(200)]
    rows = desk.rows(*lines)
    assert len({r["case"] for r in rows}) == 1
    assert desk.cases() == 1
    assert desk.case(rows[0]["source_key"], "SFS_Repeat__c")["SFS_Repeat__c"] == 199


def test_too_many_rejected_rows_refuse_the_file(desk: Desk) -> None:
    text = f"{HEADER}\n" + "".join(line(id=f"R-{n}", shop="0042" if n < 3 else "9999") + "\n" for n in range(4))
    ran = desk.ran(text)
    assert (ran.exit, ran.doc["refused"]["code"], desk.cases()) == (4, "REQUESTS_REJECTED", 0)
    assert desk.ran(text, "--force").exit == 3
    assert desk.cases() == 3


def test_roles_are_looked_at_where_somebody_is_named(shops: Desk) -> None:
    header = HEADER + ";Codice operatore"
    cells = {"type": "RP-26"}
    outcomes = [
        looked(shops, f"{header}\n{line(shop=shop, **cells)};{who}\n")["rows"][0]["codes"]
        for shop, who in (("0042", "OP-1"), ("0042", "OP-2"), ("0043", "OP-1"), ("0042", "OP-9"))
    ]
    assert outcomes == [[], ["E-ROLE"], ["E-ROLE"], ["E-ROLE"]]
