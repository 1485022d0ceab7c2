"""failures, holds: what could not be written, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench
from sfsync.errors import Exit

mapping_option = o.option("--mapping", "-m", help="Only this mapping.")


@click.group(invoke_without_command=True)
@mapping_option
@o.as_json
@click.pass_context
def failures(ctx: click.Context, mapping: str | None, as_json: bool) -> int:
    """Records whose write was refused: the code, the fields and why."""
    if ctx.invoked_subcommand is not None:
        return int(Exit.DONE)
    from sfsync.ledger import issues

    with open_bench(ctx.obj, None) as bench:
        bench.chosen([mapping] if mapping else [])
        rows = issues.failures(bench.ledger, mapping)
    columns = {
        "mapping": "mapping",
        "key": "key",
        "side": "side",
        "code": "code",
        "class": "failure_class",
        "fields": "fields",
        "attempts": "attempts",
        "last attempt": "last_at",
        "reason": "reason",
    }
    hint = "a change of the record tries it again, or  sfsync failures retry"
    look = {"right": ("attempts",), "fold": ("fields", "reason"), "spare": ("attempts", "last attempt", "class")}
    return _show("Failures", columns, _records(rows), as_json, hint, **look)


@failures.command("retry")
@click.argument("mapping", required=False)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@o.as_json
@click.pass_obj
def retry_failures(obj: dict[str, Any], mapping: str | None, keys: tuple[str, ...], as_json: bool) -> int:
    """Let the next run try refused records again, though nothing about them changed."""
    from sfsync.cli import screen
    from sfsync.ledger import issues

    with open_bench(obj, None) as bench:
        names = list(bench.chosen([mapping] if mapping else []))
        counts = {name: issues.retry(bench.ledger, name, list(keys) or None, bench.actor) for name in names}
    if as_json:
        screen.emit({"retried": counts})
    else:
        screen.say(f"{sum(counts.values()):,} refused records will be tried again by the next run", "ok")
    return int(Exit.DONE)


@click.group(invoke_without_command=True)
@mapping_option
@o.as_json
@click.pass_context
def holds(ctx: click.Context, mapping: str | None, as_json: bool) -> int:
    """Records that wait: for a parent, a person, the budget. They wake by themselves when it is there."""
    if ctx.invoked_subcommand is not None:
        return int(Exit.DONE)
    from sfsync.ledger import issues

    with open_bench(ctx.obj, None) as bench:
        bench.chosen([mapping] if mapping else [])
        rows = issues.holds(bench.ledger, mapping)
    columns = {"mapping": "mapping", "key": "key", "reason": "reason", "waits for": "waits_for", "since": "since"}
    hint = "they wake by themselves; what an undo parked:  sfsync holds release MAPPING"
    return _show("Holds", columns, _records(rows), as_json, hint, fold=("since",))


@holds.command("release")
@click.argument("mapping")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@o.as_json
@click.pass_obj
def release_holds(obj: dict[str, Any], mapping: str, keys: tuple[str, ...], as_json: bool) -> int:
    """Let records go that an undo parked: the next run writes them again."""
    from sfsync.cli import screen
    from sfsync.ledger import issues

    with open_bench(obj, None) as bench:
        bench.chosen([mapping])
        count = issues.release(bench.ledger, mapping, list(keys) or None, bench.actor)
    if as_json:
        screen.emit({"released": {mapping: count}})
    else:
        screen.say(f"{count:,} released", "ok")
    return int(Exit.DONE)


def _records(frame: Any) -> list[dict[str, Any]]:
    """A ledger table's rows, null as None."""
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def _show(
    title: str, columns: dict[str, str], rows: list[dict[str, Any]], as_json: bool, hint: str, **look: Sequence[str]
) -> int:
    """``columns``: heading -> name in ``rows``. ``look``: as ``table`` takes it."""
    from sfsync.cli import screen
    from sfsync.cli.table import table

    if as_json:
        screen.emit(rows)
        return int(Exit.DONE)
    if rows:
        table(title, list(columns), [[_shown(row, n) for n in columns.values()] for row in rows], **look)
        screen.say(hint)
    else:
        screen.say(f"no {title.lower()}", "ok")
    return int(Exit.DONE)


def _shown(row: dict[str, Any], name: str) -> Any:
    from sfsync.cli.table import instant

    if name == "waits_for":
        return f"{row['waits_mapping']} {row['waits_key']}" if row["waits_key"] else None
    return instant(row[name]) if name.endswith(("_at", "_stamp", "since")) else row[name]
