"""Differences that have to be, each with its reason. A difference without one is a defect.

``(pattern of the pair's name, pattern of the difference, reason)``; both are searched.
"""

from __future__ import annotations

import re

REASONS: tuple[tuple[str, str, str], ...] = ()
NOT_PLAYED: tuple[tuple[str, str], ...] = ((r"^cdc_events", "an event as a subscriber gets it, no exchange over HTTP"),)


def reason(pair: str, difference: str) -> str | None:
    """Why this difference has to be; None if nobody knows."""
    for name, where, why in REASONS:
        if re.search(name, pair) and re.search(where, difference):
            return why
    return None


def not_played(pair: str) -> str | None:
    return next((why for name, why in NOT_PLAYED if re.search(name, pair)), None)
