"""sla policy, drill, simulate, report: what people look at."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench, open_progress
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.planners.sla.policy import Policy


class Span(click.ParamType[timedelta]):
    """A length of time back from now: 90d, 12h."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Days or hours."""
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,3})([dh])", value)
        if not found:
            self.fail(f"{value!r} is no span of time; write 90d or 12h", param, ctx)
        return timedelta(**{"days" if found[2] == "d" else "hours": int(found[1])})


@click.command()
@o.as_of
@o.as_json
@click.pass_obj
def policy(obj: dict[str, Any], as_of: datetime | None, as_json: bool) -> int:
    """The service-level policy in plain words: what is promised to whom, and who is called when it is late.

    Checks the file. Needs neither org nor database.
    """
    from sfsync.cli import screen
    from sfsync.runs import sla_policy as runs

    config = Path(obj["config"]) if obj.get("config") else None
    known = runs.policies(config)
    now = runs.policy_at(known, o.now(as_of))
    if as_json:
        screen.emit({"file": str(runs.policy_file(config)), "in_force": now.policy_version, **_as_json(now)})
        return int(Exit.DONE)
    _promises(now)
    _paths(now)
    _calendars(now)
    later = [p.policy_version for p in known if p.valid_from > o.now(as_of)]
    said = f"version {now.policy_version}, in force since {now.valid_from:%Y-%m-%d}"
    screen.say(said + (f"; to come: {', '.join(later)}" if later else ""), "ok")
    return int(Exit.DONE)


def _as_json(now: Policy) -> dict[str, Any]:
    return {"policy": now.model_dump(mode="json")}


GREY = "bright_black"
TIERS = ("VVIP", "VIP", "STANDARD", "PARTNER")


def _promises(now: Policy) -> None:
    from sfsync.cli.table import table

    rows = []
    for name in TIERS:
        tier = now.tier(name)
        for priority in ("P1", "P2", "P3", "P4"):
            targets = [getattr(tier, clock).get(priority) for clock in ("MIT", "RES", "NU", "PIR")]
            rungs = tier.ladder[priority]
            calendar = now.calendar_of(name, "RES", priority)
            ladder = ", ".join(f"{rung.replace('_', ' ')} +{length}" for rung, length in rungs.items())
            rows.append((name, priority, *(str(t) if t else "" for t in targets), calendar, ladder))
    columns = ("tier", "priority", "stabilise", "resolve", "update every", "report", "calendar", "escalation")
    table("Promises", columns, rows, fold=("escalation",))
    channels = [
        (name, ", ".join(f"{c} {getattr(aim, 'due', aim)}" for c, aim in now.tier(name).FR.items())) for name in TIERS
    ]
    table("First response", ("tier", "within"), channels, fold=("within",))


def _paths(now: Policy) -> None:
    from sfsync.cli.table import table

    rows = []
    for name, path in now.paths.items():
        about = [c for c, spec in now.categories.items() if spec.path == name]
        rows.append((name, path.L1, path.L2, path.L3, path.L4, ", ".join(about)))
    table("Who is called", ("path", "L1", "L2", "L3", "L4", "categories"), rows, fold=("categories",))
    lists = [(name, ", ".join(getattr(now.words, name))) for name in ("legal", "harm")]
    table("Words that call L2 at once", ("list", "words"), [one for one in lists if one[1]], fold=("words",))


def _calendars(now: Policy) -> None:
    from sfsync.cli.table import table

    rows = []
    for code, spec in now.calendars.items():
        if spec.kind == "always":
            rows.append((code, "always", "", ""))
            continue
        windows = ", ".join(f"{a:%H:%M}-{b.strftime('%H:%M') if b else '24:00'}" for a, b in spec.opening)
        days = ", ".join(now.business_day.days) + (", sat" if now.business_day.option_mon_sat else "")
        frozen = ", ".join(str(year) for year in now.holidays.get(spec.holidays or "", {}))
        rows.append((code, windows, days, f"{spec.holidays} (frozen: {frozen})" if spec.holidays else ""))
    table("Calendars", ("calendar", "open", "days", "holidays"), rows)
    late = [(f"{d.day}", d.calendar, f"{d.known_from:%Y-%m-%d %H:%M%z}", d.reason) for d in now.late_holidays]
    if late:
        table("Holidays that became known late", ("day", "calendar", "known from", "reason"), late, fold=("reason",))


