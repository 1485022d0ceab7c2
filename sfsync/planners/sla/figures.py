"""A policy as arrays: every figure the clocks need, looked up by tier, priority, channel, category and path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from sfsync.planners.sla import calendar, holidays
from sfsync.planners.sla.calendar import Calendar
from sfsync.planners.sla.durations import Duration
from sfsync.planners.sla.holes import ON_CALL
from sfsync.planners.sla.policy import CHANNELS, HARM_PATH, WEEKDAYS, Aim, CalendarSpec, LateDay, Policy
from sfsync.planners.sla.words import LISTS, PRIORITIES, TIERS


@dataclass(frozen=True)
class Figures:
    """One version of the policy, compiled. Lengths int64 microseconds, 0 where there is none.

    fr, fr_warn                     [tier, channel]; an own warning mark (0: percent)
    mit, res, nu, pir, prealert     [tier, priority]
    rung                            [tier, priority, L2 L3 L4]
    *_cal                           int8 [tier, priority], numbers of ``calendars``
    floor                           int8 [tier, category, part of an incident]
    path, at_once                   int8, bool [tier, category]
    immune                          bool [path]: force majeure does not apply
    harm_path                       the path of words of harm; -1: the policy looks for none
    words                           explicit words, one list each of ``LISTS``
    hold                            bool [category]: nothing automatic but clocks and level
    max_pause, max_pause_cal        [priority]; -1: the RES calendar of the case
    """

    version: str
    calendars: tuple[Calendar, ...]
    channels: tuple[str, ...]
    categories: tuple[str, ...]
    paths: tuple[str, ...]
    fr: np.ndarray
    fr_warn: np.ndarray
    mit: np.ndarray
    res: np.ndarray
    nu: np.ndarray
    pir: np.ndarray
    fr_cal: np.ndarray
    mit_cal: np.ndarray
    res_cal: np.ndarray
    nu_cal: np.ndarray
    pir_cal: np.ndarray
    rung: np.ndarray
    prealert: np.ndarray
    floor: np.ndarray
    path: np.ndarray
    at_once: np.ndarray
    immune: np.ndarray
    hold: np.ndarray
    max_pause: np.ndarray
    max_pause_cal: np.ndarray
    pir_incident_only: np.ndarray
    reopen_window: int
    reopen_floor_pct: int
    reopen_level: int
    warn_pct: int
    critical_pct: int
    min_target: int
    pause_statuses: frozenset[str]
    owners: tuple[tuple[str, ...], ...]
    harm_path: int
    words: tuple[tuple[str, ...], ...]

    def owner_of(self, path: int, level: int) -> str:
        """The queue that owns a level (1 to 4) of a path (by number)."""
        return self.owners[path][level - 1]


def figures(policy: Policy) -> Figures:
    """Compiles a policy; takes milliseconds, so once per run."""
    names = tuple(policy.calendars)
    fr, fr_warn = _first_response(policy)
    mit, mit_cal = _targets(policy, names, "MIT")
    res, res_cal = _targets(policy, names, "RES")
    nu, nu_cal = _targets(policy, names, "NU")
    pir, pir_cal = _targets(policy, names, "PIR")
    _, fr_cal = _targets(policy, names, "FR")
    rung, prealert = _ladder(policy)
    max_pause, max_pause_cal = _max_pause(policy, names)
    return Figures(
        version=policy.policy_version,
        calendars=calendars(policy),
        channels=CHANNELS,
        categories=tuple(policy.categories),
        paths=tuple(policy.paths),
        fr=fr,
        fr_warn=fr_warn,
        mit=mit,
        res=res,
        nu=nu,
        pir=pir,
        fr_cal=fr_cal,
        mit_cal=mit_cal,
        res_cal=res_cal,
        nu_cal=nu_cal,
        pir_cal=pir_cal,
        rung=rung,
        prealert=prealert,
        floor=_floor(policy),
        path=_path(policy),
        at_once=_at_once(policy),
        immune=np.array([p.compliance for p in policy.paths.values()]),
        hold=np.array([c.hold for c in policy.categories.values()]),
        max_pause=max_pause,
        max_pause_cal=max_pause_cal,
        pir_incident_only=np.array([bool(policy.tier(t).PIR.get("incident_parent_only")) for t in TIERS]),
        reopen_window=policy.reopen.window.micros(calendar.DAY),
        reopen_floor_pct=policy.reopen.floor_pct,
        reopen_level=policy.reopen.min_level,
        warn_pct=policy.warnings.warn,
        critical_pct=policy.warnings.critical,
        min_target=policy.warnings.min_target.micros(calendar.DAY),
        pause_statuses=frozenset(policy.pause_statuses),
        owners=tuple((p.L1, p.L2, p.L3, p.L4) for p in policy.paths.values()),
        harm_path=tuple(policy.paths).index(HARM_PATH) if policy.words.harm else -1,
        words=tuple(getattr(policy.words, name) for name in LISTS),
    )


def calendars(policy: Policy, late: Sequence[LateDay] = ()) -> tuple[Calendar, ...]:
    """The policy's calendars, closed on these days that became known late, too."""
    return tuple(_calendar(policy, code, spec, late) for code, spec in policy.calendars.items())


