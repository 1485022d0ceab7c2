"""What a sync costs: beside the floor, beside its peers, and how it grows. Nothing is asserted; tables say what is met.

The parts: backfill (side by side with curl, simple-salesforce and the peers that can be had), cells (verdicts and
digests), and of worlds of growing size: growth, memory, idle, changed, start. Run it on a machine that does nothing
else.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.benches.sync import backfill, cells, growth, page, plot, sizes
from scripts.benches.sync.table import Table

GROWING = ("growth", "memory", "idle", "changed", "start")
PARTS = ("backfill", "cells", *GROWING)


def main(arguments: list[str]) -> int:
    """Prints the tables as they are made; returns 0 whatever they say."""
    order = _parser().parse_args(arguments)
    asked = frozenset(order.only.split(","))
    if unknown := asked - set(PARTS):
        print(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    told: dict[str, list[Table]] = {}
    for part, tables in _measured(order, asked):
        told[part] = tables
        if not order.json:
            print(*(f"{table.text()}\n" for table in tables), sep="\n", flush=True)
    if order.json:
        print(json.dumps({part: [table.plain() for table in tables] for part, tables in told.items()}, indent=2))
    if order.page:
        page.fill(order.page, {part: "\n\n".join(t.markdown() for t in tables) for part, tables in told.items()})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench sync", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated")
    parser.add_argument("--rows", type=int, default=200_000, help="players of the backfill side by side")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of the backfill; medians are shown")
    parser.add_argument("--cells", type=int, default=1_000_000, help="rows of verdicts and digests")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="sizes of the worlds; 3000000 takes long")
    parser.add_argument("--changed", type=int, default=10_000, help="records changed on the platform")
    parser.add_argument("--changed-in-org", type=int, default=1_000, help="records changed in the org")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--page", type=Path, help="put the tables between the markers of this page")
    parser.add_argument("--plot", type=Path, help="draw the growth into this SVG file")
    return parser


def _measured(order: argparse.Namespace, asked: frozenset[str]) -> Iterator[tuple[str, list[Table]]]:
    if "backfill" in asked:
        with tempfile.TemporaryDirectory() as folder:
            players = sizes.platform(Path(folder), order.rows)
            yield "backfill", backfill.tables(Path(folder), players, order.rows, order.repeat)
    if "cells" in asked:
        yield "cells", [cells.table(order.cells)]
    if not asked.isdisjoint(GROWING):
        wanted = sizes.Order(asked, order.changed, order.changed_in_org)
        found = [sizes.measured(int(rows), wanted) for rows in order.sizes.split(",")]
        for part in GROWING:
            if part in asked:
                yield part, growth.tables(found, frozenset((part,)))
        if order.plot:
            order.plot.write_text(plot.svg(found), "utf-8")
