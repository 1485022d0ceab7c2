# ruff: noqa: S608 - SOQL, not SQL
"""First pages of queries as readers of large tables ask them: windows on an index, with and without LIMIT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scripts.benches.timing import Timing

ROUNDS = 20
Query = Callable[[str], Mapping[str, Any]]


def query_bench(query: Query, object_name: str = "Account") -> dict[str, Timing]:
    """Times the first page of each kind of query; ``query`` gives the parsed answer of one.

    The window begins in the middle of the table, where counting it is dearest.
    """
    middle = _middle(query, object_name)
    return {title: Timing.of(query, [soql] * ROUNDS) for title, soql in _kinds(object_name, *middle).items()}


def _middle(query: Query, name: str) -> tuple[str, str]:
    """Stamp and id of a row half-way: 2,000 rows at a time would take long, so by halving the span of time."""
    first, last = (
        query(f"SELECT Id, SystemModstamp FROM {name} ORDER BY SystemModstamp {way}, Id {way} LIMIT 1")["records"][0]
        for way in ("ASC", "DESC")
    )
    half = query(
        f"SELECT Id, SystemModstamp FROM {name} WHERE Id > '{_between(first['Id'], last['Id'])}' ORDER BY Id LIMIT 1"
    )
    row = half["records"][0] if half["records"] else last
    return row["SystemModstamp"].replace("+0000", "Z"), row["Id"]


def _between(low: str, high: str) -> str:
    """An id half-way between two: their common beginning, then the middle of the first letters that differ."""
    place = next((at for at in range(15) if low[at] != high[at]), 14)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    letter = digits[(digits.index(low[place]) + digits.index(high[place])) // 2]
    return (low[:place] + letter).ljust(15, "0")


def _kinds(name: str, stamp: str, record: str) -> dict[str, str]:
    start = f"SELECT Id, Name, SystemModstamp FROM {name}"
    after = f"((SystemModstamp = {stamp} AND Id > '{record}') OR SystemModstamp > {stamp})"
    order = "ORDER BY SystemModstamp, Id"
    return {
        "keyset window, LIMIT 2000": f"{start} WHERE {after} {order} LIMIT 2000",
        "keyset window, whole": f"{start} WHERE {after} {order}",
        "by Id, LIMIT 2000": f"{start} WHERE Id > '{record}' ORDER BY Id LIMIT 2000",
        "CreatedDate from the middle on": f"{start} WHERE CreatedDate >= {stamp}",
        "everything": start,
        "COUNT()": f"SELECT COUNT() FROM {name}",
    }
