"""Killed anywhere, the next sync finds the same truth.

A scene with one of everything a sync can write is synced by a process that dies by SIGKILL at every named place, and
at random moments; one more sync later both sides must look exactly as if nobody had ever been killed.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import scene
from tests.e2e.world import World, Zygote, opened, restored

# Where a sync of this scene passes, and how often at least; ``ledger.intent.job`` needs Bulk, which the scene is too
# small for, and the other names of ``faultpoints.NAMES`` belong to no step of a sync.
PASSED = {
    "sync.planned": 1,
    "sync.windows": 1,
    "apply.part": 12,
    "apply.written": 12,
    "apply.remembered": 4,
    "ledger.intent.opened": 12,
    "ledger.outcome.before": 12,
    "ledger.outcome.middle": 12,
    "ledger.outcome.after": 12,
    "ledger.image.written": 12,
    "ledger.image.saved": 12,
    "ledger.audit.middle": 2,
    "ledger.lease.taken": 6,
}
# Killed at its first passage the ledger knows least; these have most to lose there.
FIRST = ["apply.written", "ledger.intent.opened"]


@dataclass
class Story:
    """The world before the sync (a snapshot), after a sync nobody killed, and how long that took."""

    snapshot: Path
    after: dict[str, Any]
    seconds: float
    born: str


@pytest.fixture(scope="session")
def story(in_step: Path, place: Path, tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Story:
    with opened(restored(in_step, place)) as world:
        born = scene.play(world)
    snapshot = restored(place, tmp_path_factory.mktemp("snapshots") / "edited")
    with opened(place) as world:
        started = time.monotonic()
        ran = zygote.run(world, ["sync", "--json"])
        seconds = time.monotonic() - started
        assert ran.exit == 0, ran
        ran.assert_closed()
        assert world.sync("--full").written() == {}
        return Story(snapshot, world.image(), seconds, born)


@pytest.fixture
def edited(story: Story, place: Path) -> Iterator[World]:
    """The world just before the sync that is going to be killed."""
    with opened(restored(story.snapshot, place)) as world:
        yield world


def test_the_scene_has_one_of_everything(story: Story) -> None:
    platform, salesforce = story.after["platform"], story.after["salesforce"]
    assert platform["cases"][story.born]["subject"] == "Nata in Salesforce"
    assert platform["cases"][scene.NEW_CASE]["case_number"] == salesforce["case"][scene.NEW_CASE]["CaseNumber"]
    assert salesforce["case"][scene.NEW_CASE]["Account.SFS_Player_Id__c"] == scene.NEW_PLAYER
    assert salesforce["shop"][scene.NEW_SHOP]["SFS_Predecessor__r.SFS_Shop_Code__c"] == scene.NEXT_SHOP
    assert salesforce["player"][scene.EXCLUDED]["SFS_Contact_Suppressed__c"] is True
    assert platform["players"][scene.LISTENED]["quiet_windows"] == "22:00-24:00"
    assert scene.DELETED in salesforce["player"]


@pytest.mark.parametrize("point", list(PASSED))
def test_killed_late(story: Story, edited: World, zygote: Zygote, point: str) -> None:
    died = zygote.run(edited, ["sync", "--json"], SFSYNC_FAULTPOINT=f"{point}:{PASSED[point]}")
    assert died.exit == -signal.SIGKILL, f"the sync never came to {point}: {died.err}"
    _ends_well(story, edited)


@pytest.mark.parametrize("point", FIRST)
def test_killed_early(story: Story, edited: World, zygote: Zygote, point: str) -> None:
    died = zygote.run(edited, ["sync", "--json"], SFSYNC_FAULTPOINT=point)
    assert died.exit == -signal.SIGKILL, f"the sync never came to {point}: {died.err}"
    _ends_well(story, edited)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_any_moment(story: Story, edited: World, zygote: Zygote, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(2):
        zygote.run(edited, ["sync", "--json"], kill_after=dice.uniform(0.05, 1.0) * story.seconds)
    _ends_well(story, edited)
    assert edited.sync("--full").written() == {}


def _ends_well(story: Story, world: World) -> None:
    """One sync heals everything."""
    world.sync()
    assert _differences(story.after, world.image()) == []


def _differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """The places where two images differ, with both values."""
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return [] if wanted == found else [f"{where}: {wanted!r} became {found!r}"]
    keys = sorted({*wanted, *found})
    return [d for k in keys for d in _differences(wanted.get(k), found.get(k), f"{where}/{k}")]
