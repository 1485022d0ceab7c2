"""status, explain, audit: looking."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.late import undisturbed
from sfsync.cli.opening import open_bench
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.runs.look import Life


@click.command()
@o.as_of
@o.as_json
@click.pass_obj
def status(obj: dict[str, Any], as_of: datetime | None, as_json: bool) -> int:
    """Per mapping: window, lag, last run, held, failed, conflicts; the API budget as last seen. No API call.

    Ends with 4 if a compliance change is late (budget.compliance_late), so that cron can raise the alarm.
    """
    from sfsync.cli import screen

    with undisturbed():
        from sfsync.runs import state

        with open_bench(obj, as_of) as bench:
            found = state.status(bench)
    exit_status = Exit.WAITING if state.late(found) else Exit.DONE
    if as_json:
        screen.emit({**found, "exit": int(exit_status)})
        return int(exit_status)
    _show_mappings(found)
    _show_runs(found["runs"])
    _show_late(found["mappings"])
    if found["api_remaining"] is not None:
        screen.say(f"{found['api_remaining']:,} API calls were left at the end of the last run")
    return int(exit_status)


def _show_mappings(found: dict[str, Any]) -> None:
    from sfsync.cli.table import count, instant, table

    windows = ("platform window", "Salesforce window")
    numbers = ("known", "lag", "held", "failed", "conflicts")
    columns = ("mapping", "known", "lag", *windows, "held", "failed", "conflicts", "last run")
    rows = [
        (
            name,
            part["known"],
            _ago(part["lag_s"]),
            instant(part["windows"]["platform"]),
            instant(part["windows"]["salesforce"]),
            count(part["held"], "yellow"),
            count(part["failed"], "red"),
            _conflicts(part["conflicts"], part["overdue"]),
            part["last_run"],
        )
        for name, part in found["mappings"].items()
    ]
    title = f"Status at {instant(found['as_of'])}"
    table(title, columns, rows, right=numbers, fold=windows, spare=("last run", *windows))


def _conflicts(number: int, overdue: int) -> Any:
    """How many records are in conflict, and how many of them for longer than the mapping's deadline."""
    from sfsync.cli.table import Styled, count

    return Styled(f"{number:,} ({overdue:,} overdue)", "red") if overdue else count(number, "magenta")


def _show_late(mappings: dict[str, Any]) -> None:
    """The alarm: compliance changes that should be in Salesforce by now."""
    from sfsync.cli import screen

    for name, part in mappings.items():
        found = part["compliance"] or {}
        if found.get("late"):
            oldest = _ago(found["oldest_s"])
            screen.say(
                f"{name}: compliance changes of {found['late']:,} records are late, the oldest since {oldest}"
                " [COMPLIANCE_LATE]",
                "error",
            )
            screen.step(f"sfsync failures --mapping {name}, sfsync holds --mapping {name}; then: sfsync sync {name}")
        if found.get("unread_s"):
            screen.say(
                f"{name}: the last sync did not finish; compliance changes of the last {_ago(found['unread_s'])} may"
                " not be in Salesforce [COMPLIANCE_UNREAD]",
                "error",
            )
            screen.step(f"sfsync sync {name}")


def _show_runs(runs: list[dict[str, Any]]) -> None:
    from sfsync.cli.table import table

    columns = ("run", "command", "by", "exit", "API calls", "seconds")
    rows = [
        (r["run_id"], r["command"], r["actor"], r["exit"], r["api_calls"], r["duration_s"] and f"{r['duration_s']:.1f}")
        for r in runs
    ]
    table("Last runs", columns, rows, right=columns[3:])


