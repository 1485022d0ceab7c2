"""Lengths of time as a policy writes them: ``10s``, ``15m``, ``24h``, ``7d``, ``3bd``, ``1bd@CBD``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfsync.planners.sla.words import SECOND

_UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
_FORM = re.compile(r"(\d+)(s|m|h|d|bd)(?:@([A-Z][A-Z0-9]*))?")


@dataclass(frozen=True)
class Duration:
    """So many units; ``calendar`` where it does not run on that of its clock. ``bd``: business days."""

    count: int
    unit: str
    calendar: str = ""

    def micros(self, business_day: int) -> int:
        """Microseconds of running time; ``business_day``: those of one day of its calendar."""
        return self.count * (business_day if self.unit == "bd" else _UNITS[self.unit])

    def __str__(self) -> str:
        return f"{self.count}{self.unit}" + (f"@{self.calendar}" if self.calendar else "")


def parse(text: str) -> Duration:
    """Reads one; raises ValueError with what is expected."""
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no length of time; write 10s, 15m, 24h, 7d, 3bd or 1bd@CBD")
    if not int(found[1]):
        raise ValueError(f"{text!r} has no length; a promise takes some time")
    return Duration(int(found[1]), found[2], found[3] or "")
