"""The org's clock: real time plus an offset, or standing still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass
class Clock:
    """Tells the org's time in whole seconds.

    ``offset_s`` is added to real time; while ``frozen`` is set the clock stands there and moves only through
    ``advance``. ``dump`` and ``load`` carry it over a restart.
    """

    offset_s: float = 0.0
    frozen: datetime | None = None

    def now(self) -> datetime:
        if self.frozen is not None:
            return self.frozen
        return (datetime.now(UTC) + timedelta(seconds=self.offset_s)).replace(microsecond=0)

    def stamp(self) -> str:
        """Now, as Salesforce writes an instant."""
        return instant(self.now())

    def set(self, moment: datetime) -> None:
        """From here on the clock shows ``moment`` and goes on from it (or stands there if frozen)."""
        if moment.tzinfo is None:
            raise ValueError("the clock needs an instant with a time zone, for example 2026-03-01T08:00:00Z")
        if self.frozen is not None:
            self.frozen = moment.astimezone(UTC).replace(microsecond=0)
        else:
            self.offset_s = (moment - datetime.now(UTC)).total_seconds()

    def advance(self, seconds: float) -> None:
        if self.frozen is not None:
            self.frozen += timedelta(seconds=seconds)
        else:
            self.offset_s += seconds

    def freeze(self, moment: datetime | None = None) -> None:
        self.frozen = (moment or self.now()).astimezone(UTC).replace(microsecond=0)

    def thaw(self) -> None:
        """Goes on from where the clock stood."""
        if self.frozen is not None:
            moment, self.frozen = self.frozen, None
            self.set(moment)

    def dump(self) -> dict[str, Any]:
        frozen = None if self.frozen is None else self.frozen.isoformat()
        return {"offset_s": self.offset_s, "frozen": frozen}

    def load(self, state: dict[str, Any]) -> None:
        self.offset_s = float(state["offset_s"])
        self.frozen = None if state["frozen"] is None else datetime.fromisoformat(state["frozen"])


def instant(moment: datetime) -> str:
    """``2022-10-20T16:46:32.000+0000``: how every datetime leaves the org, and how the store keeps it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
