"""A large load is not read back at once; the next window tells what the org made of it."""

from __future__ import annotations

import pytest

from sfsync.plan import flight
from sfsync.sides.salesforce import side
from sfsync.sides.salesforce.ways import Ways
from tests.e2e.world import World

FLAGS = ("SFS_Contact_Suppressed__c", "PersonHasOptedOutOfEmail", "PersonDoNotCall")
CITY, NAME = "PersonMailingCity", "LastName"


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight, "LOAD_ROWS", 10)
    monkeypatch.setattr(side, "Ways", lambda: Ways(small_rows=10, settle_from=0))


@pytest.fixture
def fresh(fresh: World) -> World:
    """Players alone, so that none waits for a shop."""
    fresh.sql("UPDATE players SET signup_shop_code = NULL")
    return fresh


def loaded(world: World, **values: object) -> None:
    """All players by a Bulk job, in an org whose automation sets these values."""
    world.control("faults", kind="automation", object="Account", set=values)
    ran = world.sync("player")
    assert ran.part("player", "salesforce")["created"] > 10
    world.control("faults", clear=True)


def cities(world: World) -> list[str]:
    return [r[CITY] for r in world.rows(f"SELECT {CITY} FROM Account WHERE SFS_Player_Id__c != null")]


def test_a_load_is_not_read_back_but_remembered(fresh: World) -> None:
    ran = fresh.sync("player")
    assert ran.doc["api_calls"] <= 12
    again = fresh.sync("player")
    assert not again.written(), "the window delivers what was sent"
    assert again.doc["mappings"]["player"]["read"]["salesforce"] == ran.part("player", "salesforce")["created"]


def test_what_automation_made_of_a_load_is_accepted_and_said(fresh: World) -> None:
    loaded(fresh, **{CITY: "MILANO (MI)"})
    ran = fresh.sync("player")
    assert not ran.written()
    (said,) = [f for f in ran.doc["findings"] if f["code"] == "AUTOMATION"]
    assert "city" in said["message"]
    assert not fresh.sync("player").written()
    assert set(cities(fresh)) == {"MILANO (MI)"}


def test_an_edit_after_the_load_is_an_edit(fresh: World) -> None:
    loaded(fresh, **{CITY: "MILANO (MI)"})
    fresh.control("clock", advance_s=60)
    fresh.change("Account", "SFS_Player_Id__c", "P-0000002", **{NAME: "Bianchi"})
    ran = fresh.sync("player")
    assert ran.part("player", "salesforce") == {"updated": 1}, "the platform owns the name"


def test_a_platform_edit_after_the_load_is_written(fresh: World) -> None:
    loaded(fresh, **{CITY: "MILANO (MI)"})
    fresh.edit("players", "P-0000003", city="Cuneo")
    ran = fresh.sync("player")
    assert ran.part("player", "salesforce") == {"updated": 1}
    assert cities(fresh).count("Cuneo") == 1


def test_an_opt_out_that_automation_lifts_is_written_again(fresh: World) -> None:
    fresh.edit("players", "P-0000004", contact_suppressed=True)
    loaded(fresh, **dict.fromkeys(FLAGS, False))
    ran = fresh.sync("player")
    assert ran.part("player", "salesforce")["updated"] >= 1
    assert all(fresh.one("Account", "SFS_Player_Id__c", "P-0000004", *FLAGS)[f] for f in FLAGS)
