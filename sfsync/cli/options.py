"""Options several commands share. Every option has its environment twin, and help shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click


class Option(click.Option):
    """An option whose environment twin is shown in help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("show_envvar", True)
        super().__init__(*args, **kwargs)


def option(*names: str, **kwargs: Any) -> Callable[[Any], Any]:
    """``click.option`` with a twin in help."""
    return click.option(*names, cls=Option, **kwargs)


class Instant(click.ParamType[datetime]):
    """An instant with its zone, as 2026-11-22T15:00:00Z."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Parses; a time without a zone is refused, because it would mean another hour on another machine."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant; write it as 2026-11-22T15:00:00Z", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{value!r} has no zone; add Z for UTC, or +01:00", param, ctx)
        return instant.astimezone(UTC).replace(microsecond=0)


as_json = option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
as_of = option("--as-of", type=Instant(), help="The instant to take for now (reproducible output).")
full = option("--full", is_flag=True, help="Ignore the windows: read both sides completely.")
waive = option("--waive", multiple=True, metavar="GUARD", help="Let this guard pass for this run (repeatable).")
yes = option("--yes", "-y", is_flag=True, help="Do not ask.")
dry_run = option("--dry-run", is_flag=True, help="Show only; write nothing.")
values = option("--show-values", is_flag=True, help="Show personal values instead of masks.")
mappings = click.argument("mappings", nargs=-1, metavar="[MAPPING]...")


def now(given: datetime | None) -> datetime:
    """The one place where a command reads the clock."""
    return given or datetime.now(UTC).replace(microsecond=0)
