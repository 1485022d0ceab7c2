"""Standing rules about conflicts: "for this field of this mapping the platform wins", from now on and until ended.

A rule is an answer a person gives ahead, so it stands in the ledger beside the other answers, with name and date; what
a field is *for* stands in the mapping (its owner). Decision 0033.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from sfsync.errors import ConfigError
from sfsync.ledger import audit, database
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import conflict_rule as table

RECORD = ""  # the field of a conflict about the whole record: deleted in Salesforce, alive on the platform


@dataclass(frozen=True)
class Rule:
    """One rule. ``field`` empty: records deleted in Salesforce; ``until`` None: for ever. Instants as ledger text."""

    rule_id: str
    mapping: str
    field: str
    decision: str
    made_by: str
    made_at: str
    until: str | None = None
    ended_by: str | None = None
    ended_at: str | None = None

    @property
    def name(self) -> str:
        """Who decides by it, as decisions name it."""
        return f"rule {self.rule_id} of {self.made_by}"

    def holds(self, now: str) -> bool:
        """True if it stands at this instant (ledger text)."""
        return self.ended_at is None and (self.until is None or now < self.until)


def add_in(
    ledger: Ledger, connection: Connection, mapping: str, field: str, decision: str, actor: str, until: str | None
) -> Rule:
    """A new rule, in the caller's transaction; raises ``ConfigError`` RULE_EXISTS if the field has one that stands."""
    database.exclusive(connection, "conflict_rule")
    now = database.text_of(database.clock(connection))
    for other in standing_in(connection, mapping, now):
        if other.field == field:
            text = f"{other.rule_id} of {other.made_by} decides these conflicts already ({other.decision})"
            step = f"End it first: sfsync conflicts rule end {other.rule_id}"
            raise ConfigError(text, "RULE_EXISTS", f"{mapping} {field or '(the record)'}", step)
    rule = Rule(f"R-{secrets.token_hex(4)}", mapping, field, decision, actor, now, until)
    connection.execute(table.insert().values(**rule.__dict__))
    details = {"rule_id": rule.rule_id, "mapping": mapping, "field": field, "decision": decision, "until": until}
    audit.append_in(ledger, connection, "conflicts.rule", details, run_id=None, actor=actor)
    return rule


def end(ledger: Ledger, rule_id: str, actor: str) -> Rule:
    """The rule decides nothing more; what it decided stays decided. Raises ``ConfigError`` RULE_UNKNOWN."""
    with ledger.writing() as connection:
        row = connection.execute(sa.select(table).where(table.c.rule_id == rule_id)).mappings().first()
        if row is None or row["ended_at"] is not None:
            step = "See the rules that stand: sfsync conflicts rule"
            raise ConfigError("there is no such rule, or it has ended", "RULE_UNKNOWN", rule_id, step)
        ended = {"ended_by": actor, "ended_at": database.text_of(database.clock(connection))}
        connection.execute(table.update().where(table.c.rule_id == rule_id).values(**ended))
        details = {"rule_id": rule_id, "mapping": row["mapping"], "field": row["field"]}
        audit.append_in(ledger, connection, "conflicts.rule.end", details, run_id=None, actor=actor)
    audit.anchor(ledger)
    return Rule(**{**row, **ended})


def rules(ledger: Ledger, mapping: str | None = None, *, now: str | None = None) -> list[Rule]:
    """Rules, oldest first; with ``now`` (ledger text) only those that stand at that instant."""
    with ledger.reading() as connection:
        found = _all(connection, mapping)
    return [r for r in found if now is None or r.holds(now)]


def standing_in(connection: Connection, mapping: str, now: str) -> list[Rule]:
    """The rules of a mapping that stand at this instant."""
    return [r for r in _all(connection, mapping) if r.holds(now)]


def _all(connection: Connection, mapping: str | None) -> list[Rule]:
    query: Any = sa.select(table).order_by(table.c.made_at, table.c.rule_id)
    if mapping is not None:
        query = query.where(table.c.mapping == mapping)
    return [Rule(**row) for row in connection.execute(query).mappings()]
