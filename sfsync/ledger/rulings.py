"""Who decides conflicts: a person one by one, a standing rule, or the mapping's deadline. And who may carry it out.

A plan only asks what would be decided (``ruled``); the run that writes makes it so (``decide_due``, ``claim``).
Neither a rule nor a deadline decides a conflict a lost reply left in doubt: that one waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import ConfigError
from sfsync.ledger import audit, conflicts, database, rules
from sfsync.ledger.conflicts import APPLYING, CLOSED, CODES, DECIDED, SAID
from sfsync.ledger.rules import Rule
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import conflict
from sfsync.mapping.model import Mapping

DEADLINE = "deadline"
PLATFORM, SALESFORCE = "platform", "salesforce"  # whose value wins


# -- a person


def decide(ledger: Ledger, conflict_id: str, decision: str, actor: str, *, change: bool = False) -> None:
    """Say whose value wins (platform, salesforce, keep); the next run does it. Raises as ``decide_all`` does."""
    decide_all(ledger, [conflict_id], decision, actor, change=change)


def decide_all(
    ledger: Ledger,
    ids: Sequence[str],
    decision: str,
    actor: str,
    *,
    mappings: Dict[str, Mapping] | None = None,
    change: bool = False,
    dry_run: bool = False,
) -> list[dict[str, Any]]:
    """All of these or none. Returns them as they were before, with ``again``: the same was said already.

    Raises ``ConfigError``: CONFLICT_UNKNOWN; CONFLICT_CLOSED, it is over; CONFLICT_APPLYING, a run is writing an
    earlier decision or was killed while it did; CONFLICT_DECIDED, somebody decided otherwise (``change`` overrules);
    CONFLICT_ONE_WAY, by its mapping the field is never written where this decision would have to write it.
    """
    with ledger.writing() as connection:
        rows = [conflicts.get_in(connection, one) for one in dict.fromkeys(ids)]
        refused = [said for row in rows if (said := _refusal(row, decision, mappings or {}, change=change))]
        if refused:
            first, *rest = refused
            first.message += "; nothing was decided"
            first.details = [str(one) for one in rest]
            raise first
        rows = [{**r, "again": r["state"] in SAID and r["decision"] == decision} for r in rows]
        if not dry_run:
            _say(ledger, connection, [r for r in rows if not r["again"]], decision, actor)
    audit.anchor(ledger)
    return rows


def _refusal(row: dict[str, Any], decision: str, mappings: Dict[str, Mapping], *, change: bool) -> ConfigError | None:
    """Why this conflict cannot be decided so."""
    where = f"{row['conflict_id']} ({row['mapping']} {row['key']} {row['field']})".replace(" )", ")")
    if row["state"] == CLOSED:
        return ConfigError("this conflict is over", "CONFLICT_CLOSED", where, "See what is open: sfsync conflicts")
    if row["state"] in SAID and row["decision"] == decision:
        return None
    said = f"{row['decided_by']} decided {row['decision']!r} at {str(row['decided_at'])[:19]}Z"
    if row["state"] == APPLYING:
        step = f"Run: sfsync sync {row['mapping']}; then look what is left: sfsync conflicts"
        return ConfigError(f"{said}, and run {row['run_id']} is writing that", "CONFLICT_APPLYING", where, step)
    if row["state"] == DECIDED and not change:
        return ConfigError(said, "CONFLICT_DECIDED", where, "Ask them, or overrule it: --change")
    return _one_way(row, decision, mappings, where)


def _one_way(row: dict[str, Any], decision: str, mappings: Dict[str, Mapping], where: str) -> ConfigError | None:
    """A conflict in doubt may concern a field that has an owner; the other side's value cannot win there."""
    mapping = mappings.get(row["mapping"])
    field = next((f for f in mapping.synced if f.name == row["field"]), None) if mapping else None
    if field is None or decision not in (PLATFORM, SALESFORCE):
        return None
    loser = SALESFORCE if decision == PLATFORM else PLATFORM
    if field.to_salesforce if decision == PLATFORM else field.to_platform:
        return None
    said = f"by its mapping this field is never written to {loser}, so the value of {decision} cannot win"
    step = f"Change the value in {loser} itself, or decide: --take {loser}"
    return ConfigError(said, "CONFLICT_ONE_WAY", where, step)


def _say(ledger: Ledger, connection: Connection, rows: list[dict[str, Any]], decision: str, actor: str) -> None:
    now = database.text_of(database.clock(connection))
    for row in rows:
        said = {"state": DECIDED, "decision": decision, "decided_by": actor, "decided_at": now}
        conflicts.set_in(connection, [row["conflict_id"]], **said)
        details = {n: row[n] for n in ("conflict_id", "mapping", "key", "field")} | {"decision": decision}
        if row["state"] == DECIDED:
            details["instead_of"] = f"{row['decision']} by {row['decided_by']}"
        audit.append_in(ledger, connection, "conflicts.decide", details, run_id=None, actor=actor)


