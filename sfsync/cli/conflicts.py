"""conflicts: the inbox of what changed on both sides, and how people decide it: one by one, or by rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli import options as o
from sfsync.cli.opening import open_bench
from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.cli.table import Styled
    from sfsync.mapping.model import Mapping
    from sfsync.runs.bench import Bench
    from sfsync.runs.inbox import Inbox

SHOWN = 50
THEN = {"wait": "", "keep": "both are kept", "platform": "platform wins", "salesforce": "Salesforce wins"}
take = o.option(
    "--take",
    type=click.Choice(["platform", "salesforce", "keep"]),
    required=True,
    help="Whose value wins; keep leaves both as they are.",
)
deleted = o.option("--deleted", is_flag=True, help="Records deleted in Salesforce, instead of a field.")


@click.group(invoke_without_command=True)
@o.option("--mapping", "-m", help="Only this mapping.")
@o.option("--field", "-f", "name", help="Only this field.")
@o.option(
    "--state",
    type=click.Choice(["open", "decided", "closed", "all"]),
    default="open",
    show_default=True,
    help="Which conflicts.",
)
@o.option("--limit", type=click.IntRange(min=1), default=SHOWN, show_default=True, help="How many to show.")
@o.option("--unread", is_flag=True, help="Ask neither side: only what the ledger knows, without values.")
@o.values
@o.as_of
@o.as_json
@click.pass_context
def conflicts(
    ctx: click.Context,
    mapping: str | None,
    name: str | None,
    state: str,
    limit: int,
    unread: bool,
    show_values: bool,
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """The conflict inbox: values that changed on both sides and wait for a person.

    Reads both sides for the values as they are now; personal ones are masked.
    """
    if ctx.invoked_subcommand is not None:
        return int(Exit.DONE)
    from sfsync.runs import inbox

    with open_bench(ctx.obj, as_of) as bench:
        bench.chosen([mapping] if mapping else [])
        found = inbox.listed(
            bench,
            mapping,
            name=name,
            state=None if state == "all" else state,
            limit=limit,
            show_values=show_values,
            read=not unread,
        )
    return _show_list(found, as_json)


def _show_list(found: Inbox, as_json: bool) -> int:
    from sfsync.cli import screen
    from sfsync.cli.table import table

    _say_unread(found)
    if as_json:
        screen.emit(found.rows)
        return int(Exit.DONE)
    if not found.rows:
        screen.say("no conflicts", "ok")
        return int(Exit.DONE)
    columns = (
        "id",
        "mapping",
        "key",
        "field",
        "platform",
        "salesforce",
        "platform changed",
        "Salesforce changed",
        "by",
        "since",
        "decision",
    )
    folding = ("platform", "salesforce", "platform changed", "Salesforce changed", "by", "since", "decision")
    table(
        "Conflicts",
        columns,
        [_line(row) for row in found.rows],
        fold=folding,
        spare=("platform changed", "Salesforce changed", "by", "since"),
    )
    if found.more:
        screen.say(f"{found.more:,} more; --limit N shows them")
    late = sum(row["overdue"] for row in found.rows)
    if late:
        screen.say(f"{late:,} overdue", "error")
    screen.say("sfsync conflicts resolve ID --take platform|salesforce|keep;  a whole field:  rule add")
    return int(Exit.DONE)


def _line(row: dict[str, Any]) -> list[Any]:
    from sfsync.cli.table import instant

    p, s = row["platform"], row["salesforce"]
    head = [row["conflict_id"], row["mapping"], row["key"], row["field"] or "(the record)", p["value"], s["value"]]
    return [*head, instant(p["stamp"]), instant(s["stamp"]), s["by"], instant(row["since"]), _decision(row)]


def _decision(row: dict[str, Any]) -> str | Styled:
    """What was decided, or by when somebody has to."""
    from sfsync.cli.table import Styled, instant

    if row["decision"]:
        what = {"applying": "being written: ", "closed": "done: "}.get(row["state"], "")
        return f"{what}{row['decision']} ({row['decided_by']})"
    if row["state"] == "closed":
        return "over"
    end, then = instant(row["deadline"]), THEN[row["then"]]
    if row["overdue"]:
        return Styled(f"overdue since {end}" + (f"; now {then}" if then else ""), "red")
    return f"due {end}" + (f", then {then}" if then else "")


def _say_unread(found: Inbox) -> None:
    from sfsync.cli import screen

    for error in found.unread:
        screen.say(f"{error.message}: its values are not shown [{error.code}]", "warning")


@conflicts.command("show")
@click.argument("conflict_id", metavar="ID")
@o.values
@o.as_of
@o.as_json
@click.pass_obj
def show_conflict(
    obj: dict[str, Any], conflict_id: str, show_values: bool, as_of: datetime | None, as_json: bool
) -> int:
    """One conflict: both values as they are now, who changed them and when, and how long there is to decide."""
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table
    from sfsync.runs import inbox

    with open_bench(obj, as_of) as bench:
        found = inbox.one(bench, conflict_id, show_values=show_values)
    [row] = found.rows
    _say_unread(found)
    if as_json:
        screen.emit(row)
        return int(Exit.DONE)
    sides = [(n, row[n]["value"], instant(row[n]["stamp"]), row[n]["by"]) for n in ("platform", "salesforce")]
    title = f"{row['mapping']} {row['key']} {row['field'] or '(the record)'}, in conflict since {instant(row['since'])}"
    table(title, ("side", "value now", "changed", "by"), sides, fold=("value now", "changed"))
    _explain(row)
    return int(Exit.DONE)


def _explain(row: dict[str, Any]) -> None:
    from sfsync.cli import screen
    from sfsync.cli.table import instant

    decision = _decision(row)
    screen.say(decision if isinstance(decision, str) else decision.text, "error" if row["overdue"] else "info")
    if row["decided_at"]:
        screen.say(f"decided at {instant(row['decided_at'])} by {row['decided_by']}")
    if row["code"] == "IN_DOUBT":
        screen.say("a reply was lost: our value may have arrived and been edited; only a person decides this one")
    if row["code"] == "NOT_KEPT":
        screen.say("the org undoes this opt-out after it is written; every run writes it again", "warning")
    if row["as_met"] is False and row["state"] != "closed":
        screen.say("a value has changed since: the next run meets another conflict, or none", "warning")
    if row["state"] == "open":
        screen.say(f"sfsync conflicts resolve {row['conflict_id']} --take platform|salesforce|keep")


@conflicts.command("resolve")
@click.argument("conflict_ids", nargs=-1, metavar="[ID]...")
@take
@o.option("--mapping", "-m", help="Instead of ids: all open conflicts of this mapping.")
@o.option("--field", "-f", "name", help="With --mapping: only those of this field.")
@deleted
@o.option("--change", is_flag=True, help="Overrule what somebody decided before, if no run has written it yet.")
@o.dry_run
@o.as_json
@click.pass_obj
def resolve_conflict(
    obj: dict[str, Any],
    conflict_ids: tuple[str, ...],
    take: str,
    mapping: str | None,
    name: str | None,
    deleted: bool,
    change: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Decide conflicts: all those named, or none. The next run writes it, once.

    A decision holds for exactly the two values the conflict is about.
    """
    from sfsync.ledger import rulings

    with open_bench(obj, None) as bench:
        ids = conflict_ids or _matching(bench, mapping, name, deleted)
        rows = rulings.decide_all(
            bench.ledger, ids, take, bench.actor, mappings=bench.mappings, change=change, dry_run=dry_run
        )
    return _show_decided(rows, take, dry_run, as_json)


