"""Instants as text and as microseconds UTC; times without offset are the wall clock of Rome (policy C.2, rule 5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from sfsync.planners.sla.words import NONE

ROME = ZoneInfo("Europe/Rome")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GAP, AMBIGUOUS = "W-TIME-GAP", "W-TIME-AMBIG"
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware instant as microseconds UTC since 1970."""
    return (at - EPOCH) // _MICRO


def parse(text: str) -> tuple[int, str]:
    """An ISO instant as microseconds UTC, and the code of what was unclear about it ("" as a rule).

    Raises ValueError or TypeError where it is none.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        return micros(at), ""
    known, code = local(at)
    return micros(known), code


def local(wall: datetime) -> tuple[datetime, str]:
    """Wall time of Rome as an instant: in the repeated hour the first one, in the missing hour one hour later."""
    first, second = (wall.replace(tzinfo=ROME, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first, ""
    # In the gap, fold 0 reads the offset from before the switch: 02:30 becomes 03:30 summer time.
    return first, AMBIGUOUS if first < second else GAP


def text(at: int) -> str | None:
    """``2026-05-12T08:00:00Z``, with a fraction only where there is one; None where there is no instant."""
    return texts(np.array([at], np.int64))[0]


def texts(at: np.ndarray) -> Sequence[str | None]:
    """``text`` of a whole column (int64 microseconds UTC)."""
    none = at == NONE
    seconds, rest = np.divmod(np.where(none, 0, at), 1_000_000)
    made = np.char.add(np.datetime_as_string(seconds.view("datetime64[s]"), unit="s"), "Z").tolist()
    for i in np.flatnonzero(rest):
        made[i] = f"{made[i][:-1]}.{rest[i]:06d}".rstrip("0") + "Z"
    for i in np.flatnonzero(none):
        made[i] = None
    return made
