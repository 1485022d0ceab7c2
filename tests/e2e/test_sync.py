"""Whole runs of the real command against a rehearsal org and an operator's database, read back by a plain client."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sfsync.ledger import history
from sfsync.mapping.model import Leaves
from sfsync.runs.bench import Bench
from tests.e2e import scene
from tests.e2e.world import KEYS, ROOT, World, mappings, opened, seeded
from tests.machine.world import START

PLAYER, OTHER = "P-0000001", "P-0000002"


def player(world: World, key: str, *fields: str) -> dict[str, Any]:
    """One player as Salesforce shows it."""
    return world.one("Account", "SFS_Player_Id__c", key, *fields)


def row(world: World, table: str, key: str) -> pd.Series:
    """One row of the operator's database."""
    return world.frame(table).loc[key]


# -- a first sync, and what is true after it --------------------------------------------------------------------------


def test_everything_arrives_and_a_second_run_does_nothing(fresh: World) -> None:
    first = fresh.sync()
    for name, mapping in mappings().items():
        count = len(fresh.frame(mapping.platform.table))
        assert first.part(name, "salesforce") == {"created": count}, name
        assert first.doc["mappings"][name]["read"]["platform"] == count
    second = fresh.sync()
    assert second.written() == {}
    assert second.doc["api_calls"] <= 1 + len(mappings()), "one describe, one window each"
    full = fresh.sync("--full")
    assert full.written() == {}


def test_every_value_is_canonical_and_every_parent_linked(world: World) -> None:
    """What a client that knows nothing of us finds, against the operator's own rows."""
    players, shops, cases = (world.frame(t) for t in ("players", "shops", "cases"))
    found = world.image()["salesforce"]
    for key, theirs in found["player"].items():
        ours = players.loc[key]
        assert theirs["LastName"] == ours["last_name"]
        assert theirs["PersonEmail"] == (ours["email"].lower() if ours["email"] else None)
        assert theirs["PersonMobilePhone"] is None or theirs["PersonMobilePhone"].startswith("+39")
        assert theirs["SFS_Contact_Suppressed__c"] is bool(ours["contact_suppressed"])
        assert theirs["SFS_CF_Hash__c"] != ours["fiscal_code"]
        assert len(theirs["SFS_CF_Hash__c"]) == 64
        assert theirs["SFS_Account_Code__c"].endswith(ours["account_code"][-4:])
        assert ours["account_code"] not in str(theirs)
        assert theirs["RecordType.DeveloperName"] == "Player"
    for key, theirs in found["shop"].items():
        ours = shops.loc[key]
        assert theirs["Parent.SFS_Company_Code__c"] == ours["company_code"]
        assert theirs["SFS_Credit_Limit__c"] == pytest.approx(ours["credit_limit_minor"] / 100)
        assert (theirs.get("SFS_Predecessor__r.SFS_Shop_Code__c")) == ours["predecessor_shop"]
    for key, theirs in found["case"].items():
        ours = cases.loc[key]
        assert theirs.get("Account.SFS_Player_Id__c") == ours["player_id"]
        assert theirs.get("Account.SFS_Shop_Code__c") == ours["shop_code"]
        assert theirs.get("Contact.SFS_Operator_Code__c") == ours["operator_code"]
        assert theirs.get("Asset.SFS_Terminal_Id__c") == ours["terminal_id"]
        assert theirs["CaseNumber"] == ours["case_number"]
    assert {k: v["Account.SFS_Shop_Code__c"] for k, v in found["terminal"].items()} == dict(
        world.frame("terminals")["shop_code"]
    )


CANARY = "KANARIE"
NEVER = {
    "players": [
        "street",
        "kyc_doc_number",
        "iban",
        "card_pan",
        "rg_risk_score",
        "aml_risk",
        "balance_minor",
        "theo_minor",
    ],
    "shop_operators": ["password_hash"],
    "companies": [],
}
NUMBERS = {"rg_risk_score": 987_654_301, "balance_minor": 987_654_302, "theo_minor": 987_654_303, "aml_risk": "KNR9AML"}


