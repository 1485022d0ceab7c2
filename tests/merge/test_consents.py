"""An opt-out under every interleaving of edits, runs and deaths: strict on one side is strict on both after a run.

All stories of a fixed length are rows of one frame: a step edits one side of some of them, a run decides all of them
at once by the real tables. What a run writes may be lost, or arrive without the run living to remember it.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from sfsync.merge import decide, verdict
from sfsync.merge.align import NOT_OBSERVED, Aligned
from sfsync.merge.decide import Action
from sfsync.sides.side import TEXT
from tests.merge.cells import mapping

VALUES = np.array([None, "false", "true"], dtype=object)  # by digest - 1; the digest of null is 1
NULL, LOOSE, STRICT = 1, 2, 3
P, S = 0, 1
SHAPE = mapping(opted_out={"owner": "stricter", "type": "boolean", "stricter": True, "lane": "compliance"})
# A step: a person sets a value on a side (an opt-out, its relaxation, a deletion), or a run ends in some way.
EDITS = [(side, value) for side in (P, S) for value in (NULL, LOOSE, STRICT)]
RUNS = ["whole", "lost", "forgotten"]  # as it should; nothing arrived; it arrived and nobody remembers
STEPS: list[tuple[int, int] | str] = [*EDITS, *RUNS]
LENGTH = 5


class Stories:
    """Every story of ``LENGTH`` steps from one beginning (digests of platform, Salesforce and base), one row each."""

    def __init__(self, start: tuple[int, int, int]) -> None:
        self.steps = np.array(list(product(range(len(STEPS)), repeat=LENGTH)), np.int8)
        count = len(self.steps)
        self.now, self.base = np.tile(start[:2], (count, 1)), np.full(count, start[2])
        self.doubt = np.zeros(count, bool)

    def play(self) -> None:
        """All steps, and two runs nobody disturbs."""
        for column in range(LENGTH):
            for number, step in enumerate(STEPS):
                rows = np.flatnonzero(self.steps[:, column] == number)
                if not isinstance(step, tuple):
                    self.run(rows, step)
                else:
                    self.now[rows, step[0]] = step[1]
        for _ in range(2):
            self.run(np.arange(len(self.steps)), "whole")

    def run(self, rows: np.ndarray, end: str) -> None:
        """One run over these stories, and what must be true of it."""
        before = self.now[rows]
        actions = self._actions(before[:, P], before[:, S], self.base[rows], self.doubt[rows])
        written = {S: actions == Action.SALESFORCE, P: actions == Action.PLATFORM}
        if end != "lost":
            for side, mask in written.items():
                self.now[rows[mask], side] = before[mask, 1 - side]
        some = written[P] | written[S]
        known = (actions == Action.BASE) | (some & (end == "whole"))
        self.base[rows[known]] = self.now[rows[known], P]
        self.doubt[rows] = some & (end == "lost")
        self._judge(rows, before == STRICT, self.now[rows] == STRICT, actions, end)

    def _judge(self, rows: np.ndarray, before: np.ndarray, after: np.ndarray, actions: np.ndarray, end: str) -> None:
        told = [STEPS[i] for i in self.steps[rows[0]]] if len(rows) else []
        assert not (actions == Action.ASK).any(), "an opt-out waits for nobody"
        assert not (before & ~after).any(), f"a machine lifted an opt-out: {told}"
        if end == "whole":
            assert after[before.any(axis=1)].all(), f"an opt-out did not reach the other side: {told}"

    def _actions(self, p: np.ndarray, s: np.ndarray, b: np.ndarray, doubt: np.ndarray) -> np.ndarray:
        """The real verdicts and decisions; the digests are the values' own numbers."""
        known = Aligned.__new__(Aligned)
        index = pd.RangeIndex(len(p))
        frames = [pd.DataFrame({"opted_out": pd.array(VALUES[v - 1], dtype=TEXT)}, index=index) for v in (p, s)]
        digests = [v[:, None].astype(np.uint64) for v in (p, s, b)]
        for name, value in zip(("platform", "salesforce", "p", "s", "b"), (*frames, *digests), strict=True):
            object.__setattr__(known, name, value)
        object.__setattr__(known, "mapping", SHAPE)
        verdicts = verdict.cells(known.p, known.s, known.b)
        return decide.cells(known, verdicts, np.zeros(verdicts.shape, np.int8), doubt[:, None])[:, 0]


STARTS = [
    (LOOSE, LOOSE, LOOSE),
    (STRICT, STRICT, STRICT),
    (NULL, NULL, NULL),
    (STRICT, LOOSE, int(NOT_OBSERVED)),  # they never met
    (LOOSE, STRICT, int(NOT_OBSERVED)),
    (NULL, STRICT, LOOSE),
]


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_strict_on_one_side_is_strict_on_both_after_a_run(start: tuple[int, int, int]) -> None:
    """59,049 stories from each beginning."""
    stories = Stories(start)
    stories.play()
    assert (stories.now[:, P] == stories.now[:, S]).all(), "at the end both sides say the same"
