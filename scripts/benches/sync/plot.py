"""How cost grows, as a drawing: rows against seconds and megabytes, both axes logarithmic, in SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scripts.benches.sync.sizes import Size

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM, GAP = 860, 360, 60, 20, 40, 50, 70
STYLE = (
    "text{font:12px sans-serif;fill:#333} .axis{stroke:#999} .grid{stroke:#e4e4e4} .linear{stroke:#aaa;"
    "stroke-dasharray:5 4;fill:none} .one{stroke:#1b6ca8;fill:none;stroke-width:2} .two{stroke:#c1582f;fill:none;"
    "stroke-width:2} circle.one{fill:#1b6ca8} circle.two{fill:#c1582f}"
)
Curve = tuple[str, str, Callable[[Size], float]]  # name, class, figure


@dataclass(frozen=True)
class Axes:
    """A square of the drawing; decades from ``low`` to ``high`` on both sides."""

    left: float
    wide: float
    rows: tuple[int, int]
    values: tuple[int, int]

    def x(self, rows: float) -> float:
        """Where so many rows stand."""
        return self.left + self.wide * (math.log10(rows) - self.rows[0]) / (self.rows[1] - self.rows[0])

    def y(self, value: float) -> float:
        """Where a figure stands."""
        share = (math.log10(value) - self.values[0]) / (self.values[1] - self.values[0])
        return HIGH - BOTTOM - (HIGH - BOTTOM - TOP) * share


def svg(found: Sequence[Size]) -> str:
    """Seconds on the left, memory on the right."""
    wide = (WIDE - LEFT - RIGHT - GAP) / 2
    seconds: list[Curve] = [("wall", "one", lambda s: s.load.wall), ("client CPU", "two", lambda s: s.load.cpu)]
    memory: list[Curve] = [("client peak", "one", lambda s: s.load.peak_mb)]
    parts = [
        *_chart(found, LEFT, wide, "first load, seconds", seconds, linear=True),
        *_chart(found, LEFT + wide + GAP, wide, "first load, MB", memory, linear=False),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img">'
    title = "<title>How a first load grows with the number of players</title>"
    ground = f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", ground, *parts, "</svg>", ""])


def _chart(
    found: Sequence[Size], left: float, wide: float, title: str, curves: Sequence[Curve], *, linear: bool
) -> Iterator[str]:
    every = [figure(size) for _, _, figure in curves for size in found]
    axes = Axes(left, wide, _decades([size.rows for size in found]), _decades(every))
    yield f'<text x="{left}" y="{TOP - 20}" font-weight="bold">{title}</text>'
    yield from _grid(axes)
    if linear:
        first, last = found[0], found[-1]
        start = curves[0][2](first)
        ends = (first.rows, start), (last.rows, start * last.rows / first.rows)
        clipped = [(x, min(y, 10 ** axes.values[1])) for x, y in ends]
        yield f'<polyline class="linear" points="{_points(axes, clipped)}"><title>in proportion</title></polyline>'
    for place, (name, kind, figure) in enumerate(curves):
        points = [(size.rows, figure(size)) for size in found]
        yield f'<polyline class="{kind}" points="{_points(axes, points)}"/>'
        for rows, value in points:
            spot = f'cx="{axes.x(rows):.1f}" cy="{axes.y(value):.1f}"'
            yield f'<circle class="{kind}" {spot} r="3.5"><title>{name}: {value:.1f}</title></circle>'
        yield f'<circle class="{kind}" cx="{left + 14}" cy="{TOP + 14 + 18 * place}" r="3.5"/>'
        yield f'<text x="{left + 24}" y="{TOP + 18 + 18 * place}">{name}</text>'


def _grid(axes: Axes) -> Iterator[str]:
    right, floor = axes.left + axes.wide, HIGH - BOTTOM
    for power in range(axes.rows[0], axes.rows[1] + 1):
        x = axes.x(10**power)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{floor}"/>'
        yield f'<text x="{x:.1f}" y="{floor + 18}" text-anchor="middle">{10**power:,}</text>'
    for power in range(axes.values[0], axes.values[1] + 1):
        y = axes.y(10.0**power)
        yield f'<line class="grid" x1="{axes.left}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{axes.left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>'
    yield f'<text x="{axes.left + axes.wide / 2:.1f}" y="{floor + 38}" text-anchor="middle">players</text>'
    yield f'<path class="axis" fill="none" d="M{axes.left} {TOP}V{floor}H{right:.1f}"/>'


def _points(axes: Axes, points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in points)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)
