"""Terms in civil days, and promises apart from the five clocks (policy C.4 and C.8). Whole columns at once.

Days are ``datetime64[D]``; instants int64 microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from sfsync.planners.sla.calendar import DAY
from sfsync.planners.sla.figures import holidays_of
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.walltime import EPOCH, micros
from sfsync.planners.sla.words import SECOND, TIERS

AUX = ("CB", "ARR", "TABLE", "DEC", "HWX", "WAIT_LOUNGE")
LAST_SECOND = time(23, 59, 59)


def days_after(policy: Policy, timer: str, day: np.ndarray) -> np.ndarray:
    """The last day of a term in whole days: ``kyc_document``, ``ticket_payout``."""
    return day + np.timedelta64(getattr(policy.timers, timer).micros(DAY) // DAY, "D")


def gdpr_due(policy: Policy, received: np.ndarray, *, extended: bool = False) -> np.ndarray:
    """The corresponding day of a later month, else its last day; on a day off, the next working day."""
    months = policy.timers.gdpr_request.months + (policy.timers.gdpr_request.extension_months if extended else 0)
    month = received.astype("datetime64[M]")
    within = received - month.astype("datetime64[D]")
    target = month + np.timedelta64(months, "M")
    last = (target + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    due = np.minimum(target.astype("datetime64[D]") + within, last)
    found: np.ndarray = np.busday_offset(due, 0, roll="forward", holidays=_holidays(policy))
    return found


def _holidays(policy: Policy) -> list[np.datetime64]:
    name = next(iter(policy.holidays))
    return [np.datetime64(day) for day in sorted(holidays_of(policy, name))]


def withdrawal_due(policy: Policy, requested: np.ndarray, *, escalate: bool = False) -> np.ndarray:
    """Seven civil days (five for the call to Finance) at the same time of the clock on the wall."""
    timer = policy.timers.withdrawal
    days = (timer.escalate if escalate else timer.due).micros(DAY) // DAY
    return _by_wall(requested, ZoneInfo(policy.tz), lambda at: at + timedelta(days=days))


def elapsed(policy: Policy, timer: str, since: np.ndarray) -> np.ndarray:
    """A term of real time: ``ticket_cancel``, ``data_breach``; that instant itself is still in time."""
    return since + getattr(policy.timers, timer).micros(DAY)


def same_day(policy: Policy, detected: np.ndarray) -> np.ndarray:
    """The last second of the local day."""
    return _by_wall(detected, ZoneInfo(policy.same_day_tz), lambda at: datetime.combine(at, LAST_SECOND, at.tzinfo))


def auxiliary(policy: Policy, name: str, tier: np.ndarray, since: np.ndarray) -> np.ndarray:
    """CB, ARR, TABLE, DEC, HWX or WAIT_LOUNGE of VIP and VVIP cases; ``tier``: numbers. 0: this tier has none."""
    lengths = [policy.tier(t).aux.get(name) for t in TIERS]
    length = np.array([one.micros(DAY) if one else 0 for one in lengths], np.int64)[tier]
    return np.where(length > 0, since + length, 0)


def _by_wall(at: np.ndarray, zone: ZoneInfo, move: Callable[[datetime], datetime]) -> np.ndarray:
    """Wall-clock arithmetic has no columns: each value is moved by itself, each distinct one once."""
    each, where = np.unique(at, return_inverse=True)
    moved = [micros(move(_local(int(one), zone)).astimezone(UTC)) for one in each]
    return np.array(moved, np.int64)[where]


def _local(at: int, zone: ZoneInfo) -> datetime:
    seconds, rest = divmod(at, SECOND)
    return (EPOCH + timedelta(seconds=seconds, microseconds=rest)).astimezone(zone)
