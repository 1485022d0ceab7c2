"""Automation on order changes what was written, and shows it as automation does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.automation import orders
from sfsync.rehearsal.faults import Faults
from sfsync.rehearsal.org import Org


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    org = Org(tmp_path)
    yield org
    org.close()


def _arm(org: Org, **order: Any) -> None:
    org.state_put(orders.KIND, "1", orders.order(org.schema, order))


def _names(org: Org, field: str = "Name") -> list[Any]:
    return [one[field] for one in org.query(f"SELECT {field} FROM Account ORDER BY Id").records]


def test_a_value_is_set_and_only_the_system_modstamp_moves(org: Org) -> None:
    _arm(org, object="account", set={"name": "Changed", "NumberOfEmployees": "7"}, delay_s=5)
    org.clock.freeze()
    org.insert("Account", [{"Name": "a"}])
    row = next(iter(org.query("SELECT Name, NumberOfEmployees, LastModifiedDate, SystemModstamp FROM Account").records))
    assert (row["Name"], row["NumberOfEmployees"]) == ("Changed", 7)
    assert row["LastModifiedDate"] == org.clock.stamp()
    org.clock.advance(5)
    assert row["SystemModstamp"] == org.clock.stamp()


def test_formulas_and_conditions(org: Org) -> None:
    _arm(org, object="Account", when={"Industry": "Energy"}, set={"Name": {"formula": "UPPER(Name)"}})
    org.insert("Account", [{"Name": "a", "Industry": "Energy"}, {"Name": "b"}])
    assert _names(org) == ["A", "b"]
    org.update(
        "Account", [{"Id": one["Id"], "Industry": "Energy"} for one in org.query("SELECT Id FROM Account").records]
    )
    assert _names(org) == ["A", "B"]


def test_so_many_times_and_again_after_a_restart(org: Org, tmp_path: Path) -> None:
    _arm(org, object="Account", set={"Name": "hit"}, times=2)
    org.insert("Account", [{"Name": "a"}])
    org.close()
    again = Org(tmp_path)
    again.insert("Account", [{"Name": "b"}, {"Name": "c"}])
    assert _names(again) == ["hit", "hit", "c"]
    again.close()


def test_the_same_seed_hits_the_same_rows(tmp_path: Path) -> None:
    seen = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        org = Org(tmp_path / name)
        _arm(org, object="Account", set={"Name": "hit"}, probability=0.5, seed=4)
        org.insert("Account", [{"Name": f"{number}"} for number in range(40)])
        seen.append(_names(org))
        org.close()
    assert seen[0] == seen[1]
    assert 5 < seen[0].count("hit") < 35


def test_a_rolled_back_save_does_not_use_up_an_order(org: Org) -> None:
    _arm(org, object="Account", set={"Name": "hit"}, times=1)
    org.insert("Account", [{"Name": "a"}, {}], all_or_none=True)
    org.insert("Account", [{"Name": "b"}])
    assert _names(org) == ["hit"]


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"object": "Nope", "set": {"Name": "x"}}, "there is no object Nope"),
        ({"object": "Account"}, 'needs "set"'),
        ({"object": "Account", "set": {"Nope": 1}}, "Account has no field Nope"),
        ({"object": "Account", "set": {"SystemModstamp": "x"}}, "SystemModstamp cannot be set"),
        ({"object": "Account", "set": {"NumberOfEmployees": "x"}}, "int"),
        ({"object": "Account", "set": {"Name": {"formula": "NOPE()"}}}, "Unknown function NOPE"),
        ({"object": "Account", "set": {"Name": "x"}, "whenever": 1}, "has no whenever"),
    ],
)
def test_wrong_orders_are_refused(org: Org, order: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        orders.order(org.schema, order)


def test_orders_are_faults_armed_shown_and_cleared_like_the_others(org: Org) -> None:
    faults = Faults(org)
    order = {"kind": "automation", "object": "Account", "set": {"Name": "hit"}, "times": 1}
    faults.replace([order, order])
    org.insert("Account", [{"Name": "a"}])
    assert [(one["kind"], one["hits"]) for one in faults.show()] == [("automation", 1), ("automation", 1)]
    with pytest.raises(ValueError, match="there is no object Nope"):
        faults.replace([order | {"object": "Nope"}])
    assert len(faults.show()) == 2
    faults.clear()
    assert faults.show() == []
    org.insert("Account", [{"Name": "b"}])
    assert _names(org) == ["hit", "b"]
