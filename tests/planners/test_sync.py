"""The sync planner over literal worlds: what it writes, what it holds, what stops it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.planners.sync import gather
from tests.planners.worlds import NOW, World, cells, changes, codes, header, issues, mapping, rows_of, segments

SHOP = mapping()


def test_a_world_in_step_gives_an_empty_plan(tmp_path: Path) -> None:
    world = World(SHOP)
    world.agree(SHOP, rows_of(5))
    folder = world.plan(tmp_path / "plan")
    assert segments(folder, SHOP) == []
    part = header(folder).mappings["shop"]
    assert (part.salesforce.unchanged, part.platform.unchanged, header(folder).changes) == (5, 5, 0)


def test_a_record_nobody_touched_is_not_even_fetched(tmp_path: Path) -> None:
    world = World(SHOP)
    world.agree(SHOP, rows_of(50))
    for side in (world.platform, world.salesforce):
        side.advance(86_400)
    world.platform.put(SHOP, {"K0007": {"city": "Bari"}})
    calls = world.salesforce.calls
    folder = world.plan(tmp_path / "plan", since=NOW + timedelta(hours=12), as_of=NOW + timedelta(days=1))
    assert cells(changes(folder, SHOP)) == {("salesforce", "update", "main", "K0007", "city", "Bari")}
    assert world.salesforce.calls - calls == 1, "the one record is fetched, nothing else is read"
    assert header(folder).mappings["shop"].read == {"platform": 1, "salesforce": 1}


# -- parents ----------------------------------------------------------------------------------------------------------

COMPANY = mapping("company")
CHILD = mapping(
    "shop",
    {
        "company": {"type": "reference", "references": "company"},
        "flag": {"type": "boolean", "lane": "compliance"},
        "before": {"type": "reference", "references": "shop", "deferred": True},
    },
)


def test_a_missing_parent_holds_the_child_and_its_own_plan_wakes_it(tmp_path: Path) -> None:
    world = World(COMPANY, CHILD)
    world.platform.put(CHILD, {"S1": {"company": "C1", "flag": "true", "before": None}})
    folder = world.plan(tmp_path / "held")
    assert cells(changes(folder, CHILD)) == set()
    assert issues(folder, CHILD) == {("S1", "held", "PARENT_MISSING", "company", "company", "C1")}
    assert header(folder).mappings["shop"].salesforce.held == 1
    world.platform.put(COMPANY, {"C1": {"name": "Ditta", "city": None}})
    awake = world.plan(tmp_path / "awake")
    assert ("salesforce", "create", "main", "S1", "company", "C1") in cells(changes(awake, CHILD))
    assert issues(awake, CHILD) == set()


def test_compliance_flags_never_wait_for_a_parent(tmp_path: Path) -> None:
    world = World(COMPANY, CHILD)
    world.agree(COMPANY, {"C1": {"name": "Ditta", "city": None}})
    world.agree(CHILD, {"S1": {"company": "C1", "flag": "false", "before": None}})
    world.platform.put(CHILD, {"S1": {"company": "C-GONE", "flag": "true"}})
    folder = world.plan(tmp_path / "plan")
    assert cells(changes(folder, CHILD)) == {("salesforce", "update", "compliance", "S1", "flag", "true")}
    assert issues(folder, CHILD) == {("S1", "held", "PARENT_MISSING", "company", "company", "C-GONE")}


def test_a_cycle_is_created_without_its_link_and_patched_after(tmp_path: Path) -> None:
    world = World(COMPANY, CHILD)
    world.agree(COMPANY, {"C1": {"name": "Ditta", "city": None}})
    one = {"company": "C1", "flag": "false", "before": "S2"}
    world.platform.put(CHILD, {"S1": one, "S2": {**one, "before": "S1"}})
    found = cells(changes(world.plan(tmp_path / "plan"), CHILD))
    links = {c for c in found if c[4] == "before"}
    assert links == {("salesforce", "update", "patch", f"S{n}", "before", f"S{3 - n}") for n in (1, 2)}
    assert {(c[1], c[3], c[4]) for c in found - links} == {
        ("create", s, f) for s in ("S1", "S2") for f in ("company", "flag")
    }


# -- more than fits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory_rows", [7, 40])
def test_a_world_too_large_for_memory_gives_the_same_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_rows: int
) -> None:
    def world() -> World:
        made = World(SHOP, page_rows=10)
        made.agree(SHOP, rows_of(60))
        made.platform.put(SHOP, rows_of(20, start=50, city="Torino"))
        made.salesforce.remove(SHOP, ["K0001"])
        made.salesforce.put(SHOP, {"K0002": {"name": "Anders"}, "K9999": {"name": "Fremd"}})
        made.platform.spoil(SHOP, "K0055", "name", "VALUE_FORMAT")
        return made

    whole = world().plan(tmp_path / "whole")
    monkeypatch.setattr(gather, "MEMORY_ROWS", memory_rows)
    monkeypatch.setattr(gather, "BUCKET_ROWS", 5)
    pieces = world().plan(tmp_path / "pieces")
    assert len(segments(whole, SHOP)) == 1 < len(segments(pieces, SHOP))
    assert cells(changes(whole, SHOP)) == cells(changes(pieces, SHOP))
    assert issues(whole, SHOP) == issues(pieces, SHOP)
    one, other = (header(f).mappings["shop"].model_dump(exclude={"segments"}) for f in (whole, pieces))
    assert one == other
    assert not list(tmp_path.glob("*/tmp*")), "nothing is left of the pieces"


def test_a_table_that_passes_page_by_page_gives_the_same_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first load: the org knows few records, the platform's table is larger than memory."""

    def world() -> World:
        made = World(SHOP, page_rows=10)
        made.platform.put(SHOP, rows_of(50, start=3, city="Torino"))
        made.salesforce.put(SHOP, rows_of(6))
        made.salesforce.remove(SHOP, ["K0002"])
        made.salesforce.put(SHOP, {"K0005": {"name": "Anders"}, "K9999": {"name": "Fremd"}})
        made.platform.spoil(SHOP, "K0030", "name", "VALUE_FORMAT")
        return made

    whole = world().plan(tmp_path / "whole")
    monkeypatch.setattr(gather, "MEMORY_ROWS", 15)
    passed = world().plan(tmp_path / "passed")
    assert len(segments(whole, SHOP)) == 1 < len(segments(passed, SHOP))
    assert cells(changes(whole, SHOP)) == cells(changes(passed, SHOP))
    assert issues(whole, SHOP) == issues(passed, SHOP)
    one, other = (header(f).mappings["shop"].model_dump(exclude={"segments"}) for f in (whole, passed))
    assert one == other


