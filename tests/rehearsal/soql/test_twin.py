"""Random queries against an evaluator of their own, written from the SOQL guide: row by row, without SQL.

The seeds are fixed, so that a difference repeats; ``ROUNDS`` queries of each kind over the same sixty rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.org import Org

ROUNDS = 150
Row = dict[str, Any]
Test = Callable[[Row], bool]

_TODAY = date(2026, 3, 18)
_NAMES = ["Alfa", "ALFA due", "beta", "Beta_x", "gamma%", "O'Neil", "a\\b", "Zeta", "alfabeto", "x"]
_INDUSTRIES = ["Agriculture", "Banking", "Energy", "Media"]
_RATINGS = ["Hot", "Warm", "Cold"]  # in the order of setup, which is not the alphabet's
_NUMBERS = ["NumberOfEmployees", "AnnualRevenue"]


@dataclass(frozen=True)
class Asked:
    """A condition as SOQL writes it, and what it means."""

    soql: str
    test: Test


# -- the rows ---------------------------------------------------------------------------------------------


def _made(chance: random.Random, number: int) -> Row:
    return {
        "Name": chance.choice(_NAMES),
        "Site": chance.choice([None, "nord", "Sud", "NORD", "ovest"]),
        "Industry": chance.choice([None, *_INDUSTRIES]),
        "Rating": chance.choice([None, *_RATINGS]),
        "NumberOfEmployees": chance.choice([None, 0, 1, 5, 40, 41]),
        "AnnualRevenue": chance.choice([None, 0.0, -3.0, 10.0, 1e6]),
        "AccountNumber": f"{number:03}",
    }


def _person(chance: random.Random, number: int, accounts: list[str | None]) -> Row:
    born = chance.choice([None, *(_TODAY + timedelta(days=one) for one in (-400, -91, -31, -7, -1, 0, 1, 6, 35))])
    return {
        "LastName": f"{number:03} {chance.choice(_NAMES)}",
        "AccountId": chance.choice(accounts),
        "Birthdate": born.isoformat() if born else None,
        "DoNotCall": chance.random() < 0.5,
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Org, list[Row]]]:
    folder: Path = tmp_path_factory.mktemp("twin")
    org = Org.open(folder / "org")
    org.clock.freeze(datetime.combine(_TODAY, datetime.min.time(), UTC) + timedelta(hours=12))
    chance = random.Random(7)
    accounts = [_made(chance, number) for number in range(20)]
    ids = [one.id for one in org.insert("Account", accounts)]
    contacts = [_person(chance, number, [None, *(one or "" for one in ids)]) for number in range(60)]
    made = org.insert("Contact", contacts)
    assert all(one.success for one in made)
    parents = dict(zip(ids, accounts, strict=True))
    rows = [
        {**one, "Id": result.id, "Account": parents.get(one["AccountId"])}
        for one, result in zip(contacts, made, strict=True)
    ]
    yield org, rows
    org.close()


def _value(row: Row, path: str) -> Any:
    found: Any = row
    for part in path.split("."):
        found = None if found is None else found[part]
    return found


# -- conditions -------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _compared(path: str, sign: str, value: Any, shown: str, key: Callable[[Any], Any]) -> Asked:
    """Empty fields are unequal to everything, and neither greater nor smaller than anything."""

    def test(row: Row) -> bool:
        found = _value(row, path)
        if sign in ("=", "!="):
            same = (found is None) == (value is None) and (found is None or key(found) == key(value))
            return same == (sign == "=")
        if found is None or value is None:
            return False
        left, right = key(found), key(value)
        return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign])

    return Asked(f"{path} {sign} {shown}", test)


def _fold(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _text(chance: random.Random) -> Asked:
    path = chance.choice(["LastName", "Account.Name", "Account.Site", "Account.Industry"])
    value = chance.choice([*_NAMES, "NORD", "sud", "media", None])
    # How marks sort beside letters differs from locale to locale.
    unsorted = value is None or path == "Account.Industry" or not value.isalpha()
    signs = ["=", "!="] if unsorted else ["=", "!=", "<", ">="]
    shown = "null" if value is None else _quoted(value)
    return _compared(path, chance.choice(signs), value, shown, _fold)


def _number(chance: random.Random) -> Asked:
    path = f"Account.{chance.choice(_NUMBERS)}"
    value = chance.choice([None, 0, 1, 5, 40, -3, 1000000])
    sign = chance.choice(["=", "!="] if value is None else ["=", "!=", "<", "<=", ">", ">="])
    return _compared(path, sign, value, "null" if value is None else str(value), lambda one: one)


def _flag(chance: random.Random) -> Asked:
    value = chance.random() < 0.5
    return _compared("DoNotCall", chance.choice(["=", "!="]), value, str(value).upper(), lambda one: one)


def _like(chance: random.Random) -> Asked:
    path = chance.choice(["LastName", "Account.Name", "Account.Site"])
    parts = [chance.choice(["%", "_", "a", "B", "o", "\\%", "\\_", "'", "\\\\"]) for _ in range(chance.randint(1, 4))]
    pattern = "".join(parts)

    def matches(left: str, at: int) -> bool:
        if at == len(parts):
            return not left
        if parts[at] == "%":
            return any(matches(left[cut:], at + 1) for cut in range(len(left) + 1))
        wanted = parts[at].removeprefix("\\") if len(parts[at]) > 1 else parts[at]
        return bool(left) and (parts[at] == "_" or left[0].upper() == wanted.upper()) and matches(left[1:], at + 1)

    def test(row: Row) -> bool:
        found = _value(row, path)
        return found is not None and matches(found, 0)

    return Asked(f"{path} LIKE '{pattern.replace(chr(39), chr(92) + chr(39))}'", test)


def _among(chance: random.Random) -> Asked:
    path = chance.choice(["Account.Site", "Account.Industry", "Account.Rating", "LastName"])
    values = chance.sample(["nord", "SUD", "media", "Hot", "cold", "Energy", "x", None], chance.randint(1, 4))
    negated = chance.random() < 0.4
    folded = {_fold(one) for one in values}

    def test(row: Row) -> bool:
        return (_fold(_value(row, path)) in folded) != negated

    listed = ", ".join("null" if one is None else _quoted(one) for one in values)
    return Asked(f"{path} {'NOT ' if negated else ''}IN ({listed})", test)


_DAYS: dict[str, tuple[date, date]] = {  # first and last day; the week begins on Monday, in Italy
    "TODAY": (_TODAY, _TODAY),
    "YESTERDAY": (date(2026, 3, 17), date(2026, 3, 17)),
    "THIS_WEEK": (date(2026, 3, 16), date(2026, 3, 22)),
    "NEXT_WEEK": (date(2026, 3, 23), date(2026, 3, 29)),
    "LAST_MONTH": (date(2026, 2, 1), date(2026, 2, 28)),
    "THIS_QUARTER": (date(2026, 1, 1), date(2026, 3, 31)),
    "LAST_YEAR": (date(2025, 1, 1), date(2025, 12, 31)),
    "LAST_N_DAYS:7": (date(2026, 3, 11), _TODAY),
    "NEXT_N_DAYS:6": (date(2026, 3, 19), date(2026, 3, 24)),
    "LAST_N_MONTHS:2": (date(2026, 1, 1), date(2026, 2, 28)),
    "N_DAYS_AGO:31": (date(2026, 2, 15), date(2026, 2, 15)),
}


def _day(chance: random.Random) -> Asked:
    """Before the span, in it, or after it; a plain day is a span of one."""
    fixed = _TODAY + timedelta(days=chance.choice([-31, 0, 1]))
    word, (first, last) = chance.choice([*_DAYS.items(), (fixed.isoformat(), (fixed, fixed))])
    sign = chance.choice(["=", "!=", "<", "<=", ">", ">="])

    def test(row: Row) -> bool:
        if row["Birthdate"] is None:
            return sign == "!="
        found = date.fromisoformat(row["Birthdate"])
        inside = first <= found <= last
        return {
            "=": inside,
            "!=": not inside,
            "<": found < first,
            "<=": found <= last,
            ">": found > last,
            ">=": found >= first,
        }[sign]

    return Asked(f"Birthdate {sign} {word}", test)


_LEAVES = [_text, _number, _flag, _like, _among, _day]


def _condition(chance: random.Random, depth: int) -> Asked:
    roll = chance.random()
    if depth == 0 or roll < 0.3:
        return chance.choice(_LEAVES)(chance)
    if roll < 0.5:
        inner = _condition(chance, depth - 1)
        return Asked(f"(NOT ({inner.soql}))", lambda row: not inner.test(row))
    terms = [_condition(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    word, whole = ("AND", all) if chance.random() < 0.5 else ("OR", any)
    soql = f" {word} ".join(f"({one.soql})" for one in terms)
    return Asked(soql, lambda row: whole(one.test(row) for one in terms))


# -- queries ----------------------------------------------------------------------------------------------


def _sorted(rows: list[Row], path: str, descending: bool, nulls_last: bool) -> list[Row]:
    full = [one for one in rows if _value(one, path) is not None]
    empty = [one for one in rows if _value(one, path) is None]
    places = {"Account.Rating": _RATINGS, "Account.Industry": _INDUSTRIES}.get(path)

    def key(row: Row) -> Any:
        found = _value(row, path)
        return places.index(found) if places else _fold(found)

    full = sorted(full, key=key, reverse=descending)  # equals stay in their order, that of Id
    return full + empty if nulls_last else empty + full


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_rows_in_order(world: tuple[Org, list[Row]], seed: int) -> None:
    org, rows = world
    chance = random.Random(seed)
    asked = _condition(chance, 3)
    path = chance.choice(["LastName", "Account.Rating", "Account.Industry", "Account.AnnualRevenue", "Birthdate"])
    descending, nulls_last = chance.random() < 0.5, chance.random() < 0.5
    limit, offset = chance.choice([None, 0, 3, 50]), chance.choice([None, 1, 7])
    soql = f"SELECT Id FROM Contact WHERE {asked.soql} ORDER BY {path}{' DESC' if descending else ''}"
    soql += f"{' NULLS LAST' if nulls_last else ''}, Id"
    soql += f" LIMIT {limit}" * (limit is not None) + f" OFFSET {offset}" * (offset is not None)
    found = _sorted([one for one in rows if asked.test(one)], path, descending, nulls_last)[offset or 0 :]
    wanted = [one["Id"] for one in (found if limit is None else found[:limit])]
    assert [one["Id"] for one in org.query(soql).records] == wanted, soql


def _summed(kind: str, values: list[Any]) -> Any:
    full = [one for one in values if one is not None]
    if kind == "COUNT":
        return len(full)
    if kind == "COUNT_DISTINCT":
        return len({_fold(one) for one in full})
    if not full:
        return None
    return {"SUM": sum(full), "MIN": min(full), "MAX": max(full), "AVG": sum(full) / len(full)}[kind]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_groups(world: tuple[Org, list[Row]], seed: int) -> None:
    org, rows = world
    chance = random.Random(1000 + seed)
    asked = _condition(chance, 2)
    fields = chance.sample(["Account.Industry", "Account.Rating"], chance.randint(0, 2))
    kinds = [(chance.choice(["COUNT", "SUM", "MIN", "MAX", "AVG", "COUNT_DISTINCT"]), one) for one in _NUMBERS]
    least = chance.choice([None, 1, 4]) if fields else None
    groups: dict[tuple[Any, ...], list[Row]] = {} if fields else {(): []}
    for row in rows:
        if asked.test(row):
            groups.setdefault(tuple(_value(row, one) for one in fields), []).append(row)
    wanted = {
        key: [_summed(kind, [_value(one, f"Account.{field}") for one in inside]) for kind, field in kinds]
        for key, inside in groups.items()
        if least is None or len(inside) > least
    }
    items = [*fields, *(f"{kind}(Account.{field}) a{number}" for number, (kind, field) in enumerate(kinds))]
    soql = f"SELECT {', '.join(items)} FROM Contact WHERE {asked.soql}"
    soql += f" GROUP BY {', '.join(fields)}" * bool(fields)
    soql += f" HAVING COUNT(Id) > {least}" * (least is not None)
    found = {
        tuple(row[one.partition(".")[2]] for one in fields): [row["a0"], row["a1"]] for row in org.query(soql).records
    }
    assert found.keys() == wanted.keys(), soql
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values), soql
