"""A second, slow reading of the SLA policy: one case at a time, event by event, every figure a literal.

It shares nothing with the engine. An instant is a whole number of microseconds since 1970 (UTC), a length is a number
of microseconds. A clock is an anchor, a length and a calendar; its due follows from them and from the pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

TIERS = ("STANDARD", "VIP", "VVIP")  # lowest first; PARTNER stands apart
URGENT = ("P1", "P2")

FR: dict[str, dict[str, int]] = {
    "VVIP": {
        "phone": 10 * SECOND, "chat": 15 * SECOND, "email": 10 * MINUTE, "messenger": 10 * MINUTE,
        "portal": 10 * MINUTE, "social": 10 * MINUTE, "onsite": 2 * MINUTE, "import": 60 * MINUTE,
    },
    "VIP": {
        "phone": 20 * SECOND, "chat": 30 * SECOND, "email": 15 * MINUTE, "messenger": 15 * MINUTE,
        "portal": 15 * MINUTE, "social": 15 * MINUTE, "onsite": 5 * MINUTE, "import": 60 * MINUTE,
    },
    "STANDARD": {
        "phone": 60 * SECOND, "chat": 60 * SECOND, "email": 30 * MINUTE, "messenger": 30 * MINUTE,
        "portal": 30 * MINUTE, "social": 30 * MINUTE, "import": 60 * MINUTE,
    },
    "PARTNER": {
        "phone": 60 * SECOND, "chat": 60 * SECOND, "email": 30 * MINUTE, "messenger": 30 * MINUTE,
        "portal": 30 * MINUTE, "import": 60 * MINUTE, "onsite": 30 * MINUTE,
    },
}  # fmt: skip
MIT: dict[str, dict[str, int]] = {
    "VVIP": {"P1": 15 * MINUTE, "P2": 1 * HOUR},
    "VIP": {"P1": 15 * MINUTE, "P2": 1 * HOUR},
    "STANDARD": {"P1": 30 * MINUTE, "P2": 2 * HOUR},
    "PARTNER": {"P1": 30 * MINUTE, "P2": 2 * HOUR},
}
RES: dict[str, dict[str, int]] = {
    "VVIP": {"P1": 2 * HOUR, "P2": 4 * HOUR, "P3": 24 * HOUR, "P4": 3 * 24 * HOUR},
    "VIP": {"P1": 2 * HOUR, "P2": 4 * HOUR, "P3": 24 * HOUR, "P4": 3 * 24 * HOUR},
    "STANDARD": {"P1": 4 * HOUR, "P2": 8 * HOUR, "P3": 48 * HOUR, "P4": 5 * 24 * HOUR},
    "PARTNER": {"P1": 4 * HOUR, "P2": 8 * HOUR, "P3": 2 * 10 * HOUR, "P4": 5 * 10 * HOUR},
}
NU: dict[str, dict[str, int]] = {
    "VVIP": {"P1": 30 * MINUTE, "P2": 1 * HOUR, "P3": 8 * HOUR, "P4": 24 * HOUR},
    "VIP": {"P1": 30 * MINUTE, "P2": 1 * HOUR, "P3": 8 * HOUR, "P4": 24 * HOUR},
    "STANDARD": {"P1": 1 * HOUR, "P2": 2 * HOUR, "P3": 24 * HOUR, "P4": 2 * 24 * HOUR},
    "PARTNER": {"P1": 1 * HOUR, "P2": 2 * HOUR, "P3": 10 * HOUR, "P4": 2 * 10 * HOUR},
}
HIGH_LADDER: dict[str, dict[str, int]] = {
    "P2": {"L2": 1 * HOUR, "L3": 2 * HOUR, "L4": 4 * HOUR},
    "P3": {"L2": 12 * HOUR, "L3": 18 * HOUR, "L4": 24 * HOUR},
    "P4": {"L2": 2 * 24 * HOUR, "L3": 3 * 24 * HOUR},
}
LADDER: dict[str, dict[str, dict[str, int]]] = {
    "VVIP": {"P1": {"L2": 10 * MINUTE, "L3": 30 * MINUTE, "L4": 60 * MINUTE}, **HIGH_LADDER},
    "VIP": {
        "P1": {"L2_prealert": 10 * MINUTE, "L2": 15 * MINUTE, "L3": 30 * MINUTE, "L4": 60 * MINUTE},
        **HIGH_LADDER,
    },
    "STANDARD": {
        "P1": {"L2": 30 * MINUTE, "L3": 60 * MINUTE, "L4": 4 * HOUR},
        "P2": {"L2": 2 * HOUR, "L3": 4 * HOUR, "L4": 8 * HOUR},
        "P3": {"L2": 24 * HOUR, "L3": 36 * HOUR, "L4": 48 * HOUR},
        "P4": {"L2": 4 * 24 * HOUR, "L3": 5 * 24 * HOUR},
    },
    "PARTNER": {
        "P1": {"L2": 30 * MINUTE, "L3": 60 * MINUTE, "L4": 4 * HOUR},
        "P2": {"L2": 2 * HOUR, "L3": 4 * HOUR, "L4": 8 * HOUR},
        "P3": {"L2": 10 * HOUR, "L3": 15 * HOUR, "L4": 20 * HOUR},
        "P4": {"L2": 40 * HOUR, "L3": 50 * HOUR},
    },
}
MAX_PAUSE_HOURS = {"P1": 4 * HOUR, "P2": 24 * HOUR}  # on the RES calendar
MAX_PAUSE_DAYS = {"P3": 5 * 24 * HOUR, "P4": 10 * 24 * HOUR}  # on CBD

PLAYER: dict[str, tuple[str, str]] = {
    "registration": ("P3", "std"), "login": ("P3", "std"), "password_reset": ("P3", "std"),
    "two_factor": ("P3", "std"), "profile_update": ("P4", "std"), "account_blocked": ("P1", "std"),
    "geo_block": ("P3", "tech"), "kyc_upload": ("P3", "std"), "kyc_review": ("P3", "std"),
    "sof_sow": ("P3", "compliance"), "deposit_failed": ("P1", "payments"), "deposit_pending": ("P2", "payments"),
    "withdrawal_failed": ("P1", "payments"), "withdrawal_pending": ("P2", "payments"),
    "payment_dispute": ("P2", "payments"), "billing_error": ("P2", "payments"), "fees_limits": ("P4", "std"),
    "cash_drop": ("P3", "payments"), "account_adjustment": ("P3", "payments"), "game_unavailable": ("P1", "tech"),
    "game_technical": ("P2", "tech"), "session_disconnect": ("P2", "tech"), "content_loading": ("P3", "tech"),
    "mobile_app": ("P3", "tech"), "how_to": ("P4", "std"), "bet_outcome": ("P3", "std"),
    "large_payout_dispute": ("P2", "compliance"), "fairness": ("P3", "compliance"),
    "bonus_wagering": ("P4", "std"), "bonus_missing": ("P3", "std"), "bonus_request_discretionary": ("P4", "std"),
    "limits": ("P2", "rg"), "cooling_off": ("P1", "rg"), "self_exclusion": ("P1", "rg"),
    "self_exclusion_revoke": ("P3", "rg"), "rg_signal": ("P2", "rg"), "payment_fraud": ("P1", "fraud"),
    "bonus_abuse": ("P3", "fraud"), "account_takeover": ("P1", "fraud"), "aml_suspicion": ("P2", "aml"),
    "vip_reactivation": ("P3", "vip"), "vip_attrition": ("P3", "vip"), "vip_retention": ("P3", "vip"),
    "reservation": ("P3", "vip"), "tournament": ("P3", "vip"), "travel": ("P3", "vip"),
    "transfer_interrupted": ("P2", "vip"), "room_overbooking": ("P2", "vip"), "feedback": ("P4", "std"),
    "complaint": ("P3", "std"), "privacy_request": ("P3", "privacy"), "other": ("P4", "std"),
}  # fmt: skip
PARTNER: dict[str, str] = {
    "terminal_fault": "P2", "terminal_request": "P4", "connectivity_fault": "P1", "consumables": "P4",
    "ticket_dispute": "P3", "ticket_payout": "P2", "ticket_cancel": "P1", "voucher_issue": "P2",
    "topup_failed": "P1", "topup_reversal": "P1", "contract_change": "P4", "iban_change": "P3",
    "contact_change": "P4", "premises_move": "P3", "licence_document": "P3", "operator_create": "P3",
    "operator_disable": "P2", "credential_reset": "P2", "credit_limit_change": "P2", "commission_dispute": "P3",
    "overdue_settlement": "P2", "commission_change": "P4", "promo_material": "P4", "public_ip_change": "P3",
    "shop_suspend": "P3", "shop_close": "P3", "shop_transfer": "P3", "shop_open": "P3", "aml_identification": "P2",
    "inspection_notice": "P1", "training_howto": "P4", "partner_other": "P4",
}  # fmt: skip
PARTNER_COMPLIANCE = ("aml_identification", "inspection_notice")
TRIGGERS = (
    "account_blocked", "payment_dispute", "transfer_interrupted", "room_overbooking", "self_exclusion", "cooling_off",
    "account_takeover", "payment_fraud", "aml_suspicion", "large_payout_dispute",
)  # fmt: skip

ORDER = {
    "first_response": 0, "public_update": 1, "mitigated": 2, "resolved": 3, "cancelled": 4, "pir_delivered": 5,
    "pause": 6, "fm_begin": 7, "max_pause": 8, "resume": 9, "fm_end": 10,
    "reopened": 11, "tier": 12, "category": 13, "priority": 14, "words": 15,
}  # fmt: skip
WHILE_RESOLVED = ("first_response", "pir_delivered", "reopened", "fm_begin", "fm_end", "words")
COMPLIANCE = ("fraud", "aml", "rg", "compliance")


def micros(moment: str | datetime) -> int:
    """The instant as microseconds since 1970; a time without offset is Rome's, the first one in the repeated hour."""
    stamp = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=ROME)
    return (stamp.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def text(instant: int | None) -> str | None:
    """The instant as the contract writes it: UTC with a Z, a fraction only if there is one."""
    if instant is None:
        return None
    stamp = EPOCH + timedelta(microseconds=instant)
    return stamp.replace(tzinfo=None).isoformat() + "Z"


# --- calendars -------------------------------------------------------------------------------------------------------


@cache
def holidays(year: int) -> frozenset[date]:
    """Italy's national holidays of a year; Easter Monday from the seed's own table, 4 October from 2026 on."""
    easter_monday = {2025: (4, 21), 2026: (4, 6), 2027: (3, 29), 2028: (4, 17)}[year]
    days = [(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26), easter_monday]
    if year >= 2026:
        days.append((10, 4))
    return frozenset(date(year, month, day) for month, day in days)


@cache
def window(calendar: str, day: date) -> tuple[int, int] | None:
    """When the calendar runs on a local date, as UTC instants; None on a closed day."""
    if day.weekday() >= 5 or day in holidays(day.year):
        return None
    if calendar == "CBD":
        opening = datetime.combine(day, time(0), tzinfo=ROME)
        closing = datetime.combine(day + timedelta(days=1), time(0), tzinfo=ROME)
    else:
        opening = datetime.combine(day, time(8), tzinfo=ROME)
        closing = datetime.combine(day, time(18), tzinfo=ROME)
    return micros(opening), micros(closing)


def windows(calendar: str, start: int) -> Iterator[tuple[int, int]]:
    """The (open, close) windows that end after the start, one by one, without end."""
    day = (EPOCH + timedelta(microseconds=start)).astimezone(ROME).date()
    while True:
        span = window(calendar, day)
        if span is not None and span[1] > start:
            yield span
        day += timedelta(days=1)


def add(calendar: str, start: int, length: int) -> int:
    """The earliest instant at which the running time since the start equals the length."""
    if calendar == "C24" or length == 0:
        return start + length
    for opening, closing in windows(calendar, start):
        begin = max(opening, start)
        if length <= closing - begin:
            return begin + length
        length -= closing - begin
    raise AssertionError("windows never end")


def run(calendar: str, start: int, end: int) -> int:
    """The running time between two instants; nothing if the end is not later."""
    if end <= start:
        return 0
    if calendar == "C24":
        return end - start
    total = 0
    for opening, closing in windows(calendar, start):
        if opening >= end:
            return total
        total += min(closing, end) - max(opening, start)
    raise AssertionError("windows never end")


@dataclass
class Pauses:
    """Merged pauses in order; the last one may still be open."""

    closed: list[tuple[int, int]] = field(default_factory=list)
    begun: int | None = None

    def set(self, paused: bool, now: int) -> bool | None:
        """Open or close a pause: True when one began, False when one ended, None when nothing changed."""
        if paused and self.begun is None:
            self.begun = now
            return True
        if not paused and self.begun is not None:
            self.closed.append((self.begun, now))
            self.begun = None
            return False
        return None

    def stretches(self, start: int, with_open: bool = True) -> Iterator[tuple[int, int | None]]:
        """The unpaused stretches from the start on; the last one has no end unless a pause is open."""
        for begin, end in self.closed:
            if end <= start:
                continue
            yield start, max(begin, start)
            start = end
        if with_open and self.begun is not None:
            yield start, max(self.begun, start)
        else:
            yield start, None


def add_around(calendar: str, start: int, length: int, pauses: Pauses, with_open: bool = True) -> int | None:
    """Like add, but pauses do not count; None if an open pause stands before the end."""
    for begin, end in pauses.stretches(start, with_open):
        if end is None:
            return add(calendar, begin, length)
        available = run(calendar, begin, end)
        if length <= available:
            return add(calendar, begin, length)
        length -= available
    return None


def run_around(calendar: str, start: int, end: int, pauses: Pauses) -> int:
    """The running time between two instants without the pauses."""
    total = 0
    for begin, finish in pauses.stretches(start):
        total += run(calendar, begin, end if finish is None else min(finish, end))
    return total


def percent(length: int, share: int) -> int:
    """A share of a length, rounded up to the whole second."""
    return -(-length * share // (100 * SECOND)) * SECOND


# --- one clock -------------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """One promise: length of running time from the anchor, unless its due is fixed because it had passed."""

    pauses: Pauses
    calendar: str = "C24"
    anchor: int = 0
    length: int = 0
    fixed: int | None = None
    offers: list[tuple[str, int]] = field(default_factory=list)  # raises made in a pause, weighed at its end
    started: bool = False
    ended: bool = False  # cancelled, or would be had it not been breached
    stopped: int | None = None
    kept: int | None = None  # the due it had when it stopped or ended
    breached: int | None = None

    @property
    def live(self) -> bool:
        """Started, and neither stopped nor ended."""
        return self.started and not self.ended and self.stopped is None

    @property
    def paused(self) -> bool:
        """Inside a pause."""
        return self.pauses.begun is not None

    def start(self, now: int, calendar: str, length: int) -> None:
        """Count a length from now on; a breach of before stays."""
        self.calendar, self.anchor, self.length = calendar, now, length
        self.fixed, self.offers, self.kept, self.stopped = None, [], None, None
        self.started, self.ended = True, False

    def due(self, with_open: bool = True) -> int | None:
        """The due in force; None while a pause holds it open."""
        if self.fixed is not None:
            return self.fixed
        return add_around(self.calendar, self.anchor, self.length, self.pauses, with_open)

    def shown(self) -> int | None:
        """The due to show of a live clock: none in a pause, except of a breached clock."""
        if not self.paused:
            return self.due()
        return self.due(with_open=False) if self.breached is not None else None

    def check(self, now: int) -> None:
        """Breached as soon as now is later than due."""
        if self.live and self.breached is None:
            due = self.due()
            if due is not None and due < now:
                self.breached = due

    def stop(self, now: int) -> None:
        """The completing event."""
        if self.live:
            self.kept, self.stopped = self.shown(), now

    def end(self) -> None:
        """Cancelled, as far as it had not been stopped."""
        if self.live:
            self.kept, self.ended = self.shown(), True

    def raise_to(self, now: int, calendar: str, length: int) -> None:
        """The earlier of the old due and a new full length from now, weighed at the end of a pause if in one."""
        if not self.live:
            if self.stopped is None:
                self.start(now, calendar, length)
            return
        due = self.due()
        if due is None:
            self.offers.append((calendar, length))
            return
        if not self.paused:
            due = min(due, add(calendar, now, length))
        self.fixed = due if due < now or self.paused else None
        self.calendar, self.anchor, self.length = calendar, now, run(calendar, now, due)

    def lower_to(self, start: int, calendar: str, length: int) -> None:
        """The full new length from the start with past pauses."""
        if self.live:
            self.start(start, calendar, length)

    def weigh(self, now: int) -> None:
        """The end of a pause: the raises made inside it against the running time that was left."""
        if not self.live or not self.offers:
            return
        left = self.left(now)
        due = min(add(calendar, now, length) for calendar, length in [(self.calendar, left), *self.offers])
        self.calendar = self.offers[-1][0]
        self.anchor, self.length, self.offers = now, run(self.calendar, now, due), []

    def left(self, now: int) -> int:
        """The running time left to the due, never negative."""
        if self.fixed is not None:
            return run(self.calendar, now, self.fixed)
        return max(0, self.length - run_around(self.calendar, self.anchor, now, self.pauses))

    def state(self) -> str:
        """The state by precedence."""
        if not self.started:
            return "na"
        if self.breached is not None:
            return "breached"
        if self.stopped is not None:
            return "met"
        if self.ended:
            return "cancelled"
        return "paused" if self.paused else "running"

    def report(self) -> dict[str, str | None]:
        """The clock as the contract shows it."""
        state = self.state()
        due = self.shown() if self.live else self.kept
        return {
            "state": state,
            "due": None if state in ("na", "cancelled", "paused") else text(due),
            "stopped_at": text(self.stopped) if self.started else None,
            "breached_at": text(self.breached),
        }


# --- one case --------------------------------------------------------------------------------------------------------


@dataclass
class Update:
    """The next-update clock."""

    active: bool = True
    reset: int = 0
    due: int | None = None
    missing: int | None = None  # a due that fell exactly on the begin of a pause
    held: int | None = None  # the due a pause took away, and when
    held_at: int | None = None
    missed: int = 0
    last: int | None = None


def floor_of(category: str, tier: str) -> str:
    """The priority a case of the category has at least."""
    if category in PARTNER:
        return PARTNER[category]
    if tier == "STANDARD" and category in ("deposit_failed", "withdrawal_failed"):
        return "P2"
    return PLAYER.get(category, PLAYER["other"])[0]


def path_of(category: str, tier: str) -> str:
    """The escalation path."""
    if tier == "PARTNER" or category in PARTNER:
        return "compliance" if category in PARTNER_COMPLIANCE else "partner"
    path = PLAYER.get(category, PLAYER["other"])[1]
    return "vip" if path == "std" and tier in ("VIP", "VVIP") else path


class Simulation:
    """One case from T0 to an instant."""

    def __init__(self, case: dict[str, Any], as_of: int) -> None:
        """The case as it stands at T0, before its first event."""
        self.case = case
        self.as_of = as_of
        self.t0 = micros(case["t0"])
        self.tier: str = case["tier"]
        self.channel: str = case["channel"]
        self.category: str = case["category"]
        floor = floor_of(self.category, self.tier)
        self.priority: str = min(case.get("priority") or floor, floor)
        self.path = path_of(self.category, self.tier)
        self.warnings: set[str] = set()

        self.answered = False
        self.resolved: int | None = None
        self.cancelled = False
        self.mitigated = False
        self.reopenings = 0
        self.episode = self.t0
        self.waiting = False
        self.waiting_counts = False
        self.waiting_ends: int | None = None
        self.majeure = 0
        self.in_danger = False  # words of harm were written
        self.unread = False  # words of harm that wait for the reopening

        self.pauses = Pauses()
        self.majeure_pauses = Pauses()
        self.fr = Clock(self.majeure_pauses)
        self.mit = Clock(self.pauses)
        self.res = Clock(self.pauses)
        self.pir = Clock(self.majeure_pauses)
        self.nu = Update(reset=self.t0, due=add(*self.nu_from(self.t0)))
        self.res_left = 0

        target = FR[self.tier].get(self.channel)
        if target is not None:
            self.fr.start(self.t0, self.desk_or_always(), target)
        if self.priority in URGENT:
            self.mit.start(self.t0, self.desk_or_always(), MIT[self.tier][self.priority])
        self.res.start(self.t0, self.res_calendar(), RES[self.tier][self.priority])

        self.level = 1
        self.reached: dict[str, int] = {}
        self.ladder_from = self.ladder_since = self.t0
        self.apply_trigger(self.t0)

    # figures that follow from tier and priority

    def desk_or_always(self) -> str:
        """The calendar of FR and MIT."""
        return "CDESK" if self.tier == "PARTNER" else "C24"

    def res_calendar(self) -> str:
        """The calendar of RES and of the ladder."""
        if self.tier == "PARTNER":
            return "CDESK"
        return "CBD" if self.priority == "P4" else "C24"

    def nu_from(self, start: int) -> tuple[str, int, int]:
        """Calendar, start and interval of the next update."""
        return self.res_calendar(), start, NU[self.tier][self.priority]

    @property
    def open(self) -> bool:
        """Neither resolved nor cancelled."""
        return self.resolved is None and not self.cancelled

    # time passes

    def rung(self, name: str) -> int | None:
        """The instant at which an unreached rung is reached if nothing more happens; None if never or not known."""
        length = LADDER[self.tier][self.priority].get(name)
        if length is None or not self.open or (name == "L2_prealert" and self.level >= 2):
            return None
        if self.mitigated:
            if name not in ("L3", "L4") or self.res.offers:
                return None
            length = percent(self.res.length, 75 if name == "L3" else 100)
            instant = add_around(self.res.calendar, self.res.anchor, length, self.pauses)
        else:
            instant = add_around(self.res_calendar(), self.ladder_from, length, self.pauses)
        return None if instant is None else max(instant, self.ladder_since)

    def next_step(self, now: int) -> tuple[int, int, str] | None:
        """The earliest rung reached up to now or update missed before now."""
        steps = []
        for number, name in enumerate(("L2_prealert", "L2", "L3", "L4")):
            instant = None if name in self.reached else self.rung(name)
            if instant is not None and instant <= now:
                steps.append((instant, number, name))
        missed = self.nu.due if self.nu.missing is None else self.nu.missing
        if self.nu.active and missed is not None and missed < now:
            steps.append((missed, 9, "NU"))
        return min(steps) if steps else None

    def settle(self, now: int) -> None:
        """Everything that time alone brought about up to now."""
        while (step := self.next_step(now)) is not None:
            instant, _, name = step
            if name == "NU":
                self.miss_update(instant)
            else:
                self.reached[name] = instant
                if name != "L2_prealert":
                    self.level = max(self.level, int(name[1]))
        for clock in (self.fr, self.mit, self.res, self.pir):
            clock.check(now)

    def miss_update(self, instant: int) -> None:
        """One missed update; the third of an episode raises the level."""
        self.nu.missed += 1
        self.nu.last = self.nu.reset = instant
        self.nu.due = add(*self.nu_from(instant)) if self.nu.missing is None else None
        self.nu.missing = None
        if self.nu.missed == 3:
            self.level_up(instant)

    def level_up(self, now: int) -> None:
        """One level more, at most 4."""
        if self.level < 4:
            self.level += 1
            self.reached.setdefault(f"L{self.level}", now)

    def apply_trigger(self, now: int) -> None:
        """L2 at once for a trigger category and for every case on path fraud, aml or rg."""
        if self.category in TRIGGERS or self.path in ("fraud", "aml", "rg"):
            self.level = max(self.level, 2)
            self.reached.setdefault("L2", now)

    def pause_or_resume(self, now: int) -> None:
        """Bring the pauses in line with the waiting status and the force majeure."""
        majeure = self.majeure > 0 and self.path not in ("fraud", "aml", "rg", "compliance")
        if self.majeure_pauses.set(majeure, now) is False:
            self.fr.weigh(now)
            self.pir.weigh(now)
        change = self.pauses.set(majeure or self.waiting_counts, now)
        if change is True and self.nu.active:
            self.nu.missing = now if self.nu.due == now else None
            self.nu.held, self.nu.held_at, self.nu.due = self.nu.due, now, None
        if change is False:
            self.mit.weigh(now)
            self.res.weigh(now)
            if self.nu.active:
                self.nu.missing = None
                if now == self.nu.held_at:  # a pause without length changes nothing
                    assert self.nu.held is not None
                    self.nu.due = min(self.nu.held, add(*self.nu_from(now)))  # but a raise of the same instant does
                else:
                    self.nu.reset, self.nu.due = now, add(*self.nu_from(now))

    def stop_waiting(self) -> None:
        """The status is no longer a waiting one."""
        self.waiting = self.waiting_counts = False
        self.waiting_ends = None

    # the events

    def first_response(self, now: int, event: dict[str, Any]) -> None:
        """FR stops."""
        self.answered = True
        self.fr.stop(now)

    def public_update(self, now: int, event: dict[str, Any]) -> None:
        """NU starts again."""
        self.nu.reset = now
        if self.pauses.begun is None:
            self.nu.due = add(*self.nu_from(now))

    def on_mitigated(self, now: int, event: dict[str, Any]) -> None:
        """MIT stops; the rungs not yet reached are replaced."""
        if self.priority not in URGENT or self.mitigated:
            return
        self.mit.stop(now)
        self.mitigated, self.ladder_since = True, now

    def on_resolved(self, now: int, event: dict[str, Any]) -> None:
        """The episode ends."""
        for clock in (self.mit, self.res):
            clock.stop(now)
        if self.res.offers:
            stopped, self.res.stopped = self.res.stopped, None
            self.res.weigh(now)
            self.res.stopped = stopped
        self.res_left = self.res.left(now)
        self.resolved = now
        self.nu.active = False
        self.stop_waiting()
        self.pause_or_resume(now)
        delivered = self.pir.stopped is not None
        if self.priority in URGENT and self.tier != "STANDARD" and not delivered:
            self.pir = Clock(self.majeure_pauses)
            self.pir.start(now, "C24", 24 * HOUR)

    def on_cancelled(self, now: int, event: dict[str, Any]) -> None:
        """Nothing has an effect any more."""
        for clock in (self.fr, self.mit, self.res, self.pir):
            clock.end()
        self.nu.active = False
        self.cancelled = True
        self.stop_waiting()
        self.pause_or_resume(now)

    def pir_delivered(self, now: int, event: dict[str, Any]) -> None:
        """PIR stops."""
        self.pir.stop(now)

    def pause(self, now: int, event: dict[str, Any]) -> None:
        """Into a waiting status, between two of them, or into the one that does not pause."""
        if event.get("status") == "WaitingThirdParty":
            self.resume(now, event)
            return
        if self.waiting:
            return
        self.waiting = True
        if not (event.get("message_sent") and self.answered):
            self.warnings.add("W-PAUSE-NOMSG")
            return
        self.waiting_counts = True
        if self.priority in URGENT:
            self.waiting_ends = add(self.res_calendar(), now, MAX_PAUSE_HOURS[self.priority])
        else:
            self.waiting_ends = add("CBD", now, MAX_PAUSE_DAYS[self.priority])
        self.pause_or_resume(now)

    def resume(self, now: int, event: dict[str, Any]) -> None:
        """Out of the waiting status."""
        self.stop_waiting()
        self.pause_or_resume(now)

    def fm_begin(self, now: int, event: dict[str, Any]) -> None:
        """A force-majeure window begins."""
        self.majeure += 1
        self.pause_or_resume(now)

    def fm_end(self, now: int, event: dict[str, Any]) -> None:
        """A force-majeure window ends."""
        self.majeure -= 1
        self.pause_or_resume(now)

    def reopened(self, now: int, event: dict[str, Any]) -> None:
        """A new episode, up to seven days after the resolution."""
        if self.resolved is None or now > self.resolved + 7 * DAY:
            return
        self.resolved = None
        self.reopenings += 1
        self.episode = self.ladder_from = self.ladder_since = now
        self.mitigated = False
        self.res.start(now, self.res_calendar(), max(self.res_left, percent(RES[self.tier][self.priority], 25)))
        self.pir.end()
        paused = self.pauses.begun is not None
        self.nu = Update(reset=now, due=None if paused else add(*self.nu_from(now)), last=self.nu.last)
        self.level = max(self.level, 2)
        self.reached = {"L2": now}
        if self.reopenings == 3:
            self.level_up(now)
        if self.unread:
            self.unread = False
            self.words(now, {"value": "harm"})

    def words(self, now: int, event: dict[str, Any]) -> None:
        """A lawyer: L2. Somebody's life: L2, P1, and the path of responsible gambling unless compliance has it."""
        harm = event["value"] == "harm"
        if self.resolved is not None:
            self.unread = self.unread or harm
            return
        self.level = max(self.level, 2)
        self.reached.setdefault("L2", now)
        if harm:
            self.in_danger = True
            self.path = self.path_now()
            if self.priority != "P1":
                self.priority = "P1"
                self.raised(now)
        self.pause_or_resume(now)

    def path_now(self) -> str:
        """The path of category and tier, or that of somebody in danger."""
        own = path_of(self.category, self.tier)
        return "rg" if self.in_danger and own not in COMPLIANCE else own

    def floor_now(self) -> str:
        """The priority it may not fall below."""
        return "P1" if self.in_danger else floor_of(self.category, self.tier)

    def on_tier(self, now: int, event: dict[str, Any]) -> None:
        """Raised only; PARTNER stands apart."""
        new = event["value"]
        if self.tier not in TIERS or new not in TIERS or TIERS.index(new) <= TIERS.index(self.tier):
            return
        self.tier = new
        self.path = self.path_now()
        target = FR[self.tier].get(self.channel)
        if target is not None and not self.answered:
            self.fr.raise_to(now, self.desk_or_always(), target)
        self.raised(now)
        self.pause_or_resume(now)

    def on_category(self, now: int, event: dict[str, Any]) -> None:
        """The floor may raise the priority; the path changes."""
        self.category = event["value"]
        self.path = self.path_now()
        floor = self.floor_now()
        if floor < self.priority:
            self.priority = floor
            self.raised(now)
        self.apply_trigger(now)
        self.pause_or_resume(now)

    def on_priority(self, now: int, event: dict[str, Any]) -> None:
        """Raised, or lowered down to the floor."""
        new = event["value"]
        if new < self.priority:
            self.priority = new
            self.raised(now)
            return
        new = min(new, self.floor_now())
        if new > self.priority:
            self.warn_late(now)
            self.priority = new
            self.lowered(now)

    def raised(self, now: int) -> None:
        """Tier or priority raised: never later than what was promised."""
        self.res.raise_to(now, self.res_calendar(), RES[self.tier][self.priority])
        if self.priority in URGENT:
            self.mit.raise_to(now, self.desk_or_always(), MIT[self.tier][self.priority])
        if self.nu.due is not None:
            self.nu.due = min(self.nu.due, add(*self.nu_from(now)))
        self.ladder_from = self.ladder_since = now

    def lowered(self, now: int) -> None:
        """Priority lowered: the full new target from the start of the episode."""
        self.res.lower_to(self.episode, self.res_calendar(), RES[self.tier][self.priority])
        if self.priority in URGENT:
            self.mit.lower_to(self.episode, self.desk_or_always(), MIT[self.tier][self.priority])
        else:
            self.mit.end()
        self.nu.missing = None
        if self.nu.due is not None:
            self.nu.due = add(*self.nu_from(self.nu.reset))
        self.ladder_from, self.ladder_since = self.episode, now

    def warn_late(self, now: int) -> None:
        """A lowering within the last fifteen minutes before a due."""
        for clock in (self.mit, self.res):
            due = clock.due() if clock.live and clock.state() == "running" else None
            if due is not None and due - now <= 15 * MINUTE:
                self.warnings.add("W-DOWNGRADE-LATE")

    # the run

    def events(self) -> list[tuple[int, int, dict[str, Any]]]:
        """What happened up to the instant asked for, force majeure included, in the order of its effect."""
        found: list[tuple[int, int, dict[str, Any]]] = []
        for event in self.case.get("events") or []:
            at = micros(event["at"])
            if at < self.t0:
                if event["type"] == "resolved":
                    self.warnings.add("E-TIME-ORDER")
                if event["type"] == "words":  # the e-mail the case was made from
                    found.append((self.t0, ORDER["words"], event))
            elif at <= self.as_of:
                found.append((at, ORDER[event["type"]], event))
        for begin, end in self.case.get("force_majeure") or []:
            first, last = max(micros(begin), self.t0), micros(end)
            if first < last and first <= self.as_of:
                found.append((first, ORDER["fm_begin"], {"type": "fm_begin"}))
                if last <= self.as_of:
                    found.append((last, ORDER["fm_end"], {"type": "fm_end"}))
        return sorted(found, key=lambda item: (item[0], item[1], repr(sorted(item[2].items(), key=str))))

    def apply(self, now: int, event: dict[str, Any]) -> None:
        """One event, if it has an effect at all."""
        kind = event["type"]
        if self.cancelled or (self.resolved is not None and kind not in WHILE_RESOLVED):
            return
        effects: dict[str, Callable[[int, dict[str, Any]], None]] = {
            "first_response": self.first_response, "public_update": self.public_update,
            "mitigated": self.on_mitigated, "resolved": self.on_resolved, "cancelled": self.on_cancelled,
            "pir_delivered": self.pir_delivered, "pause": self.pause, "resume": self.resume, "max_pause": self.resume,
            "fm_begin": self.fm_begin, "fm_end": self.fm_end, "reopened": self.reopened, "tier": self.on_tier,
            "category": self.on_category, "priority": self.on_priority, "words": self.words,
        }  # fmt: skip
        self.settle(now)
        effects[kind](now, event)
        self.settle(now)

    def simulate(self) -> None:
        """Event by event; the end of the longest pause is an event of its own."""
        queue = self.events()
        while queue or (self.waiting_ends is not None and self.waiting_ends <= self.as_of):
            ends = self.waiting_ends
            if (
                ends is not None
                and ends <= self.as_of
                and (not queue or (ends, ORDER["max_pause"]) < (queue[0][0], queue[0][1]))
            ):
                self.apply(ends, {"type": "max_pause"})
            else:
                at, _, event = queue.pop(0)
                self.apply(at, event)
        self.settle(self.as_of)

    def report(self) -> dict[str, Any]:
        """The case as the contract shows it."""
        state = "cancelled"
        if self.nu.active:
            state = "running" if self.pauses.begun is None else "paused"
        update = {
            "state": state,
            "due": text(self.nu.due) if state == "running" else None,
            "stopped_at": None,
            "breached_at": text(self.nu.last),
        }
        ladder: dict[str, str | None] = {}
        for name in ("L2_prealert", "L2", "L3", "L4"):
            if name != "L2_prealert" or name in self.reached or (self.tier, self.priority) == ("VIP", "P1"):
                paused = self.pauses.begun is not None
                ladder[name] = text(self.reached.get(name, None if paused else self.rung(name)))
        return {
            "id": self.case["id"],
            "as_of": text(self.as_of),
            "tier": self.tier,
            "priority": self.priority,
            "path": self.path,
            "level": self.level,
            "clocks": {
                "FR": self.fr.report(),
                "MIT": self.mit.report(),
                "RES": self.res.report(),
                "NU": update,
                "PIR": self.pir.report(),
            },
            "ladder": ladder,
            "warnings": sorted(self.warnings),
        }


def timeline(case: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """What `sla explain --timeline` says of one case at an instant."""
    simulation = Simulation(case, micros(as_of))
    simulation.simulate()
    return simulation.report()