@click.command()
@click.argument("scenario", required=False)
@o.as_of
@o.as_json
@click.pass_obj
def drill(obj: dict[str, Any], scenario: str | None, as_of: datetime | None, as_json: bool) -> int:
    """Play a case through the ladder on a clock of its own. Nothing is sent; the result is kept.

    Without SCENARIO: the drills of the policy and when each was last played. Exit code 4: a drill is due (each should
    be played once a quarter), or the ladder did not do what it promises.
    """
    from sfsync.cli import screen
    from sfsync.cli.table import Styled, instant, table
    from sfsync.runs import sla_look as runs

    with open_bench(obj, as_of) as bench:
        if scenario is None:
            found = runs.drills(bench)
            if as_json:
                screen.emit(found)
            else:
                names = ("drill", "tier", "priority", "category")
                known = [(*(d[n] for n in names), instant(d["last"]), _due(d)) for d in found]
                table("Drills", (*names, "last", ""), known)
            return int(Exit.WAITING if any(d["due"] for d in found) else Exit.DONE)
        kept, played = runs.play(bench, scenario)
    if as_json:
        screen.emit({**kept, "passed": played.passed})
    else:
        rows = [(instant(s["at"]), s["what"], Styled(f"L{s['level']}", "bold"), s["calls"]) for s in played.steps]
        table(f"Drill {scenario}", ("at", "what", "level", "calls"), rows)
        for fault in played.faults:
            screen.say(fault, "error")
        screen.say(f"kept as {kept['drill_id']}", "ok" if played.passed else "warning")
    return int(Exit.DONE if played.passed else Exit.WAITING)


def _due(found: dict[str, Any]) -> Any:
    from sfsync.cli.table import Styled

    if found["due"]:
        return Styled("due", "yellow")
    return "" if found["passed"] else Styled("failed", "red")


@click.command()
@o.option(
    "--policy",
    "other",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The file to try.",
)
@o.option("--since", type=Span(), default="90d", show_default=True, help="How far back: 90d, 12h.")
@o.as_of
@o.as_json
@click.pass_obj
def simulate(obj: dict[str, Any], other: Path, since: timedelta, as_of: datetime | None, as_json: bool) -> int:
    """Replay the cases of the past under another policy, and show what would have been different. Writes nothing."""
    from sfsync.cli import screen
    from sfsync.cli.table import table
    from sfsync.runs import sla_look as runs

    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        found = runs.simulate(bench, other, since, progress=progress)
        progress.rest()
    if as_json:
        screen.emit({"cases": found.cases, "counts": _records(found.table), "differ": _records(found.differ)})
        return int(Exit.DONE)
    table("Now and then", ("tier", "what", "now", "new"), found.table.to_numpy().tolist(), right=("now", "new"))
    if len(found.differ):
        some = found.differ.head(50).to_numpy().tolist()
        table("Cases that differ (the first fifty)", ("case", "what", "now", "new"), some)
    screen.say(f"{found.cases:,} cases, {found.differ['key'].nunique():,} of them would differ", "ok")
    return int(Exit.DONE)


@click.command()
@o.option("--from", "start", type=o.Instant(), help="Begin of the period; default: 30 days before its end.")
@o.option("--to", "end", type=o.Instant(), help="End of the period; default: now.")
@o.option("--by", type=click.Choice(["tier", "channel", "category"]), help="One line per tier, channel or category.")
@o.as_of
@o.as_json
@click.pass_obj
def report(
    obj: dict[str, Any],
    start: datetime | None,
    end: datetime | None,
    by: str | None,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Figures of a period: promises kept, first response, escalations, missed updates. Writes nothing.

    Each figure has numerator and denominator; what has fewer than thirty cases is greyed.
    """
    from sfsync.cli import screen
    from sfsync.cli.table import Styled, table
    from sfsync.runs import sla_look as runs

    until = end or o.now(as_of)
    since = start or until - timedelta(days=30)
    if since >= until:
        raise click.UsageError("the period ends before it begins; give --from before --to")
    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        found = runs.report(bench, since, until, by, progress=progress)
        progress.rest()
    if as_json:
        period = {"from": since.astimezone(UTC).isoformat(), "to": until.astimezone(UTC).isoformat()}
        shares, responses = _records(found.shares), _records(found.responses)
        screen.emit({**period, "cases": found.cases, "figures": shares, "first_response": responses})
        return int(Exit.DONE)
    rows = [
        (*(r[n] for n in ("metric", "group", "numerator", "denominator")), Styled(r["value"], GREY if r["few"] else ""))
        for r in _records(found.shares)
    ]
    table("Promises", ("figure", by or "", "of", "out of", "%"), rows, right=("of", "out of", "%"))
    if len(found.responses):
        names = list(found.responses.columns)
        seconds = [tuple(r.values()) for r in _records(found.responses)]
        table("Seconds to the first response", names, seconds, right=names[2:])
    screen.say(f"{found.cases:,} cases, {since:%Y-%m-%d} to {until:%Y-%m-%d}", "ok")
    return int(Exit.DONE)


def _records(frame: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows
