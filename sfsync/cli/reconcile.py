"""reconcile: are both sides really in step?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench, open_progress

if TYPE_CHECKING:
    from sfsync.runs.reconcile import Reconciled


@click.command()
@o.mappings
@o.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Save a plan that repairs, for  apply.")
@o.as_of
@o.as_json
@click.pass_obj
def reconcile(
    obj: dict[str, Any], mappings: tuple[str, ...], out: Path | None, as_of: datetime | None, as_json: bool
) -> int:
    """Compare both sides completely and report what no sync would have found. Writes nothing, moves no window.

    Exit code 0: in step, or the next sync brings it into step; 4: something was missed; 5: a guard would stop the
    repair. With --out DIR the repair is saved as a plan for  sfsync apply DIR.
    """
    from sfsync.runs import reconcile as runs

    with (
        open_bench(obj, as_of) as bench,
        open_progress(obj) as progress,
        runs.reconciled(bench, mappings, out=out, progress=progress) as found,
    ):
        progress.rest()
        _show(found, out, as_json)
        return int(found.exit)


def _show(found: Reconciled, out: Path | None, as_json: bool) -> None:
    from sfsync.cli import screen

    if as_json:
        screen.emit(found.as_json())
        return
    _show_parts(found)
    _show_fields(found)
    _show_keys(found)
    screen.findings(found.header.findings)
    wrong = sum(part.wrong for part in found.parts.values())
    head = f"{wrong:,} records are not in step" if wrong else "both sides are in step"
    calls = f"{found.api_calls:,} API calls · {found.duration_s:.1f} s"
    screen.say(f"{head} · {calls}", "warning" if wrong else "ok")
    if found.header.changes and out is not None:
        screen.say(f"{found.header.changes:,} records to write: sfsync apply {out}")
    elif wrong:
        screen.say("repair it with  sfsync reconcile --out DIR  and  sfsync apply DIR")


COLUMNS = (
    "mapping",
    "platform",
    "salesforce",
    "buckets differ",
    "missed",
    "only here",
    "only there",
    "twins",
    "astray",
)
QUIET = ("settled", "due", "accepted", "left")  # headings nobody has to act on: their keys are in --json
MORE = ("due", "waiting", "accepted", "settled")


def _show_parts(found: Reconciled) -> None:
    """A line per mapping. Here is the platform, there is Salesforce."""
    from sfsync.cli.table import count, table

    rows = []
    for name, part in found.parts.items():
        f = part.found
        here, there = f["missing"] + f["deleted"], f["born"] + f["stranger"] + f["vanished"]
        rows.append(
            (
                name,
                part.platform,
                part.salesforce,
                f"{part.differ:,} of {part.buckets:,}",
                count(f["missed"] + f["keyless"], "red"),
                count(here, "red"),
                count(there, "yellow"),
                count(sum(part.twins.values()), "red"),
                count(part.astray, "red"),
                f["due"],
                f["conflict"] + f["failed"] + f["held"],
                f["accepted"] + f["left"],
                f["settled"],
            )
        )
    table("Reconcile", (*COLUMNS, *MORE), rows, right=(*COLUMNS[1:], *MORE), spare=tuple(reversed(MORE)))


def _show_fields(found: Reconciled) -> None:
    from sfsync.cli.table import table

    rows = [
        (name, cells.field, cells.writes_to, cells.records, "link" if cells.link else "")
        for name, part in found.parts.items()
        for cells in part.fields
    ]
    if rows:
        table("Missed changes", ("mapping", "field", "writes to", "records", "kind"), rows, right=("records",))


def _show_keys(found: Reconciled) -> None:
    from sfsync.cli.table import table

    rows = [
        (name, heading, ", ".join(keys))
        for name, part in found.parts.items()
        for heading, keys in part.keys.items()
        if heading not in QUIET
    ]
    if rows:
        table("Records (the first of each)", ("mapping", "what", "keys"), rows, fold=("keys",))
