"""The table: a line per figure, a column per size, each with its ratio to the first size."""

from __future__ import annotations

from collections.abc import Sequence


def show(sizes: Sequence[int], found: Sequence[dict[str, float]]) -> None:
    names = list(found[0])
    wide = max(map(len, names))
    print(" " * wide + "".join(f"{f'{size:,}':>22}" for size in sizes))
    for name in names:
        first = found[0][name]
        cells = [_cell(one[name], first, leading=place == 0) for place, one in enumerate(found)]
        print(f"{name:<{wide}}" + "".join(f"{cell:>22}" for cell in cells))


def _cell(value: float, first: float, *, leading: bool) -> str:
    shown = f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
    return shown if leading or not first else f"{shown}  (×{value / first:.2f})"
