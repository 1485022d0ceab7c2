"""plan, apply, sync, undo: everything that makes or writes a plan."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench, open_progress
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.plan.explain import Line
    from sfsync.plan.folder import PlanFolder
    from sfsync.plan.forecast import Forecast
    from sfsync.runs.bench import Bench
    from sfsync.runs.result import Result

SHOWN = 40


@click.command()
@o.mappings
@o.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Save the plan in this folder.")
@o.option("--limit", type=int, default=SHOWN, show_default=True, help="How many cells of the diff to show.")
@o.values
@o.full
@o.as_of
@o.as_json
@click.pass_obj
def plan(
    obj: dict[str, Any],
    mappings: tuple[str, ...],
    out: Path | None,
    limit: int,
    show_values: bool,
    full: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Show what a sync would change, field by field, and why. Writes nothing."""
    from sfsync.runs import sync as runs

    with (
        open_bench(obj, as_of) as bench,
        open_progress(obj) as progress,
        runs.planned(bench, mappings, out=out, full=full, progress=progress) as folder,
    ):
        progress.rest()
        _show_plan(bench, folder, limit=limit, show_values=show_values, as_json=as_json)
        return int(runs.plan_exit(folder))


@click.command()
@click.argument("folder", metavar="PLAN", type=click.Path(file_okay=False, path_type=Path))
@o.waive
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def apply(
    obj: dict[str, Any], folder: Path, waive: tuple[str, ...], dry_run: bool, as_of: datetime | None, as_json: bool
) -> int:
    """Write a saved plan. Refused if the base moved since it was made."""
    from sfsync.runs import sync as runs

    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        if dry_run:
            opened = runs.opened(bench, folder)
            progress.rest()
            _show_plan(bench, opened, limit=SHOWN, show_values=False, as_json=as_json)
            return int(Exit.DONE)
        result = runs.apply_saved(bench, folder, waive=waive, progress=progress)
    return _show_result(result, as_json)


@click.command()
@o.mappings
@o.full
@o.waive
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def sync(
    obj: dict[str, Any],
    mappings: tuple[str, ...],
    full: bool,
    waive: tuple[str, ...],
    dry_run: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Bring both sides into step: plan and apply in one go."""
    from sfsync.runs import sync as runs

    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        result = runs.sync(bench, mappings, full=full, waive=waive, dry_run=dry_run, progress=progress)
    return _show_result(result, as_json)


@click.command()
@click.argument("run")
@o.waive
@o.yes
@o.dry_run
@o.values
@o.as_of
@o.as_json
@click.pass_obj
def undo(
    obj: dict[str, Any],
    run: str,
    waive: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    show_values: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Take back what RUN wrote (an id from  sfsync status, or: last). Shows the plan first.

    Undone changes are parked: the next sync does not write them again until their source changes or you release
    them (sfsync holds release).
    """
    from sfsync.runs import undo as runs

    with (
        open_bench(obj, as_of) as bench,
        open_progress(obj) as progress,
        runs.planned(bench, run, progress=progress) as folder,
    ):
        progress.rest()
        if not as_json or dry_run:
            _show_plan(bench, folder, limit=SHOWN, show_values=show_values, as_json=as_json)
        if dry_run:
            return int(Exit.DONE)
        assert folder.header is not None
        if not yes:
            click.confirm(f"Take back {folder.header.changes:,} changes?", abort=True, err=True)
        result = runs.apply(bench, folder, waive=waive, progress=progress)
    return _show_result(result, as_json)


def _show_plan(bench: Bench, folder: PlanFolder, *, limit: int, show_values: bool, as_json: bool) -> None:
    from sfsync.cli import screen
    from sfsync.plan.explain import lines
    from sfsync.plan.forecast import forecast, total
    from sfsync.runs.result import planned_numbers

    header = folder.header
    assert header is not None
    expected = forecast(header, bench.mappings, bench.salesforce.cost)
    cells = lines(folder, bench.mappings, show_values=show_values)
    if as_json:
        calls = {"reads": bench.salesforce.api_calls, "writes": total(expected), "by_mapping": expected}
        document = {**header.model_dump(mode="json"), "forecast": calls}
        screen.emit({**document, "changes": [c.__dict__ for c in islice(cells, limit)]})
        return
    _show_cells(list(islice(cells, limit)), limit)
    _show_sums("Sums", planned_numbers(header))
    _show_forecast(expected)
    screen.findings(header.findings)
    made, left = bench.salesforce.api_calls, bench.salesforce.api_remaining
    rest = f", {left:,} left today" if left is not None else ""
    screen.say(f"API calls: {made:,} made to plan, about {total(expected):,} to write{rest}")
    screen.say(f"plan {header.plan_id}: {header.changes:,} records to write", "ok")


def _show_forecast(expected: Forecast) -> None:
    """Calls per mapping and lane, by way; nothing where nothing is written to Salesforce."""
    from sfsync.cli.table import table

    ways = ("check", "collections", "bulk", "settle")
    rows = [
        (name, lane, *(calls.get(w, 0) for w in ways))
        for name, lanes in expected.items()
        for lane, calls in lanes.items()
    ]
    if rows:
        table("Forecast of API calls", ("mapping", "lane", *ways), rows, right=ways)


def _show_cells(cells: list[Line], limit: int) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import table

    columns = ("mapping", "writes to", "kind", "key", "field", "change", "because")
    rows = [(c.mapping, c.side, c.kind, c.key, c.field, f"{c.before} → {c.after}", c.because) for c in cells]
    if rows:
        table("What would change", columns, rows, fold=("change", "because"), spare=("kind",))
    if len(rows) == limit:
        screen.say(f"the first {limit:,} cells are shown; --limit N shows more")


SUM_COLUMNS = ("mapping", "side", "read", "created", "updated", "archived", "unchanged", "held", "failed", "conflicts")


def _show_sums(title: str, mappings: dict[str, dict[str, Any]]) -> None:
    """A line per mapping and side; what was read from the one side was met on the other."""
    from sfsync.cli.table import table

    rows = [
        (name, side, *_sum_cells(part["read"][source], part[side], part["conflicts"]))
        for name, part in mappings.items()
        for side, source in (("salesforce", "platform"), ("platform", "salesforce"))
    ]
    table(title, SUM_COLUMNS, rows, right=SUM_COLUMNS[2:])


def _sum_cells(read: int, counts: dict[str, int], conflicts: int) -> tuple[Any, ...]:
    from sfsync.cli.table import count

    return (
        read,
        count(counts["created"], "green"),
        count(counts["updated"], "green"),
        count(counts["archived"], "yellow"),
        counts["unchanged"],
        count(counts["held"], "yellow"),
        count(counts["failed"], "red"),
        count(conflicts, "magenta"),
    )


def _show_result(result: Result, as_json: bool) -> int:
    from sfsync.cli import screen

    if as_json:
        screen.emit(result.as_json())
        return int(result.exit)
    _show_sums(f"Run {result.run}", result.mappings)
    screen.findings(result.findings)
    calls = f"{result.api_calls:,} API calls"
    if result.api_forecast is not None:
        written = result.api_calls - result.api_planning
        calls += f" ({written:,} to write, forecast {result.api_forecast:,})"
    left = f", {result.api_remaining:,} left today" if result.api_remaining is not None else ""
    level = "ok" if result.exit == Exit.DONE else "warning"
    screen.say(f"{result.sentence()} · {calls}{left} · {result.duration_s:.1f} s", level)
    return int(result.exit)
