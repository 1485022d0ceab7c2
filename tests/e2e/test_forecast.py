"""A plan says how many calls its writes will take, and the run says how many they took."""

from __future__ import annotations

import pytest

from sfsync.sides.salesforce import side
from sfsync.sides.salesforce.ways import Ways
from tests.e2e.world import World, seeded

LOW, HIGH = 0.8, 1.25  # of what is expected; and two calls more or less, where there are few


def near(expected: int, made: int) -> bool:
    """Within the band."""
    return expected * LOW - 2 <= made <= expected * HIGH + 2


@pytest.mark.parametrize("players", [10, 1_000, 6_000])
def test_the_forecast_of_a_load_is_near(fresh: World, players: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collections for the small ones, Bulk for the largest."""
    (fresh.folder / "platform.db").unlink()
    seeded(fresh.url, players=players, shops=5, cases=5)
    monkeypatch.setattr(side, "Ways", lambda: Ways(small_rows=2_000))
    plan = fresh.run("plan", "--json").doc["forecast"]
    assert plan["by_mapping"]["player"]["main"]["bulk"] == (0 if players < 2_000 else 6)
    done = fresh.sync().doc
    assert done["api_forecast"] == plan["writes"]
    made = done["api_calls"] - done["api_planning"]
    assert near(plan["writes"], made), (plan, made)


def test_the_forecast_of_changes_and_flags(world: World) -> None:
    world.sql("UPDATE players SET city = 'Bari', contact_suppressed = 1, updated_at = strftime('%Y-%m-%d %H:%M:%f')")
    plan = world.run("plan", "player", "--json").doc
    lanes = plan["forecast"]["by_mapping"]["player"]
    assert set(lanes) == {"compliance", "main"}
    assert lanes["main"] == {"check": 1, "collections": 1, "bulk": 0, "settle": 1}
    shown = world.run("plan", "player")
    assert "Forecast of API calls" in shown.out
    done = world.sync("player", "--waive", "MASS_CHANGE").doc
    assert near(plan["forecast"]["writes"], done["api_calls"] - done["api_planning"])
    assert world.run("plan", "player", "--json").doc["forecast"]["by_mapping"] == {}
