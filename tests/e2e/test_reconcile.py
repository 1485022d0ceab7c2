"""reconcile against real ends: edits behind the stamps, so that no window shows them, and a plan that repairs them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.runs.bench import Bench
from sfsync.runs.reconcile import reconciled
from tests.e2e.world import KEYS, Ran, World, emptied, opened, restored, seeded

DAY = 86_400
OLD = "2026-01-02 03:04:05"
KEY = "SFS_Player_Id__c"
QUIET = {"accepted", "left"}  # differences that stay: a case's owner that only the platform names


@pytest.fixture(scope="session")
def long_ago(tmp_path_factory: pytest.TempPathFactory, place: Path) -> Path:
    """A snapshot of a world in step in which everything was written a day ago: no window delivers it any more."""
    seeded(f"sqlite:///{emptied(place) / 'platform.db'}")
    with opened(place) as world:
        world.control("clock", offset_s=-DAY)
        world.sync()
        for table in KEYS:
            world.sql(f"UPDATE {table} SET updated_at = :old", old=OLD)
        world.control("clock", offset_s=0)
        world.sync()
    return restored(place, tmp_path_factory.mktemp("snapshots") / "long_ago")


@pytest.fixture
def old(long_ago: Path, place: Path) -> Iterator[World]:
    """A world in step for a day."""
    with opened(restored(long_ago, place)) as made:
        yield made


def behind(world: World, table: str, key: str, **values: Any) -> None:
    """An edit on the platform that forgets the change stamp."""
    cells = ", ".join(f"{c} = :{c}" for c in values)
    world.sql(f"UPDATE {table} SET {cells} WHERE {KEYS[table]} = :key", key=key, **values)


def yesterday(world: World, name: str, key_field: str, key: str, **values: Any) -> None:
    """An edit in Salesforce with a stamp of yesterday: it became visible long after the window had passed."""
    world.control("clock", offset_s=-DAY)
    world.change(name, key_field, key, **values)
    world.control("clock", offset_s=0)


def player_id(world: World, key: str) -> str:
    """The Salesforce id of a player."""
    return str(world.one("Account", KEY, key, "SystemModstamp")["Id"])


def twin(world: World, key: str, of: str) -> str:
    """One more account of this key, as an org whose key field is not unique would have it."""
    fields = ("RecordTypeId", "FirstName", "LastName", "SystemModstamp")
    row = world.one("Account", KEY, of, *fields)
    row = {k: v for k, v in row.items() if k != "Id"} | {KEY: key}
    world.control("seed", exact=True, records={"Account": [row]})
    found = world.rows(f"SELECT Id FROM Account WHERE {KEY} = '{key}' ORDER BY Id")
    return str(found[-1]["Id"])


def reconcile(world: World, *arguments: str, exit: int = 0) -> Ran:
    """``reconcile --json`` that ends as expected and whose sums close."""
    ran = world.run("reconcile", "--json", *arguments)
    assert ran.exit == exit, (ran.exit, ran.out, ran.err)
    for name, part in ran.doc["mappings"].items():
        assert sum(part["found"].values()) == part["looked"], (name, part)
    return ran


def found(ran: Ran, mapping: str) -> dict[str, Any]:
    """What stands under the headings, without what stays from night to night."""
    part = ran.doc["mappings"][mapping]
    headings = {k: v for k, v in part["found"].items() if v and k not in QUIET}
    return headings | ({"astray": part["astray"]} if part["astray"] else {}) | _twins(part)


def _twins(part: dict[str, Any]) -> dict[str, int]:
    return {f"{side} twins": n for side, n in part["twins"].items() if n}


def cells(ran: Ran, mapping: str) -> set[tuple[str, str, int]]:
    """(field, side to be written, records) of the missed changes."""
    return {(c["field"], c["writes_to"], c["records"]) for c in ran.doc["mappings"][mapping]["fields"]}


# -- nothing, and everything, is wrong --------------------------------------------------------------------------------


def test_two_sides_in_step_are_found_in_step(old: World) -> None:
    before = old.image()
    ran = reconcile(old)
    for name in ran.doc["mappings"]:
        assert found(ran, name) == {}, name
    assert ran.doc["repairs"] == 0
    assert ran.doc["mappings"]["player"]["salesforce"] == ran.doc["mappings"]["player"]["platform"] == 24
    assert ran.doc["mappings"]["player"]["differ"] == 0
    assert ran.doc["api_calls"] <= 8
    assert old.image() == before


def test_what_no_window_shows_is_found_and_repaired(old: World, tmp_path: Path) -> None:
    behind(old, "players", "P-0000001", city="Torino", segment="S9")
    yesterday(old, "Account", KEY, "P-0000002", SFS_Pref_Channels__c="email")
    old.copy_row("players", "P-0000003", "P-NEW", username="nuova", account_code="9988776655", email="n@posta.example")
    behind(old, "players", "P-NEW", updated_at=OLD)
    old.control("clock", offset_s=-DAY)
    old.sobject("Account").delete(player_id(old, "P-0000004"))
    old.control("clock", offset_s=0)
    twin(old, "P-EXTRA", of="P-0000005")
    second = twin(old, "P-0000006", of="P-0000006")
    assert old.sync().written() == {}, "no window shows any of it"

    ran = reconcile(old, "player", "--out", str(tmp_path / "plan"), exit=4)
    assert found(ran, "player") == {"missed": 2, "missing": 2, "stranger": 1, "salesforce twins": 1}
    assert cells(ran, "player") == {
        ("city", "salesforce", 1),
        ("segment", "salesforce", 1),
        ("preferred_channels", "platform", 1),
    }
    keys = ran.doc["mappings"]["player"]["keys"]
    assert keys["missed"] == ["P-0000001", "P-0000002"]
    assert keys["missing"] == ["P-0000004", "P-NEW"]
    assert keys["stranger"] == ["P-EXTRA"]
    assert keys["twins"] == ["P-0000006"]
    assert {f["code"] for f in ran.doc["findings"]} == {"STRANGER", "TWINS"}

    applied = old.run("apply", "--json", str(tmp_path / "plan"))
    assert applied.exit == 0, applied.err
    assert applied.assert_closed().part("player", "salesforce") == {"created": 2, "updated": 1}
    assert applied.part("player", "platform") == {"updated": 1}
    assert old.one("Account", KEY, "P-0000001", "PersonMailingCity")["PersonMailingCity"] == "Torino"
    assert old.frame("players").loc["P-0000002", "preferred_channels"] == "email"

    again = reconcile(old, "player", exit=4)
    assert found(again, "player") == {"stranger": 1, "salesforce twins": 1}
    old.sobject("Account").delete(second)
    assert found(reconcile(old, "player"), "player") == {"stranger": 1}


def test_a_link_that_differs_is_named_as_a_link(old: World, tmp_path: Path) -> None:
    shop, other = old.frame("shops").index[:2]
    terminal = old.sql("SELECT terminal_id FROM terminals WHERE shop_code = :shop", shop=shop)[0][0]
    behind(old, "terminals", terminal, shop_code=other)
    ran = reconcile(old, "terminal", "--out", str(tmp_path / "plan"), exit=4)
    assert ran.doc["mappings"]["terminal"]["fields"] == [
        {"field": "shop", "writes_to": "salesforce", "records": 1, "link": True}
    ]
    assert old.run("apply", str(tmp_path / "plan")).exit == 0
    assert reconcile(old, "terminal").doc["repairs"] == 0


# -- what is no fault of any window -----------------------------------------------------------------------------------


def test_what_the_next_sync_would_write_is_due_not_missed(old: World) -> None:
    old.edit("players", "P-0000001", city="Torino")
    old.change("Account", KEY, "P-0000002", SFS_Pref_Channels__c="email")
    old.copy_row("players", "P-0000003", "P-NEW", username="nuova", account_code="9988776655", email="n@posta.example")
    ran = reconcile(old, "player")
    assert found(ran, "player") == {"due": 3}
    assert ran.doc["repairs"] == 3, "the plan would write them all the same"
    assert old.sync("player").written() != {}
    assert found(reconcile(old, "player"), "player") == {}


def test_a_row_that_vanished_is_told_and_kept(old: World) -> None:
    old.sql("DELETE FROM players WHERE player_id = 'P-0000007'")
    ran = reconcile(old, "player")
    assert found(ran, "player") == {"vanished": 1}
    assert [f["code"] for f in ran.doc["findings"]] == ["VANISHED"]
    assert ran.doc["repairs"] == 0


def test_a_record_that_lost_its_key_is_not_made_again(old: World) -> None:
    """It lives on under the id the ledger knows: another one in its place would be a twin of a person."""
    yesterday(old, "Account", KEY, "P-0000008", SFS_Player_Id__c=None)
    yesterday(old, "Account", KEY, "P-0000009", SFS_Player_Id__c="P-RENAMED")
    ran = reconcile(old, "player", exit=4)
    assert found(ran, "player") == {"astray": 2, "stranger": 1}
    assert ran.doc["mappings"]["player"]["keys"]["astray"] == ["P-0000008", "P-0000009"]
    assert ran.doc["repairs"] == 0


def test_a_hold_stands_under_its_own_heading(old: World) -> None:
    old.sql("UPDATE shops SET company_code = 'C-NOWHERE' WHERE shop_code = :k", k=old.frame("shops").index[0])
    ran = reconcile(old, "shop", exit=4)
    assert found(ran, "shop") == {"held": 1}
    assert ran.doc["mappings"]["shop"]["unrecorded"] == 1, "the ledger did not know it: no window showed it"
    old.edit("shops", old.frame("shops").index[0], phone=None)
    assert old.sync().part("shop", "salesforce") == {"held": 1}
    ran = reconcile(old, "shop")
    assert (found(ran, "shop"), ran.doc["mappings"]["shop"]["unrecorded"]) == ({"held": 1}, 0)


# -- while others write -----------------------------------------------------------------------------------------------


def test_a_change_while_it_reads_is_no_difference(old: World) -> None:
    """Salesforce's page is read; then somebody writes both sides; then the platform is read."""
    begun: list[str] = []

    def meanwhile(mapping: str, step: str, _records: int) -> None:
        if step == "reading salesforce" and not begun:
            begun.append(mapping)
            old.change("Account", KEY, "P-0000001", PersonMailingCity="Pisa")
            old.edit("players", "P-0000001", city="Pisa")

    with (
        Bench.open(old.toml, datetime.now(UTC)) as bench,
        reconciled(bench, ["player"], progress=meanwhile) as result,
    ):
        part = result.parts["player"]
        assert begun
        assert (part.looked, part.again, part.found["settled"]) == (1, 1, 1)
        assert part.wrong == 0
        assert result.header.changes == 0