# -- guards, at their edges -------------------------------------------------------------------------------------------


def guarded(**limits: Any) -> Any:
    """A mapping with these limits."""
    return mapping(guards={"min_base": 20, "max_changed_percent": 10, **limits})


@pytest.mark.parametrize("side", ["platform", "salesforce"])
def test_a_side_that_went_empty_stops_the_run(tmp_path: Path, side: str) -> None:
    world = World(SHOP)
    world.agree(SHOP, rows_of(3))
    empty = getattr(world, side)
    empty._tables.clear()
    assert codes(world.plan(tmp_path / "empty")) == ["SIDE_EMPTY"]
    assert codes(world.plan(tmp_path / "window", since=NOW + timedelta(days=1))) == [], "a quiet window is not empty"
    empty.put(SHOP, rows_of(1))
    assert codes(world.plan(tmp_path / "one")) == []


def test_an_operator_that_never_met_the_org_may_be_empty(tmp_path: Path) -> None:
    assert codes(World(SHOP).plan(tmp_path / "plan")) == []


@pytest.mark.parametrize(("changed", "stops"), [(3, False), (4, True)])
def test_mass_change_in_percent(tmp_path: Path, changed: int, stops: bool) -> None:
    shop = guarded()
    world = World(shop)
    world.agree(shop, rows_of(30))
    world.platform.put(shop, rows_of(changed, city="Torino"))
    assert codes(world.plan(tmp_path / "plan")) == (["MASS_CHANGE"] if stops else [])


@pytest.mark.parametrize(("changed", "stops"), [(5, False), (6, True)])
def test_mass_change_in_records(tmp_path: Path, changed: int, stops: bool) -> None:
    shop = guarded(max_changed_percent=100, max_changed_records=5)
    world = World(shop)
    world.agree(shop, rows_of(30))
    world.platform.put(shop, rows_of(changed, city="Torino"))
    assert codes(world.plan(tmp_path / "plan")) == (["MASS_CHANGE"] if stops else [])


@pytest.mark.parametrize(("known", "stops"), [(19, False), (20, True)])
def test_percentages_say_nothing_of_a_handful(tmp_path: Path, known: int, stops: bool) -> None:
    shop = guarded()
    world = World(shop)
    world.agree(shop, rows_of(known))
    world.platform.put(shop, rows_of(known, city="Torino"))
    assert codes(world.plan(tmp_path / "plan")) == (["MASS_CHANGE"] if stops else [])


