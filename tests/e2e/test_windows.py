"""Windows where they lose rows, and bases whose ground moved: whole runs of the real command."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable

import pytest

from tests.e2e.world import ROOT, World

SHOPS = "shops"
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


def writes(world: World) -> set[tuple[str, str, str]]:
    """(side, key, fields) of everything the last run wrote."""
    run = world.said[-1].doc["run"]
    with sqlite3.connect(world.folder / ".sfsync" / "ledger.db") as ledger:
        query = (
            "SELECT side, key, fields FROM write_log WHERE run_id = ? AND result IN ('created', 'updated', 'deleted')"
        )
        return set(ledger.execute(query, [run]))


# -- a mapping that gains a field -------------------------------------------------------------------------------------


def test_a_field_new_to_the_mapping_is_filled_everywhere_and_nothing_else_moves(
    world: World, remap: Callable[..., None]
) -> None:
    remap("shop", REGION, "")
    world.sync("shop")
    keys = list(world.frame(SHOPS).index)
    world.sql("UPDATE shops SET region = 'Nordovest'")  # long before any window: the stamps stay
    remap("shop", HOURS, HOURS + REGION)
    plan = world.run("plan", "shop", "--json").doc
    assert {(c["side"], c["field"]) for c in plan["changes"]} == {("salesforce", "region")}
    ran = world.sync("shop")
    assert ran.part("shop", "salesforce") == {"updated": len(keys)}
    assert writes(world) == {("salesforce", k, "region") for k in keys}
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
