"""partners requests, explain, receipt, quality, approve, refuse, record, confirm, work: what follows a case."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench, open_progress
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.runs.request_decide import Decided

case = click.argument("case")
user = o.option(
    "--as", "user", default="", metavar="USERNAME", help="The Salesforce user who decides; default: our own."
)
mark = o.option("--mark", default="", help="Which mark (AM, FIN, COM, LEG, IT), where a user may give several.")


class Age(click.ParamType[timedelta]):
    """A length of time, as 90m, 4h or 3d."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Parses."""
        if isinstance(value, timedelta):
            return value
        units = {"m": "minutes", "h": "hours", "d": "days"}
        if value[-1:] not in units or not value[:-1].isdigit():
            self.fail(f"{value!r} is not an age; write it as 90m, 4h or 3d", param, ctx)
        return timedelta(**{units[value[-1]]: int(value[:-1])})


@click.command("requests")
@o.option("--state", help="Only this state, as waiting, blocked, running, open, done or refused.")
@o.option("--queue", help="Only this queue.")
@o.option("--older", type=Age(), help="Only those received so long ago: 90m, 4h, 3d.")
@o.option("--approver", metavar="USERNAME", help="Only those that wait for a mark this user may give.")
@o.option("--all", "everything", is_flag=True, help="Also what has ended.")
@o.option("--restricted", is_flag=True, help="Also requests of restricted queues.")
@o.as_of
@o.as_json
@click.pass_obj
def requests(
    obj: dict[str, Any],
    state: str | None,
    queue: str | None,
    older: timedelta | None,
    approver: str | None,
    everything: bool,
    restricted: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Partner requests by state, age, queue and approver, as the last run left them."""
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table
    from sfsync.runs import request_list

    with open_bench(obj, as_of) as bench:
        rows = request_list.listed(
            bench,
            state=state,
            queue=queue,
            older=older,
            approver=approver,
            everything=everything,
            restricted=restricted,
        )
    if as_json:
        screen.emit({"requests": rows, **request_list.sums(rows)})
        return int(Exit.DONE)
    columns = ("case", "type", "shop", "queue", "state", "waits for", "received")
    lines = [
        (
            r["case_number"] or r["case_key"][:12],
            r["type"],
            r["shop"],
            r["queue"],
            r["state"],
            ", ".join(r["waits"]),
            instant(r["received_at"]),
        )
        for r in rows
    ]
    if lines:
        table("Requests", columns, lines, fold=("waits for", "received"), spare=("queue",))
    sums = ", ".join(f"{n:,} {s}" for s, n in request_list.sums(rows)["states"].items())
    screen.say(sums or "no requests", "ok")
    return int(Exit.DONE)


@click.command("explain")
@case
@o.as_of
@o.as_json
@click.pass_obj
def explain(obj: dict[str, Any], case: str, as_of: datetime | None, as_json: bool) -> int:
    """The life of one request: what it waits for, its plan, who approved it, what was done and said."""
    from sfsync.runs import request_list

    with open_bench(obj, as_of) as bench:
        found = request_list.explained(bench, case)
    return _show(found, as_json)


@click.command("attachment")
@click.argument("reference")
@click.pass_obj
def attachment(obj: dict[str, Any], reference: str) -> int:
    """Print a text that was too long for its case, by the reference that explain names."""
    from sfsync.runs import request_list

    with open_bench(obj, None) as bench:
        click.echo(request_list.attachment(bench, reference))
    return int(Exit.DONE)


@click.command("receipt")
@case
@o.as_of
@o.as_json
@click.pass_obj
def receipt(obj: dict[str, Any], case: str, as_of: datetime | None, as_json: bool) -> int:
    """What may be told about a request: number, type, state, steps and messages with their instants."""
    from sfsync.runs import request_list

    with open_bench(obj, as_of) as bench:
        found = request_list.receipt(bench, case)
    return _show(found, as_json)


def _show(found: dict[str, Any], as_json: bool) -> int:
    from sfsync.cli import screen
    from sfsync.cli.table import table

    if as_json:
        screen.emit(found)
        return int(Exit.DONE)
    rows = [(name, _text(value)) for name, value in found.items() if value not in ("", [], {}, None)]
    table(f"Case {found['case']}", ("what", "value"), rows, fold=("value",))
    return int(Exit.DONE)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_text(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_text(v)}" for k, v in value.items() if v not in ("", [], {}, None))
    return str(value)


@click.command("quality")
@o.option("--since", type=o.Instant(), help="Only files received since.")
@o.as_json
@click.pass_obj
def quality(obj: dict[str, Any], since: datetime | None, as_json: bool) -> int:
    """Import quality: how many rows were accepted, and what was wrong with the others, the commonest first."""
    from sfsync.cli import screen
    from sfsync.cli.table import table
    from sfsync.runs import request_list

    with open_bench(obj, None) as bench:
        found = request_list.quality(bench, since)
    if as_json:
        screen.emit(found)
        return int(Exit.DONE)
    if found["codes"]:
        table("Codes", ("code", "rows"), list(found["codes"].items()), right=("rows",))
    share = "n/a" if found["percent"] is None else f"{found['percent']} %"
    screen.say(f"{found['accepted']:,} of {found['rows']:,} rows accepted ({share}) in {found['files']:,} files", "ok")
    return int(Exit.DONE)


@click.command("approve")
@case
@mark
@user
@o.option("--number", default="", help="The case's number, typed, where the steps cannot be taken back.")
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def approve(
    obj: dict[str, Any],
    case: str,
    mark: str,
    user: str,
    number: str,
    dry_run: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Approve a request's plan as it is now; a plan that changes later voids it.

    Who asks, who approves and who carries out are three people; so are the approvers of one request.
    """
    from sfsync.runs import request_decide

    with open_bench(obj, as_of) as bench:
        done = request_decide.approve(bench, case, user=user, mark=mark, number=number, dry_run=dry_run)
    return _decided(done, "approved", dry_run, as_json)


@click.command("refuse")
@case
@mark
@user
@o.option("--reason", required=True, help="Why; stays inside.")
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def refuse(
    obj: dict[str, Any],
    case: str,
    mark: str,
    user: str,
    reason: str,
    dry_run: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Refuse a request; the next run closes its case and tells the partner."""
    from sfsync.runs import request_decide

    with open_bench(obj, as_of) as bench:
        done = request_decide.refuse(bench, case, reason, user=user, mark=mark, dry_run=dry_run)
    return _decided(done, "refused", dry_run, as_json)


@click.command("record")
@case
@click.argument("gate")
@user
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def record(
    obj: dict[str, Any], case: str, gate: str, user: str, dry_run: bool, as_of: datetime | None, as_json: bool
) -> int:
    """Record what was done before the steps may begin, as call_back, two_factor or documents."""
    from sfsync.runs import request_decide

    with open_bench(obj, as_of) as bench:
        done = request_decide.record(bench, case, gate, user=user, dry_run=dry_run)
    return _decided(done, "recorded", dry_run, as_json)


@click.command("confirm")
@case
@o.option("--number", required=True, help="The case's number, typed.")
@user
@o.dry_run
@o.as_of
@o.as_json
@click.pass_obj
def confirm(
    obj: dict[str, Any], case: str, number: str, user: str, dry_run: bool, as_of: datetime | None, as_json: bool
) -> int:
    """Type the case's number: nothing that cannot be taken back is done without it."""
    from sfsync.runs import request_decide

    with open_bench(obj, as_of) as bench:
        done = request_decide.confirm(bench, case, number, user=user, dry_run=dry_run)
    return _decided(done, "confirmed", dry_run, as_json)


def _decided(done: Decided, what: str, dry_run: bool, as_json: bool) -> int:
    from sfsync.cli import screen

    seen = done.seen
    waits = [w.text() for w in seen.standing.waits]
    if as_json:
        found = {"case": seen.facts.case["number"], "case_key": seen.key, "by": done.by, "marks": list(done.marks)}
        screen.emit({**found, "plan": seen.hash, "state": str(seen.standing.state), "waits": waits, "dry_run": dry_run})
        return int(Exit.DONE)
    would = "would be " if dry_run else ""
    screen.say(f"case {seen.facts.case['number']}: {', '.join(done.marks)} {would}{what} by {done.by}", "ok")
    screen.say(f"now {seen.standing.state}" + (f"; waits for {', '.join(waits)}" if waits else ""))
    return int(Exit.DONE)


@click.command("work")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@o.dry_run
@o.waive
@o.as_of
@o.as_json
@click.pass_obj
def work(
    obj: dict[str, Any],
    cases: tuple[str, ...],
    dry_run: bool,
    waive: tuple[str, ...],
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """Do the next steps of all open requests: confirm, plan, apply, verify, send messages (for cron)."""
    from sfsync.cli import screen
    from sfsync.runs import request_work

    with open_bench(obj, as_of) as bench, open_progress(obj) as progress:
        if dry_run:
            rows = request_work.preview(bench, cases)
            progress.rest()
            if as_json:
                screen.emit({"dry_run": True, "requests": rows})
            for row in () if as_json else rows:
                screen.say(
                    f"case {row['case']}: {row['state']}; {', '.join(row['would'] or row['waits']) or 'nothing to do'}"
                )
            return int(Exit.DONE)
        result = request_work.work(bench, cases, waive=waive, progress=progress)
    if as_json:
        screen.emit(result.as_json())
        return int(result.exit)
    screen.findings(result.findings)
    screen.say(result.sentence(), "ok" if result.exit == Exit.DONE else "warning")
    return int(result.exit)


COMMANDS = (requests, explain, attachment, receipt, quality, approve, refuse, record, confirm, work)
