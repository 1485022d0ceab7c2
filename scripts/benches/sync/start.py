"""How long a person waits for the first letter: ``sfsync --help``, and ``status`` on ledgers as they are."""

from __future__ import annotations

from scripts.benches.sync.measure import Cost, median
from scripts.benches.sync.table import Figure
from scripts.benches.sync.world import World

TURNS = 5


def help_figure(world: World) -> Figure:
    """The first call of a day reads the modules from the disk: it is not counted."""
    return Figure("sfsync --help", _cost(world, "--help").wall, "s", 0.3)


def status_figure(world: World, rows: int) -> Figure:
    """With so many records in the base."""
    cost = _cost(world, "status")
    return Figure(f"sfsync status, {rows:,} in the base", cost.wall, "s", 0.6, f"peak {cost.peak_mb:.0f} MB")


def _cost(world: World, *words: str) -> Cost:
    world.sfsync(*words)
    return median([world.sfsync(*words) for _ in range(TURNS)])
