"""partners import and template: files of requests in, receipts and empty forms out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench, open_progress

if TYPE_CHECKING:
    from sfsync.runs.partner_file import Imported


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR...", type=click.Path(path_type=Path))
@o.option("--profile", default="it", show_default=True, help="How the files are written.")
@o.option("--received", type=o.Instant(), help="When the files were received (T0 of the cases); default: now.")
@o.option("--force", is_flag=True, help="Take the good rows of a file that is known, or mostly rejected.")
@o.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the result files.")
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def import_(
    obj: dict[str, Any], /, files: tuple[Path, ...], received: datetime | None, as_of: datetime | None, **more: Any
) -> int:
    """Import requests of partners: each row becomes a case once, or is refused with all its codes.

    Takes CSV, XLSX and JSON lines, and folders of them. Exit code 0: all accepted; 3: some rows wait or were rejected;
    4: a file was refused as a whole.
    """
    from sfsync.runs import partners
    from sfsync.runs.partner_file import Options

    wanted = Options(more["profile"], received, more["force"], more["dry_run"], more["out"])
    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        found = partners.import_files(bench, files, wanted, progress)
        progress.rest()
        _show(found, more["as_json"])
        return max((int(one.exit) for one in found), default=0)


def _show(found: list[Imported], as_json: bool) -> None:
    from sfsync.cli import screen

    if as_json:
        documents = [one.as_json() for one in found]
        worst = max((int(one.exit) for one in found), default=0)
        screen.emit_pieces(documents[0] if len(documents) == 1 else {"exit": worst, "files": documents})
        return
    for one in found:
        _show_file(one)


def _show_file(one: Imported) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import table
    from sfsync.plan import reasons

    counts = " · ".join(f"{number:,} {outcome}" for outcome, number in one.counts.items()) or (
        "refused" if one.refused else "no rows"
    )
    level = "ok" if not one.exit else "warning"
    screen.say(f"{one.path.name}: {counts}", level)
    if one.refused is not None:
        screen.say(f"{one.refused.code}: {one.refused.message}; nothing was taken", "error")
        screen.say(f"→ {one.refused.next_step}")
    for code in one.codes:
        screen.say(f"{code}: {reasons.reason(code)}", "warning")
    rows = [
        (r["row"], r["request_id"] or "", r["outcome"], ", ".join(r["codes"]), ", ".join(r.get("missing", [])))
        for r in one.rows
        if r["outcome"] in ("QUARANTINE", "REJECT")
    ]
    if rows:
        table("Without a case", ("line", "request", "outcome", "codes", "missing"), rows[:50], right=("line",))
    if len(rows) > 50:
        screen.say(f"and {len(rows) - 50:,} more: see the error file, or --json")
    for path in one.results:
        screen.say(f"result: {path}")


@click.command()
@click.argument("type_", metavar="TYPE")
@o.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; .xlsx makes a workbook.")
@click.pass_obj
def template(obj: dict[str, Any], type_: str, out: Path | None) -> int:
    """Write an empty form for a type of request (its code, as RP-12, or any of its names).

    Without --out a CSV goes to stdout.
    """
    from sfsync.runs import partner_forms

    with open_bench(obj, None) as bench:
        content = partner_forms.form(bench, type_, workbook=out is not None and out.suffix.lower() == ".xlsx")
    if out is None:
        click.echo(content.decode("utf-8-sig"), nl=False)
    else:
        out.write_bytes(content)
        click.echo(f"form: {out}", err=True)
    return 0


COMMANDS = (import_, template)
