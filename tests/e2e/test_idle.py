"""A run that finds nothing to do: few calls, no record read, and none of the libraries that only records need."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfsync.runs.bench import Bench
from tests.e2e.world import World

PROBE = """
import sys
from sfsync.cli import main
status = main(sys.argv[1:])
print(status, *[n for n in ("numpy.linalg", "pandas.core", "pyarrow.lib") if n in sys.modules], file=sys.stderr)
"""


def ran(world: World) -> tuple[dict[str, Any], list[str]]:
    """The result of a run in a process of its own, and what it said last: its status and the libraries it loaded."""
    command = [sys.executable, "-c", PROBE, "--config", str(world.toml), "sync", "player", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout), done.stderr.splitlines()[-1].split()


@pytest.fixture
def idle(world: World) -> World:
    """A world whose windows begin after everything that is in it."""
    now = datetime.now(UTC)
    with Bench.open(world.toml, now) as bench:
        for side in ("platform", "salesforce"):
            bench.ledger.set_watermark("player", side, now + timedelta(minutes=11), "r1")
    return world


def test_an_idle_run_makes_three_calls_at_most_and_loads_nothing_for_records(idle: World) -> None:
    result, (status, *loaded) = ran(idle)
    assert status == "0"
    assert result["api_calls"] <= 3
    part = result["mappings"]["player"]
    assert part["read"] == {"platform": 0, "salesforce": 0}
    assert not any(part["salesforce"].values()), "zeros are said aloud"
    assert not loaded


def test_one_changed_row_is_found_after_an_idle_look(idle: World) -> None:
    key = idle.sql("SELECT min(player_id) FROM players")[0][0]
    idle.sql(
        "UPDATE players SET city = 'Bergamo', updated_at = '2090-01-01 00:00:00.000' WHERE player_id = :key", key=key
    )
    result, (status, *loaded) = ran(idle)
    assert status == "0"
    assert result["mappings"]["player"]["salesforce"]["updated"] == 1
    assert loaded, "a record is merged in frames"
