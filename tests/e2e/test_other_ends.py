"""The ground under a base moves: another org, database or key. Each stops the run first, and says how to go on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sfsync.rehearsal.serve import running
from tests.e2e.world import FORCE_APP, ROOT, World, opened, restored, seeded

SHOP = "shop"


def stopped(world: World, *arguments: str) -> dict[str, str]:
    """The error of a run that a guard stopped."""
    ran = world.run("sync", "--json", *arguments)
    assert ran.exit == 5, ran.out
    found: dict[str, str] = ran.doc["error"]
    return found


def stops(world: World, code: str, *mappings: str) -> str:
    """Every way to a write, and every look at one, ends alike; returns the next step."""
    before = world.stats()["api_calls"]
    error = stopped(world, *mappings)
    assert world.stats()["api_calls"] - before <= 3, "nothing was read"
    assert error["code"] == code
    assert code in {f["code"] for f in world.run("plan", "--json", *mappings).doc["findings"]}
    assert world.said[-1].exit == 5
    dry = world.run("sync", "--dry-run", "--json", *mappings)
    assert (dry.exit, code in {f["code"] for f in dry.doc["findings"]}) == (5, True)
    assert f"--waive {code}" in error["next_step"]
    return error["next_step"]


def as_if_other(world: World, what: str, value: str) -> None:
    """The ledger remembers another org or database than this one."""
    with sqlite3.connect(world.folder / ".sfsync" / "ledger.db") as ledger:
        old = ledger.execute("SELECT value FROM meta WHERE name = ?", [what]).fetchone()[0]
        ledger.execute("UPDATE meta SET value = replace(value, ?, ?)", [old, value])


# -- another org ------------------------------------------------------------------------------------------------------


def test_an_empty_org_in_place_of_the_old_one_is_filled_once(world: World, tmp_path: Path) -> None:
    with running(tmp_path / "org", seed="operator", force_app=FORCE_APP) as other:
        world.ready = other
        world.configure()
        as_if_other(world, "org", "00D000000000000AAA")
        stops(world, "OTHER_ORG")
        assert stopped(world, "--waive", "OTHER_ORG")["code"] == "SIDE_EMPTY", (
            "an org without our records may be the wrong one"
        )
        assert {r["n"] for r in world.rows("SELECT COUNT(Id) n FROM Contact")} == {0}
        world.sync("--waive", "OTHER_ORG", "--waive", "SIDE_EMPTY")
        image = world.image()
        assert world.sync().written() == {}, "and needs no waiver any more"
        assert world.sync("--full").written() == {}
        assert world.image() == image, "no twins"


def test_a_refreshed_sandbox_in_an_older_state_does_not_write_the_past_into_the_platform(
    in_step: Path, place: Path
) -> None:
    """The ids are kept, the values are of last week; what was agreed since would read as edits made in Salesforce."""
    restored(in_step, place)
    with opened(place) as world:
        for key in list(world.frame("players").index)[:12]:
            world.edit("players", key, quiet_windows="21:00-24:00", email=f"{key.lower()}@neu.example")
        world.sync()
        now = world.image()["salesforce"]["player"]
    shutil.rmtree(place / "org")
    shutil.copytree(in_step / "org", place / "org")
    with opened(place) as world:
        as_if_other(world, "org", "00D000000000000AAA")
        stops(world, "OTHER_ORG", "player")
        assert world.run("undo", "last", "--yes", "--json").exit == 5, "the way back leads to the old org"
        platform = world.image()["platform"]
        world.sync("player", "--waive", "OTHER_ORG")
        assert world.image()["platform"] == platform
        assert world.image()["salesforce"]["player"] == now
        assert world.sync("player").written() == {}


# -- another database -------------------------------------------------------------------------------------------------


def test_the_same_database_under_another_address(world: World) -> None:
    shutil.move(world.folder / "platform.db", world.folder / "moved.db")
    world.url = f"sqlite:///{world.folder / 'moved.db'}"
    world.configure()
    stops(world, "OTHER_DATABASE")
    world.edit("players", "P-0000001", city="Napoli")
    ran = world.sync("--waive", "OTHER_DATABASE")
    assert ran.written() == {("player", "salesforce"): {"updated": 1}}, "what was agreed stays"
    assert ran.doc["mappings"]["player"]["read"]["platform"] == len(world.frame("players")), "and all of it is read"
    assert world.sync().written() == {}


def test_another_database_without_our_records(world: World, tmp_path: Path) -> None:
    world.url = f"sqlite:///{tmp_path / 'other.db'}"
    seeded(world.url, players=0, shops=1, cases=0)
    world.configure()
    stops(world, "OTHER_DATABASE", "player")
    image = world.image()["salesforce"]
    assert stopped(world, "player", "--waive", "OTHER_DATABASE")["code"] == "SIDE_EMPTY"
    assert world.image()["salesforce"] == image


# -- another key ------------------------------------------------------------------------------------------------------


@pytest.fixture
def rekeyed(world: World) -> Callable[[], World]:
    """Shops get another external id field, which is still empty."""
    folder = world.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    world.configure(mappings=folder)

    def change() -> World:
        file = folder / "shop.yaml"
        text = file.read_text("utf-8")
        new = text.replace("key: SFS_Shop_Code__c", "key: SFS_Company_Code__c")
        assert new != text
        file.write_text(new, "utf-8")
        return world

    return change


def test_a_renamed_external_id_is_given_to_the_records_we_know(rekeyed: Callable[[], World]) -> None:
    world = rekeyed()
    step = stops(world, "OTHER_MAPPING", SHOP)
    assert "get their key in the new field" in step
    shops = "SELECT Id, SFS_Shop_Code__c, SFS_Company_Code__c FROM Account WHERE RecordType.DeveloperName = 'Shop'"
    before = {r["Id"]: r["SFS_Shop_Code__c"] for r in world.rows(shops)}
    ran = world.sync(SHOP, "--waive", "OTHER_MAPPING")
    assert "created" not in ran.part(SHOP, "salesforce")
    assert {r["Id"]: r["SFS_Company_Code__c"] for r in world.rows(shops)} == before, "no twins, no record without a key"
    assert world.sync(SHOP).written() == {}
    world.edit("shops", next(iter(before.values())), region="Nordest")
    assert world.sync(SHOP).part(SHOP, "salesforce") == {"updated": 1}
