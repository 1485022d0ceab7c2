"""The engine against a slow twin: one case at a time, written from the text of the policy by somebody else."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from sfsync.planners.sla.figures import Figures, figures
from sfsync.planners.sla.policy import load
from sfsync.planners.sla.timeline import explain
from tests.planners.sla import made, twin

COUNT = 250


@cache
def known() -> Figures:
    """The project's policy."""
    return figures(load(Path(__file__).parents[3] / "mappings" / "sla.yaml")[-1])


@pytest.mark.parametrize("seed", range(101, 105))
def test_the_engine_says_what_the_twin_says(seed: int) -> None:
    dice = random.Random(seed)
    for case in made.cases(seed, COUNT):
        at = made.as_of(case, dice)
        (found,) = explain([case], known(), at)
        assert found == twin.timeline(case, at), f"{case} at {at.isoformat()}"
