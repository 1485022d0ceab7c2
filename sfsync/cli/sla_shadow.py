"""sla shadow: the milestones of Salesforce beside our clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench, open_progress
from sfsync.cli.sla_look import Span
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.runs.sla_shadow_look import Shadow

SHOWN = 50


@click.command()
@o.option("--since", type=Span(), default="7d", show_default=True, help="How far back: 7d, 12h.")
@o.option("--complete", is_flag=True, help="Complete milestones whose clock has stopped, at that instant.")
@o.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="All differences as a CSV file.")
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def shadow(
    obj: dict[str, Any],
    since: timedelta,
    complete: bool,
    out: Path | None,
    dry_run: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Compare our clocks with the milestones of an org that has entitlements.

    Looks at cases that are open, or changed in the time --since tells. The policy says which milestone stands beside
    which clock. Writes nothing without --complete; --complete --dry-run only counts. Without --as-of the org's own
    clock counts. Exit code 3: a milestone refused to be completed (failures has it).
    """
    from sfsync.cli import screen
    from sfsync.runs import sla_shadow as runs

    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        how = {"complete": complete, "dry_run": dry_run, "live": as_of is None}
        done = runs.look(bench, since, **how, progress=progress)
        progress.rest()
    if out is not None and done.entitled:
        runs.write_csv(done, out)
    if as_json:
        screen.emit(done.as_json())
    elif done.entitled:
        _show(done, complete)
    else:
        screen.say("the org has no entitlements: there are no milestones to compare with", "ok")
    return int(done.result.exit if complete else Exit.DONE)


def _show(done: Shadow, complete: bool) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table

    table("Milestones beside clocks", ("what", "count"), _counts(done), right=("count",))
    rows = [
        (
            r["key"],
            r["milestone"],
            r["clock"],
            r["difference"],
            *(_side(r[n], instant) for n in ("here", "there")),
            r["seconds"],
        )
        for r in done.differences.head(SHOWN).to_dict("records")
    ]
    if rows:
        title = "Differences" if len(done.differences) <= SHOWN else f"Differences (the first {SHOWN}; --out has all)"
        columns = ("case", "milestone", "clock", "difference", "here", "there", "seconds")
        table(title, columns, rows, right=("seconds",), fold=("milestone", "difference"))
    for name, count in sorted(done.unmapped.items()):
        screen.say(f"{count:,} milestones {name!r} stand beside no clock: the policy does not name them", "warning")
    if done.left_out:
        screen.say(f"{done.left_out:,} cases do not fit the policy: sfsync sla enforce tells why", "warning")
    screen.findings(done.result.findings)
    said = f"{done.milestones:,} milestones of {done.cases:,} cases"
    screen.say(f"{said} · {done.result.sentence()}" if complete else said, "warning" if done.result.exit else "ok")


def _counts(done: Shadow) -> list[tuple[str, str]]:
    found = [("agree", done.agreeing), *((kind, count) for kind, count in done.counts.items() if count)]
    return [(what, f"{count:,}") for what, count in found]


def _side(value: str | None, instant: Any) -> str:
    return instant(value) if value and value.endswith("Z") else value or ""