def test_what_must_stay_stays(fresh: World) -> None:
    """Canaries in every column that must not leave: they are nowhere outside the operator's own database."""
    planted = set()
    for table, columns in NEVER.items():
        for column in columns:
            value = NUMBERS.get(column, f"{CANARY}{column[:8]}")
            planted.add(str(value))
            fresh.sql(f"UPDATE {table} SET {column} = :v", v=value)
    fresh.run("plan", "--out", str(fresh.folder / "saved"), "--show-values")
    fresh.sync()
    fresh.edit("players", PLAYER, email="neu@posta.example", street=f"{CANARY}zwei")
    fresh.sync()
    fresh.run("explain", "player", PLAYER, "--show-values")
    fresh.run("undo", "last", "--yes")
    told = "\n".join(r.out + r.err for r in fresh.said)
    database = fresh.folder / "platform.db"
    files = [f for f in fresh.folder.rglob("*") if f.is_file() and not f.name.startswith(database.name)]
    assert any(f.name == "ledger.db" for f in files)
    assert any(f.parent.name == "saved" for f in files)
    for word in [*planted, CANARY]:
        assert word not in told, f"{word} was said"
        for file in files:
            assert word.encode() not in file.read_bytes(), f"{word} stands in {file.name}"
            if file.suffix == ".parquet":
                assert word not in pd.read_parquet(file).to_csv()


def test_the_ledger_knows_no_person(world: World) -> None:
    """No name, address or number of a person in the ledger's tables; values live in encrypted images only."""
    world.edit("players", PLAYER, email="geheim@posta.example")
    world.sync()
    text = "\n".join(sqlite3.connect(world.folder / ".sfsync" / "ledger.db").iterdump())
    personal = {
        f.platform
        for f in mappings()["player"].synced
        if f.pii in ("identity", "contact") and isinstance(f.platform, str) and f.leaves is Leaves.YES
    }
    players = world.frame("players")
    for column in sorted(personal & {"email", "phone_mobile", "last_name", "username"}):
        for value in players[column].dropna():
            assert f"'{value}'" not in text, f"a value of {column} stands in the ledger"


# -- small changes ----------------------------------------------------------------------------------------------------


def test_one_percent_costs_little(world: World) -> None:
    changed = 3
    for n in range(1, changed + 1):
        world.edit("players", f"P-000000{n}", city="Napoli")
    before = world.stats()["api_calls"]
    ran = world.sync()
    assert ran.part("player", "salesforce") == {"updated": changed}
    assert ran.doc["api_calls"] <= math.ceil(changed / 1000) + 15
    assert world.stats()["api_calls"] - before == ran.doc["api_calls"], "what we count is what the org counts"


def test_edits_on_both_sides_meet(world: World) -> None:
    world.edit("players", PLAYER, email="Neu@Posta.Example", phone_mobile=None)
    world.change("Account", "SFS_Player_Id__c", PLAYER, SFS_Pref_Quiet_Windows__c="22:00-24:00")
    world.change("Account", "SFS_Player_Id__c", OTHER, PersonEmail="agent@posta.example")  # the platform owns it
    world.change("Account", "SFS_Shop_Code__c", world.frame("shops").index[0], Phone="+39 02 555 0199")
    ran = world.sync()
    assert ran.written() == {
        ("player", "salesforce"): {"updated": 2},
        ("player", "platform"): {"updated": 1},
        ("shop", "platform"): {"updated": 1},
    }
    assert player(world, PLAYER, "PersonEmail", "PersonMobilePhone")["PersonEmail"] == "neu@posta.example"
    assert player(world, PLAYER, "PersonMobilePhone")["PersonMobilePhone"] is None
    assert row(world, "players", PLAYER)["quiet_windows"] == "22:00-24:00"
    assert player(world, OTHER, "PersonEmail")["PersonEmail"] == row(world, "players", OTHER)["email"]
    assert world.sync().written() == {}


def test_an_opt_out_on_either_side_wins(world: World) -> None:
    for key in (PLAYER, OTHER):
        world.edit("players", key, mkt_email=True, contact_suppressed=False)
    world.sync()
    world.change("Account", "SFS_Player_Id__c", PLAYER, SFS_Mkt_Email__c=False)
    world.edit("players", PLAYER, mkt_email=True, last_name="Neri")
    world.edit("players", OTHER, contact_suppressed=True)
    world.sync()
    assert not row(world, "players", PLAYER)["mkt_email"]
    assert player(world, PLAYER, "SFS_Mkt_Email__c")["SFS_Mkt_Email__c"] is False
    flags = player(world, OTHER, "SFS_Contact_Suppressed__c", "PersonHasOptedOutOfEmail", "PersonDoNotCall")
    assert all(flags[f] for f in ("SFS_Contact_Suppressed__c", "PersonHasOptedOutOfEmail", "PersonDoNotCall"))


