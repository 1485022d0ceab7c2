"""status, explain, audit: looking."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench
from sfsync.errors import Exit


@click.command()
@o.as_of
@o.as_json
@click.pass_obj
def status(obj: dict[str, Any], as_of: datetime | None, as_json: bool) -> int:
    """Per mapping: window, lag, last run, held, failed, conflicts; the API budget as last seen. No API call."""
    from sfsync.cli import screen
    from sfsync.runs import look

    with open_bench(obj, as_of) as bench:
        found = look.status(bench)
    if as_json:
        screen.emit(found)
        return int(Exit.DONE)
    columns = (
        "mapping",
        "known",
        "lag",
        "platform window",
        "Salesforce window",
        "held",
        "failed",
        "conflicts",
        "last run",
    )
    rows = [
        (
            name,
            part["known"],
            _ago(part["lag_s"]),
            part["windows"]["platform"],
            part["windows"]["salesforce"],
            screen.count(part["held"], "yellow"),
            screen.count(part["failed"], "red"),
            screen.count(part["conflicts"], "magenta"),
            part["last_run"],
        )
        for name, part in found["mappings"].items()
    ]
    screen.table(f"Status at {found['as_of']}", columns, rows, right=("known", "lag", "held", "failed", "conflicts"))
    runs = [
        (r["run_id"], r["command"], r["actor"], r["exit"], r["api_calls"], r["duration_s"] and f"{r['duration_s']:.1f}")
        for r in found["runs"]
    ]
    screen.table(
        "Last runs",
        ("run", "command", "by", "exit", "API calls", "seconds"),
        runs,
        right=("exit", "API calls", "seconds"),
    )
    if found["api_remaining"] is not None:
        screen.say(f"{found['api_remaining']:,} API calls were left at the end of the last run")
    return int(Exit.DONE)


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
    screen.say(
        f"{mapping} {key}: {life.presence}; Salesforce id {life.salesforce_id or 'none'}; {life.state or 'not known'}"
    )
    names = ("field", "owner", "platform", "salesforce", "base", "verdict")
    screen.table("Values", names, [[c[n] for n in names] for c in life.fields])
    if life.issues:
        open_names = ("status", "code", "field", "waits_mapping", "waits_key")
        screen.table("Open", open_names, [[i[n] for n in open_names] for i in life.issues])
    if life.next_steps:
        step_names = ("side", "kind", "field", "change", "because")
        screen.table("The next run would write", step_names, [[s[n] for n in step_names] for s in life.next_steps])
    else:
        screen.say("the next run would write nothing", "ok")
    writes = [(w["at"], w["run_id"], w["side"], w["kind"], w["result"], w["fields"], w["code"]) for w in life.writes]
    if writes:
        screen.table("Last writes", ("at", "run", "side", "kind", "result", "fields", "code"), writes)
    return int(Exit.DONE)


@click.command()
@o.option("--verify", is_flag=True, help="Check the chain from its first line.")
@o.option("--limit", type=int, default=30, show_default=True, help="How many lines to show.")
@o.as_json
@click.pass_obj
def audit(obj: dict[str, Any], verify: bool, limit: int, as_json: bool) -> int:
    """The audit trail: who ran what and what came of it, hash-chained."""
    from sfsync.cli import screen
    from sfsync.ledger import audit as trail

    with open_bench(obj, None) as bench:
        if verify:
            return _verified(trail.verify(bench.ledger), as_json)
        lines = trail.lines(bench.ledger)[-limit:]
    if as_json:
        screen.emit(lines)
        return int(Exit.DONE)
    screen.table(
        "Audit trail",
        ("seq", "at", "run", "by", "action"),
        [(n["seq"], n["at"], n["run_id"], n["actor"], n["action"]) for n in lines],
    )
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