def _calendar(policy: Policy, code: str, spec: CalendarSpec, late: Sequence[LateDay]) -> Calendar:
    if spec.kind == "always":
        return calendar.always(code)
    names = {*policy.business_day.days, *(("sat",) if policy.business_day.option_mon_sat else ())}
    closed = {*spec.closures, *(holidays_of(policy, spec.holidays) if spec.holidays else ())}
    closed |= {one.day for one in late if one.calendar in (code, spec.holidays)}
    zone, weekdays = ZoneInfo(policy.tz), [WEEKDAYS.index(d) for d in names]
    return calendar.business(code, zone, spec.opening, weekdays, closed, dict(spec.half_days))


def holidays_of(policy: Policy, name: str) -> set[date]:
    """A list's holidays: those of the file where it has the year, generated ones elsewhere."""
    frozen = policy.holidays[name]
    years = range(calendar.FIRST_YEAR, calendar.LAST_YEAR + 1)
    generated = {day for year in years if year not in frozen for day in holidays.italian(year)}
    return generated | {date.fromisoformat(f"{year}-{day}") for year, days in frozen.items() for day in days}


def _first_response(policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    due, warn = np.zeros((2, len(TIERS), len(CHANNELS)), np.int64)
    for t, tier in enumerate(TIERS):
        day = policy.business_day_of(policy.calendar_of(tier, "FR", "P1"))
        for channel, aim in policy.tier(tier).FR.items():
            c = CHANNELS.index(channel)
            due[t, c] = (aim.due if isinstance(aim, Aim) else aim).micros(day)
            warn[t, c] = aim.warn.micros(day) if isinstance(aim, Aim) else 0
    return due, warn


def _targets(policy: Policy, names: tuple[str, ...], clock: str) -> tuple[np.ndarray, np.ndarray]:
    length, number = np.zeros((len(TIERS), 4), np.int64), np.zeros((len(TIERS), 4), np.int8)
    for t, tier in enumerate(TIERS):
        spec = policy.tier(tier)
        for p, priority in enumerate(PRIORITIES):
            target = getattr(spec, clock).get(priority)
            code = policy.calendar_of(tier, clock, priority)
            if spec.partner_p1_oncall and priority == "P1":
                code = ON_CALL
            if isinstance(target, Duration):
                code = target.calendar or code
                length[t, p] = target.micros(policy.business_day_of(code))
            number[t, p] = names.index(code)
    return length, number


def _ladder(policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    rung, prealert = np.zeros((len(TIERS), 4, 3), np.int64), np.zeros((len(TIERS), 4), np.int64)
    for t, tier in enumerate(TIERS):
        for p, priority in enumerate(PRIORITIES):
            rungs = policy.tier(tier).ladder[priority]
            day = policy.business_day_of(policy.calendar_of(tier, "RES", priority))
            for name, length in rungs.items():
                if name == "L2_prealert":
                    prealert[t, p] = length.micros(day)
                else:
                    rung[t, p, ("L2", "L3", "L4").index(name)] = length.micros(day)
    return rung, prealert


def _floor(policy: Policy) -> np.ndarray:
    made = np.zeros((len(TIERS), len(policy.categories), 2), np.int8)
    for c, spec in enumerate(policy.categories.values()):
        made[:, c, :] = PRIORITIES.index(spec.floor)
        if spec.standard_alone and policy.standard_payment_p1 == "only_if_incident":
            made[TIERS.index("STANDARD"), c, 0] = PRIORITIES.index(spec.standard_alone)
    return made


def _path(policy: Policy) -> np.ndarray:
    """VIP and VVIP take ``vip`` where others take ``std``; PARTNER takes ``partner`` but for compliance requests."""
    paths = list(policy.paths)
    made = np.zeros((len(TIERS), len(policy.categories)), np.int8)
    for c, spec in enumerate(policy.categories.values()):
        own = paths.index(spec.path)
        vip = paths.index("vip") if spec.path == "std" else own
        partner = own if spec.partner else paths.index("partner")
        made[:, c] = own, vip, vip, partner
    return made


def _at_once(policy: Policy) -> np.ndarray:
    trigger = np.array([c.trigger for c in policy.categories.values()])
    path = np.array([p.at_once for p in policy.paths.values()])
    found: np.ndarray = trigger[None, :] | path[_path(policy)]
    return found


def _max_pause(policy: Policy, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    length, number = np.zeros(4, np.int64), np.full(4, -1, np.int8)
    for p, priority in enumerate(PRIORITIES):
        limit = policy.max_pause[priority]
        length[p] = limit.micros(policy.business_day_of(limit.calendar) if limit.calendar else calendar.DAY)
        number[p] = names.index(limit.calendar) if limit.calendar else -1
    return length, number
