"""A contact centre on a served org whose clock stands still until it is moved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.e2e.world import World

NOON = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Rome
SPRING = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # an hour before the clocks go forward, 00:00 in Rome
AUTUMN = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)  # the night they go back


def text(at: datetime) -> str:
    """An instant as Salesforce takes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(value: str | None) -> datetime | None:
    """An instant as Salesforce shows it."""
    return None if value is None else datetime.fromisoformat(value)


@dataclass
class Desk:
    """A contact centre: the org's clock stands still until it is moved."""

    world: World

    def at(self, now: datetime) -> None:
        """Moves the org's clock."""
        self.world.control("clock", freeze=True, now=text(now))

    def case(self, t0: datetime, **more: Any) -> str:
        """An agent makes a case; returns its id."""
        usual = {"SFS_Tier__c": "VIP", "Priority": "P1", "Origin": "phone", "Type": "login", "Status": "New"}
        row = {**usual, "SFS_Received_At__c": text(t0), "Subject": "Prova", **more}
        return str(self.world.sobject("Case").create(row)["id"])

    def change(self, case: str, **values: Any) -> None:
        """An agent edits it."""
        self.world.sobject("Case").update(case, values)

    def say(self, case: str, words: str = "Ci stiamo lavorando.") -> None:
        """An agent tells the requester something."""
        self.world.sobject("CaseComment").create({"ParentId": case, "CommentBody": words, "IsPublished": True})

    def sweep(self, *arguments: str, exit: int = 0) -> dict[str, Any]:
        """``sla enforce --json`` at the org's time."""
        ran = self.world.run("sla", "enforce", "--json", *arguments)
        assert ran.exit == exit, (ran.exit, ran.out, ran.err)
        return ran.doc

    def sweep_at(self, now: datetime, *arguments: str, exit: int = 0) -> dict[str, Any]:
        """The clock moves, and the sweep looks."""
        self.at(now)
        return self.sweep(*arguments, exit=exit)

    def look(self, case: str, *fields: str) -> dict[str, Any]:
        """Fields of a case."""
        [row] = self.world.rows(f"SELECT {', '.join(fields)} FROM Case WHERE Id = '{case}'")
        return row

    def level(self, case: str) -> int:
        """Its level."""
        return int(self.look(case, "SFS_Esc_Level__c")["SFS_Esc_Level__c"])

    def queue(self, case: str) -> str | None:
        """The queue that owns it; None: a person does."""
        owner = self.look(case, "OwnerId")["OwnerId"]
        found = self.world.rows(f"SELECT DeveloperName FROM Group WHERE Id = '{owner}'")
        return found[0]["DeveloperName"] if found else None

    def comments(self, case: str) -> list[str]:
        """Internal comments on it, those about recoveries left out."""
        rows = self.world.rows(f"SELECT CommentBody FROM CaseComment WHERE ParentId = '{case}' AND IsPublished = FALSE")
        return [r["CommentBody"] for r in rows if "recovery-" not in r["CommentBody"]]

    def notices(self, case: str) -> list[dict[str, Any]]:
        """Notices about it in the outbox, those about recoveries left out."""
        files = sorted((self.world.folder / ".sfsync" / "outbox").glob("*.json"))
        found = [json.loads(f.read_text("utf-8")) for f in files]
        return [n for n in found if n["case_id"] == case and not n["rung"].startswith("recovery-")]

    def rungs(self, case: str) -> list[str]:
        """The rungs there is a notice for."""
        return sorted(n["rung"] for n in self.notices(case))