def test_no_window_moves_and_nothing_is_written(old: World, tmp_path: Path) -> None:
    behind(old, "players", "P-0000001", city="Torino")
    with Bench.open(old.toml, datetime.now(UTC)) as bench:
        before = [bench.ledger.watermark("player", side) for side in ("platform", "salesforce")]
    image = old.image()
    reconcile(old, "player", "--out", str(tmp_path / "plan"), exit=4)
    assert old.image() == image
    assert old.run("apply", str(tmp_path / "plan")).exit == 0
    with Bench.open(old.toml, datetime.now(UTC)) as bench:
        assert [bench.ledger.watermark("player", side) for side in ("platform", "salesforce")] == before


def test_a_guard_stops_the_repair(old: World, tmp_path: Path) -> None:
    old.sql("DELETE FROM players")
    ran = reconcile(old, "player", "--out", str(tmp_path / "plan"), exit=5)
    assert "SIDE_EMPTY" in {f["code"] for f in ran.doc["findings"]}
    assert old.run("apply", str(tmp_path / "plan")).exit == 5


def test_the_same_plan_to_the_byte(old: World, tmp_path: Path) -> None:
    behind(old, "players", "P-0000001", city="Torino")
    at = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    plans = [
        reconcile(old, "--as-of", at, "--out", str(tmp_path / name), exit=4).doc["plan"] for name in ("one", "two")
    ]
    assert plans[0] == plans[1]