def _matching(bench: Bench, mapping: str | None, name: str | None, deleted: bool) -> list[str]:
    from sfsync.ledger import conflicts as inbox

    if mapping is None:
        raise click.UsageError("name the conflicts by ID, or with --mapping (and --field or --deleted)")
    field = _field(bench.chosen([mapping])[mapping], name, deleted) if name or deleted else None
    return list(inbox.conflicts(bench.ledger, mapping, field=field)["conflict_id"])


def _field(mapping: Mapping, name: str | None, deleted: bool) -> str:
    """The field a rule is about; empty for the record itself."""
    if deleted == bool(name):
        raise click.UsageError("name a field, or --deleted for records deleted in Salesforce")
    if name and name not in mapping.columns:
        raise click.UsageError(f"{mapping.name} has no field {name}; there are: {', '.join(mapping.columns)}")
    return name or ""


def _show_decided(rows: Sequence[dict[str, Any]], take: str, dry_run: bool, as_json: bool) -> int:
    from sfsync.cli import screen

    if as_json:
        names = ("conflict_id", "mapping", "key", "field", "again")
        screen.emit({"take": take, "dry_run": dry_run, "conflicts": [{n: r[n] for n in names} for r in rows]})
        return int(Exit.DONE)
    again = [r for r in rows if r["again"]]
    for row in again:
        screen.say(f"{row['conflict_id']} was decided so by {row['decided_by']} already")
    count = len(rows) - len(again)
    screen.say(f"{count:,} {'would be decided' if dry_run else 'decided; the next run writes it'}", "ok")
    return int(Exit.DONE)


