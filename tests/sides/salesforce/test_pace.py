"""Looks at a running job: few, and none much later than its end."""

from __future__ import annotations

import pytest

from sfsync.sides.salesforce.jobs import worked_s
from sfsync.sides.salesforce.pace import Pace, Speed, Watch


def looks(
    rows: int, ends_s: float, *, expected_s: float | None = None, shows: bool = True, late_s: float = 0
) -> list[float]:
    """Moments of the looks at a job of steady speed; ``shows``: it tells its progress, ``late_s`` after its start."""
    watch, now, found = Watch(Pace(), rows, expected_s), 0.0, []
    while not found or now < ends_s:
        if found:
            done = max(0.0, now - late_s) / (ends_s - late_s)
            watch.saw(int(rows * done) if shows else 0)
        now += watch.pause(now)
        found.append(now)
    return found


@pytest.mark.parametrize("ends_s", [3.0, 17.0, 120.0, 900.0])
def test_progress_leads_to_the_end_in_few_looks(ends_s: float) -> None:
    found = looks(100_000, ends_s)
    assert found[-1] - ends_s <= max(0.05 * ends_s, 0.1)
    assert len(found) <= 8 + ends_s / 30  # a pause is never longer than 30 s


@pytest.mark.parametrize("late_s", [5.0, 30.0])
def test_a_job_that_begins_late_is_not_waited_for_too_long(late_s: float) -> None:
    found = looks(100_000, 60.0, late_s=late_s)
    assert found[-1] <= 63.0
    assert len(found) <= 35


def test_without_progress_looks_stay_a_tenth_apart() -> None:
    found = looks(100_000, 100.0, shows=False)
    assert found[-1] <= 110.0
    assert len(found) <= 50


def test_the_speed_of_an_earlier_job_saves_looks() -> None:
    speed = Speed()
    assert speed.get(50_000) is None
    speed.learn(50_000, 10.0)
    assert speed.get(100_000) == pytest.approx(20.0)
    assert speed.get(500_000) is None, "a small job has mostly waited"
    assert len(looks(100_000, 20.0, expected_s=speed.get(100_000))) < len(looks(100_000, 20.0))


@pytest.mark.parametrize(
    ("millis", "ran_s", "ended_s", "learned_s"),
    [
        (600, 0.0, 2.0, 0.6),  # the first look came late: the org tells
        (600, 0.0, 0.5, 0.5),  # it cannot have taken longer than we waited
        (3_000, 30.0, 33.0, 30.0),  # it stood in a queue first, and will again
        (None, 0.0, 2.0, 2.0),
    ],
)
def test_what_a_late_look_teaches(millis: int | None, ran_s: float, ended_s: float, learned_s: float) -> None:
    ended = {"state": "JobComplete"} | ({} if millis is None else {"totalProcessingTime": millis})
    assert worked_s(ended, ran_s, ended_s) == learned_s
