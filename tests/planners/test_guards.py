"""Guards exactly on their limits and one past them, in plans of literal worlds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sfsync.mapping.model import Mapping
from sfsync.merge.footing import Footing, Standing, shape, stand
from sfsync.merge.guard import stopping
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Note
from sfsync.planners.sync.make import Sources, make
from sfsync.planners.sync.recall import Recall
from sfsync.planners.sync.windows import recalled
from tests.planners.worlds import DIGEST, NOW, Remembered, World, cells, changes, codes, header, mapping, rows_of

LATER = NOW + timedelta(days=1)


def guarded(fields: dict[str, dict[str, Any]] | None = None, **limits: Any) -> Mapping:
    """A mapping with these limits; all others are out of the way."""
    wide = {"min_base": 20, "max_changed_percent": 100, "max_missing_percent": 100, "max_changed_percent_per_day": 1e9}
    return mapping(fields=fields, guards={**wide, **limits})


def notes(folder: PlanFolder, code: str) -> list[Note]:
    return [f for f in header(folder).findings if f.code == code]


@dataclass
class Standed(Remembered):
    """A memory of which only what the standing leaves counts."""

    stands: Standing | None = None

    def recall(self, mapping: Mapping, keys: pd.Index) -> Recall:
        found = super().recall(mapping, keys)
        return found if self.stands is None else recalled(self.stands, mapping, found)


def plan(world: World, path: Path, standing: Standing | None = None, **more: Any) -> PlanFolder:
    """A plan in which the base stands like this."""
    folder = PlanFolder.create(path)
    sources = Sources(
        mappings=world.mappings,
        platform=world.platform,
        salesforce=world.salesforce,
        memory=Standed(**vars(world.memory), stands=standing),
        watermark=lambda name, side: more.get("since"),
        generation=lambda name: 1,
        digest=DIGEST.bound,
        users=lambda names: set(),
        as_of=LATER,
        **({"standing": lambda mapping: standing} if standing else {}),
        recently=more.get("recently", lambda mapping, side: 0),
    )
    make(sources, folder)
    return PlanFolder.open(path)


def built(shop: Mapping, **changed: Any) -> Footing:
    """The footing of a base that was filled with this mapping, between the two memories."""
    fields = {f.name: shape(f) for f in shop.synced}
    return Footing.of(shop, "memory:platform", "memory:salesforce").model_copy(update={"fields": fields, **changed})


def standing(shop: Mapping, kept: Footing | None) -> Standing:
    return stand(shop, kept, "memory:platform", "memory:salesforce")


# -- a truncated extract ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lost", "stops"), [(3, False), (4, True), (29, True)])
@pytest.mark.parametrize("side", ["platform", "salesforce"])
def test_half_a_table_stops_the_run(tmp_path: Path, side: str, lost: int, stops: bool) -> None:
    shop = guarded(max_missing_percent=10)
    world = World(shop)
    world.agree(shop, rows_of(30))
    half = getattr(world, side)
    for row in half._rows(shop)[:lost]:
        half._table(shop).drop(row)
    folder = plan(world, tmp_path / "plan")
    assert codes(folder) == (["SIDE_SHORT"] if stops else [])
    assert all(
        f"lacks {lost} of 30" in f.message and "--waive SIDE_SHORT" in f.next_step for f in notes(folder, "SIDE_SHORT")
    )
    assert codes(plan(world, tmp_path / "window", since=LATER)) == [], "a window shows only some records"


@pytest.mark.parametrize(("known", "stops"), [(19, False), (20, True)])
def test_of_a_handful_half_may_be_gone(tmp_path: Path, known: int, stops: bool) -> None:
    shop = guarded(max_missing_percent=10)
    world = World(shop)
    world.agree(shop, rows_of(known))
    world.platform.remove(shop, list(rows_of(10)))
    assert codes(plan(world, tmp_path / "plan")) == (["SIDE_SHORT"] if stops else [])


@pytest.mark.parametrize(("missed", "stops"), [(6, False), (5, False), (4, True)])
def test_what_was_missing_at_the_last_complete_read_is_not_news(tmp_path: Path, missed: int, stops: bool) -> None:
    """Eight are gone; 10 % of thirty may be, besides those that were gone before."""
    shop = guarded(max_missing_percent=10)
    world = World(shop)
    world.agree(shop, rows_of(30))
    world.platform.remove(shop, list(rows_of(8)))
    kept = built(shop, missing={"platform": missed})
    folder = plan(world, tmp_path / "plan", standing(shop, kept))
    assert codes(folder) == (["SIDE_SHORT"] if stops else [])
    assert header(folder).mappings["shop"].footing["missing"] == {"platform": 8, "salesforce": 0}


def test_many_new_rows_do_not_hide_that_half_the_table_is_gone(tmp_path: Path) -> None:
    shop = guarded(max_missing_percent=10)
    world = World(shop)
    world.agree(shop, rows_of(30))
    world.platform.remove(shop, list(rows_of(15)))
    world.platform.put(shop, rows_of(100, start=500))
    assert codes(plan(world, tmp_path / "plan")) == ["SIDE_SHORT"]


# -- the fuse over a day ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "stops"), [(0, False), (15, False), (16, True)])
def test_runs_that_stay_below_the_limit_are_added_up(tmp_path: Path, before: int, stops: bool) -> None:
    shop = guarded(max_changed_percent=10, max_changed_percent_per_day=60)
    world = World(shop)
    world.agree(shop, rows_of(30))
    world.platform.put(shop, rows_of(3, city="Torino"))
    folder = plan(world, tmp_path / "plan", recently=lambda mapping, side: before if side == "salesforce" else 99)
    assert codes(folder) == (["MASS_CHANGE_DAY"] if stops else [])
    assert all(f"after {before} within a day" in f.message for f in notes(folder, "MASS_CHANGE_DAY"))


def test_a_run_that_changes_nothing_asks_for_no_history(tmp_path: Path) -> None:
    shop = guarded()
    world = World(shop)
    world.agree(shop, rows_of(30))

    def never(mapping: str, side: str) -> int:
        raise AssertionError("nothing would change")

    assert codes(plan(world, tmp_path / "plan", recently=never)) == []


# -- a field that is new ----------------------------------------------------------------------------------------------

Fields = dict[str, dict[str, Any]]
OLD: Fields = {"name": {}, "city": {}}
GAINED: Fields = {**OLD, "zone": {}}


def gaining(count: int, **limits: Any) -> tuple[World, Mapping, Standing]:
    """A world of ``count`` records that gains a field: the platform has values, Salesforce has none."""
    old, new = guarded(OLD), guarded(GAINED, **limits)
    world = World(new)
    world.agree(new, rows_of(count, zone=None))
    world.platform.put(new, {k: {"zone": "Nord"} for k in rows_of(count)})
    return world, new, standing(new, built(old))


@pytest.mark.parametrize(("percent", "stops"), [(100, False), (99, True)])
def test_filling_a_field_has_a_guard_of_its_own(tmp_path: Path, percent: float, stops: bool) -> None:
    world, shop, stands = gaining(30, max_changed_percent=percent)
    folder = plan(world, tmp_path / "plan", stands, since=LATER)
    assert {(c[0], c[1], c[4]) for c in cells(changes(folder, shop))} == {("salesforce", "update", "zone")}
    assert len(changes(folder, shop)) == 30, "records no window delivers are filled too"
    assert codes(folder) == (["BACKFILL"] if stops else [])
    [said] = notes(folder, "BACKFILL")
    assert "backfill of field zone" in said.message
    assert ("--waive BACKFILL" in said.next_step) == stops
    assert stopping([said], ["backfill"]) == []


def test_filling_a_field_hides_no_mass_change_of_others(tmp_path: Path) -> None:
    world, shop, stands = gaining(30, max_changed_percent=10)
    world.platform.put(shop, rows_of(4, city="Torino"))
    folder = plan(world, tmp_path / "plan", stands)
    assert codes(folder) == ["MASS_CHANGE", "BACKFILL"]
    assert "4 of 30" in notes(folder, "MASS_CHANGE")[0].message
    assert "26 of 30" in notes(folder, "BACKFILL")[0].message


def test_a_field_that_takes_its_values_elsewhere_is_new_and_empties_nothing(tmp_path: Path) -> None:
    """What was agreed about the old Salesforce field says nothing about the new one, which is still empty."""
    old = guarded({"name": {}, "city": {"owner": "newest"}})
    new = guarded({"name": {}, "city": {"owner": "newest", "salesforce": "Town__c"}})
    world = World(new)
    world.agree(new, rows_of(30))
    world.salesforce.advance(3600)
    world.salesforce.put(new, rows_of(30, city=None))
    folder = plan(world, tmp_path / "plan", standing(new, built(old)))
    assert {(c[0], c[4], c[5]) for c in cells(changes(folder, new))} == {("salesforce", "city", "Roma")}
    blind = plan(world, tmp_path / "blind", standing(new, built(new)))
    assert {c[0] for c in cells(changes(blind, new))} == {"platform"}, "the old memory would empty the platform"


def test_a_field_formed_in_another_way_reads_everything_once_and_keeps_what_was_agreed(tmp_path: Path) -> None:
    old, new = guarded({"name": {}, "city": {}}), guarded({"name": {}, "city": {"transform": "upper"}})
    stands = standing(new, built(old))
    assert (stands.whole, set(stands.gained), set(stands.filling)) == (True, set(), {"city"})
    again = standing(new, stands.footing)
    assert (again.whole, set(again.filling)) == (True, {"city"}), (
        "a run that was killed is followed by one that goes on"
    )
    world = World(new)
    world.agree(new, rows_of(30))
    done = header(plan(world, tmp_path / "plan", stands, since=LATER)).mappings["shop"].footing
    assert not standing(new, Footing.model_validate(done)).whole


def test_a_field_we_may_not_see_is_filled_when_we_may(tmp_path: Path) -> None:
    world, shop, stands = gaining(30)
    world.salesforce.hide(shop, "zone")
    unseen = header(plan(world, tmp_path / "hidden", stands)).mappings["shop"].footing
    quiet = standing(shop, Footing.model_validate(unseen))
    assert not quiet.whole, "what cannot be seen must not have everything read in every run"
    world.salesforce.hide(shop)
    world.salesforce.put(shop, {"K0001": {}})
    seen = header(plan(world, tmp_path / "seen", quiet, since=NOW)).mappings["shop"].footing
    after = standing(shop, Footing.model_validate(seen))
    assert (after.whole, set(after.gained)) == (True, {"zone"})


def test_a_field_that_left_and_came_back_is_new(tmp_path: Path) -> None:
    old, new = guarded(OLD), guarded(GAINED)
    world = World(old)
    world.agree(old, rows_of(3))
    without = header(plan(world, tmp_path / "plan", standing(old, built(new)), since=LATER)).mappings["shop"].footing
    assert standing(new, Footing.model_validate(without)).gained == {"zone"}


# -- other ends -------------------------------------------------------------------------------------------------------


def test_another_org_database_or_key_stops_and_says_how_to_go_on() -> None:
    shop = guarded()
    kept = built(shop)
    other = mapping(salesforce={"object": "shop__c", "key": "Number__c"})
    cases = {
        "OTHER_ORG": stand(shop, kept, kept.platform, "00D9"),
        "OTHER_DATABASE": stand(shop, kept, "sqlite:9", kept.org),
        "OTHER_MAPPING": stand(other, kept, kept.platform, kept.org),
    }
    for code, found in cases.items():
        [finding] = found.findings
        assert (finding.code, finding.level, found.whole) == (code, "error", True)
        assert f"--waive {code}" in finding.next_step
    assert [s.fresh for s in cases.values()] == [True, False, False]
    assert [s.rekeyed for s in cases.values()] == [False, False, True]
    assert stand(shop, kept, kept.platform, kept.org).findings == ()


def test_a_base_that_never_was_stands_anywhere() -> None:
    assert standing(guarded(), None).findings == ()
    started = Footing.of(guarded(), "memory:platform", "memory:salesforce")
    assert not standing(guarded(), started).gained, (
        "a first run that was killed is not a mapping that gained all fields"
    )


def test_in_another_org_nothing_counts_as_agreed(tmp_path: Path) -> None:
    """An older state of the org must not come back to the platform as if somebody had edited it."""
    shop = guarded({"name": {}, "city": {"owner": "newest"}})
    world = World(shop)
    world.agree(shop, rows_of(30))
    world.salesforce.put(shop, rows_of(30, city="Anno scorso"))
    world.platform.advance(60)
    world.platform.put(shop, rows_of(30))
    other = stand(shop, built(shop), "memory:platform", "another org")
    folder = plan(world, tmp_path / "plan", other)
    assert {(c[0], c[5]) for c in cells(changes(folder, shop))} == {("salesforce", "Roma")}
    assert codes(folder) == ["OTHER_ORG"]