@conflicts.group("rule", invoke_without_command=True)
@o.option("--all", "everything", is_flag=True, help="Also rules that have ended.")
@o.as_json
@click.pass_context
def rule(ctx: click.Context, everything: bool, as_json: bool) -> int:
    """Standing rules: who wins the conflicts of a field from now on, without asking."""
    if ctx.invoked_subcommand is not None:
        return int(Exit.DONE)
    from sfsync.cli import screen
    from sfsync.cli.table import instant, table
    from sfsync.ledger import rules
    from sfsync.ledger.database import text_of

    with open_bench(ctx.obj, None) as bench:
        found = rules.rules(bench.ledger, now=None if everything else text_of(bench.as_of))
    if as_json:
        screen.emit([r.__dict__ for r in found])
    elif found:
        columns = ("id", "mapping", "field", "take", "by", "since", "until", "ended")
        rows = [
            (
                r.rule_id,
                r.mapping,
                r.field or "(the record)",
                r.decision,
                r.made_by,
                *map(instant, (r.made_at, r.until, r.ended_at)),
            )
            for r in found
        ]
        table("Rules", columns, rows, fold=("since", "until", "ended"), spare=("ended", "since"))
    else:
        screen.say("no rules", "ok")
    return int(Exit.DONE)


@rule.command("add")
@click.argument("mapping")
@click.argument("name", metavar="[FIELD]", required=False)
@deleted
@take
@o.option("--until", type=o.Instant(), help="The rule ends then.")
@o.dry_run
@o.as_json
@click.pass_obj
def add_rule(
    obj: dict[str, Any],
    mapping: str,
    name: str | None,
    deleted: bool,
    take: str,
    until: datetime | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Decide all conflicts of a field: those that are open, and new ones from now on."""
    from sfsync.cli import screen
    from sfsync.ledger import rulings

    with open_bench(obj, None) as bench:
        field = _field(bench.chosen([mapping])[mapping], name, deleted)
        made, ids = rulings.add_rule(bench.ledger, mapping, field, take, bench.actor, until=until, dry_run=dry_run)
    if as_json:
        screen.emit({"rule_id": made.rule_id if made else None, "dry_run": dry_run, "conflict_ids": ids})
    elif made is None:
        screen.say(f"{len(ids):,} open conflicts would be decided", "ok")
    else:
        screen.say(f"{made.rule_id} stands: {len(ids):,} open conflicts decided; the next run writes them", "ok")
    return int(Exit.DONE)


@rule.command("end")
@click.argument("rule_id", metavar="ID")
@o.as_json
@click.pass_obj
def end_rule(obj: dict[str, Any], rule_id: str, as_json: bool) -> int:
    """End a rule: new conflicts of its field ask again. What it decided stays decided."""
    from sfsync.cli import screen
    from sfsync.ledger import rules

    with open_bench(obj, None) as bench:
        ended = rules.end(bench.ledger, rule_id, bench.actor)
    if as_json:
        screen.emit(ended.__dict__)
    else:
        screen.say(f"{rule_id} has ended", "ok")
    return int(Exit.DONE)