def test_self_exclusion_is_written_alone_and_first(world: World) -> None:
    """Two saves of the one record, the flags in the first; a refused address does not stop them."""
    world.edit("companies", world.frame("companies").index[0], legal_name="Ditta Nuova S.r.l.")
    world.edit("players", OTHER, contact_suppressed=True, bonus_blocked=True, city="Torino")
    world.edit("players", PLAYER, contact_suppressed=True, email="senza chiocciola")
    world.sync(exit=3)
    excluded = player(world, OTHER, "SystemModstamp", "SFS_Contact_Suppressed__c", "PersonMailingCity")
    assert (excluded["SFS_Contact_Suppressed__c"], excluded["PersonMailingCity"]) == (True, "Torino")
    assert player(world, PLAYER, "SFS_Contact_Suppressed__c")["SFS_Contact_Suppressed__c"] is True
    run = json.loads(world.said[-1].out)["run"]
    with Bench.open(world.toml, START) as bench:
        log = [w for w in history.of_run(bench.ledger, run) if w["result"] == "updated"]
    writes = [(w["mapping"], w["key"], set(w["fields"].split(","))) for w in log]
    flags = {"contact_suppressed", "bonus_blocked"}
    assert {k for _, k, _ in writes[:2]} == {PLAYER, OTHER}, "the flags of all records come before everything else"
    assert all(fields <= flags for _, _, fields in writes[:2])
    assert all(not fields & flags for _, _, fields in writes[2:])


# -- what waits, and what was refused ---------------------------------------------------------------------------------


def test_a_conflict_waits_and_its_decision_is_done_once(in_doubt: World) -> None:
    world = in_doubt
    ran = world.sync("shop", exit=4)
    assert ran.doc["mappings"]["shop"]["conflicts"] == 1
    assert world.sync("shop", exit=4).doc["mappings"]["shop"]["conflicts"] == 1, "it stays"
    [conflict] = json.loads(world.run("conflicts", "--json").out)
    assert conflict["field"] == "opening_hours"
    shop = conflict["key"]
    before = world.one("Account", "SFS_Shop_Code__c", shop, "SFS_Opening_Hours__c")["SFS_Opening_Hours__c"]
    assert before == "Mo-Fr 10:00-18:00", "nothing is written before somebody decided"
    world.run("conflicts", "resolve", conflict["conflict_id"], "--take", "salesforce")
    assert world.sync("shop").written() == {("shop", "platform"): {"updated": 1}}
    assert row(world, "shops", shop)["opening_hours"] == "Mo-Fr 10:00-18:00"
    assert world.sync("shop").written() == {}


@pytest.fixture
def in_doubt(world: World) -> World:
    """A mapping whose opening hours are nobody's, and a shop where both sides changed them."""
    folder = world.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    file = folder / "shop.yaml"
    old = "salesforce: SFS_Opening_Hours__c, length: 200, owner: newest"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, old.replace("newest", "manual")), "utf-8")
    world.configure(mappings=folder)
    shop = world.frame("shops").index[0]
    world.edit("shops", shop, opening_hours="Mo-Fr 09:00-17:00")
    world.change("Account", "SFS_Shop_Code__c", shop, SFS_Opening_Hours__c="Mo-Fr 10:00-18:00")
    return world


def test_a_child_waits_for_its_parent_and_wakes(world: World) -> None:
    shop = world.frame("shops").index[0]
    world.copy_row(
        "cases",
        "PL-0000001",
        "PL-WAITS",
        player_id=None,
        operator_code=None,
        terminal_id=None,
        shop_code="888888",
        tier="PARTNER",
        case_number=None,
    )
    assert world.sync().written() == {("case", "salesforce"): {"held": 1}}
    assert world.rows("SELECT Id FROM Case WHERE SFS_Source_Key__c = 'PL-WAITS'") == []
    assert world.sync().written() == {("case", "salesforce"): {"held": 1}}
    [hold] = json.loads(world.run("holds", "--json").out)
    assert (hold["key"], hold["waits_mapping"], hold["waits_key"]) == ("PL-WAITS", "shop", "888888")
    world.copy_row("shops", shop, "888888")
    ran = world.sync()
    assert (ran.part("shop", "salesforce"), ran.part("case", "salesforce")) == ({"created": 1}, {"created": 1})
    linked = world.one("Case", "SFS_Source_Key__c", "PL-WAITS", "Account.SFS_Shop_Code__c")
    assert linked["Account"]["SFS_Shop_Code__c"] == "888888"
    assert json.loads(world.run("holds", "--json").out) == []


