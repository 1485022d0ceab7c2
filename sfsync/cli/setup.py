"""init and doctor: from nothing to a project that works."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.runs.checks.patient import Check

WAYS_IN = ("jwt", "client-credentials", "session", "password", "sf-cli")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@o.option(
    "--platform-url",
    default="sqlite:///platform.db",
    show_default=True,
    help="The operator's database, as a SQLAlchemy URL; a password in it is not written down.",
)
@o.option("--instance-url", default="", help="The org's address, as https://example.my.salesforce.com.")
@o.option("--auth", type=click.Choice(WAYS_IN), default="jwt", show_default=True, help="The way into the org.")
@o.option("--force", is_flag=True, help="Write a new sfsync.toml though there is one; the old one is kept beside it.")
@o.as_json
@click.pass_obj
def init(
    obj: dict[str, Any], folder: Path, platform_url: str, instance_url: str, auth: str, force: bool, as_json: bool
) -> int:
    """Make DIR a ready project folder: sfsync.toml, mappings, Salesforce metadata, keys.

    Files that are there and differ from ours are kept.
    """
    from sfsync.cli import screen
    from sfsync.runs import project

    made = project.make(folder, project.Wanted(platform_url, instance_url, auth), force=force)
    if as_json:
        screen.emit({**made.__dict__, "folder": str(made.folder), "exit": int(Exit.DONE)})
        return int(Exit.DONE)
    screen.say(f"{folder}: {len(made.written):,} files written", "ok")
    for name in made.kept:
        screen.say(f"kept as it is: {name}", "warning")
    screen.say("next:")
    for number, step in enumerate(made.next_steps, 1):
        click.echo(f"  {number}. {step}", err=True)
    return int(Exit.DONE)


@click.command()
@o.as_of
@o.as_json
@click.pass_obj
def doctor(obj: dict[str, Any], as_of: datetime | None, as_json: bool) -> int:
    """Check everything a sync needs, and say the way out of whatever is wrong. Writes nothing.

    Configuration, secrets, mappings, the database, the login, permissions, fields, limits, clocks, the ledger.
    Exits with 0 if nothing is red, else 2 (configuration), 9 (an end cannot be reached) or 8 (an end does not fit).
    """
    from sfsync.cli import screen
    from sfsync.cli.table import table
    from sfsync.runs import doctor as runs

    config = Path(obj["config"]) if obj.get("config") else None
    checks = runs.examine(config, o.now(as_of))
    status = runs.exit_status(checks)
    if as_json:
        screen.emit({"exit": int(status), "checks": [c.as_json() for c in checks]})
        return int(status)
    table("Doctor", ("", "check", "found", "way out"), [_row(c) for c in checks], fold=("found", "way out"))
    counts = {s: sum(c.state == s for c in checks) for s in ("red", "yellow", "green")}
    level = "error" if counts["red"] else "warning" if counts["yellow"] else "ok"
    screen.say(", ".join(f"{n} {s}" for s, n in counts.items()), level)
    return int(status)


def _row(check: Check) -> tuple[Any, ...]:
    from sfsync.cli.table import Styled

    return Styled(check.state, check.state), check.name, check.message, check.next_step
