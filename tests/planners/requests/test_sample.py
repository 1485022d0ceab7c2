"""The deliberately dirty sample, row by row, and what it leaves in the org."""

from __future__ import annotations

import hashlib

import pytest

from tests.planners.requests.shopworld import SAMPLE, Desk

WANTED = {
    3: ("R-1001", "ACCEPT", set()),
    4: ("R-1002", "ACCEPT-W", {"W-PAD", "W-YEAR2"}),
    5: ("R-1003", "ACCEPT", set()),
    6: ("R-1004", "ACCEPT-W", {"W-NUM-EN"}),
    7: ("R-1005", "ACCEPT-W", {"E-IBAN", "W-NOTIME"}),
    8: ("R-1006", "ACCEPT-W", {"W-IBAN-CIN", "W-NOTIME"}),
    9: ("R-1007", "ACCEPT-W", {"W-SERIAL", "W-VAT-PAD"}),
    10: ("R-1008", "REJECT", {"E-SCI", "E-DATE"}),
    11: ("R-1009", "ACCEPT-W", {"out_of_term"}),
    12: ("R-1010", "ACCEPT-W", {"W-TIME-GAP"}),
    13: ("R-1011", "ACCEPT-W", {"W-SECRET"}),
    14: ("R-1012", "ACCEPT-W", {"W-FORMULA"}),
    15: ("R-1013", "QUARANTINE", {"E-TERMINAL-SHOP"}),
    16: ("R-1014", "REJECT", {"E-AMOUNT-NEG", "E-REQ:contact"}),
    17: ("R-1001", "SKIPPED", set()),
    18: (None, "SKIPPED", {"W-FOOTER"}),
}


@pytest.fixture(scope="module")
def imported(place: Desk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, dict[int, dict[str, object]]]:
    desk = place.fresh(tmp_path_factory.mktemp("sample"))
    ran = desk.ran(SAMPLE)
    assert ran.exit == 3, ran.err
    assert ran.doc["exit"] == 3
    return desk, {r["row"]: r for r in ran.doc["rows"]}


def test_every_row_has_the_outcome_and_the_codes_it_should_have(imported: tuple[Desk, dict[int, dict]]) -> None:
    found = {n: (r["request_id"], r["outcome"], set(r["codes"])) for n, r in imported[1].items()}
    assert found == WANTED


def test_keys_are_those_of_profile_shop_and_request(imported: tuple[Desk, dict[int, dict]]) -> None:
    assert imported[1][4]["source_key"] == hashlib.sha256(b"it|0042|R-1002").hexdigest()


def test_a_repeat_joins_the_case_and_only_good_rows_have_one(imported: tuple[Desk, dict[int, dict]]) -> None:
    desk, rows = imported
    assert rows[3]["case"] == rows[4]["case"] == rows[17]["case"]
    assert rows[6]["case"] != rows[5]["case"]
    assert rows[6]["possible_duplicate_of"] == rows[5]["source_key"]
    assert {n for n, r in rows.items() if r["case"] is None} == {10, 15, 16, 18}
    assert desk.case(rows[3]["source_key"], "SFS_Repeat__c")["SFS_Repeat__c"] == 1
    assert desk.cases() == 10


def test_a_case_is_linked_routed_and_clean(imported: tuple[Desk, dict[int, dict]]) -> None:
    desk, rows = imported
    fields = "Owner.Name, Account.SFS_Shop_Code__c, Asset.SFS_Terminal_Id__c, SFS_Received_At__c, Priority, Origin"
    case = desk.case(rows[3]["source_key"], *fields.split(", "))
    assert (case["Owner"]["Name"], case["Account"]["SFS_Shop_Code__c"]) == ("RET_TECH", "0042")
    assert case["Asset"]["SFS_Terminal_Id__c"] == "T-0042-01"
    assert (case["Priority"], case["Origin"]) == ("P2", "import")
    assert case["SFS_Received_At__c"].startswith("2026-05-12T14:00:00")
    late = desk.case(rows[11]["source_key"], "Status", "SFS_Outcome__c")
    assert (late["Status"], late["SFS_Outcome__c"]) == ("Closed", "out_of_term")
    secret = desk.case(rows[13]["source_key"], "Description")["Description"]
    assert "Pippo123" not in secret
    assert "4111 1111" not in secret


def test_nothing_secret_is_on_disk_in_the_clear(imported: tuple[Desk, dict[int, dict]]) -> None:
    desk = imported[0]
    kept = [p for p in (desk.world.folder / ".sfsync").rglob("*") if p.is_file()]
    assert any(p.suffix == ".sealed" for p in kept)
    for path in [*kept, desk.world.folder / "platform.db"]:
        content = path.read_bytes()
        assert b"Pippo123" not in content, path
        assert b"IT60X0542811101000000123457" not in content, path


def test_a_sync_afterwards_finds_the_cases_in_step(imported: tuple[Desk, dict[int, dict]]) -> None:
    ran = imported[0].world.sync()
    assert ran.doc["mappings"]["case"]["salesforce"]["created"] == 0
    assert ran.doc["mappings"]["case"]["platform"]["updated"] == 0
