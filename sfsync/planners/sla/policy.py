"""The service-level policy as a model: versions of ``mappings/sla.yaml``, checked when they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from sfsync.errors import ConfigError
from sfsync.planners.sla.calendar import DAY
from sfsync.planners.sla.durations import Duration, parse
from sfsync.planners.sla.holes import holes
from sfsync.planners.sla.spoken import fold
from sfsync.planners.sla.words import LISTS, PRIORITIES, STATUSES, TIERS, Priority, Tier

FILE = "sla.yaml"
BETWEEN = "\n"  # stands between the sentences of one refusal
LEVELS = ("L1", "L2", "L3", "L4")
HARM_PATH = "rg"  # where words of harm send a case (policy C.5.3)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Event = Literal[
    "p1_breach", "room_overbooking", "transfer_interrupted", "billing_error", "lounge_wait", "partner_p1_breach"
]
Offer = Literal[
    "free_play",
    "bonus_play",
    "written_apology",
    "room_upgrade",
    "fb_credit",
    "transfer_replacement",
    "correction",
    "lounge_credit",
    "commission_gesture",
]
PLAY = ("free_play", "bonus_play")  # never to players who are excluded, or whose bonuses are blocked (policy C.10)
Channel = Literal["phone", "chat", "email", "messenger", "portal", "social", "onsite", "import", "system"]
CHANNELS: tuple[str, ...] = ("phone", "chat", "email", "messenger", "portal", "social", "onsite", "import", "system")

Promise = Literal["FR", "MIT", "RES", "PIR"]  # a clock that stops; next updates never do


def _duration(value: Any) -> Duration:
    return value if isinstance(value, Duration) else parse(str(value))


def _time(value: str) -> time | None:
    """None: midnight at the end of the day."""
    return None if value == "24:00" else time.fromisoformat(value)


def _window(value: Any) -> tuple[time, time | None]:
    found = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", str(value))
    if not found:
        raise ValueError(f"{value!r} is no window; write 08:00-13:00")
    start, end = time.fromisoformat(found[1]), _time(found[2])
    if end is not None and end <= start:
        raise ValueError(f"{value!r} closes before it opens")
    return start, end


Length = Annotated[Duration, BeforeValidator(_duration), PlainSerializer(str)]
OpenFrom = Annotated[tuple[time, time | None], BeforeValidator(_window)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class CalendarSpec(_Model):
    """When a clock runs: always, or in windows on business days."""

    kind: Literal["always", "business"]
    open: str | None = None
    close: str | None = None
    windows: tuple[OpenFrom, ...] = ()
    holidays: str | None = None
    closures: tuple[date, ...] = ()
    half_days: dict[date, tuple[OpenFrom, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _closed(self) -> CalendarSpec:
        if self.kind == "business" and not (self.windows or (self.open and self.close)):
            raise ValueError("a business calendar says when it opens and closes")
        for (_, end), (start, _) in pairwise(self.opening):
            if end is None or start < end:
                raise ValueError("its windows overlap or are out of order")
        return self

    @property
    def opening(self) -> tuple[tuple[time, time | None], ...]:
        """The windows of a business day, local time."""
        if self.windows or self.kind == "always":
            return self.windows
        return (_window(f"{self.open}-{self.close}"),)


class Aim(_Model):
    """A target with a warning mark of its own."""

    warn: Length
    due: Length


def _length(value: Any) -> Any:
    """Words are a length; what else may stand there is left as it is, so that a refusal names its place alone."""
    return value if isinstance(value, (bool, dict, Aim)) else _duration(value)


LengthOrAim = Annotated[Length | Aim, BeforeValidator(_length)]
LengthOrFlag = Annotated[bool | Length, BeforeValidator(_length)]


class TierSpec(_Model):
    """What is promised to one tier."""

    like: Tier | None = None
    cal: dict[Literal["FR", "MIT", "RES", "NU", "PIR"], str | dict[Priority, str]] = Field(default_factory=dict)
    FR: dict[Channel, LengthOrAim] = Field(default_factory=dict)
    MIT: dict[Priority, Length] = Field(default_factory=dict)
    RES: dict[Priority, Length] = Field(default_factory=dict)
    NU: dict[Priority, Length] = Field(default_factory=dict)
    PIR: dict[Literal["incident_parent_only", "P1", "P2", "P3", "P4"], LengthOrFlag] = Field(default_factory=dict)
    aux: dict[str, Length] = Field(default_factory=dict)
    ladder: dict[Priority, dict[Literal["L2_prealert", "L2", "L3", "L4"], Length]] = Field(default_factory=dict)
    partner_p1_oncall: bool = False


class PathSpec(_Model):
    """Whom each level calls."""

    L1: str
    L2: str
    L3: str
    L4: str
    at_once: bool = False  # its cases stand on L2 from the beginning
    compliance: bool = False  # no force majeure
    outside: Literal["L2", "L3", "L4"] | None = None  # a level outside the company: the case keeps its owner
    inform: str | None = None


class CategorySpec(_Model):
    """What a case is about: the least priority, the path, and what follows at once."""

    floor: Priority
    path: str
    trigger: bool = False
    hold: bool = False
    partner: bool = False
    standard_alone: Priority | None = None


class BusinessDay(_Model):
    """Which weekdays are business days."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    option_mon_sat: bool = False


