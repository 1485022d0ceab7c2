"""The tables of growing sizes: how the first load grows, memory, a run that finds nothing, one that finds a little."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.benches.sync.sizes import Size
from scripts.benches.sync.table import Figure, Table, ratio, shown

BAR = 40


def tables(found: Sequence[Size], parts: frozenset[str]) -> list[Table]:
    """A table for each part that was asked for, in the order of the issue."""
    made = {"growth": _growth, "memory": _memory, "idle": _idle, "changed": _changed, "start": _start}
    return [make(found) for part, make in made.items() if part in parts]


def _growth(found: Sequence[Size]) -> Table:
    first, most = found[0].load, max(size.load.wall for size in found)
    rows = [
        [
            f"{size.rows:,}",
            shown(size.load.wall),
            f"{size.load.wall / size.rows * 1e6:.0f}",
            ratio(size.load.wall, first.wall),
            shown(size.load.cpu),
            shown(size.load.org_cpu),
            str(size.load_calls),
            ("█" * max(round(BAR * size.load.wall / most), 1)).ljust(BAR),
        ]
        for size in found
    ]
    head = ("players loaded", "wall (s)", "µs per row", "× the first", "client CPU (s)", "org CPU (s)", "calls", "wall")
    return Table("Growth of the first load", head, rows)


def _memory(found: Sequence[Size]) -> Table:
    small, large = found[-2:] if len(found) > 1 else (found[-1], found[-1])
    figures = [Figure(f"peak, first load of {s.rows:,}", s.load.peak_mb, "MB", 400) for s in found]
    said = "“the same for both” is taken as: no more than a tenth apart"
    ours = large.load.peak_mb / small.load.peak_mb
    figures.append(Figure(f"peak of {large.rows:,} ÷ peak of {small.rows:,}", ours, "", 1.1, said))
    return Table.of("Memory of the client", figures)


def _idle(found: Sequence[Size]) -> Table:
    figures = []
    for size in found:
        name, cost = f"{size.rows:,} in the base", size.idle
        assert cost is not None
        figures += [
            Figure(f"calls, {name}", size.idle_calls, "", 3),
            Figure(f"wall, {name}", cost.wall, "s", 1.5, f"CPU {shown(cost.cpu)} s"),
            Figure(f"records read, {name}", size.idle_read, "", 0),
            Figure(f"peak, {name}", cost.peak_mb, "MB", 150),
        ]
    return Table.of("Nothing changed", figures)


def _changed(found: Sequence[Size]) -> Table:
    figures, per_change = [], [s.changed.wall / s.changes for s in found if s.changed]
    for size in found:
        name, cost = f"{size.changes:,} of {size.rows:,}", size.changed
        assert cost is not None
        note = f"peak {shown(cost.peak_mb)} MB, CPU {shown(cost.cpu)} s, org CPU {shown(cost.org_cpu)} s"
        figures += [
            Figure(f"calls, {name}", size.changed_calls, "", size.changes / 1000 + 5),
            Figure(f"wall, {name}", cost.wall, "s", None, note),
        ]
    if len(found) > 1:
        same = "1.00: time follows the change alone" if found[-1].changes == found[-2].changes else "changes differ"
        name = f"time per change, {found[-1].rows:,} ÷ {found[-2].rows:,} in the base"
        figures.append(Figure(name, per_change[-1] / per_change[-2], "", None, same))
    return Table.of("A little changed on both sides", figures)


def _start(found: Sequence[Size]) -> Table:
    figures = [figure for size in found for figure in size.start]
    return Table.of("Commands", [*figures[:1], *(f for f in figures if f.name != figures[0].name)])
