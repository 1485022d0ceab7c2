"""A holiday that becomes known late: what ran is computed anew, what had ended stays, and nothing is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import yaml

from sfsync.planners.sla import clocks, editions, walltime
from sfsync.planners.sla.clocks import Result
from sfsync.planners.sla.editions import Edition, Waived
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.timeline import columns
from sfsync.planners.sla.words import FR, MIT, NONE, NU, PIR, RES, STATES
from tests.planners.sla import made

FILE = Path(__file__).parents[3] / "mappings" / "sla.yaml"
DATA = yaml.safe_load(FILE.read_text("utf-8"))["policies"][-1]
DAY = datetime(2026, 5, 13, tzinfo=UTC)  # a Wednesday; the desk is open from 06:00 to 16:00 UTC
KNOWN = DAY.replace(hour=18)
LATE = {"day": "2026-05-13", "calendar": "CDESK", "known_from": "2026-05-13T18:00:00Z", "reason": "patron's day"}
TUESDAY = "2026-05-12T13:00:00Z"  # three desk hours before closing: due on Wednesday at 11:00 UTC


def policy(*late: dict[str, Any]) -> Policy:
    """The project's policy with late days."""
    return Policy.model_validate({**DATA, "late_holidays": list(late)})


@cache
def compiled(late: tuple[tuple[tuple[str, str], ...], ...]) -> tuple[Edition, ...]:
    """Its editions."""
    return editions.editions(policy(*map(dict, late)))