def _ago(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


@click.command()
@click.argument("mapping")
@click.argument("key")
@o.values
@o.as_of
@o.as_json
@click.pass_obj
def explain(
    obj: dict[str, Any], mapping: str, key: str, show_values: bool, as_of: datetime | None, as_json: bool
) -> int:
    """The life of one record: values, base, last writes, what the next run would do and why."""
    from sfsync.cli import screen
    from sfsync.runs import look

    with open_bench(obj, as_of) as bench:
        life = look.explain(bench, mapping, key, show_values=show_values)
    if as_json:
        screen.emit(life.__dict__)
        return int(Exit.DONE)
    where = "on both sides" if life.presence == "both" else life.presence.replace("_", " ")
    screen.say(f"{mapping} {key}: {where}; Salesforce id {life.salesforce_id or 'none'}; {life.state or 'not known'}")
    show_cells("Values", life.fields)
    _show_rest(life)
    return int(Exit.DONE)


def show_cells(title: str, cells: list[dict[str, str]]) -> None:
    """The fields of one record, as ``explain`` prints them."""
    from sfsync.cli.table import table

    columns = ("field", "owner", "platform", "salesforce", "base", "verdict")
    words = [{**c, "base": _BASE.get(c["base"], c["base"]), "verdict": c["verdict"].replace("_", " ")} for c in cells]
    rows = [[c[n] for n in columns] for c in words]
    table(title, columns, rows, fold=("platform", "salesforce", "base", "verdict"))


_BASE = {"base = platform = salesforce": "both", "base = platform": "platform", "base = salesforce": "salesforce"}


def _show_rest(life: Life) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table

    if life.issues:
        parents = [f"{i['waits_mapping']} {i['waits_key']}".strip() or None for i in life.issues]
        issues = [(i["status"], i["code"], i["field"], p) for i, p in zip(life.issues, parents, strict=True)]
        table("Open", ("status", "code", "field", "waits for"), issues)
    if life.conflicts:
        names = ("conflict", "field", "state", "since", "decision", "by")
        said = [(c["state"], instant(c["since"]), c["decision"], c["decided_by"]) for c in life.conflicts]
        which = [(c["conflict_id"], c["field"] or "(the record)") for c in life.conflicts]
        table("Conflicts", names, [(*w, *s) for w, s in zip(which, said, strict=True)], fold=("since",))
    if life.next_steps:
        step_names = ("side", "kind", "field", "change", "because")
        steps = [[s[n] for n in step_names] for s in life.next_steps]
        table("The next run would write", step_names, steps, fold=("change", "because"))
    else:
        screen.say("the next run would write nothing", "ok")
    if life.writes:
        columns = ("at", "run", "side", "result", "fields", "code")
        rows = [
            (instant(w["at"]), w["run_id"], w["side"], w["result"], _few(w["fields"]), w["code"]) for w in life.writes
        ]
        table("Last writes", columns, rows, fold=("at", "fields"))


def _few(fields: str | None) -> str | None:
    """A comma-joined list of names if it is short, else how many they are."""
    names = (fields or "").split(",")
    return f"{len(names)} fields" if len(names) > 2 else ", ".join(names) or None


@click.command()
@o.option("--verify", is_flag=True, help="Check the chain from its first line.")
@o.option("--limit", type=int, default=30, show_default=True, help="How many lines to show.")
@o.as_json
@click.pass_obj
def audit(obj: dict[str, Any], verify: bool, limit: int, as_json: bool) -> int:
    """The audit trail: who ran what and what came of it, hash-chained."""
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table
    from sfsync.ledger import audit as trail

    with open_bench(obj, None) as bench:
        if verify:
            return _verified(trail.verify(bench.ledger), as_json)
        lines = trail.lines(bench.ledger)[-limit:]
    if as_json:
        screen.emit(lines)
        return int(Exit.DONE)
    rows = [(n["seq"], instant(n["at"]), n["run_id"], n["actor"], n["action"]) for n in lines]
    table("Audit trail", ("seq", "at", "run", "by", "action"), rows, right=("seq",))
    return int(Exit.DONE)


def _verified(result: Any, as_json: bool) -> int:
    from sfsync.cli import screen

    status = Exit.DONE if not result.findings else Exit.USAGE
    if as_json:
        screen.emit({"lines": result.lines, "exit": int(status), "findings": [f.__dict__ for f in result.findings]})
        return int(status)
    screen.findings(result.findings)
    screen.say(f"{result.lines:,} lines checked", "ok" if not result.findings else "error")
    return int(status)
