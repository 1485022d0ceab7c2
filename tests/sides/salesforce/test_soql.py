"""SOQL text: nothing breaks out of a literal, windows tile, lists stay within their room."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.sides.salesforce import soql

UNESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}


def unquoted(literal: str) -> str:
    """The value of a literal, read the way Salesforce does; fails on a quote that is not escaped."""
    assert literal[0] == literal[-1] == "'"
    assert re.fullmatch(r"(?:[^'\\]|\\.)*", literal[1:-1], re.DOTALL)
    return re.sub(r"\\(.)", lambda m: UNESCAPES[m.group(1)], literal[1:-1], flags=re.DOTALL)


@given(st.text())
def test_a_literal_reads_back_as_the_value_whatever_it_holds(value: str) -> None:
    assert unquoted(soql.quote(value)) == value


def test_an_apostrophe_does_not_end_the_literal() -> None:
    assert soql.quote("O'Hara' OR Name != '") == r"'O\'Hara\' OR Name != \''"
    assert soql.quote("a\\") == r"'a\\'"


def test_instants_are_utc_and_whole_seconds() -> None:
    rome = datetime(2026, 11, 22, 11, 0, 5, 999, tzinfo=timezone(timedelta(hours=1)))
    assert soql.instant(rome) == "2026-11-22T10:00:05Z"
    assert soql.instant("2026-11-22T10:00:05.000+0000") == "2026-11-22T10:00:05Z"
    with pytest.raises(ValueError, match="time zone"):
        soql.instant(datetime(2026, 11, 22, 10, 0, 5))  # noqa: DTZ001


def test_select_names_a_field_once() -> None:
    text = soql.select(["Id", "CaseNumber", "id", "CASENUMBER"], "Case", "A = 1", "Id")
    assert text == "SELECT Id,CaseNumber FROM Case WHERE A = 1 ORDER BY Id"


def test_and_and_or_never_stand_on_one_level() -> None:
    where = soql.all_of(["A = 1", "", soql.after(datetime(2026, 1, 1, tzinfo=UTC), "001x")])
    assert where == (
        "(A = 1) AND ((SystemModstamp = 2026-01-01T00:00:00Z AND Id > '001x') OR SystemModstamp > 2026-01-01T00:00:00Z)"
    )


def _matches(condition: str, stamp: str, record_id: str) -> bool:
    """Evaluate a range condition for one row, as the org would."""
    text = re.sub(r"(\d{4}-[^ )]+Z)", r"'\1'", condition)
    text = text.replace(" AND ", " and ").replace(" OR ", " or ")
    text = re.sub(r"(?<![<>])= ", "== ", text)
    return not text or bool(eval(text, {"SystemModstamp": stamp, "Id": record_id}))


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=1, max_size=60, unique=True),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 41)), max_size=20),
)
def test_ranges_hold_every_row_exactly_once(
    known: list[tuple[int, int]], rows: int, others: list[tuple[int, int]]
) -> None:
    bounds = sorted((f"2026-01-01T00:00:0{s}Z", f"{i:03}") for s, i in known)
    ranges = soql.ranges(bounds, rows)
    assert len(ranges) == -(-len(bounds) // rows)
    everything = {*bounds, *((f"2026-01-01T00:00:0{s}Z", f"{i:03}") for s, i in others)}
    for stamp, record_id in everything:
        assert sum(_matches(r, stamp, record_id) for r in ranges) == 1
    for one in ranges:
        assert sum(_matches(one, *b) for b in bounds) <= rows


@given(st.lists(st.text(min_size=1, max_size=40), max_size=200), st.integers(300, 2_000))
def test_lists_hold_every_value_once_and_stay_within_their_room(values: list[str], room: int) -> None:
    clauses = list(soql.in_lists("Key__c", values, room, most=50))
    assert all(len(soql.encoded(c)) <= room for c in clauses)
    found = [unquoted(v) for c in clauses for v in re.findall(r"'(?:[^'\\]|\\.)*'", c, re.DOTALL)]
    assert found == values


def test_encoding_keeps_the_query() -> None:
    text = soql.select(["Id"], "Account", "Name = " + soql.quote("Café & Söhne + 100%?#"))
    assert unquote(soql.encoded(text)) == text
    assert not set(soql.encoded(text)) & set("&+#? ")