class Warnings(_Model):
    """Marks before a due, in percent of its time."""

    warn: int = Field(gt=0, lt=100)
    critical: int = Field(gt=0, lt=100)
    min_target: Length


class Reopen(_Model):
    """How a case comes back."""

    window: Length
    floor_pct: int = Field(ge=0, le=100)
    min_level: int = Field(ge=1, le=4)


class WithdrawalTimer(_Model):
    """Paid within; called before."""

    due: Length
    escalate: Length


class GdprTimer(_Model):
    """Answered within months; longer with a notice."""

    months: int = Field(gt=0)
    extension_months: int = Field(ge=0)


class Timers(_Model):
    """Terms set by law or contract (policy C.8)."""

    kyc_document: Length
    withdrawal: WithdrawalTimer
    ticket_payout: Length
    ticket_cancel: Length
    gdpr_request: GdprTimer
    data_breach: Length
    pvr_renewal_notices: tuple[Length, ...]


class Words(_Model):
    """Explicit words in what a requester writes (policy C.5.3): whole words or phrases, case and accents ignored."""

    legal: tuple[str, ...] = ()  # a lawyer, an authority, a complaint to it
    harm: tuple[str, ...] = ()  # somebody's life

    @model_validator(mode="after")
    def _each_once(self) -> Words:
        folded = [fold(word) for name in LISTS for word in getattr(self, name)]
        if not all(any(c.isalnum() for c in word) for word in folded):
            raise ValueError("a word is empty")
        twice = sorted({word for word in folded if folded.count(word) > 1})
        if twice:
            raise ValueError(f"more than once: {', '.join(twice)}")
        return self


class Drill(_Model):
    """A case that is played through the ladder."""

    tier: Tier
    priority: Priority
    channel: Channel
    category: str