def refusals(world: World) -> list[dict[str, Any]]:
    """Open failures."""
    found: list[dict[str, Any]] = json.loads(world.run("failures", "--json").out)
    return found


def test_a_refused_row_is_tried_again_only_when_it_changes(world: World) -> None:
    """An address that is fine for us and not for the org: it is the org that says no."""
    world.edit("players", PLAYER, email="due..punti@posta.example")
    world.sync(exit=3)
    [failure] = refusals(world)
    assert (failure["mapping"], failure["key"], failure["attempts"]) == ("player", PLAYER, 1)
    world.sync(exit=3)
    assert refusals(world)[0]["attempts"] == 1, "as it was, it is not tried again"
    world.run("failures", "retry", "player", PLAYER)
    world.sync(exit=3)
    assert refusals(world)[0]["attempts"] == 2
    world.edit("players", PLAYER, email="punto@posta.example")
    assert world.sync().written() == {("player", "salesforce"): {"updated": 1}}
    assert refusals(world) == []


# -- births and deaths in Salesforce ----------------------------------------------------------------------------------


def test_a_case_born_in_salesforce_gets_its_key_and_its_row(world: World) -> None:
    key = scene.born(world, player(world, PLAYER, "SystemModstamp")["Id"])
    ran = world.sync()
    assert ran.part("case", "platform") == {"created": 1}
    found = row(world, "cases", key)
    assert (found["player_id"], found["subject"], found["category"]) == (PLAYER, "Nata in Salesforce", "how_to")
    assert f"SF-{found['case_number']}" == key
    assert len(world.rows(f"SELECT Id FROM Case WHERE SFS_Source_Key__c = '{key}'")) == 1
    assert world.sync().written() == {}


def test_deleted_in_salesforce(world: World) -> None:
    """A player comes back, a case is let go."""
    for name, field, key in (("Account", "SFS_Player_Id__c", "P-0000007"), ("Case", "SFS_Source_Key__c", "PL-0000003")):
        world.sobject(name).delete(world.one(name, field, key, "SystemModstamp")["Id"])
    ran = world.sync()
    assert ran.part("player", "salesforce") == {"created": 1}
    assert player(world, "P-0000007", "LastName")["LastName"] == row(world, "players", "P-0000007")["last_name"]
    assert world.rows("SELECT Id FROM Case WHERE SFS_Source_Key__c = 'PL-0000003'") == []
    world.edit("cases", "PL-0000003", subject="Ancora qui")
    assert world.sync("--full").part("case", "salesforce") == {}
    assert world.rows("SELECT Id FROM Case WHERE SFS_Source_Key__c = 'PL-0000003'") == []


# -- the way back -----------------------------------------------------------------------------------------------------


def test_undo_restores_parks_and_lets_go(world: World) -> None:
    before = world.image()["salesforce"]
    world.edit("players", PLAYER, email="neu@posta.example", city="Napoli")
    world.copy_row("players", OTHER, "P-NEW", username="neu")
    world.sync()
    assert world.image()["salesforce"] != before
    undone = world.run("undo", "last", "--yes", "--json")
    assert undone.exit == 0, undone
    assert undone.part("player", "salesforce") == {"updated": 1, "archived": 1}
    assert world.image()["salesforce"] == before
    assert world.sync(exit=4).part("player", "salesforce") == {"held": 2}, "parked until somebody says otherwise"
    assert world.image()["salesforce"] == before
    world.run("holds", "release", "player", PLAYER)
    assert world.sync(exit=4).part("player", "salesforce") == {"updated": 1, "held": 1}
    assert player(world, PLAYER, "PersonEmail")["PersonEmail"] == "neu@posta.example"
    world.edit("players", "P-NEW", city="Bari")
    assert world.sync().part("player", "salesforce") == {"created": 1}, "a changed source is a new wish"


# -- plans that are kept ----------------------------------------------------------------------------------------------


