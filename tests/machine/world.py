"""Two sides in memory, a real ledger, and the real ``sync`` between them; everything can fail or die on order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from pydantic import SecretStr

from sfsync import settings
from sfsync.errors import BudgetReached
from sfsync.ledger import conflicts, issues, rulings
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import lease
from sfsync.mapping.model import Mapping
from sfsync.runs import sync as runs
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result
from sfsync.sides.memory import Died, Faults, MemorySide, Point

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def _mapping(name: str, fields: dict[str, dict[str, Any]], *, deleted: str, born: str | None = None) -> Mapping:
    named = {n: {"platform": n, "salesforce": f"{n}__c", **spec} for n, spec in fields.items()}
    return Mapping.model_validate(
        {
            "mapping": name,
            "platform": {"table": name, "key": "key"},
            "salesforce": {"object": f"{name}__c", "key": "Key__c", "born": born},
            "fields": named,
            "deletes": {"salesforce_deleted": deleted},
        }
    )


COMPANY = _mapping("company", {"name": {"required": True}, "note": {"owner": "newest"}}, deleted="recreate")
SHOP = _mapping(
    "shop",
    {
        "company": {"type": "reference", "references": "company", "required": True},
        "name": {},
        "phone": {"owner": "newest"},
        "dated": {"owner": "newest", "changed_at": "dated_at"},
        "agreed": {"owner": "manual"},
        "hours": {"owner": "salesforce"},
        "opted_out": {
            "type": "boolean",
            "owner": "stricter",
            "stricter": True,
            "lane": "compliance",
            "sensitive": True,
        },
        "answered": {"owner": "earliest"},
        "before": {"type": "reference", "references": "shop", "deferred": True},
    },
    deleted="recreate",
)
TICKET = _mapping(
    "ticket",
    {
        "shop": {"type": "reference", "references": "shop"},
        "subject": {"owner": "newest"},
        "number": {"owner": "salesforce", "seed": False},
        "status": {"owner": "manual", "default": "New"},
    },
    deleted="detach",
    born="SF-{number}",
)
MAPPINGS = {m.name: m for m in (COMPANY, SHOP, TICKET)}


class Kill:
    """One process: when it dies, nothing of it goes on, least of all its clean-up."""

    def __init__(self) -> None:
        self.dead = False
        self.statements: int | None = None

    def statement(self, *_: Any) -> None:
        """Before every statement on the ledger: dead processes say nothing; the chosen one dies here."""
        if self.dead:
            raise Died("after death")
        if self.statements is not None:
            self.statements -= 1
            if self.statements < 0:
                self.die("ledger")

    def die(self, where: str) -> None:
        """The process is gone."""
        self.dead, self.statements = True, None
        raise Died(where)


@dataclass
class DeadlyFaults(Faults):
    """Faults whose deaths end the whole process."""

    kill: Kill = field(default_factory=Kill)
    budget: int | None = None

    def passing(self, point: Point) -> None:
        """Die with everything, or stop at the budget."""
        if self.kill.dead:
            raise Died("after death")
        try:
            super().passing(point)
        except Died:
            self.kill.die(point)
        if self.budget is not None and point == "before_commit":
            self.budget -= 1
            if self.budget < 0:
                raise BudgetReached("the budget is used up", "BUDGET_REACHED", "salesforce")


class MemoryOrg(MemorySide):
    """The Salesforce side in memory with what runs ask of an org beyond the protocol."""

    api_calls = 0
    api_remaining = None

    def __init__(self, *, now: datetime, batch_rows: int) -> None:
        super().__init__("salesforce", now=now, batch_rows=batch_rows)
        self.capabilities = replace(self.capabilities, settle_read=True)
        self.on_job: Any = None

    def prepare(self, mappings: Sequence[Mapping]) -> None:
        """Nothing to describe."""

    def users(self, usernames: Sequence[str]) -> set[str]:
        """Nobody is known."""
        return set()


def _fast(connection: Any, _record: object) -> None:
    """Processes die here, power does not fail."""
    connection.execute("PRAGMA synchronous=OFF")


@dataclass
class World:
    """Everything one run needs, and what other people do between runs."""

    folder: Path
    batch_rows: int = 3
    kill: Kill = field(default_factory=Kill)

    def __post_init__(self) -> None:
        self.now = START
        self.platform = MemorySide("platform", now=START, batch_rows=self.batch_rows)
        self.salesforce = MemoryOrg(now=START, batch_rows=self.batch_rows)
        for side in self.sides:
            side.faults = DeadlyFaults(kill=self.kill)
        self.ledger = Ledger.open(f"sqlite:///{self.folder / 'ledger.db'}", self.folder, b"k" * 32)
        sa.event.listen(self.ledger.engine, "connect", _fast)
        self.ledger.engine.dispose()
        sa.event.listen(self.ledger.engine, "before_cursor_execute", self.kill.statement)
        ours = settings.Ledger(folder=self.folder, url=SecretStr("sqlite:///unused.db"))
        self.settings = settings.Settings(ledger=ours)

    @property
    def sides(self) -> tuple[MemorySide, MemorySide]:
        """Both."""
        return self.platform, self.salesforce

    def side(self, name: str) -> MemorySide:
        """One of them."""
        return self.salesforce if name == "salesforce" else self.platform

    def advance(self, seconds: float) -> None:
        """Time passes everywhere."""
        for side in self.sides:
            side.advance(seconds)

    def sync(self, *names: str, full: bool = False, waive: Sequence[str] = ()) -> Result:
        """One ``sync`` in a process of its own; ``Died`` if it was killed."""
        bench = Bench(self.settings, self.platform.now)
        parts = {"mappings": MAPPINGS, "platform": self.platform, "salesforce": self.salesforce, "ledger": self.ledger}
        bench.__dict__.update(parts)
        try:
            return runs.sync(bench, names, full=full, waive=waive)
        finally:
            self._buried()

    def _buried(self) -> None:
        """What the system does when a process is gone: its lease is nobody's (its folder of plans stays)."""
        self.kill.statements = None
        if self.kill.dead:
            self.kill.dead = False
            with self.ledger.writing() as connection:
                connection.execute(lease.update().values(holder=None))

    def calm(self) -> None:
        """All faults stop."""
        for side in self.sides:
            side.faults = DeadlyFaults(kill=self.kill)
            for mapping in MAPPINGS.values():
                side.hide(mapping)
        self.platform._spoilt.clear()

    def retry(self) -> None:
        """A person lets refused records be tried again; holds wake by themselves."""
        for name in MAPPINGS:
            issues.retry(self.ledger, name, None, "tester")

    def decide(self, choice: Any) -> int:
        """A person decides every open conflict; ``choice`` gives the winner. Returns how many there were."""
        found = conflicts.conflicts(self.ledger)
        for conflict_id in found["conflict_id"]:
            rulings.decide(self.ledger, conflict_id, choice(["platform", "salesforce"]), "tester")
        return len(found)

    def conflicts(self) -> pd.DataFrame:
        """The open conflicts."""
        return conflicts.conflicts(self.ledger)

    def close(self) -> None:
        """Lets go of the ledger."""
        self.ledger.close()
