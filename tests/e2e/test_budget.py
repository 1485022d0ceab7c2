"""The API budget: wherever it ends a run, flags go first, nothing is lost or done twice, and the next run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import scene
from tests.e2e.world import Ran, World, opened, restored

PLAYER = "P-0000003"
FLAGS = ("SFS_Contact_Suppressed__c", "SFS_Bonus_Blocked__c")
DAY = 1000


def allow(world: World, calls: int, *, reserve: float = 0.1) -> None:
    """The org has so many calls left before sfsync must stop, of a day's 1,000 of which a part is kept for people."""
    world.configure()
    text = world.toml.read_text("utf-8")
    world.toml.write_text(text + f"reserve_for_people = {reserve}\n", "utf-8")
    world.control("limits", DailyApiRequests={"Max": DAY, "Remaining": int(DAY * reserve) + calls})


def plenty(world: World) -> None:
    """A new day."""
    world.control("limits", DailyApiRequests={"Max": 100_000, "Remaining": 100_000})
    world.control("faults", clear=True)


def flags(world: World, key: str = PLAYER) -> tuple[Any, ...]:
    """A player's compliance flags as Salesforce has them."""
    found = world.one("Account", "SFS_Player_Id__c", key, *FLAGS, "PersonMailingCity")
    return tuple(found[n] for n in FLAGS)


def exclude(world: World) -> None:
    """A player excludes himself, and moves."""
    world.edit("players", PLAYER, contact_suppressed=True, bonus_blocked=True, city="Torino")


# -- flags first ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("calls", "ends"), [(0, "updated"), (11, "updated"), (13, "held")])
def test_flags_go_out_though_the_rest_must_stay(world: World, calls: int, ends: str) -> None:
    """At 0 the share is used up by others, at 11 it ends while windows are read, at 13 before the address."""
    exclude(world)
    allow(world, calls)
    stopped = world.sync("player", exit=6)
    assert flags(world) == (True, True)
    assert stopped.part("player", "salesforce") == {ends: 1}
    assert ends == "held" or stopped.doc["findings"][0]["code"] == "BUDGET_REACHED"
    assert world.one("Account", "SFS_Player_Id__c", PLAYER, "PersonMailingCity")["PersonMailingCity"] != "Torino"
    plenty(world)
    left = world.run("plan", "player", "--json").doc["changes"]
    assert [c["field"] for c in left] == ["city"], "no flag twice"
    assert world.sync().part("player", "salesforce") == {"updated": 1}
    assert world.one("Account", "SFS_Player_Id__c", PLAYER, "PersonMailingCity")["PersonMailingCity"] == "Torino"
    assert world.sync("--full").written() == {}


def test_nothing_but_flags_uses_what_is_kept_for_people(world: World) -> None:
    world.edit("players", PLAYER, city="Torino")
    allow(world, 0)
    before = world.stats()["api_calls"]
    stopped = world.run("sync", "--json")
    assert stopped.exit == 6
    assert "BUDGET_REACHED" in stopped.err
    assert world.stats()["api_calls"] - before == 1, "the first answer tells that nothing is left"
    plenty(world)
    assert world.sync().part("player", "salesforce") == {"updated": 1}


def test_flags_before_the_rows_an_earlier_run_held(world: World) -> None:
    """Held rows of another mapping wait since a stop; a flag that comes later overtakes them."""
    shops = list(world.frame("shops").index)
    for shop in shops:
        world.edit("shops", shop, city="Bari")
    allow(world, 16)
    held = world.run("sync", "--json")
    assert held.exit == 6
    exclude(world)
    allow(world, 0)
    assert world.sync(exit=6).part("player", "salesforce") == {"updated": 1}
    assert flags(world) == (True, True)
    plenty(world)
    last = world.sync()
    assert last.part("shop", "salesforce").get("updated", 0) <= len(shops)
    assert world.sync("--full").written() == {}