def test_a_saved_plan_is_written_once_and_a_stale_one_never(world: World) -> None:
    saved = str(world.folder / "saved")
    world.edit("players", PLAYER, city="Napoli")
    assert world.run("plan", "--out", saved).exit == 0
    assert player(world, PLAYER, "PersonMailingCity")["PersonMailingCity"] != "Napoli", "a plan writes nothing"
    applied = world.run("apply", saved, "--json")
    assert (applied.exit, applied.written()) == (0, {("player", "salesforce"): {"updated": 1}})
    again = world.run("apply", saved)
    assert again.exit == 5
    assert "PLAN_STALE" in again.err
    assert "sfsync plan" in again.err, "what to type next"


# -- exit codes -------------------------------------------------------------------------------------------------------


def test_exit_5_a_guard_stops_before_the_first_write(world: World) -> None:
    before = world.image()["salesforce"]
    world.sql("DELETE FROM terminals")
    stopped = world.run("sync", "terminal", "--full", "--json")
    assert stopped.exit == 5
    assert "SIDE_EMPTY" in stopped.err
    assert world.image()["salesforce"] == before
    assert world.sync("terminal", "--full", "--waive", "SIDE_EMPTY").written() == {}
    assert world.image()["salesforce"] == before, "what vanished from the platform stays in Salesforce"


def test_exit_6_the_budget_stops_cleanly_and_the_next_run_goes_on(world: World) -> None:
    text = world.toml.read_text("utf-8")
    world.toml.write_text(text.replace("org_wide_stop = 1.0", "org_wide_stop = 0.5"), "utf-8")
    scene.play(world)
    world.control("limits", DailyApiRequests={"Max": 1000, "Remaining": 515})
    stopped = world.run("sync", "--json")
    assert stopped.exit == 6, stopped
    world.control("limits", DailyApiRequests={"Max": 100_000, "Remaining": 100_000})
    world.sync()
    assert world.sync("--full").written() == {}
    assert row(world, "players", scene.LISTENED)["quiet_windows"] == "22:00-24:00"


def test_exit_7_another_run_holds_the_lease(world: World) -> None:
    from sfsync.ledger import lease

    with Bench.open(world.toml, START) as bench, lease.acquire(bench.ledger, "mapping:player"):
        second = world.run("sync", "--json")
    assert second.exit == 7
    assert "another run" in second.err
    world.sync()


def test_exit_8_an_end_does_not_fit(world: World) -> None:
    world.edit("players", PLAYER, email="neu@posta.example")
    world.sql("ALTER TABLE shops DROP COLUMN opening_hours")
    drifted = world.run("sync", "--json")
    assert drifted.exit == 8
    assert "opening_hours" in drifted.err
    assert player(world, PLAYER, "PersonEmail")["PersonEmail"] != "neu@posta.example"


def test_exit_9_the_org_is_down(in_step: Path, world: World) -> None:
    world.configure(instance_url="http://127.0.0.1:9", timeout_s="1")
    down = world.run("sync", "--json")
    assert down.exit == 9, down


# -- the other database -----------------------------------------------------------------------------------------------


def test_the_same_on_postgresql(new_postgres: Callable[..., str], tmp_path: Path) -> None:
    url = new_postgres()
    seeded(url)
    with opened(tmp_path, url) as world:
        world.sync()
        assert world.sync().written() == {}
        world.edit("players", PLAYER, email="neu@posta.example")
        world.change("Account", "SFS_Player_Id__c", OTHER, SFS_Pref_Quiet_Windows__c="22:00-24:00")
        key = scene.born(world, player(world, PLAYER, "SystemModstamp")["Id"])
        assert world.sync().written() == {
            ("player", "salesforce"): {"updated": 1},
            ("player", "platform"): {"updated": 1},
            ("case", "platform"): {"created": 1},
        }
        assert row(world, "cases", key)["subject"] == "Nata in Salesforce"
        assert row(world, "players", OTHER)["quiet_windows"] == "22:00-24:00"
        assert world.sync("--full").written() == {}
        assert set(KEYS) <= set(world.image()["platform"])


def test_an_as_of_in_the_future_throws_no_image_away(world: World) -> None:
    """What is kept, and how long, goes by the ledger's own clock: ``--as-of`` must not cost anybody the way back."""
    world.edit("players", PLAYER, city="Napoli")
    assert world.run("sync", "--as-of", "2099-01-01T00:00:00Z").exit == 0
    images = list((world.folder / ".sfsync" / "before").rglob("*.image"))
    assert images
    assert world.run("undo", "last", "--yes", "--json").exit == 0