def case(*events: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A partner's P2 of Tuesday afternoon, answered at once; events as instant and kind."""
    happened = [{"at": TUESDAY, "type": "first_response"}, *({"at": at, "type": kind} for at, kind in events)]
    usual = {"id": "x", "tier": "PARTNER", "priority": "P2", "channel": "phone", "category": "terminal_fault"}
    return {**usual, "t0": TUESDAY, "events": happened, **more}


def at(moment: datetime, one: dict[str, Any], *late: dict[str, Any]) -> tuple[Result, Waived]:
    """Where it stands."""
    known, now = compiled(tuple(tuple(one.items()) for one in late)), walltime.micros(moment)
    found, refused = columns([one], known[0].figures, now)
    assert refused == [None]
    return editions.evaluate(found.cases(), found.events(), known, now)


def text(value: Any) -> str | None:
    """An instant as people read it."""
    return walltime.text(int(value))


def state(result: Result, clock: int) -> tuple[str, str | None, str | None]:
    """State, due and breach of a clock."""
    return STATES[result.state[0, clock]], text(result.due[0, clock]), text(result.breached[0, clock])


def test_a_breach_on_a_day_that_turns_out_a_holiday_is_waived_and_kept() -> None:
    before, none = at(KNOWN - timedelta(seconds=1), case(), LATE)
    missed = "2026-05-13T11:00:00Z"
    assert state(before, RES) == ("breached", missed, missed)
    assert (none.at == NONE).all(), "nobody knows of it so far"
    after, waived = at(KNOWN, case(), LATE)
    assert state(after, RES) == ("running", "2026-05-14T11:00:00Z", None)
    assert (text(waived.at[0, RES]), int(waived.by[0, RES]), int(waived.episode[0, RES])) == (missed, 1, 1)
    weeks, still = at(KNOWN + timedelta(days=20), case(), LATE)
    assert state(weeks, RES) == ("breached", "2026-05-14T11:00:00Z", "2026-05-14T11:00:00Z"), "missed after all"
    assert text(still.at[0, RES]) == missed, "and the waived one is not forgotten"


def test_the_level_stays_and_its_rungs_keep_their_instants() -> None:
    before, _ = at(KNOWN - timedelta(seconds=1), case(), LATE)
    assert int(before.level[0]) == 4
    after, _ = at(KNOWN, case(), LATE)
    alone = at(KNOWN, case(), {**LATE, "known_from": "2026-01-01T00:00:00Z"})[0]
    assert int(alone.level[0]) == 2, "had it been known"
    assert int(after.level[0]) == 4
    for name in ("rungs", "reached", "rung_reason", "level_at", "level_reason"):
        assert np.array_equal(getattr(after, name), getattr(before, name)), name


@pytest.mark.parametrize("kind", ["resolved", "cancelled"])
def test_what_had_ended_keeps_its_due_and_its_breach(kind: str) -> None:
    one = case(("2026-05-13T12:00:00Z", kind))
    then, _ = at(KNOWN - timedelta(seconds=1), one, LATE)
    for moment in (KNOWN, KNOWN + timedelta(days=9)):
        now, waived = at(moment, one, LATE)
        assert [state(now, c) for c in (FR, MIT, RES, NU)] == [state(then, c) for c in (FR, MIT, RES, NU)]
        assert state(now, RES)[::2] == ("breached", "2026-05-13T11:00:00Z")
        assert (waived.at == NONE).all()


def test_what_ended_after_it_was_known_is_computed_anew() -> None:
    now, waived = at(KNOWN + timedelta(days=1), case(("2026-05-13T18:00:01Z", "resolved")), LATE)
    assert state(now, RES) == ("met", "2026-05-14T11:00:00Z", None)
    assert text(waived.at[0, RES]) == "2026-05-13T11:00:00Z"


def test_a_breach_of_a_stopped_clock_outlives_a_reopening_and_another_late_day() -> None:
    one = case(("2026-05-13T12:00:00Z", "resolved"), ("2026-05-14T07:00:00Z", "reopened"))
    more = {**LATE, "day": "2026-05-15", "known_from": "2026-05-15T18:00:00Z"}
    for moment in (KNOWN + timedelta(days=1), KNOWN + timedelta(days=3)):
        now, waived = at(moment, one, LATE, more)
        assert state(now, RES)[::2] == ("breached", "2026-05-13T11:00:00Z"), moment
        assert text(waived.at[0, RES]) is None
    assert int(now.level[0]) == 4


def test_a_breach_that_only_moves_is_not_waived() -> None:
    late = {**LATE, "known_from": "2026-05-15T18:00:00Z"}  # two days later the new due has passed as well
    now, waived = at(datetime(2026, 5, 15, 19, tzinfo=UTC), case(), late)
    assert state(now, RES) == ("breached", "2026-05-14T11:00:00Z", "2026-05-14T11:00:00Z")
    assert text(waived.at[0, RES]) is None


def test_fewer_updates_are_missed_and_the_last_of_them_is_waived() -> None:
    before, _ = at(KNOWN - timedelta(seconds=1), case(), LATE)
    after, waived = at(KNOWN, case(), LATE)
    assert (int(before.updates_missed[0]), int(after.updates_missed[0])) == (6, 1)
    assert text(waived.at[0, NU]) == text(before.breached[0, NU]) == "2026-05-13T15:00:00Z"
    assert text(after.breached[0, NU]) == "2026-05-12T15:00:00Z"


def test_a_holiday_of_a_list_closes_every_calendar_that_has_it_and_none_else() -> None:
    late = {**LATE, "calendar": "IT"}
    vip = case(tier="VIP", category="other", priority="P4")
    assert state(at(KNOWN, vip)[0], RES)[1] == "2026-05-15T13:00:00Z"
    assert state(at(KNOWN, vip, late)[0], RES)[1] == "2026-05-18T13:00:00Z", "CBD, over the weekend"
    assert state(at(KNOWN, vip, LATE)[0], RES)[1] == "2026-05-15T13:00:00Z", "a closure of CDESK is none of CBD's"
    assert state(at(KNOWN, case(), late)[0], RES)[1] == "2026-05-14T11:00:00Z"


def test_a_case_that_came_later_knows_nothing_else() -> None:
    late = {**LATE, "day": "2026-05-15"}
    begun = case(t0="2026-05-14T13:00:00Z", events=[])
    known = {**late, "known_from": "2026-01-01T00:00:00Z"}
    now = datetime(2026, 5, 18, 12, tzinfo=UTC)
    (found, waived), (other, _) = at(now, begun, late), at(now, begun, known)
    for name, values in vars(other).items():
        assert np.array_equal(values, getattr(found, name)), name
    assert (waived.at == NONE).all()


def random(seed: int, count: int = 100) -> tuple[list[dict[str, Any]], datetime]:
    """Timelines of one spring, and an instant in it."""
    dice = Random(seed)
    return made.cases(seed, count), datetime(2026, dice.randrange(4, 12), dice.randrange(1, 28), 13, tzinfo=UTC)


def equal(one: Result, other: Result) -> None:
    """The same in everything."""
    for name, values in vars(one).items():
        assert np.array_equal(values, getattr(other, name)), name


@pytest.mark.parametrize("seed", range(4))
def test_without_late_days_nothing_is_different(seed: int) -> None:
    timelines, moment = random(seed)
    known, now = editions.editions(policy()), walltime.micros(moment)
    assert len(known) == 1
    found, _ = columns(timelines, known[0].figures, now)
    result, waived = editions.evaluate(found.cases(), found.events(), known, now)
    equal(result, clocks.evaluate(found.cases(), found.events(), known[0].figures, now))
    assert (waived.at == NONE).all()
    future = editions.editions(policy({**LATE, "known_from": "2029-01-01T00:00:00Z"}))
    equal(result, editions.evaluate(found.cases(), found.events(), future, now)[0])


@pytest.mark.parametrize("seed", range(4))
def test_an_edition_that_says_nothing_new_changes_nothing(seed: int) -> None:
    """The way through the editions, on every kind of case: without a new day it leads where the straight way does."""
    timelines, moment = random(seed)
    first, now = editions.editions(policy())[0].figures, walltime.micros(moment)
    found, _ = columns(timelines, first, now)
    cuts = [now - n * 20 * 86_400_000_000 for n in (3, 2, 1)]
    known = (Edition(NONE, first), *(Edition(cut, first, "nothing") for cut in cuts))
    result, waived = editions.evaluate(found.cases(), found.events(), known, now)
    equal(result, clocks.evaluate(found.cases(), found.events(), first, now))
    assert (waived.at == NONE).all()


@pytest.mark.parametrize("seed", range(2))
def test_a_level_never_falls_and_every_breach_stands_somewhere(seed: int) -> None:
    timelines, _ = random(seed, 60)
    late = [
        {**LATE, "calendar": "IT", "day": f"2026-{day}", "known_from": f"2026-{day}T{hour:02}:00:00Z"}
        for day, hour in (("03-30", 12), ("04-07", 9), ("08-17", 20), ("10-26", 12), ("12-28", 7))
    ]
    known = editions.editions(policy(*late))
    begin = walltime.micros(datetime(2026, 3, 27, tzinfo=UTC))
    found, _ = columns(timelines, known[0].figures, walltime.micros(datetime(2028, 1, 1, tzinfo=UTC)))
    cases, events = found.cases(), found.events()
    before, gone = editions.evaluate(cases, events, known, begin)
    for days in range(1, 300, 30):
        now, waived = editions.evaluate(cases, events, known, begin + days * 86_400_000_000)
        same = now.episode == before.episode
        assert (now.level[same] >= before.level[same]).all()
        reached = before.reached & same[:, None]
        assert now.reached[reached].all()
        assert (now.rungs[reached] == before.rungs[reached]).all()
        assert (waived.at[gone.at != NONE] == gone.at[gone.at != NONE]).all(), "never erased"
        missed = before.breached != NONE
        missed[:, [NU, PIR]] = False  # the last one missed is shown; a report is asked for anew
        assert ((now.breached != NONE) | (waived.at != NONE))[missed].all()
        before, gone = now, waived
    assert (gone.at != NONE).any(), "some breach was waived"


def test_what_changes_the_digest() -> None:
    now = walltime.micros(KNOWN)
    assert editions.digest([policy()], now) == editions.digest([policy(LATE)], now - 1) == ""
    one, other = ({**LATE, "day": f"2026-05-{day}"} for day in (13, 14))
    found = {editions.digest([policy(*late)], now) for late in ((one,), (other,), (one, other), (other, one))}
    assert len(found) == 3 and "" not in found


HOLES = [
    ({"calendar": "DE"}, "late_holidays.0.calendar: there is no list of holidays and no calendar DE"),
    ({"calendar": "C24"}, "late_holidays.0.calendar: C24 always runs"),
    ({"calendar": "IT", "day": "2026-06-02"}, "late_holidays.0.day: 2026-06-02 is closed on IT already"),
    ({"day": "2026-06-02"}, "late_holidays.0.day: 2026-06-02 is closed on CDESK already"),
    ({"calendar": "IT", "day": "2031-06-02"}, "late_holidays.0.day: 2031-06-02 is closed on IT already"),
    ({"day": "2099-05-13"}, "late_holidays.0.day: 2099-05-13 is no day of 2010 to 2060"),
    ({"reason": " "}, "late_holidays.0.reason: say why"),
]


@pytest.mark.parametrize(("change", "sentence"), HOLES)
def test_a_hole_of_a_late_day_is_named(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        policy({**LATE, **change})


def test_a_late_day_stands_once() -> None:
    with pytest.raises(ValueError, match=r"late_holidays\.1\.day: 2026-05-13 is closed on CDESK already"):
        policy(LATE, {**LATE, "known_from": "2026-05-14T00:00:00Z"})
