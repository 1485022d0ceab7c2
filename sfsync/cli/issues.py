"""failures, conflicts, holds: what could not be written, and what a person can do about it."""

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
    """Records whose write was refused, with code, class and the next step."""
    if ctx.invoked_subcommand is not None:
        return int(Exit.DONE)
    from sfsync.ledger import issues

    with open_bench(ctx.obj, None) as bench:
        bench.chosen([mapping] if mapping else [])
        rows = issues.failures(bench.ledger, mapping)
    names = ("mapping", "key", "side", "code", "failure_class", "fields", "attempts", "last_at", "reason")
    return _show("Failures", names, rows, as_json, "sfsync failures retry [MAPPING [KEY]...]   tries them again")


@failures.command("retry")
@click.argument("mapping", required=False)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.pass_obj
def retry_failures(obj: dict[str, Any], mapping: str | None, keys: tuple[str, ...]) -> int:
    """Let the next run try refused records again, though nothing about them changed."""
    from sfsync.cli import screen
    from sfsync.ledger import issues

    with open_bench(obj, None) as bench:
        names = list(bench.chosen([mapping] if mapping else []))
        count = sum(issues.retry(bench.ledger, name, list(keys) or None, bench.actor) for name in names)
    screen.say(f"{count:,} refused records will be tried again by the next run", "ok")
    return int(Exit.DONE)


@click.group(invoke_without_command=True)
@mapping_option
@o.as_json
@click.pass_context
def conflicts(ctx: click.Context, mapping: str | None, as_json: bool) -> int:
    """Values that changed on both sides and wait for a person."""
    if ctx.invoked_subcommand is not None:
        return int(Exit.DONE)
    from sfsync.ledger import conflicts as inbox

    with open_bench(ctx.obj, None) as bench:
        bench.chosen([mapping] if mapping else [])
        rows = inbox.conflicts(bench.ledger, mapping)
    names = ("conflict_id", "mapping", "key", "field", "since", "platform_stamp", "salesforce_stamp")
    return _show("Conflicts", names, rows, as_json, "sfsync conflicts resolve ID --take platform|salesforce|keep")


@conflicts.command("show")
@click.argument("conflict_id")
@o.values
@click.pass_obj
def show_conflict(obj: dict[str, Any], conflict_id: str, show_values: bool) -> int:
    """Both values of one conflict, read from both sides now."""
    from sfsync.cli import screen
    from sfsync.ledger import conflicts as inbox
    from sfsync.runs import look

    with open_bench(obj, None) as bench:
        row = inbox.get(bench.ledger, conflict_id)
        life = look.explain(bench, row["mapping"], row["key"], show_values=show_values)
    names = ("field", "owner", "platform", "salesforce", "base", "verdict")
    cells = [c for c in life.fields if c["field"] == row["field"]] or life.fields
    screen.table(f"{row['mapping']} {row['key']}, since {row['since']}", names, [[c[n] for n in names] for c in cells])
    screen.say(f"sfsync conflicts resolve {conflict_id} --take platform|salesforce|keep")
    return int(Exit.DONE)


@conflicts.command("resolve")
@click.argument("conflict_ids", nargs=-1, required=True, metavar="ID...")
@o.option(
    "--take",
    type=click.Choice(["platform", "salesforce", "keep"]),
    required=True,
    help="Whose value wins; keep leaves both as they are.",
)
@click.pass_obj
def resolve_conflict(obj: dict[str, Any], conflict_ids: tuple[str, ...], take: str) -> int:
    """Decide conflicts. The decision holds for exactly these two values; the next run writes it."""
    from sfsync.cli import screen
    from sfsync.ledger import conflicts as inbox

    with open_bench(obj, None) as bench:
        for conflict_id in conflict_ids:
            inbox.decide(bench.ledger, conflict_id, take, bench.actor)  # type: ignore[arg-type]
    screen.say(f"{len(conflict_ids):,} decided; the next run writes it", "ok")
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
    names = ("mapping", "key", "reason", "waits_mapping", "waits_key", "since")
    return _show("Holds", names, rows, as_json, "sfsync holds release MAPPING [KEY]...   lets parked changes go")


@holds.command("release")
@click.argument("mapping")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.pass_obj
def release_holds(obj: dict[str, Any], mapping: str, keys: tuple[str, ...]) -> int:
    """Let records go that an undo parked: the next run writes them again."""
    from sfsync.cli import screen
    from sfsync.ledger import issues

    with open_bench(obj, None) as bench:
        bench.chosen([mapping])
        count = issues.release(bench.ledger, mapping, list(keys) or None, bench.actor)
    screen.say(f"{count:,} released", "ok")
    return int(Exit.DONE)


def _show(title: str, names: Sequence[str], frame: Any, as_json: bool, hint: str) -> int:
    from sfsync.cli import screen

    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    if as_json:
        screen.emit(rows)
        return int(Exit.DONE)
    if rows:
        screen.table(title, names, [[row.get(n) for n in names] for row in rows])
        screen.say(hint)
    else:
        screen.say(f"no {title.lower()}", "ok")
    return int(Exit.DONE)
