"""Windows where they lose rows, and bases whose ground moved: whole runs of the real command."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.e2e.world import ROOT, World

SHOPS = "shops"
PLAYER, OTHER = "P-0000001", "P-0000002"
REGION = "  region: {platform: region, salesforce: SFS_Region__c, length: 40}\n"
HOURS = "  opening_hours: {platform: opening_hours, salesforce: SFS_Opening_Hours__c, length: 200, owner: newest}\n"


@pytest.fixture
def remap(world: World) -> Callable[..., None]:
    """Changes one mapping file of the world's own copy."""
    folder = world.folder / "mappings"
    if not folder.exists():
        shutil.copytree(ROOT / "mappings", folder)
    world.configure(mappings=folder)

    def change(name: str, old: str, new: str) -> None:
        file = folder / f"{name}.yaml"
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}.yaml"
        file.write_text(text.replace(old, new), "utf-8")

    return change


def found(world: World, code: str) -> list[dict[str, str]]:
    """The findings of the last run with this code."""
    return [f for f in world.said[-1].doc["findings"] if f["code"] == code]


# -- a mapping that gains a field -------------------------------------------------------------------------------------


def test_a_field_new_to_the_mapping_is_filled_everywhere_and_nothing_else_moves(
    world: World, remap: Callable[..., None]
) -> None:
    remap("shop", REGION, "")
    world.sync("shop")
    keys, before = list(world.frame(SHOPS).index), world.image()["salesforce"]["shop"]
    world.sql("UPDATE shops SET region = 'Nordovest'")  # long before any window: the stamps stay
    remap("shop", HOURS, HOURS + REGION)
    plan = world.run("plan", "shop", "--json").doc
    assert {(c["side"], c["field"]) for c in plan["changes"]} == {("salesforce", "region")}
    ran = world.sync("shop")
    assert ran.part("shop", "salesforce") == {"updated": len(keys)}
    now = world.image()["salesforce"]["shop"]
    assert {n for k in keys for n in now[k] if now[k][n] != before[k][n]} == {"SFS_Region__c"}
    assert "backfill of field region" in found(world, "BACKFILL")[0]["message"]
    again = world.sync("shop")
    assert (again.written(), found(world, "BACKFILL")) == ({}, []), "it happens once"


def test_a_field_that_moves_to_another_salesforce_field_is_not_emptied_on_the_platform(
    world: World, remap: Callable[..., None]
) -> None:
    """The new field is empty; under the old memory that would look as if somebody had emptied it."""
    world.sql("UPDATE shops SET opening_hours = 'Lu-Ve 9-18', updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now')")
    world.sync("shop")
    before = world.frame(SHOPS)["opening_hours"].to_dict()
    remap("shop", HOURS, HOURS.replace("SFS_Opening_Hours__c, length: 200", "Site, length: 80"))
    world.sync("shop")
    assert world.frame(SHOPS)["opening_hours"].to_dict() == before
    assert {r["Site"] for r in world.rows("SELECT Site FROM Account WHERE SFS_Shop_Code__c != null")} == {"Lu-Ve 9-18"}


# -- clocks, and rows that are visible late ---------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [5, -5])
def test_five_minutes_between_the_clocks_lose_nothing(world: World, minutes: int) -> None:
    """Windows go by each side's own clock; after the org's clock is put right again the same holds."""
    for offset, city in ((60 * minutes, "Napoli"), (60 * minutes, "Bari"), (0, "Torino")):
        world.control("clock", offset_s=offset)
        world.edit("players", PLAYER, city=city)
        world.change("Account", "SFS_Player_Id__c", OTHER, SFS_Pref_Quiet_Windows__c=f"21:0{len(city)}-24:00")
        ran = world.sync("player")
        assert ran.written() == {("player", s): {"updated": 1} for s in ("salesforce", "platform")}
        assert world.one("Account", "SFS_Player_Id__c", PLAYER, "PersonMailingCity")["PersonMailingCity"] == city
        assert world.frame("players").loc[OTHER, "quiet_windows"] == f"21:0{len(city)}-24:00"
    assert world.sync("player").written() == {}


@pytest.mark.parametrize(("late", "seen"), [(11, True), (14, False)])
def test_rows_that_become_visible_late(world: World, late: int, seen: bool) -> None:
    """Settle and overlap bear twelve minutes between stamp and commit; what is later is found by a complete read."""
    world.sync("player")
    world.control("clock", offset_s=-60 * late)
    world.change("Account", "SFS_Player_Id__c", OTHER, SFS_Pref_Quiet_Windows__c="21:00-24:00")
    world.control("clock", offset_s=0)
    stamp = f"strftime('%Y-%m-%d %H:%M:%f', 'now', '-{late} minutes')"
    world.sql(f"UPDATE players SET city = 'Napoli', updated_at = {stamp} WHERE player_id = '{PLAYER}'")
    both = {("player", s): {"updated": 1} for s in ("salesforce", "platform")}
    assert world.sync("player").written() == (both if seen else {})
    assert world.sync("player", "--full").written() == ({} if seen else both)
