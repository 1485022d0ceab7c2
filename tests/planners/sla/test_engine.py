"""What holds for every timeline, whatever happens in it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sfsync.planners.sla.clocks import Result, evaluate
from sfsync.planners.sla.figures import Figures, figures
from sfsync.planners.sla.inputs import Cases, Events
from sfsync.planners.sla.policy import load
from sfsync.planners.sla.words import NONE, NU, SECOND, EventKind, State

DAY = 86_400 * SECOND
START = 1_773_000_000 * SECOND  # March 2026: the weeks around the spring switch and Easter
ALL = (
    EventKind.FIRST_RESPONSE,
    EventKind.PUBLIC_UPDATE,
    EventKind.MITIGATED,
    EventKind.RESOLVED,
    EventKind.PIR_DELIVERED,
    EventKind.PAUSE,
    EventKind.RESUME,
    EventKind.REOPENED,
    EventKind.TIER,
    EventKind.CATEGORY,
    EventKind.PRIORITY,
    EventKind.WORDS,
)


@cache
def known() -> Figures:
    """The project's policy."""
    return figures(load(Path(__file__).parents[3] / "mappings" / "sla.yaml")[-1])


def made(seed: int, count: int = 400, each: int = 8) -> tuple[Cases, Events]:
    """Random cases with random events within three weeks."""
    dice, f = np.random.default_rng(seed), known()
    t0 = START + dice.integers(0, 30 * 86_400, count) * SECOND
    cases = Cases(
        dice.integers(0, 4, count).astype(np.int16),
        dice.integers(0, 4, count).astype(np.int16),
        dice.integers(0, len(f.channels), count).astype(np.int16),
        dice.integers(0, len(f.categories), count).astype(np.int16),
        t0,
        np.zeros(count, bool),
        np.zeros(count, bool),
    )
    case = np.repeat(np.arange(count), each)
    kind = dice.choice(np.array(ALL, np.int16), len(case))
    value = dice.integers(0, 4, len(case)).astype(np.int16)
    value[kind == EventKind.PAUSE] = 1
    value[kind == EventKind.WORDS] %= 2
    at = t0[case] + dice.integers(0, 14 * 86_400, len(case)) ** 2 // (14 * 86_400) * SECOND
    return cases, Events(case, at, kind, value, dice.random(len(case)) < 0.8)


def at(cases: Cases, events: Events, as_of: int) -> Result:
    """Where they stand."""
    return evaluate(cases, events, known(), as_of)


def equal(one: Result, other: Result) -> None:
    """The same in everything."""
    for name, values in vars(one).items():
        assert np.array_equal(values, getattr(other, name)), name


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    cases, events = made(seed)
    mixed = events.take(np.random.default_rng(seed).permutation(len(events)))
    equal(at(cases, events, START + 50 * DAY), at(cases, mixed, START + 50 * DAY))


@pytest.mark.parametrize("seed", range(4))
def test_cases_do_not_touch_each_other(seed: int) -> None:
    cases, events = made(seed, count=60)
    whole = at(cases, events, START + 50 * DAY)
    for i in (0, 17, 59):
        mine = events.take(events.case == i)
        alone = at(cases.part(i, i + 1), replace(mine, case=np.zeros(len(mine), np.int64)), START + 50 * DAY)
        for name, values in vars(alone).items():
            assert np.array_equal(values[0], getattr(whole, name)[i]), name


@pytest.mark.parametrize("seed", range(4))
def test_a_level_never_falls_inside_an_episode_and_a_breach_stays(seed: int) -> None:
    cases, events = made(seed)
    before = at(cases, events, START)
    for day in range(1, 60, 3):
        now = at(cases, events, START + day * DAY)
        same = now.episode == before.episode
        assert (now.level[same] >= before.level[same]).all()
        clocks = [c for c in range(4) if c != NU]  # a new report is asked for at the next resolution
        kept = before.breached[:, clocks] != NONE
        assert (now.breached[:, clocks][kept] == before.breached[:, clocks][kept]).all()
        reached = before.reached & same[:, None]
        assert (now.rungs[reached] == before.rungs[reached]).all(), "a rung keeps its instant"
        before = now


@pytest.mark.parametrize("seed", range(4))
def test_pausing_and_resuming_at_one_instant_changes_nothing(seed: int) -> None:
    cases, events = made(seed)
    quiet = events.take((events.kind != EventKind.PAUSE) & (events.kind != EventKind.RESUME))
    case = np.arange(len(cases))
    moment = cases.t0 + np.random.default_rng(seed).integers(0, 5 * 86_400, len(cases)) * SECOND
    more = [
        Events(case, moment, np.full(len(case), kind, np.int16), np.ones(len(case), np.int16), np.ones(len(case), bool))
        for kind in (EventKind.PAUSE, EventKind.RESUME)
    ]
    names = ("case", "at", "kind", "value", "sent")
    both = Events(*(np.concatenate([getattr(p, n) for p in (quiet, *more)]) for n in names))
    one, other = at(cases, quiet, START + 50 * DAY), at(cases, both, START + 50 * DAY)
    equal(one, replace(other, warnings=one.warnings))


@pytest.mark.parametrize("seed", range(4))
def test_a_due_never_lies_in_a_closed_window(seed: int) -> None:
    cases, events = made(seed)
    result = at(cases, events, START + 20 * DAY)
    desk = next(c for c in known().calendars if c.code == "CDESK")
    partner = cases.tier == 3
    due = result.due[partner][:, :4]
    due = due[due != NONE]
    place = np.searchsorted(desk.opens, due, side="right") - 1
    assert (due <= desk.closes[place]).all() and len(due) > 50


def test_what_was_foretold_comes() -> None:
    """Without events, every due told at T0 is what was missed; a rung comes then, or sooner by missed updates."""
    cases, _ = made(9)
    nothing = made(9)[1].take(np.zeros(0, np.int64))
    first = at(cases, nothing, int(cases.t0.max()))
    later = at(cases, nothing, START + 400 * DAY)
    running = (first.state == State.RUNNING) & (np.arange(5) != NU)
    assert (later.breached[running] == first.due[running]).all()
    foretold = first.rungs != NONE
    assert (later.rungs[foretold] <= first.rungs[foretold]).all() and later.reached[foretold].all()
    assert (later.rungs[foretold] == first.rungs[foretold]).mean() > 0.8
