"""Writing to the rehearsal org: one outcome per row, nothing twice, nothing lost, nothing overwritten unseen."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from sfsync import settings
from sfsync.errors import BudgetReached
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.salesforce.ways import Ways
from tests.sides.salesforce.conftest import World, companies, everything, outcomes, write_of


@pytest.fixture
def company(mappings: dict[str, Mapping]) -> Mapping:
    return mappings["company"]


@pytest.fixture
def side(world: World, mappings: dict[str, Mapping]) -> SalesforceSide:
    made = world.side()
    made.prepare(list(mappings.values()))
    return made


def shops(count: int, parent: str = "C-00000") -> dict[str, dict[str, str | None]]:
    return {
        f"S{n:04}": {"trading_name": f"Punto {n}", "company": parent, "shop_kind": "corner", "state": "active"}
        for n in range(count)
    }


def test_a_thousand_records_cost_one_call(world: World, side: SalesforceSide, company: Mapping) -> None:
    before = side.api_calls
    found = outcomes(side.write(company, write_of(company, "create", companies(1_000))))
    assert (found["result"] == "created").all()
    assert side.api_calls == before + 1
    assert len(everything(side, company)) == 1_000


def test_update_by_id_touches_only_what_it_names(side: SalesforceSide, company: Mapping) -> None:
    row = {"legal_name": "Prima", "pec": "a@pec.example", "state": "active"}
    made = outcomes(side.write(company, write_of(company, "create", {"C-1": row})))
    change = write_of(company, "update", {"C-1": {"legal_name": "Dopo", "pec": None}}, made["id"].tolist())
    assert outcomes(side.write(company, change))["result"].tolist() == ["updated"]
    values = everything(side, company).values.loc["C-1"]
    assert values["legal_name"] == "Dopo"
    assert pd.isna(values["pec"])
    assert values["state"] == "active"


def test_an_update_never_makes_a_deleted_record_again(side: SalesforceSide, company: Mapping) -> None:
    made = outcomes(side.write(company, write_of(company, "create", companies(2))))
    ids = made["id"].tolist()
    outcomes(side.write(company, write_of(company, "delete", {"C-00000": {}}, ids[:1])))
    change = write_of(company, "update", {k: {"legal_name": "X"} for k in companies(2)}, ids)
    found = outcomes(side.write(company, change))
    assert found["result"].tolist() == ["failed", "updated"]
    assert found.loc["C-00000", "code"] == "ENTITY_IS_DELETED"
    without_id = write_of(company, "update", {"C-00000": {"legal_name": "X"}, "C-00001": {"legal_name": "Y"}})
    found = outcomes(side.write(company, without_id))
    assert found.loc[["C-00000", "C-00001"], "result"].tolist() == ["failed", "updated"]
    assert found.loc["C-00000", "code"] == "NOT_FOUND"
    assert len(side.fetch(company, pd.Index(["C-00000"]))) == 0


def test_a_bad_row_fails_alone_with_code_and_field(side: SalesforceSide, company: Mapping) -> None:
    rows = companies(3)
    rows["C-00001"]["pec"] = "not an address"
    found = outcomes(side.write(company, write_of(company, "create", rows)))
    assert found["result"].tolist() == ["created", "failed", "created"]
    bad = found.loc["C-00001"]
    assert (bad["code"], bad["fields"], bad["kind_of_failure"]) == ("INVALID_EMAIL_ADDRESS", "SFS_Pec__c", "data")
    assert "not an address" not in bad["reason"]


def test_a_missing_parent_is_a_parent_failure_never_an_empty_lookup(
    side: SalesforceSide, mappings: dict[str, Mapping]
) -> None:
    shop = mappings["shop"]
    found = outcomes(side.write(shop, write_of(shop, "create", shops(1, "C-none"))))
    assert (found["result"].item(), found["kind_of_failure"].item()) == ("failed", "parent")
    assert len(everything(side, shop)) == 0


def test_references_owners_and_copies_arrive(side: SalesforceSide, mappings: dict[str, Mapping]) -> None:
    company, shop, player, case = (mappings[n] for n in ("company", "shop", "player", "case"))
    manager = side.query("SELECT Username FROM User WHERE IsActive = TRUE AND Username LIKE '%@operator.example'")[0]
    rows = shops(2)
    rows["S0000"]["account_manager"] = manager["Username"]
    person = {"last_name": "Verdi", "tier": "STANDARD", "contact_suppressed": "true", "account_status": "active"}
    outcomes(side.write(company, write_of(company, "create", companies(1))))
    assert (outcomes(side.write(shop, write_of(shop, "create", rows)))["result"] == "created").all()
    assert outcomes(side.write(player, write_of(player, "create", {"P-1": person})))["result"].item() == "created"
    cases = {
        "k1": {"tier": "STANDARD", "subject": "a", "player": "P-1", "shop": None},
        "k2": {"tier": "PARTNER", "subject": "b", "player": None, "shop": "S0001"},
    }
    made = outcomes(side.write(case, write_of(case, "create", cases)))
    assert made["result"].tolist() == ["created", "created"], made.T
    values = everything(side, shop).values
    assert values["company"].tolist() == ["C-00000"] * 2
    assert values.loc["S0000", "account_manager"] == manager["Username"]
    assert everything(side, player).values.loc["P-1", "contact_suppressed"] == "true"
    assert side.query("SELECT PersonHasOptedOutOfEmail FROM Account WHERE SFS_Player_Id__c = 'P-1'")[0][
        "PersonHasOptedOutOfEmail"
    ]
    found = everything(side, case).values[["player", "shop"]]
    assert found.loc["k1"].tolist()[0] == "P-1"
    assert found.loc["k2"].tolist()[1] == "S0001"
    assert found.isna().sum().sum() == 2
    moved = write_of(case, "update", {"k1": {"player": None, "shop": "S0000"}}, made["id"].tolist()[:1])
    assert outcomes(side.write(case, moved))["result"].item() == "updated"
    cleared = write_of(case, "update", {"k2": {"player": None, "shop": None}}, made["id"].tolist()[1:])
    assert outcomes(side.write(case, cleared))["result"].item() == "updated"
    found = everything(side, case).values[["player", "shop"]]
    assert found.loc["k1", "shop"] == "S0000"
    assert found.loc["k2"].isna().all()


def test_a_case_born_in_salesforce_gets_its_key(
    world: World, side: SalesforceSide, mappings: dict[str, Mapping]
) -> None:
    case = mappings["case"]
    types = {r["DeveloperName"]: r["Id"] for r in side.query("SELECT Id, DeveloperName FROM RecordType")}
    world.control("seed", records={"Case": [{"Subject": "Called in", "RecordTypeId": types["Player"]}]})
    born = everything(side, case)
    (key,) = born.values.index
    change = write_of(case, "update", {key: {"subject": "Written down"}}, born.meta["id"].tolist())
    assert outcomes(side.write(case, change))["result"].item() == "updated"
    again = everything(side, case)
    assert again.values.index.tolist() == [key]
    assert not again.meta.loc[key, "keyless"]


def test_assignment_rules_stay_off(world: World, side: SalesforceSide, mappings: dict[str, Mapping]) -> None:
    case = mappings["case"]
    outcomes(side.write(case, write_of(case, "create", {"k1": {"tier": "STANDARD", "subject": "a"}})))
    assert side.query("SELECT Owner.Username FROM Case")[0]["Owner"]["Username"] == world.ready.username


# -- when the wire breaks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate"])
def test_a_lost_reply_makes_no_twins(world: World, side: SalesforceSide, company: Mapping, kind: str) -> None:
    world.control("faults", kind=kind, match="POST .*composite", times=2)
    found = outcomes(side.write(company, write_of(company, "create", companies(300))))
    assert found["result"].isin(["created", "updated"]).all()
    assert side.query("SELECT COUNT(Id) n FROM Account")[0]["n"] == 300


def test_what_nobody_knows_is_unknown(world: World, side: SalesforceSide, company: Mapping) -> None:
    world.control("faults", kind="drop_after", match="POST .*composite", times=None)
    found = outcomes(side.write(company, write_of(company, "create", companies(3))))
    assert found["result"].tolist() == ["unknown"] * 3
    assert set(found["code"]) == {"REPLY_LOST"}


def test_a_delete_done_twice_is_done(world: World, side: SalesforceSide, company: Mapping) -> None:
    made = outcomes(side.write(company, write_of(company, "create", companies(2))))
    world.control("faults", kind="drop_after", match="POST .*composite", times=1)
    gone = write_of(company, "delete", {k: {} for k in companies(2)}, made["id"].tolist())
    assert outcomes(side.write(company, gone))["result"].tolist() == ["deleted"] * 2


def test_the_budget_stops_a_write_between_calls(world: World, company: Mapping) -> None:
    world.control("limits", DailyApiRequests={"Max": 8, "Remaining": 8})
    side = world.side(settings.Budget(per_run=0.25, org_wide_stop=1))
    done: list[int] = []
    with pytest.raises(BudgetReached):
        for found in side.write(company, write_of(company, "create", companies(2_000))):
            done.append(len(found.rows))
    assert done == [1_000]  # the describe, one call of 1,000 rows, stop
    assert world.side().query("SELECT COUNT(Id) n FROM Account")[0]["n"] == 1_000


# -- bulk ---------------------------------------------------------------------------------------------------


SMALL_JOBS = Ways(small_rows=50)


def test_many_rows_go_by_bulk(world: World, mappings: dict[str, Mapping]) -> None:
    side = world.side(ways=SMALL_JOBS)
    company, shop = mappings["company"], mappings["shop"]
    outcomes(side.write(company, write_of(company, "create", companies(1))))
    rows = shops(400)
    rows["S0007"]["email"] = "not an address"
    rows["S0008"]["company"] = "C-none"
    rows["S0009"]["trading_name"] = 'Bar "Da, Ugo"\nsotto'
    rows["S0010"]["trading_name"] = "#N/A"
    jobs: list[str] = []
    side.on_job = jobs.append
    found = outcomes(side.write(shop, write_of(shop, "create", rows)))
    assert len(jobs) == 1
    assert side.job_state(jobs[0])["state"] == "JobComplete"  # type: ignore[index]
    assert found["result"].value_counts().to_dict() == {"created": 398, "failed": 2}
    assert found.loc["S0007", ["code", "fields"]].tolist() == ["INVALID_EMAIL_ADDRESS", "SFS_Shop_Email__c"]
    assert found.loc["S0008", "kind_of_failure"] == "parent"
    values = everything(side, shop).values
    assert len(values) == 398
    assert values.loc["S0009", "trading_name"] == 'Bar "Da, Ugo"\nsotto'
    assert values.loc["S0010", "trading_name"] == "#N/A"
    assert (values["company"] == "C-00000").all()
    change = {k: {"city": "Enna", "trading_name": f"Nuovo {k}"} for k in values.index}
    again = outcomes(side.write(shop, write_of(shop, "update", change, found["id"].reindex(values.index).tolist())))
    assert (again["result"] == "updated").all()
    assert len(jobs) == 2
    cleared = {k: {"city": None} for k in values.index}
    outcomes(side.write(shop, write_of(shop, "update", cleared, found["id"].reindex(values.index).tolist())))
    values = everything(side, shop).values
    assert values["city"].isna().all()
    assert values.loc["S0000", "trading_name"] == "Nuovo S0000"
    gone = write_of(shop, "delete", {k: {} for k in values.index}, found["id"].reindex(values.index).tolist())
    assert (outcomes(side.write(shop, gone))["result"] == "deleted").all()
    assert everything(side, shop).meta["deleted"].all()


def test_owners_arrive_by_bulk_too(world: World, mappings: dict[str, Mapping]) -> None:
    side = world.side(ways=Ways(small_rows=0))
    people = [r["Username"] for r in side.query("SELECT Username FROM User WHERE Username LIKE '%@operator.example'")]
    company, shop, case = (mappings[n] for n in ("company", "shop", "case"))
    outcomes(side.write(company, write_of(company, "create", companies(1))))
    rows = shops(2)
    rows["S0000"]["account_manager"] = people[0]
    rows["S0001"]["account_manager"] = None
    assert (outcomes(side.write(shop, write_of(shop, "create", rows)))["result"] == "created").all()
    cases = {
        "k1": {"tier": "PARTNER", "shop": "S0000", "owner": people[1]},
        "k2": {"tier": "PARTNER", "shop": "S0001", "owner": "Some queue"},
    }
    assert (outcomes(side.write(case, write_of(case, "create", cases)))["result"] == "created").all()
    managers = everything(side, shop).values["account_manager"]
    assert managers["S0000"] == people[0]
    assert pd.isna(managers["S0001"])  # ours: nobody's yet
    owners = everything(side, case).values["owner"]
    assert owners["k1"] == people[1]
    assert pd.isna(owners["k2"])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after", "match": "PUT .*batches"},
        {"kind": "drop_after", "match": "PATCH .*ingest"},
        {"kind": "drop_after", "match": "POST .*ingest"},
        {"kind": "truncate", "match": "GET .*Results"},
        {"kind": "expire_session", "match": "PUT .*batches"},
    ],
    ids=lambda f: f"{f['kind']} {f['match']}",
)
def test_a_job_survives_a_broken_wire(world: World, company: Mapping, fault: dict[str, Any]) -> None:
    key = {"consumer_key": world.ready.consumer_key, "private_key_file": world.ready.private_key_file}
    side = world.side(ways=SMALL_JOBS, auth="jwt", access_token=None, **key)
    world.control("faults", times=1, **fault)
    found = outcomes(side.write(company, write_of(company, "create", companies(120))))
    assert found["result"].tolist() == ["created"] * 120
    assert side.query("SELECT COUNT(Id) n FROM Account")[0]["n"] == 120


def test_a_job_the_budget_cannot_follow_is_unknown_not_unsent(world: World, company: Mapping) -> None:
    world.control("jobs", finish="seconds", t=2)
    world.control("limits", DailyApiRequests={"Max": 28, "Remaining": 28})
    side = world.side(settings.Budget(per_run=0.25, org_wide_stop=1), SMALL_JOBS)
    found = []
    with pytest.raises(BudgetReached):
        for one in side.write(company, write_of(company, "create", companies(60))):
            found.append(one)
    assert [o.rows["result"].unique().tolist() for o in found] == [["unknown"]]
    assert found[0].job_id


def test_a_job_that_fails_fails_every_row(world: World, company: Mapping) -> None:
    side = world.side(ways=SMALL_JOBS)
    world.control("faults", kind="job_state", state="Failed", error="InvalidBatch : no such thing")
    found = outcomes(side.write(company, write_of(company, "create", companies(60))))
    assert len(found) == 60
    assert set(found["result"]) == {"failed"}
    assert set(found["code"]) == {"InvalidBatch"}


# -- guarded ------------------------------------------------------------------------------------------------


def guarded(mapping: Mapping, field: str) -> Mapping:
    data = mapping.model_dump(by_alias=True)
    data["fields"][field]["guard"] = "strict"
    return Mapping.model_validate(data)


def test_a_guarded_update_does_not_overwrite_a_newer_value(
    world: World, side: SalesforceSide, company: Mapping
) -> None:
    field, mapping = "legal_name", guarded(company, "legal_name")
    rows: dict[str, dict[str, str | None]] = {k: {field: "old", "state": "active"} for k in ("k1", "k2", "k3")}
    made = outcomes(side.write(mapping, write_of(mapping, "create", rows)))
    assert (made["result"] == "created").all(), made.T
    side.fetch(mapping, made.index[:2], made["id"].iloc[:2].reset_index(drop=True))
    world.control("clock", advance_s=90)
    other = write_of(mapping, "update", {"k2": {field: "theirs"}}, [made.loc["k2", "id"]])
    outcomes(world.side().write(company, other))
    mine = write_of(mapping, "update", {k: {field: "mine"} for k in rows}, made["id"].tolist())
    found = outcomes(side.write(mapping, mine))
    assert found.loc[["k1", "k2", "k3"], "result"].tolist() == ["updated", "moved", "moved"]
    values = everything(side, company).values[field]
    assert values.loc[["k1", "k2", "k3"]].tolist() == ["mine", "theirs", "old"]