# -- a rule


def add_rule(
    ledger: Ledger,
    mapping: str,
    field: str,
    decision: str,
    actor: str,
    *,
    until: datetime | None = None,
    dry_run: bool = False,
) -> tuple[Rule | None, list[str]]:
    """A standing rule; it decides the open conflicts of its field at once. Returns it and their ids.

    ``field`` empty: records deleted in Salesforce. ``dry_run``: no rule is made, the ids are those it would decide.
    Raises ``ConfigError`` RULE_EXISTS.
    """
    which = [*conflicts.certain_open(mapping), conflict.c.field == field]
    with ledger.writing() as connection:
        if dry_run:
            return None, sorted(connection.scalars(sa.select(conflict.c.conflict_id).where(*which)))
        end = None if until is None else database.text_of(until)
        rule = rules.add_in(ledger, connection, mapping, field, decision, actor, end)
        ids = conflicts.answer_in(ledger, connection, which, mapping, decision, rule.name, None)
    audit.anchor(ledger)
    return rule, ids


# -- the deadline


def decide_due(ledger: Ledger, run_id: str, mapping: Mapping, as_of: datetime) -> list[str]:
    """Treats conflicts open longer than the mapping's deadline as it says; returns their ids."""
    spec = mapping.conflicts
    if spec.then == "wait":
        return []
    due = conflict.c.since <= database.text_of(as_of - spec.deadline)
    with ledger.writing() as connection:
        which = [*conflicts.certain_open(mapping.name), due]
        ids = conflicts.answer_in(ledger, connection, which, mapping.name, spec.then, DEADLINE, run_id)
    audit.anchor(ledger)
    return ids


# -- what a plan asks


def ruled(
    ledger: Ledger,
    mapping: Mapping,
    as_of: datetime,
    columns: Sequence[str],
    keys: pd.Index,
    platform: np.ndarray,
    salesforce: np.ndarray,
) -> np.ndarray:
    """What rules and the deadline say about cells a person would be asked about: int8 n x f, as ``decisions``.

    The deadline counts for conflicts known since then, with exactly these values; a rule for all of its field. A rule
    that keeps both is no answer here: it has nothing to write, and is carried out when the conflict is met.
    """
    said = np.zeros((len(keys), len(columns)), np.int8)
    spec = mapping.conflicts
    if spec.then != "wait":
        known = conflicts.open_of(ledger, mapping.name, keys)
        known = known[known["since"] <= database.text_of(as_of - spec.deadline)]
        codes = pd.Series(CODES[spec.then], index=known.index, dtype="int8")
        said = conflicts.spread(known, codes, columns, keys, platform, salesforce)
    for rule in rules.rules(ledger, mapping.name, now=database.text_of(as_of)):
        if rule.field in columns and rule.field != rules.RECORD and rule.decision != "keep":
            said[:, list(columns).index(rule.field)] = CODES[rule.decision]
    return said


# -- carrying it out


def claim(
    ledger: Ledger, run_id: str, mapping: Mapping, as_of: datetime, cells: pd.DataFrame, decision: str
) -> np.ndarray:
    """Takes these decided cells for a batch that is about to leave; bool per row: the decision still stands.

    ``cells``: frame with ``key``, ``field``, ``platform_digest``, ``salesforce_digest``. What stands is *applying*
    from here on, and nobody can decide otherwise before its outcome is known. A cell a rule decides is noted here.
    """
    ids = conflicts.ids_of(mapping.name, cells)
    ruled = {r.field: r for r in rules.rules(ledger, mapping.name, now=database.text_of(as_of))}
    by = [r.name if (r := ruled.get(f)) and r.decision == decision else None for f in cells["field"]]
    with ledger.writing() as connection:
        known = _known(connection, ids)
        said = np.array([known.get(i) == (decision, True) for i in ids], bool)
        fresh = np.array([b is not None and not known.get(i, ("", False))[1] for b, i in zip(by, ids, strict=True)])
        for name in dict.fromkeys(b for b, new in zip(by, fresh, strict=True) if b and new):
            met = conflicts.met_in(connection, run_id, mapping.name, cells[fresh & np.array([b == name for b in by])])
            which = [database.within(connection, conflict.c.conflict_id, met)]
            conflicts.answer_in(ledger, connection, which, mapping.name, decision, name, run_id)
        taken = [i for i, ok in zip(ids, said | fresh, strict=True) if ok]
        conflicts.set_in(connection, taken, state=APPLYING, run_id=run_id)
    return np.asarray(said | fresh)


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str | None, bool]]:
    """What was decided about these, and whether that still stands."""
    found: dict[str, tuple[str | None, bool]] = {}
    query = sa.select(conflict.c.conflict_id, conflict.c.state, conflict.c.decision).with_for_update()
    for some in database.chunks(ids):
        rows = connection.execute(query.where(database.within(connection, conflict.c.conflict_id, some)))
        found |= {r[0]: (r[2], r[1] in SAID) for r in rows}
    return found
