"""The memory side keeps the contract under both names, and its faults do what they say."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import pytest

from sfsync.errors import Unreachable
from sfsync.mapping.model import Mapping
from sfsync.sides.memory import Died, MemorySide
from tests.sides.contract import COMPANY, PLAIN, Hand, SideContract, row

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


class MemoryWorld:
    def __init__(self, side: MemorySide) -> None:
        self.side = side

    def put(self, rows: Dict[str, dict[str, str | None]]) -> None:
        self.side.put(COMPANY, rows)

    def remove(self, keys: Sequence[str]) -> None:
        self.side.remove(COMPANY, keys)


class TestMemoryContract(SideContract):
    @pytest.fixture(params=["platform", "salesforce"])
    def world(self, request: pytest.FixtureRequest) -> MemoryWorld:
        return MemoryWorld(MemorySide(request.param, now=NOW))


@pytest.fixture
def side() -> MemorySide:
    return MemorySide("salesforce", now=NOW, batch_rows=2)


def test_a_lost_reply_is_written_but_unknown(side: MemorySide) -> None:
    side.faults.lose_reply = 1
    outcomes = Hand(side).write("create", {f"C-{i}": PLAIN for i in range(3)})
    assert outcomes["result"].tolist() == ["unknown", "unknown", "created"]
    assert len(side.peek(COMPANY)) == 3


def test_a_lost_request_is_unknown_and_not_written(side: MemorySide) -> None:
    side.faults.lose_request = 1
    outcomes = Hand(side).write("create", {f"C-{i}": PLAIN for i in range(3)})
    assert outcomes["result"].tolist() == ["unknown", "unknown", "created"]
    assert list(side.peek(COMPANY)) == ["C-2"]


@pytest.mark.parametrize(("point", "written"), [("before_commit", 2), ("after_commit", 4)])
def test_dying_between_batches(side: MemorySide, point: str, written: int) -> None:
    side.faults.die_at, side.faults.die_after = point, 1  # type: ignore[assignment]
    with pytest.raises(Died):
        Hand(side).write("create", {f"C-{i}": PLAIN for i in range(6)})
    assert len(side.peek(COMPANY)) == written
    assert len(Hand(side).changes()) == written  # it died once


def test_refused_keys_and_unreachable(side: MemorySide) -> None:
    side.faults.refuse["C-1"] = "lock"
    outcomes = Hand(side).write("create", {"C-0": PLAIN, "C-1": PLAIN})
    assert outcomes["result"].tolist() == ["created", "failed"]
    assert outcomes.loc["C-1", "kind_of_failure"] == "lock"
    side.faults.unreachable = 1
    with pytest.raises(Unreachable):
        Hand(side).fetch("C-0")
    assert len(Hand(side).fetch("C-0")) == 1


def test_a_keyless_record_gets_its_key_by_id(side: MemorySide) -> None:
    side.put(COMPANY, {"SF-1": PLAIN}, keyless=True)
    found = Hand(side).changes()
    assert found.meta["keyless"].tolist() == [True]
    assert len(Hand(side).fetch("SF-1")) == 0
    Hand(side).write("update", {"SF-1": {"name": "Verdi"}}, found.meta["id"].tolist())
    assert row(Hand(side).fetch("SF-1"), "SF-1")["name"] == "Verdi"
    assert Hand(side).changes().meta["keyless"].tolist() == [False]


def test_a_merged_record_names_its_survivor(side: MemorySide) -> None:
    side.put(COMPANY, {"C-1": PLAIN, "C-2": PLAIN})
    side.merge(COMPANY, "C-1", "C-2")
    meta = Hand(side).changes().meta
    assert meta.loc["C-1", "deleted"]
    assert meta.loc["C-1", "survivor"] == meta.loc["C-2", "id"]


def test_hidden_and_spoilt_cells(side: MemorySide) -> None:
    side.put(COMPANY, {"C-1": PLAIN})
    side.hide(COMPANY, "pec")
    side.spoil(COMPANY, "C-1", "sdi", "VALUE_FORMAT")
    found = Hand(side).changes()
    assert "pec" not in found.observed
    assert pd.isna(found.values.loc["C-1", "pec"])
    assert found.problems.to_dict("records") == [{"key": "C-1", "field": "sdi", "code": "VALUE_FORMAT"}]


def test_a_missing_parent_refuses_the_child(side: MemorySide) -> None:
    child = Mapping.model_validate(
        {
            "mapping": "shop",
            "platform": {"table": "shops", "key": "shop_code"},
            "salesforce": {"object": "Account", "key": "SFS_Shop_Code__c"},
            "fields": {
                "company": {
                    "platform": "company_code",
                    "salesforce": "Parent.SFS_Company_Code__c",
                    "type": "reference",
                    "references": "company",
                }
            },
        }
    )
    side.put(COMPANY, {"C-1": PLAIN})
    values = pd.DataFrame({"company": pd.array(["C-1", "C-9"], dtype="string[pyarrow]")}, index=["S-1", "S-2"])
    from sfsync.sides.side import Write

    write = Write(
        "create", values.index, pd.Series([pd.NA, pd.NA], index=values.index), values, values.notna().to_numpy()
    )
    outcomes = next(iter(side.write(child, write))).rows
    assert outcomes["result"].tolist() == ["created", "failed"]
    assert outcomes.loc["S-2", "kind_of_failure"] == "parent"


def test_pages_come_in_the_order_of_stamps() -> None:
    side = MemorySide("platform", now=NOW, page_rows=2)
    for i in (3, 1, 2):
        side.put(COMPANY, {f"C-{i}": PLAIN})
        side.advance(1)
    pages = list(side.changes(COMPANY, side.window(COMPANY, None)))
    assert [p.values.index.tolist() for p in pages] == [["C-3", "C-1"], ["C-2"]]
