"""Reading from the rehearsal org: windows that lose nothing, few calls, records as they are now."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from sfsync import settings
from sfsync.errors import BudgetReached
from sfsync.mapping.model import Mapping
from sfsync.rehearsal.ids import new_id
from sfsync.sides.salesforce import bulk_query
from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import TEXT, Window
from tests.sides.salesforce.conftest import World, companies, everything, outcomes, write_of


@pytest.fixture
def company(mappings: dict[str, Mapping]) -> Mapping:
    return mappings["company"]


@pytest.fixture
def side(world: World) -> SalesforceSide:
    return world.side()


def fill(world: World, mapping: Mapping, count: int, start: int = 0) -> pd.DataFrame:
    """Write companies through a side of their own, so that calls of the side under test stay countable."""
    other = world.side()
    found = outcomes(other.write(mapping, write_of(mapping, "create", companies(count, start))))
    assert (found["result"] == "created").all()
    world.control("stats/reset")
    return found


def bounds_of(side: SalesforceSide, mapping: Mapping) -> list[tuple[str, str]]:
    meta = everything(side, mapping).meta
    return sorted(zip(meta["stamp"], meta["id"], strict=True))


def test_all_mappings_are_described_in_one_call_and_then_from_the_cache(
    world: World, mappings: dict[str, Mapping]
) -> None:
    first = world.side()
    first.prepare(list(mappings.values()))
    assert first.api_calls == 1
    second = world.side()
    second.prepare(list(mappings.values()))
    assert second.api_calls == 1
    assert second.describes.one("Account").raw == first.describes.one("Account").raw
    for mapping in mappings.values():
        assert [f for f in second.check(mapping) if f.level == "error"] == []
    assert second.api_calls == 1
    assert world.stats()["subrequests"]["describe"] > 5


def test_a_broken_cache_file_is_only_a_cache(world: World, company: Mapping) -> None:
    world.side().prepare([company])
    for path in world.cache.iterdir():
        path.write_text("{broken")
    assert world.side().view(company).paths


def test_a_field_the_user_cannot_see_is_not_observed(world: World, company: Mapping) -> None:
    fill(world, company, 2)
    data = company.model_dump(by_alias=True)
    data["fields"]["state"]["salesforce"] = "Hidden__c"
    blind = Mapping.model_validate(data)
    records = everything(world.side(), blind)
    assert "state" not in records.observed
    assert records.observed == set(blind.columns) - {"state"}
    assert records.values["state"].isna().all()
    assert not len(records.problems)


def test_the_window_ends_at_the_orgs_time_less_the_settle(side: SalesforceSide, company: Mapping) -> None:
    window = side.window(company, None)
    assert window.since is None
    assert abs(window.until + company.salesforce.settle - side.session.clock()) < timedelta(seconds=5)
    assert side.api_calls == 0


def test_an_unchanged_org_costs_one_call(world: World, side: SalesforceSide, company: Mapping) -> None:
    fill(world, company, 5)
    side.prepare([company])
    window = Window(datetime.fromisoformat("2099-01-01T00:00:00+00:00"), side.window(company, None).until)
    before = side.api_calls
    assert len(everything(side, company, window)) == 0
    assert side.api_calls == before + 1


def test_many_records_with_one_stamp_all_come(world: World, side: SalesforceSide, company: Mapping) -> None:
    fill(world, company, 4_500)
    records = everything(side, company)
    assert sorted(records.values.index) == sorted(companies(4_500))
    assert records.meta["stamp"].nunique() < 100  # pages were cut inside one stamp
    assert side.api_calls == 1 + 3


def test_a_known_window_is_read_five_ranges_to_a_call(world: World, side: SalesforceSide, company: Mapping) -> None:
    fill(world, company, 4_500)
    bounds = bounds_of(world.side(), company)
    fill(world, company, 300, start=4_500)  # the hint knows nothing of these
    records = everything(side, company, bounds=bounds)
    assert len(records) == 4_800
    assert side.api_calls <= 3


def test_a_large_window_is_read_by_bulk(world: World, company: Mapping, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world, company, 2_600)
    plain = everything(world.side(), company)
    monkeypatch.setattr(bulk_query, "PAGE_ROWS", 1_000)
    records = everything(world.side(ways=Ways(bulk_from=2_500)), company)
    assert "bulk" in " ".join(world.stats()["by_kind"]).lower()
    pd.testing.assert_frame_equal(records.values.sort_index(), plain.values.sort_index())
    pd.testing.assert_frame_equal(records.meta.sort_index(), plain.meta.sort_index())


def test_deleted_records_are_seen_and_a_new_one_of_the_same_key_lives(
    world: World, side: SalesforceSide, company: Mapping
) -> None:
    made = fill(world, company, 3)
    gone = write_of(company, "delete", {"C-00000": {}, "C-00001": {}}, made["id"].tolist()[:2])
    assert outcomes(side.write(company, gone))["result"].tolist() == ["deleted", "deleted"]
    fill(world, company, 1)
    meta = everything(side, company).meta
    assert meta["deleted"].to_dict() == {"C-00000": False, "C-00001": True, "C-00002": False}
    assert meta.loc["C-00000", "id"] != made.loc["C-00000", "id"]
    assert side.fetch(company, pd.Index(["C-00000", "C-00001"])).values.index.tolist() == ["C-00000"]


def test_records_without_a_key_are_counted_or_named_by_template(
    world: World, side: SalesforceSide, mappings: dict[str, Mapping]
) -> None:
    types = {r["DeveloperName"]: r["Id"] for r in side.query("SELECT Id, DeveloperName FROM RecordType")}
    world.control(
        "seed",
        records={
            "Account": [{"Name": "Nobody's", "RecordTypeId": types["Partner_Company"]}],
            "Case": [{"Subject": "Called in", "RecordTypeId": types["Player"]}],
        },
    )
    assert len(everything(side, mappings["company"])) == 0
    assert side.unkeyed["company"] == 1
    cases = everything(side, mappings["case"])
    (key,) = cases.values.index
    assert key.startswith("SF-0000")
    assert cases.meta.loc[key, "keyless"]
    assert cases.values.loc[key, "subject"] == "Called in"
    assert side.unkeyed["case"] == 0


def test_other_mappings_records_of_the_same_object_are_not_ours(
    world: World, side: SalesforceSide, mappings: dict[str, Mapping]
) -> None:
    fill(world, mappings["company"], 3)
    assert len(everything(side, mappings["shop"])) == 0


def test_fetch_by_key_and_by_id(world: World, side: SalesforceSide, company: Mapping) -> None:
    made = fill(world, company, 2_500)
    side.prepare([company])
    before = side.api_calls
    keys = pd.Index([*made.index, "C-none"], name="key")
    found = side.fetch(company, keys)
    assert sorted(found.values.index) == sorted(made.index)
    assert side.api_calls - before <= 2
    ids = made["id"].reset_index(drop=True)
    before = side.api_calls
    renamed = side.fetch(company, pd.Index([f"x-{k}" for k in made.index]), ids)
    assert side.api_calls - before == 1
    assert renamed.values.loc["x-C-00007", "legal_name"] == "Azienda 7"
    few = side.fetch(company, pd.Index(["C-00001"]), pd.Series([made.loc["C-00001", "id"][:15]]))
    assert few.values.index.tolist() == ["C-00001"]


def test_ten_thousand_records_are_looked_up_in_three_calls(
    world: World, side: SalesforceSide, mappings: dict[str, Mapping]
) -> None:
    """By the ids of players, whose long list of fields leaves least room in a URL; the forecast says the same."""
    player = mappings["player"]
    side.prepare([player])
    ids = pd.Series([new_id("001", n) for n in range(10_000)], dtype=TEXT)
    before = side.api_calls
    assert len(side.fetch(player, pd.Index(ids.index.astype(str)), ids)) == 0, "nobody has them"
    assert side.api_calls - before == 3
    assert side.cost(player, "update", len(ids))["check"] == 3


def test_a_key_with_quotes_is_only_a_key(world: World, side: SalesforceSide, company: Mapping) -> None:
    odd = {"O'Hara \\ 1": {"legal_name": "Ò", "state": "active"}}
    assert outcomes(side.write(company, write_of(company, "create", odd)))["result"].tolist() == ["created"]
    assert side.fetch(company, pd.Index(list(odd))).values["legal_name"].tolist() == ["Ò"]
    assert len(side.fetch(company, pd.Index(["x' OR Name != '"]))) == 0


def test_active_users(world: World, side: SalesforceSide) -> None:
    known = [r["Username"] for r in side.query("SELECT Username FROM User WHERE IsActive = TRUE")]
    assert len(known) > 5
    assert side.users([*known[:3], "ghost@x.example"]) == {k.lower() for k in known[:3]}
    assert side.users([]) == set()


def test_the_run_stops_at_its_budget_while_reading(world: World, company: Mapping) -> None:
    fill(world, company, 4_500)
    world.control("limits", DailyApiRequests={"Max": 8, "Remaining": 8})
    side = world.side(settings.Budget(per_run=0.25, org_wide_stop=1))
    with pytest.raises(BudgetReached):
        everything(side, company)