def test_flags_stop_where_the_org_itself_stops(world: World) -> None:
    exclude(world)
    world.control("limits", DailyApiRequests={"Max": DAY, "Remaining": 0})
    assert world.run("sync", "--json").exit == 6
    assert flags_by_sql(world) == (False, False)
    plenty(world)
    world.sync()
    assert flags(world) == (True, True)


def flags_by_sql(world: World) -> tuple[Any, ...]:
    """The flags when the org lets nobody ask any more."""
    plenty(world)
    found = flags(world)
    world.control("limits", DailyApiRequests={"Max": DAY, "Remaining": 0})
    return found


# -- and the alarm ----------------------------------------------------------------------------------------------------


def status(world: World, minutes: int) -> Ran:
    """``status`` as it would be in so many minutes."""
    return world.run(
        "status", "--json", "--as-of", f"{datetime.now(UTC) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
    )


def test_a_late_flag_raises_the_alarm_and_ends_it(world: World) -> None:
    exclude(world)
    world.control("faults", kind="limit", match="POST .*/composite", after=1, times=None)
    assert world.run("sync", "player", "--json").exit == 6
    assert status(world, 5).doc["mappings"]["player"]["compliance"]["late"] == 0
    alarm = status(world, 60)
    found = alarm.doc["mappings"]["player"]["compliance"]
    assert (alarm.exit, alarm.doc["exit"], found["late"]) == (4, 4, 1)
    assert 3500 < found["oldest_s"] < 3700
    assert alarm.doc["mappings"]["shop"]["compliance"] is None
    plenty(world)
    world.sync()
    assert flags(world) == (True, True)
    assert status(world, 60).doc["mappings"]["player"]["compliance"] == {"late": 0, "oldest_s": None, "unread_s": None}


def test_flags_nobody_could_read_raise_the_alarm(world: World) -> None:
    """The run stopped before it knew of any flag: late is what may be there."""
    world.control("limits", DailyApiRequests={"Max": DAY, "Remaining": 0})
    assert world.run("sync").exit == 6
    alarm = status(world, 60)
    assert alarm.exit == 4
    assert alarm.doc["mappings"]["player"]["compliance"]["unread_s"] > 3600
    assert "COMPLIANCE_UNREAD" in world.run("status", "--as-of", alarm.doc["as_of"]).err
    plenty(world)
    world.sync()
    assert status(world, 60).exit == 0, "whoever syncs seldom is not alarmed for it"


# -- a stop at every place --------------------------------------------------------------------------------------------


@dataclass
class Story:
    """The world before a sync, both sides after one that nothing stopped, and how many calls it took."""

    snapshot: Path
    after: dict[str, Any]
    calls: int


@pytest.fixture(scope="module")
def story(in_step: Path, place: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    with opened(restored(in_step, place)) as world:
        scene.play(world)
    snapshot = restored(place, tmp_path_factory.mktemp("snapshots") / "budget")
    with opened(place) as world:
        calls = world.sync().doc["api_calls"]
        return Story(snapshot, world.image(), calls)


@pytest.mark.parametrize(
    ("call", "how"), [(3, "ours"), (12, "ours"), (19, "ours"), (10, "the org's"), (22, "the org's")]
)
def test_a_stop_anywhere(story: Story, place: Path, call: int, how: str) -> None:
    """In a window, between lanes, in mid-batch, at a settle-read: the end is as if nothing had stopped the run."""
    assert call < story.calls
    with opened(restored(story.snapshot, place)) as world:
        if how == "ours":
            allow(world, call + 10)  # ten are kept for closing calls
        else:
            world.control("faults", kind="limit", match="/services/data/v", after=call, times=None)
        stopped = world.run("sync", "--json")
        assert stopped.exit == 6, (stopped.exit, stopped.err)
        plenty(world)
        world.sync()
        assert world.image() == story.after
        assert world.sync("--full").written() == {}