class RecoverySpec(_Model):
    """What is proposed to make a failure good; ``instead`` where play is no gift, ``amount`` in cents of a euro."""

    tiers: tuple[Tier, ...] = TIERS
    offer: Offer
    instead: Offer | None = None
    tournament_priority: bool = False
    fb_credit: bool = False
    amount: dict[Tier, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _kind(self) -> RecoverySpec:
        if self.offer in PLAY and (self.instead is None or self.instead in PLAY):
            raise ValueError(f"{self.offer} is no gift to everybody: say what is offered `instead`")
        return self


class LateDay(_Model):
    """A holiday or closure that became known late. ``calendar``: a list of holidays, or the calendar that is closed."""

    day: date
    calendar: str
    known_from: AwareDatetime
    reason: str = Field(min_length=1, max_length=200)


class CloseSpec(_Model):
    """Categories that are closed with an outcome and the rule it rests on, or with the reference of a report."""

    outcome: tuple[str, ...] = ()
    report: tuple[str, ...] = ()


class Policy(_Model):
    """One version of the policy."""

    policy_version: str = Field(min_length=1, max_length=20)
    valid_from: AwareDatetime
    tz: str
    business_day: BusinessDay
    calendars: dict[str, CalendarSpec]
    holidays: dict[str, dict[int, tuple[str, ...]]] = Field(default_factory=dict)
    late_holidays: tuple[LateDay, ...] = ()
    tiers: dict[Tier, TierSpec]
    warnings: Warnings
    reopen: Reopen
    pause_statuses: tuple[str, ...]
    max_pause: dict[Priority, Length]
    repeat_contact_window: Length
    large_payout_eur: int = Field(gt=0)
    standard_payment_p1: Literal["only_if_incident", "always"] = "only_if_incident"
    same_day_tz: str
    milestones: dict[str, Promise] = Field(default_factory=dict)
    timers: Timers
    drills: dict[str, Drill] = Field(default_factory=dict)
    recovery: dict[Event, RecoverySpec] = Field(default_factory=dict)
    close: CloseSpec = CloseSpec()
    words: Words = Words()
    paths: dict[str, PathSpec]
    categories: dict[str, CategorySpec]

    @model_validator(mode="after")
    def _whole(self) -> Policy:
        problems = list(_problems(self))
        if problems:
            raise ValueError(BETWEEN.join(problems))
        return self

    def tier(self, name: str) -> TierSpec:
        """A tier with what it takes from the one it is ``like``."""
        spec = self.tiers[name]  # type: ignore[index]
        if not spec.like:
            return spec
        other = self.tier(spec.like)
        own = {n: getattr(spec, n) for n in TierSpec.model_fields if getattr(spec, n) and n != "like"}
        return other.model_copy(update={**own, "like": None})

    def calendar_of(self, tier: str, clock: str, priority: str) -> str:
        """The calendar of a clock; a length may name another one."""
        found = self.tier(tier).cal[clock]  # type: ignore[index]
        return found if isinstance(found, str) else found[priority]  # type: ignore[index]

    def business_day_of(self, calendar: str) -> int:
        """Microseconds of one business day of a calendar; 24 hours where it always runs."""
        spec = self.calendars[calendar]
        if spec.kind == "always":
            return DAY
        seconds = sum((_seconds(end) or 86_400) - _seconds(start) for start, end in spec.opening)
        return seconds * 1_000_000


def _seconds(at: time | None) -> int:
    return (at.hour * 60 + at.minute) * 60 if at else 0


# -- holes --


def _problems(policy: Policy) -> Iterator[str]:
    broken = [*_missing(policy), *_like(policy)]
    if not broken:
        broken = [*(h for name in policy.tiers for h in _tier_holes(name, policy.tier(name)))]
        broken += _unknown_calendars(policy)
    yield from broken
    yield from _unknown_names(policy)
    yield from holes(policy)
    if not broken:  # rungs are reckoned on calendars, which must be there
        yield from _ladders(policy)


def _like(policy: Policy) -> Iterator[str]:
    for name, spec in policy.tiers.items():
        if spec.like and (spec.like not in policy.tiers or policy.tiers[spec.like].like):
            yield f"tiers.{name}.like: {spec.like} is no tier of its own"


def _missing(policy: Policy) -> Iterator[str]:
    for missing in sorted(set(TIERS) - set(policy.tiers)):
        yield f"tiers: {missing} is missing"
    for priority in sorted(set(PRIORITIES) - set(policy.max_pause)):
        yield f"max_pause: {priority} is missing"
    for needed in sorted({"vip", "partner"} - set(policy.paths)):
        yield f"paths: {needed} is missing"
    if policy.words.harm and HARM_PATH not in policy.paths:
        yield f"paths: {HARM_PATH} is missing; words of harm send cases there"
    if "other" not in policy.categories:
        yield "categories: other is missing; what is unknown becomes it"


def _tier_holes(name: str, tier: TierSpec) -> Iterator[str]:
    for clock in sorted({"FR", "MIT", "RES", "NU", "PIR"} - set(tier.cal)):
        yield f"tiers.{name}.cal: {clock} has no calendar"
    for clock in ("RES", "NU"):
        for priority in sorted(set(PRIORITIES) - set(getattr(tier, clock))):
            yield f"tiers.{name}.{clock}: {priority} has no target"
    for clock, calendars in tier.cal.items():
        if isinstance(calendars, dict) and set(calendars) != set(PRIORITIES):
            yield f"tiers.{name}.cal.{clock}: name a calendar for each of P1 to P4"


def _unknown_calendars(policy: Policy) -> Iterator[str]:
    for name, calendar in _calendars_named(policy):
        if calendar not in policy.calendars:
            yield f"{name}: there is no calendar {calendar}"
    for code, spec in policy.calendars.items():
        if spec.holidays and spec.holidays not in policy.holidays:
            yield f"calendars.{code}.holidays: there is no list {spec.holidays}"


def _unknown_names(policy: Policy) -> Iterator[str]:
    for name, category in policy.categories.items():
        if category.path not in policy.paths:
            yield f"categories.{name}.path: there is no path {category.path}"
    for name, drill in policy.drills.items():
        if drill.category not in policy.categories:
            yield f"drills.{name}.category: there is no category {drill.category}"
    for path, spec in policy.paths.items():
        yield from (f"paths.{path}.{level}: nobody owns this level" for level in LEVELS if not getattr(spec, level))
    for status in sorted(set(policy.pause_statuses) - set(STATUSES)):
        yield f"pause_statuses: there is no status {status}"
    for place, zone in (("tz", policy.tz), ("same_day_tz", policy.same_day_tz)):
        if not _is_zone(zone):
            yield f"{place}: there is no time zone {zone}"


def _calendars_named(policy: Policy) -> Iterator[tuple[str, str]]:
    for tier, spec in policy.tiers.items():
        for clock, calendars in spec.cal.items():
            for calendar in (calendars,) if isinstance(calendars, str) else calendars.values():
                yield f"tiers.{tier}.cal.{clock}", calendar
        for clock in ("MIT", "RES", "NU", "PIR"):
            for priority, length in getattr(spec, clock).items():
                if isinstance(length, Duration) and length.calendar:
                    yield f"tiers.{tier}.{clock}.{priority}", length.calendar
    for priority, length in policy.max_pause.items():
        if length.calendar:
            yield f"max_pause.{priority}", length.calendar


def _ladders(policy: Policy) -> Iterator[str]:
    for tier in policy.tiers:
        for priority in PRIORITIES:
            rungs = policy.tier(tier).ladder.get(priority)
            if not rungs:
                yield f"tiers.{tier}.ladder: {priority} has no rungs"
                continue
            day = policy.business_day_of(policy.calendar_of(tier, "RES", priority))
            lengths = [rungs[r].micros(day) for r in ("L2_prealert", "L2", "L3", "L4") if r in rungs]
            if lengths != sorted(lengths) or "L2" not in rungs:
                yield f"tiers.{tier}.ladder.{priority}: rungs begin at L2 and rise"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


# -- the file --


def load(path: Path) -> list[Policy]:
    """All versions of a policy file, the oldest first. Raises ``ConfigError`` with every problem found."""
    step = "Correct the file; sfsync sla policy shows what it says. A fresh one comes from sfsync init."
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"it cannot be read ({error.strerror})", "SLA_POLICY_MISSING", str(path), step) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError("this is not YAML", "SLA_POLICY_INVALID", str(path), step) from None
    versions = data.get("policies") if isinstance(data, dict) else None
    if not isinstance(versions, list) or not versions:
        raise ConfigError("it has no list `policies`", "SLA_POLICY_INVALID", str(path), step)
    policies, said = [], list[str]()
    for number, version in enumerate(versions):
        try:
            policies.append(Policy.model_validate(version))
        except ValidationError as error:
            name = version.get("policy_version") if isinstance(version, dict) else None
            said += [f"{name or f'policies.{number}'}: {one}" for one in _sentences(error)]
    if said:
        raise ConfigError(said[0], "SLA_POLICY_INVALID", str(path), step, said[1:])
    starts = [p.valid_from for p in policies]
    names = [p.policy_version for p in policies]
    if starts != sorted(set(starts)) or len(set(names)) < len(names):
        order = "its versions have the same name or start, or stand out of order"
        raise ConfigError(order, "SLA_POLICY_INVALID", str(path), step)
    return policies


def _sentences(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        place = ".".join(map(str, one["loc"]))
        for sentence in one["msg"].removeprefix("Value error, ").split(BETWEEN):
            yield f"{place}: {sentence}".removeprefix(": ")
