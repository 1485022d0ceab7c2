"""sla work: what to work on next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench

MOST = 2_000
STATES = {"breached": "red", "critical": "yellow", "warn": "yellow"}
COLUMNS = ("case", "tier", "pri", "state", "next due", "time", "level", "queue")


@click.command()
@o.option("--queue", metavar="NAME", help="Only the cases in this queue.")
@o.option("--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="So many cases.")
@o.option("--compliance", is_flag=True, help="With the cases compliance holds and those of laundering.")
@o.as_of
@o.as_json
@click.pass_obj
def work(
    obj: dict[str, Any], queue: str | None, limit: int, compliance: bool, as_of: datetime | None, as_json: bool
) -> int:
    """The open cases in the order in which they should be worked. Writes nothing.

    First those over a due, the longest over in front; then critical, then warned ones; then by priority, tier, next
    due and time of receipt. Shows what the last sla enforce has written.
    """
    from sfsync.cli import screen
    from sfsync.cli.table import table
    from sfsync.runs import sla_work as runs

    with open_bench(obj, as_of) as bench:
        found = runs.work(bench, queue, limit, compliance=compliance, live=as_of is None)
    if as_json:
        screen.emit({"as_of": found.as_of, "open": found.waiting, "cases": found.cases})
        return 0
    now = datetime.fromisoformat(found.as_of)
    table("To be worked", COLUMNS, [_row(c, now) for c in found.cases], right=("time",), spare=("queue", "next due"))
    screen.say(f"{len(found.cases):,} of {found.waiting:,} open cases", "ok")
    return 0


def _row(case: dict[str, Any], now: datetime) -> tuple[Any, ...]:
    from sfsync.cli.table import Styled, instant

    state = case["state"]
    shown = Styled(state, STATES[state]) if state in STATES else state
    head = (case["number"], case["tier"], case["priority"], shown, instant(case["next_due"]))
    return *head, _time(case, now), f"L{case['level']}", case["queue"] or "a person"


def _time(case: dict[str, Any], now: datetime) -> str | None:
    """How long the case is over, or has until its next due."""
    if case["over_s"]:
        return f"over {length(case['over_s'])}"
    if not case["next_due"]:
        return None
    seconds = int((datetime.fromisoformat(case["next_due"]) - now).total_seconds())
    return f"in {length(seconds)}" if seconds >= 0 else f"over {length(-seconds)}"


def length(seconds: int) -> str:
    """Seconds as people say them: 40s, 12m, 2h 05m, 3d 4h."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if not minutes:
        return f"{seconds}s"
    if not hours:
        return f"{minutes}m"
    return f"{hours}h {minutes % 60:02}m" if not days else f"{days}d {hours % 24}h"