def test_people_see_a_table(old: World) -> None:
    behind(old, "players", "P-0000001", city="Torino")
    ran = old.run("reconcile", "player")
    assert ran.exit == 4
    assert "city" in ran.out
    assert "P-0000001" in ran.out
    assert "Torino" not in ran.out
    assert "sfsync reconcile --out DIR" in ran.err


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_many_records_take_a_handful_of_calls(old: World) -> None:
    """20,500 more companies on either side, three of them unlike: one Bulk query, one look at the three."""
    types = old.rows("SELECT Id FROM RecordType WHERE DeveloperName = 'Partner_Company' AND SobjectType = 'Account'")
    kind, state = types[0]["Id"], "active"
    keys = [f"C-{n:06}" for n in range(20_500)]
    named = {"RecordTypeId": kind, "SFS_State__c": state, "SystemModstamp": "2026-01-02T03:04:05.000+0000"}
    rows = [{"SFS_Company_Code__c": k, "Name": f"Società {k}", **named} for k in keys]
    old.control("seed", exact=True, records={"Account": rows})
    [like] = old.frame("companies").iloc[[0]].reset_index().to_dict("records")
    blank = dict.fromkeys(like) | {"state": state, "updated_at": OLD}
    frame = pd.DataFrame([blank | {"company_code": k, "legal_name": f"Società {k}"} for k in keys])
    frame.loc[[7, 8_000, 20_499], "legal_name"] = "Altra"
    engine = sa.create_engine(old.url)
    frame.dropna(axis=1, how="all").to_sql("companies", engine, if_exists="append", index=False)
    engine.dispose()

    ran = reconcile(old, "company", exit=4)
    part = ran.doc["mappings"]["company"]
    assert part["platform"] == part["salesforce"] == 20_502
    assert (part["differ"], part["looked"], part["again"]) == (3, 3, 3)
    assert found(ran, "company") == {"missed": 3}
    assert part["keys"]["missed"] == [keys[7], keys[8_000], keys[20_499]]
    assert ran.doc["api_calls"] <= 8, "describe, first page, job, looks at it, one page, the three"
