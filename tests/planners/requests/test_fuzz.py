"""A slice of the fuzz of the reader; ``scripts/fuzz_requests`` runs the long one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.planners.requests.fuzz import Judge, hold, judge_of, mutants
from tests.planners.requests.shopworld import HEADER


@pytest.fixture(scope="module")
def judge() -> Judge:
    return judge_of()


def test_wounded_files_are_read_or_refused(judge: Judge) -> None:
    found = Counter(hold(judge, content) for content in mutants(seed=1, count=60))
    assert found["read"] > 20


def test_an_odd_line_end_after_a_delimiter_makes_no_hint_of_a_header(judge: Judge) -> None:
    """Only CR and LF end a line: else the first line of the error file, its header, passed for a ``sep=`` line."""
    lines = ["0042;altro", f"sep=;\x1e{HEADER}", "0042;altro;alta"]
    assert hold(judge, "\n".join(lines).encode()) == "read"


cell = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
dirty = st.sampled_from(
    ["0042", "42", "altro", "RP-09", "46154", "12/05/2026 10:15", "1,234", "(5)", "=1", "8,9E+15", "00000000000", "NA"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cell | dirty, min_size=1, max_size=16), min_size=1, max_size=8))
def test_any_cells_under_the_header(judge: Judge, rows: list[list[str]]) -> None:
    lines = [";".join('"' + c.replace('"', '""') + '"' for c in row) for row in rows]
    assert hold(judge, "\n".join([HEADER, *lines]).encode()) == "read"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_any_bytes_at_all(judge: Judge, body: bytes) -> None:
    hold(judge, body)
    hold(judge, HEADER.encode() + b"\n" + body)
