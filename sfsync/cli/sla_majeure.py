"""sla majeure: time that does not count against us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench


@click.group()
def majeure() -> None:
    """Force majeure: a pause of every clock in its scope, but not of compliance cases."""


@majeure.command()
@o.option("--from", "begins", type=o.Instant(), required=True, help="When it began.")
@o.option("--until", "ends", type=o.Instant(), help="When it ended; without it, it goes on until sla majeure end.")
@o.option("--tier", "tiers", multiple=True, help="Only cases of this tier (repeatable).")
@o.option("--queue", "queues", multiple=True, help="Only cases whose path has this queue (repeatable).")
@o.option("--reason", required=True, help="Why; it stands in the audit trail.")
@o.option("--approver", required=True, help="Who approved it; not who declares it.")
@o.as_of
@click.pass_obj
def declare(
    obj: dict[str, Any],
    begins: datetime,
    ends: datetime | None,
    tiers: tuple[str, ...],
    queues: tuple[str, ...],
    reason: str,
    approver: str,
    as_of: datetime | None,
) -> int:
    """Declare it; the next sweep computes the cases in its scope anew."""
    from sfsync.cli import screen
    from sfsync.runs import sla_majeure as runs

    with open_bench(obj, as_of) as bench:
        made = runs.declare(bench, begins, ends, tiers=tiers, queues=queues, reason=reason, approver=approver)
    screen.say(f"{made} declared", "ok")
    return 0


@majeure.command()
@click.argument("name")
@o.as_of
@click.pass_obj
def end(obj: dict[str, Any], name: str, as_of: datetime | None) -> int:
    """End NAME (FM-…) now, or at --as-of."""
    from sfsync.cli import screen
    from sfsync.runs import sla_majeure as runs

    with open_bench(obj, as_of) as bench:
        runs.end(bench, name)
    screen.say(f"{name} ended", "ok")
    return 0


@majeure.command("list")
@o.as_of
@o.as_json
@click.pass_obj
def list_(obj: dict[str, Any], as_of: datetime | None, as_json: bool) -> int:
    """All that were declared."""
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table
    from sfsync.runs import sla_majeure as runs

    with open_bench(obj, as_of) as bench:
        found = runs.declared(bench)
    if as_json:
        screen.emit(found)
        return 0
    rows = [
        (
            r["majeure_id"],
            instant(r["from_at"]),
            instant(r["until_at"]),
            ", ".join([*r["tiers"], *r["queues"]]) or "all",
            r["reason"],
            r["approver"],
        )
        for r in found
    ]
    table("Force majeure", ("name", "from", "until", "scope", "reason", "approved by"), rows)
    return 0
