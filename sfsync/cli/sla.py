"""sla: the service-level policy, its clocks and the ladder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli import sla_look
from sfsync.cli.opening import open_bench, open_progress
from sfsync.cli.sla_majeure import majeure
from sfsync.cli.sla_recovery import recovery
from sfsync.cli.sla_shadow import shadow
from sfsync.cli.sla_work import work

if TYPE_CHECKING:
    from sfsync.runs.sla_enforce import Enforced
    from sfsync.runs.sla_explain import Explained


@click.group()
def sla() -> None:
    """Promises to customers: what is due when, who is called when it is late, and why."""


for _command in (sla_look.policy, sla_look.drill, sla_look.simulate, sla_look.report, majeure, shadow, work, recovery):
    sla.add_command(_command)


def _config(obj: dict[str, Any]) -> Path | None:
    return Path(obj["config"]) if obj.get("config") else None


@sla.command()
@click.argument("case", required=False)
@o.option("--timeline", type=click.Path(dir_okay=False, path_type=Path), help="A JSON file of timelines instead.")
@o.as_of
@o.as_json
@click.pass_obj
def explain(obj: dict[str, Any], case: str | None, timeline: Path | None, as_of: datetime | None, as_json: bool) -> int:
    """The clocks of a case, and the time line that led to each due date.

    CASE is its source key, case number or Salesforce id. --timeline FILE takes a list of timelines as JSON instead and
    needs neither org nor database. Exit code 3: some timelines could not be read; the others are answered.
    """
    from sfsync.runs import sla_explain as runs

    if (case is None) == (timeline is None):
        raise click.UsageError("name a CASE, or a file of timelines with --timeline FILE")
    if timeline is not None:
        found = runs.timelines(_config(obj), timeline, o.now(as_of))
        _show(found, as_json)
        return int(found.exit)
    with open_bench(obj, as_of) as bench:
        told = runs.case(bench, str(case), live=as_of is None)
    _show_case(told, as_json)
    return 0


@sla.command()
@o.full
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def enforce(obj: dict[str, Any], full: bool, dry_run: bool, as_of: datetime | None, as_json: bool) -> int:
    """Bring clocks, level and owner of cases up to date, and call whom the ladder calls. For cron, every minute.

    Looks at cases that changed and at those whose time has come; --full looks at every open case. Each rung of the
    ladder fires once, also after downtime. Without --as-of the org's own clock counts. Exit code 3: some cases could
    not be used (failures has them).
    """
    from sfsync.cli import screen
    from sfsync.runs import sla_enforce as runs

    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        done = runs.enforce(bench, full=full, dry_run=dry_run, live=as_of is None, progress=progress)
        progress.rest()
    if as_json:
        screen.emit(done.as_json())
        return int(done.exit)
    _show_rungs(done)
    screen.findings(done.result.findings)
    screen.say(f"{done.looked_at:,} cases looked at · {done.result.sentence()}", "ok" if not done.exit else "warning")
    return int(done.exit)


def _show_rungs(done: Enforced) -> None:
    from sfsync.cli.table import instant, table

    rows = [(r["key"], r["rung"], r["path"], r["reason"], instant(r["reached_at"])) for r in done.rungs]
    if rows:
        table("Escalations", ("case", "level", "path", "reason", "since"), rows)
    more = [(d["key"], *d["rung"].partition("-")[::2], d["reason"], instant(d["reached_at"])) for d in done.done]
    if more:
        table("Also", ("case", "what", "which", "said", "since"), more)


def _show(found: Explained, as_json: bool) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import table

    if as_json:
        screen.emit(found.answers)
        return
    rows = [
        (answer["id"], *_case(answer), name, *_clock(clock))
        for answer in found.answers
        if "clocks" in answer
        for name, clock in answer["clocks"].items()
        if clock["state"] != "na"
    ]
    table("Clocks", ("case", "tier", "pri", "path", "level", "clock", "state", "due", "stopped", "missed"), rows)
    for answer in found.answers:
        if "error" in answer:
            screen.say(f"{answer['id']}: {answer['error']['message']} [{answer['error']['code']}]", "error")


def _show_case(told: dict[str, Any], as_json: bool) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table

    if as_json:
        screen.emit(told)
        return
    screen.say(
        f"{told['id']} ({told['case']}): {told['tier']} {told['priority']}, path {told['path']}, L{told['level']}"
    )
    rows = [(name, *_clock(clock)) for name, clock in told["clocks"].items() if clock["state"] != "na"]
    table("Clocks", ("clock", "state", "due", "stopped", "missed"), rows)
    table("Ladder", ("rung", "reached or expected"), [(n, instant(at)) for n, at in told["ladder"].items() if at])
    lines = [
        (instant(step["at"]), ", ".join(step["events"]), name, _words(value))
        for step in told["steps"]
        for name, value in (step["changes"] or {"": ""}).items()
    ]
    table("Time line", ("at", "event", "what", "from then on"), lines, fold=("from then on",))
    for lacking in told["to_close"]:
        screen.say(f"before it can be closed: {lacking}")
    for code in told["warnings"]:
        screen.say(code, "warning")


def _words(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {one}" for name, one in value.items() if one is not None)


def _case(answer: dict[str, Any]) -> tuple[str, str, str, str]:
    return answer["tier"], answer["priority"], answer["path"], f"L{answer['level']}"


COLOURS = {"paused": "blue", "met": "green", "breached": "red", "cancelled": "bright_black"}


def _clock(clock: dict[str, Any]) -> tuple[Any, ...]:
    from sfsync.cli.table import Styled, instant

    state = clock["state"]
    shown = Styled(state, COLOURS[state]) if state in COLOURS else state
    waived = clock.get("breach_waived")
    missed = f"waived: {waived['reason']}" if waived and not clock["breached_at"] else instant(clock["breached_at"])
    return shown, instant(clock["due"]), instant(clock["stopped_at"]), missed
