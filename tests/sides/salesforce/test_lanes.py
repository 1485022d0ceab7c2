"""Rows of one parent never lie in two batches that may run side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.rehearsal.dml.contention import Reckoning, doomed
from sfsync.sides.salesforce.lanes import NO_PARENT, Shape, bundles, fill, lay_out


def check(parents: list[list[int]], jobs: list[list[int]], shape: Shape) -> None:
    """Row by row: everything once, jobs not too long, and no parent in two batches of a job."""
    assert sorted(row for job in jobs for row in job) == list(range(len(parents)))
    for job in jobs:
        assert 0 < len(job) <= shape.batches * shape.batch_rows
        batch_of: dict[int, int] = {}
        for place, row in enumerate(job):
            for parent in parents[row]:
                if parent != NO_PARENT:
                    assert batch_of.setdefault(parent, place // shape.batch_rows) == place // shape.batch_rows


def laid(parents: list[list[int]], shape: Shape) -> list[list[int]]:
    jobs = [job.tolist() for job in lay_out(np.array(parents).reshape(len(parents), -1), shape)]
    check(parents, jobs, shape)
    return jobs


rows = st.integers(1, 3).flatmap(
    lambda k: st.lists(st.lists(st.integers(-1, 12), min_size=k, max_size=k), min_size=1, max_size=60)
)


@settings(max_examples=200, deadline=None)
@given(rows, st.integers(1, 7), st.integers(1, 4))
def test_no_parent_is_in_two_batches_of_a_job(parents: list[list[int]], batch: int, batches: int) -> None:
    shape = Shape(batch, batch * batches)
    assert laid(parents, shape) == laid(parents, shape)


def of_sizes(*sizes: int, alone: int = 0) -> list[list[int]]:
    mixed = [[parent] for parent, size in enumerate(sizes) for _ in range(size)] + [[NO_PARENT]] * alone
    np.random.default_rng(5).shuffle(mixed)
    return mixed


@pytest.mark.parametrize(
    ("sizes", "alone", "jobs"),
    [
        ((1_250,) * 40, 0, [50_000]),  # eight to a batch
        ((6_000, 6_000, 6_000, 4_000, 4_000, 4_000), 0, [30_000]),
        ((7_000, 7_000, 7_000), 9_000, [30_000]),  # single rows fill the gaps
        ((7_000, 7_000, 7_000), 0, [7_000, 7_000, 7_000]),  # nothing fills them: a job each
        ((25_000, 5_000), 0, [15_000, 10_000, 5_000]),  # a parent larger than a batch: piece after piece
        ((), 250_000, [100_000, 100_000, 50_000]),
    ],
)
def test_as_few_jobs_as_the_sizes_allow(sizes: tuple[int, ...], alone: int, jobs: list[int]) -> None:
    found = laid(of_sizes(*sizes, alone=alone), Shape())
    assert sorted((len(j) for j in found), reverse=True) == sorted(jobs, reverse=True)


def test_uneven_parents_still_fill_batches() -> None:
    sizes = np.random.default_rng(1).integers(800, 1_700, 40)
    found = laid(of_sizes(*sizes), Shape())
    assert len(found) <= 2


@pytest.mark.parametrize("largest", [0, 35_000])
def test_fifty_thousand_cases_of_forty_parents_lose_no_lock(largest: int) -> None:
    """As the rehearsal org reckons it: batches side by side, a parent's lock for one of them at a time."""
    dice = np.random.default_rng(3)
    parents = np.where(np.arange(50_000) < largest, 0, dice.integers(0, 40, 50_000))
    dice.shuffle(parents)
    jobs = lay_out(parents[:, None], Shape())
    assert [lost_in(parents[job]) for job in jobs] == [0] * len(jobs)
    assert len(jobs) == (1 if not largest else 4)
    assert lost_in(parents) > 10_000
    assert lost_in(np.sort(parents)) > 1_000 or not largest


def lost_in(parents: np.ndarray) -> int:
    return len(doomed(([(1, str(one))] for one in parents), Reckoning(hold_s=4, wait_s=10, lanes=5)))


def test_rows_with_two_parents_tie_them_together() -> None:
    parents = np.array([[0, 5], [1, 5], [1, 6], [2, NO_PARENT], [NO_PARENT, NO_PARENT], [3, 7], [8, 7], [8, 2]])
    found = bundles(parents)
    assert found[0] == found[1] == found[2]
    assert found[3] == found[5] == found[6] == found[7] != found[0]
    assert found[4] == NO_PARENT


def test_a_long_chain_is_one_bundle() -> None:
    links = np.random.default_rng(2).permutation(5_000)
    parents = np.column_stack([links[:-1], links[1:]])
    assert len(np.unique(bundles(parents))) == 1


@given(st.integers(0, 60), st.dictionaries(st.integers(1, 30), st.integers(1, 4), max_size=5))
def test_a_room_is_filled_as_far_as_any_choice_can(room: int, counts: dict[int, int]) -> None:
    sums = {0}
    for size, count in counts.items():
        sums = {s + size * n for s in sums for n in range(count + 1)}
    found = fill(room, counts)
    assert all(n <= counts[size] for size, n in found.items())
    assert sum(size * n for size, n in found.items()) == max(s for s in sums if s <= room)
