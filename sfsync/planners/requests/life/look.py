"""What one check before a request's first step looks at, and how it says what to wait for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sfsync.planners.requests.life.words import Facts, Request, Trail, Wait
from sfsync.planners.requests.steps import Before, Book

REASON, GATE, NEED = "reason", "gate", "need"


@dataclass(frozen=True)
class Look:
    """What one check looks at."""

    book: Book
    check: Before
    request: Request
    facts: Facts
    trail: Trail
    as_of: datetime

    def instant(self, name: str) -> datetime | None:
        """A field of the request, or T0, as an instant; a date is its midnight. None if it is empty."""
        zone = ZoneInfo(self.book.steps.zone)
        if name == "received_at":
            return self.request.received_at.astimezone(zone)
        text = self.request.fields.get(name)
        if not text:
            return None
        found = datetime.fromisoformat(text)
        return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)

    def fails(self, kind: str = REASON, until: datetime | None = None) -> Iterator[Wait]:
        """This check does not hold."""
        yield Wait(kind, self.check.reason, until)

    def asks(self) -> Iterator[Wait]:
        """The check's gates that nobody recorded."""
        yield from (Wait(GATE, g) for g in self.check.given("gates", ()) if g not in self.trail.gates)