@pytest.mark.parametrize(("known", "left", "stops"), [(2, 0, True), (1, 0, False), (10, 1, False)])
def test_a_column_that_went_null_stops_the_run(tmp_path: Path, known: int, left: int, stops: bool) -> None:
    shop = guarded(max_changed_percent=100)
    world = World(shop)
    world.agree(shop, rows_of(known))
    world.platform.put(shop, rows_of(known - left, city=None))
    assert codes(world.plan(tmp_path / "plan")) == (["COLUMN_NULL"] if stops else [])


def test_a_key_that_occurs_twice_stops_the_run_and_is_refused(tmp_path: Path) -> None:
    world = World(SHOP)
    world.agree(SHOP, rows_of(3))
    world.platform.put(SHOP, {"K0001": {"city": "Torino"}, "K0002": {"city": "Bari"}})
    world.platform.spoil(SHOP, "K0001", "", "KEY_TWICE")
    folder = world.plan(tmp_path / "plan")
    assert codes(folder) == ["KEY_TWICE"]
    assert {c[3] for c in cells(changes(folder, SHOP))} == {"K0002"}
    assert {i[:3] for i in issues(folder, SHOP)} == {("K0001", "failed", "KEY_TWICE")}


# -- presence ---------------------------------------------------------------------------------------------------------


def test_what_vanished_from_the_platform_is_kept_and_said(tmp_path: Path) -> None:
    world = World(SHOP)
    world.agree(SHOP, rows_of(3))
    world.platform.remove(SHOP, ["K0001"])
    folder = world.plan(tmp_path / "plan")
    assert cells(changes(folder, SHOP)) == set()
    assert [f.code for f in header(folder).findings] == ["VANISHED"]


def test_what_left_the_recycle_bin_long_ago_is_missed_by_a_full_read(tmp_path: Path) -> None:
    shop = guarded(max_changed_percent=20, max_missing_percent=100)
    shop = shop.model_copy(update={"deletes": shop.deletes.model_copy(update={"salesforce_deleted": "recreate"})})
    world = World(shop)
    world.agree(shop, rows_of(30))
    for row in [r for r in world.salesforce._rows(shop) if r.key < "K0006"]:
        world.salesforce._table(shop).drop(row)
    folder = world.plan(tmp_path / "plan")
    assert {(c[1], c[3]) for c in cells(changes(folder, shop))} == {("create", f"K000{n}") for n in range(6)}
    assert codes(folder) == []
    for row in [r for r in world.salesforce._rows(shop) if r.key < "K0007"]:
        world.salesforce._table(shop).drop(row)
    assert codes(world.plan(tmp_path / "many")) == ["MASS_CHANGE"], "a side that hides its records must not be refilled"


@pytest.mark.parametrize("deleted", ["recreate", "detach", "conflict"])
def test_deleted_in_salesforce(tmp_path: Path, deleted: str) -> None:
    shop = mapping(deletes={"salesforce_deleted": deleted})
    world = World(shop)
    world.agree(shop, rows_of(2))
    world.salesforce.remove(shop, ["K0001"])
    folder = world.plan(tmp_path / "plan")
    made = {(c[1], c[3]) for c in cells(changes(folder, shop))}
    assert made == ({("create", "K0001")} if deleted == "recreate" else set())
    assert header(folder).mappings["shop"].conflicts == int(deleted == "conflict")
    states = [s for g in segments(folder, shop) for s in g.base.meta["state"]]
    assert ("detached" in states) == (deleted == "detach")


def test_a_record_merged_into_another_is_not_made_again(tmp_path: Path) -> None:
    world = World(shop := mapping(deletes={"salesforce_deleted": "recreate"}))
    world.agree(shop, rows_of(2))
    world.salesforce.merge(shop, "K0000", "K0001")
    folder = world.plan(tmp_path / "plan")
    assert cells(changes(folder, shop)) == set()
    assert [s for g in segments(folder, shop) for s in g.base.meta["state"]] == ["merged"]


def test_an_unknown_username_is_left_out_and_the_rest_goes(tmp_path: Path) -> None:
    shop = mapping(fields={"name": {}, "owner": {"type": "user"}})
    world = World(shop)
    world.users = lambda names: {"anna@operator.example"}
    world.platform.put(
        shop, {"K1": {"name": "Uno", "owner": "ANNA@operator.example"}, "K2": {"name": "Due", "owner": "nessuno"}}
    )
    folder = world.plan(tmp_path / "plan")
    found = {(c[3], c[4]) for c in cells(changes(folder, shop))}
    assert found == {("K1", "name"), ("K1", "owner"), ("K2", "name")}
    assert [f.code for f in header(folder).findings] == ["OWNER_UNKNOWN"]
