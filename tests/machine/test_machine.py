"""Random edits, faults and deaths on both sides; in the end nothing anybody typed may be lost.

A short slice of what ``scripts/soak --steps N --seed S`` does for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.driver import Driver, Oracle
from tests.machine.world import SHOP, World


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path)
    driver = Driver(world, seed)
    try:
        driver.play(steps=72, epoch=24)
    except Exception as error:
        error.add_note("\n".join(driver.story))
        raise
    finally:
        world.close()
    assert driver.syncs > 5


def test_the_oracle_notices_a_lost_edit() -> None:
    """A machine that finds nothing must be able to find something."""
    oracle, cell = Oracle(), ("shop", "S-1", "phone")
    oracle.epoch({cell: "rosso"})
    oracle.type("platform", "shop", "S-1", {"phone": "blu"})
    assert oracle.wrong(SHOP.fields["phone"], cell, "blu") is None
    assert oracle.wrong(SHOP.fields["phone"], cell, "rosso") is not None
    assert oracle.wrong(SHOP.fields["name"], ("shop", "S-1", "name"), "anything") is None, "nothing is known of it"


def test_a_sync_killed_here_and_there(tmp_path: Path) -> None:
    """The same small sync, killed at every 61st statement of the ledger, until one gets through."""
    for killed_at in range(5, 10_000, 61):
        folder = tmp_path / str(killed_at)
        folder.mkdir()
        if not _dies_and_heals(folder, killed_at):
            assert killed_at > 50, "the sync is longer than that"
            return
    raise AssertionError("no sync has so many statements")


def _dies_and_heals(folder: Path, statement: int) -> bool:
    world, died = World(folder), False
    driver = Driver(world, 99)
    try:
        for _ in range(12):
            driver.create()
        driver.born()
        world.kill.statements = statement
        before = driver.deaths
        driver.sync_all()
        died = driver.deaths > before
        driver.settle()
    finally:
        world.close()
    return died
