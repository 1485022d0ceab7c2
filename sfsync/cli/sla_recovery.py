"""sla recovery: what is proposed to make a failure good, and its way to the customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench

STEPS = {
    "approve": ("approved", "Approve a proposal; whether it may be given is checked again."),
    "refuse": ("refused", "Refuse a proposal."),
    "terms": ("terms_written", "The terms were given in writing."),
    "deliver": ("delivered", "It was delivered; a correction needs its references."),
    "confirm": ("confirmed", "The customer accepted it."),
    "fail": ("failed", "It could not be given."),
}
STATES = ("proposed", "approved", "refused", "terms_written", "delivered", "confirmed", "failed")
by = o.option("--by", required=True, metavar="USERNAME", help="The Salesforce user who does it.")


@click.group()
def recovery() -> None:
    """Service recovery: what is proposed after a broken promise, and how far it has come."""


@recovery.command("list")
@o.option("--case", help="Only of this case: its number, source key or record id.")
@o.option("--state", type=click.Choice(STATES), help="Only in this state. Default: all that are not over.")
@o.as_json
@click.pass_obj
def list_(obj: dict[str, Any], case: str | None, state: str | None, as_json: bool) -> int:
    """Recoveries, the oldest first."""
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table
    from sfsync.runs import sla_recovery as runs

    with open_bench(obj, None) as bench:
        found = runs.found(bench, case, state)
    if as_json:
        screen.emit(found)
        return 0
    rows = [(r["key"], r["case"], r["event"], r["offer"], r["state"], instant(r["proposed_at"])) for r in found]
    table("Recoveries", ("key", "case", "what happened", "offer", "state", "since"), rows)
    if not rows:
        screen.say("no recovery waits for anybody")
    return 0


def _step(name: str, state: str, said: str) -> click.Command:
    """One verb: a recovery comes to ``state``."""
    command: Any = lambda **given: _move(click.get_current_context().obj, state, **given)  # noqa: E731
    references = (
        o.option("--correction", default="", help="Reference of the booking that corrects the error."),
        o.option("--report", default="", help="Reference of the written report."),
    )
    for decorate in (
        o.as_json,
        o.as_of,
        o.dry_run,
        *(references if state == "delivered" else ()),
        by,
        click.argument("key"),
    ):
        command = decorate(command)
    return click.command(name, help=said)(command)


def _move(
    obj: dict[str, Any],
    state: str,
    *,
    key: str,
    by: str,
    as_of: datetime | None,
    as_json: bool,
    dry_run: bool,
    **references: str,
) -> int:
    from sfsync.cli import screen
    from sfsync.runs import sla_recovery as runs

    with open_bench(obj, as_of) as bench:
        moved = runs.move(bench, key, state, by, dry_run=dry_run, **references)
    if as_json:
        screen.emit({"key": moved.key, "state": moved.state, "before": moved.before})
    else:
        would = "would go" if dry_run else "went"
        screen.say(f"{moved.key} {would} from {moved.before} to {moved.state}", "ok")
    return 0


for _name, (_state, _said) in STEPS.items():
    recovery.add_command(_step(_name, _state, _said))
