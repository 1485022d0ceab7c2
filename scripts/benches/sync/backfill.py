"""The first load of many players: ours with platform, ledger and all, the floor and the peers with the upload only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.benches.org import say
from scripts.benches.org_process import ROOT
from scripts.benches.sync import measure
from scripts.benches.sync.measure import BenchError, Cost, median
from scripts.benches.sync.peers import clients
from scripts.benches.sync.peers.clients import Client
from scripts.benches.sync.table import MISSING, Figure, Table, ratio, shown
from scripts.benches.sync.world import World, opened
from tests.clients.shop import NotHere

OURS = "sfsync"
FLOOR, SIMPLE = clients.ALL[0].name, clients.ALL[1].name
HEAD = ("program", "wall (s)", "client CPU (s)", "client peak (MB)", "org CPU (s)", "wall ÷ floor", "ours ÷ its wall")


def ours(world: World, files: Sequence[Path] = ()) -> Cost:
    """SQL to org, ledger and all."""
    return world.sync()


def tables(folder: Path, players: Path, rows: int, repeat: int, only: Sequence[str] = ()) -> list[Table]:
    """Every program ``repeat`` times, in turns, each on an org and a ledger of its own; medians."""
    files = made(folder / "csv", players)
    size = sum(file.stat().st_size for file in files) / 2**20
    programs = [Client(OURS, ours), *(c for c in clients.ALL if not only or c.name in only)]
    costs: dict[str, list[Cost]] = {}
    absent: dict[str, str] = {}
    for turn in range(repeat):
        for program in programs:
            if program.name not in absent:
                _turn(folder / "world", players, files, rows, program, costs, absent)
                say(f"backfill {turn + 1}/{repeat}: {program.name} {_said(costs.get(program.name))}")
    found = {name: median(some) for name, some in costs.items()}
    notes = [f"{rows:,} players, {size:,.0f} MB as CSV, medians of {repeat}; each time a new org and a new ledger"]
    notes += [f"{p.name}: {absent.get(p.name) or p.note}" for p in programs if p.note or p.name in absent]
    return [_programs(programs, found, notes), Table.of("Backfill: what was promised", figures(found))]


def figures(found: dict[str, Cost]) -> list[Figure]:
    """The two promises: wall beside the floor, CPU beside simple-salesforce."""
    mine, floor, simple = found[OURS], found[FLOOR], found[SIMPLE]
    return [
        Figure("wall ÷ floor", mine.wall / floor.wall, "", 1.25, f"{shown(mine.wall)} s, floor {shown(floor.wall)} s"),
        Figure(
            "client CPU", mine.cpu, "s", simple.cpu, f"{ratio(mine.cpu, simple.cpu)} of simple-salesforce, upload only"
        ),
        Figure("client peak", mine.peak_mb, "MB", 400, f"simple-salesforce {shown(simple.peak_mb)} MB"),
    ]


def made(folder: Path, players: Path) -> list[Path]:
    """The CSV files of our own plan."""
    folder.mkdir()
    with opened(folder / "world", players) as world:
        plan = world.folder / "plan"
        world.sfsync("plan", "player", "--out", str(plan))
        soql = "SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND DeveloperName = 'Player'"
        kind = world.query(soql)["records"][0]["Id"]
        order = [
            sys.executable,
            "-m",
            "scripts.benches.sync.rows",
            str(ROOT / "mappings"),
            str(plan),
            str(folder),
            kind,
        ]
        measure.run(order, ROOT, world.env)
    return sorted(folder.glob("players-*.csv"))


def _turn(
    place: Path,
    players: Path,
    files: Sequence[Path],
    rows: int,
    program: Client,
    costs: dict[str, list[Cost]],
    absent: dict[str, str],
) -> None:
    with opened(place, players, https=program.https) as world:
        try:
            cost = program.run(world, files)
            _complete(world, program.name, rows)
        except (NotHere, BenchError) as why:
            if program.name in (OURS, FLOOR, SIMPLE):
                raise
            absent[program.name] = f"not measured: {' '.join(str(why).split())[-300:]}"
            return
    costs.setdefault(program.name, []).append(cost)


def _complete(world: World, name: str, rows: int) -> None:
    if (there := world.count()) != rows:
        raise BenchError(f"{name}: the org holds {there:,} of {rows:,} players")


def _programs(programs: Sequence[Client], found: dict[str, Cost], notes: Sequence[str]) -> Table:
    lines = []
    for name in (program.name for program in programs):
        one = found.get(name)
        if one is None:
            lines.append([name, *[MISSING] * (len(HEAD) - 1)])
            continue
        cells = [shown(value) for value in (one.wall, one.cpu, one.peak_mb, one.org_cpu)]
        lines.append([name, *cells, ratio(one.wall, found[FLOOR].wall), ratio(found[OURS].wall, one.wall)])
    return Table("Backfill, side by side", HEAD, lines, notes)


def _said(costs: list[Cost] | None) -> str:
    if not costs:
        return "not measured"
    last = costs[-1]
    client = f"wall {shown(last.wall)} s, CPU {shown(last.cpu)} s, peak {shown(last.peak_mb)} MB"
    return f"{client}, org CPU {shown(last.org_cpu)} s"
