"""Worlds of growing size: the first load of each, then a run that finds nothing, then one that finds a few changes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.benches.org import say
from scripts.benches.org_process import ROOT
from scripts.benches.sync import start
from scripts.benches.sync.measure import BenchError, Cost, median
from scripts.benches.sync.table import Figure, shown
from scripts.benches.sync.world import KEY, World, opened

HOUR_S, TURNS = 3600, 3  # each step happens an hour of the org later: no window holds what an earlier step wrote
SIDES = ("platform", "salesforce")


@dataclass
class Size:
    """What one size showed; what was not asked for is None."""

    rows: int
    load: Cost
    load_calls: int
    idle: Cost | None = None
    idle_calls: int = 0
    idle_read: int = 0
    changed: Cost | None = None
    changed_calls: int = 0
    changes: int = 0
    start: list[Figure] = field(default_factory=list)


@dataclass(frozen=True)
class Order:
    """What is asked of every size; ``on_platform`` and ``in_org`` are numbers of records."""

    parts: frozenset[str]
    on_platform: int
    in_org: int


def measured(rows: int, order: Order) -> Size:
    """Loads a new org with so many players and goes on from there; everything is removed again."""
    with tempfile.TemporaryDirectory() as place:
        players = platform(Path(place), rows)
        with opened(Path(place) / "world", players, seed="operator") as world:
            players.unlink()
            return _measured(world, rows, order)


def platform(folder: Path, rows: int) -> Path:
    """A database of so many players."""
    file = folder / "players.db"
    subprocess.run([sys.executable, "-m", "scripts.benches.sync.players", str(file), str(rows)], cwd=ROOT, check=True)
    return file


def _measured(world: World, rows: int, order: Order) -> Size:
    world.control("clock", {"offset_s": -(TURNS + 2) * HOUR_S})
    world.calls()
    found = Size(rows, world.sync(), world.calls())
    say(f"{rows:,}: loaded in {shown(found.load.wall)} s, peak {shown(found.load.peak_mb)} MB")
    if world.count() != rows:
        raise BenchError(f"the org holds {world.count():,} of {rows:,} players")
    world.control("clock", {"advance_s": HOUR_S})
    world.sync()  # moves the marks beyond the load
    if "start" in order.parts:
        found.start = [start.help_figure(world), start.status_figure(world, rows)]
    if "idle" in order.parts:
        _idle(world, found)
    if "changed" in order.parts:
        _changed(world, found, order)
    return found


def _idle(world: World, found: Size) -> None:
    costs = []
    for _ in range(TURNS):
        world.calls()
        costs.append(world.sync())
        found.idle_calls = world.calls()
        found.idle_read = sum(_part(costs[-1])["read"].values())
    found.idle = median(costs)
    say(f"{found.rows:,}: idle in {shown(found.idle.wall)} s, {found.idle_calls} calls, {found.idle_read} read")


def _changed(world: World, found: Size, order: Order) -> None:
    on_platform, in_org = min(order.on_platform, found.rows // 10), min(order.in_org, found.rows // 100)
    costs = []
    for turn in range(TURNS):
        world.control("clock", {"advance_s": HOUR_S})
        _edit_org(world, in_org, turn)
        _edit_platform(world, on_platform, turn)
        world.calls()
        costs.append(world.sync("--waive", "MASS_CHANGE", "--waive", "MASS_CHANGE_DAY"))
        found.changed_calls = world.calls()
        _arrived(costs[-1], on_platform, in_org)
    found.changed, found.changes = median(costs), on_platform + in_org
    say(f"{found.rows:,}: {found.changes:,} changes in {shown(found.changed.wall)} s, {found.changed_calls} calls")


def _edit_platform(world: World, count: int, turn: int) -> None:
    """Spread over the whole table; stamped now."""
    _sql(world, "UPDATE players SET city = ?, updated_at = ? WHERE rowid % ? = 0", f"Town {turn}", count)


def _sql(world: World, statement: str, value: str, count: int) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    with sqlite3.connect(world.database) as database:
        rows = database.execute("SELECT COUNT(*) FROM players").fetchone()[0]
        done = database.execute(statement, (value, now, rows // count)).rowcount
        if done != count:
            raise BenchError(f"{done} rows were changed, not {count}")


def _edit_org(world: World, count: int, turn: int) -> None:
    """Preferences, which agents keep: nothing the platform owns, so that nobody is in conflict."""
    soql = f"SELECT Id FROM Account WHERE {KEY} != null ORDER BY {KEY} LIMIT {count}"  # noqa: S608 - SOQL
    ids = [row["Id"] for row in world.query(soql)["records"]]
    world.update([{"Id": one, "SFS_Pref_Channels__c": f"phone {turn}"} for one in ids])


def _arrived(cost: Cost, on_platform: int, in_org: int) -> None:
    part = _part(cost)
    got = {side: part[side].get("updated", 0) for side in SIDES}
    if got != {"salesforce": on_platform, "platform": in_org}:
        raise BenchError(f"changed {on_platform} and {in_org}, but the run wrote {got}: {part}")


def _part(cost: Cost) -> dict[str, Any]:
    part: dict[str, Any] = json.loads(cost.out)["mappings"]["player"]
    return part
