from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org
from tests.rehearsal.behaviour.conftest import Desk

HISTORY = "SELECT Field, OldValue, NewValue FROM CaseHistory ORDER BY Id"


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    headers = [one["payload"]["ChangeEventHeader"] for one in events]
    return [(one["entityName"], one["changeType"]) for one in headers]


@pytest.fixture
def history(org: Org) -> None:
    if org.schema.find("CaseHistory") is None:
        pytest.skip("the schema has no history objects")


@pytest.mark.usefixtures("history")
class TestHistory:
    def test_tracked_fields_leave_rows_and_others_do_not(self, desk: Desk, org: Org) -> None:
        case = desk.made("Case", Subject="a", Step__c="one")
        desk.changed("Case", case, Status="Working", Step__c="two", Subject="b")
        desk.changed("Case", case, Status="Working")
        rows = [(one["Field"], one["OldValue"], one["NewValue"]) for one in desk.ask(HISTORY)]
        assert rows[0] == ("created", None, None)
        assert sorted(rows[1:]) == [("Status", "New", "Working"), ("Step__c", "one", "two")]
        shown = desk.ask("SELECT CaseId, CreatedById, CreatedDate FROM CaseHistory LIMIT 1")[0]
        assert shown == {"CaseId": case, "CreatedById": org.user_id, "CreatedDate": "2026-03-01T08:00:00.000+0000"}

    def test_an_owner_is_told_by_name_and_by_id(self, desk: Desk, org: Org) -> None:
        queue = desk.ask("SELECT Id FROM Group WHERE DeveloperName = 'DESK'")[0]["Id"]
        case = desk.made("Case", Subject="a")
        org.update("Case", [{"Id": case, "OwnerId": queue}], options=Options(auto_assign=False))
        rows = desk.ask("SELECT Field, OldValue, NewValue, DataType FROM CaseHistory ORDER BY Id")[1:]
        assert rows == [
            {"Field": "Owner", "OldValue": "Integration User", "NewValue": "Desk", "DataType": "Text"},
            {"Field": "Owner", "OldValue": org.user_id, "NewValue": queue, "DataType": "EntityId"},
        ]

    def test_what_is_rolled_back_leaves_none(self, desk: Desk, org: Org) -> None:
        case = desk.made("Case", Subject="a")
        rows = [{"Id": case, "Status": "Working"}, {"Id": case[:-1] + "x", "Status": "Working"}]
        org.update("Case", rows, all_or_none=True)
        assert [one["Field"] for one in desk.ask(HISTORY)] == ["created"]

    def test_history_goes_and_comes_with_its_case(self, desk: Desk, org: Org) -> None:
        case = desk.made("Case", Subject="a")
        org.delete([case])
        assert desk.ask(HISTORY) == []
        org.undelete([case])
        assert len(desk.ask(HISTORY)) == 1


class TestChangeEvents:
    def test_nothing_is_kept_until_objects_are_selected(self, desk: Desk, org: Org) -> None:
        desk.made("Account", Name="a")
        assert org.events() == []

    def test_a_life_in_events(self, desk: Desk, org: Org) -> None:
        org.select_change_events(["account"])
        client = Options(client="nightly", version="61.0")
        account = str(org.insert("Account", [{"Name": "a", "Phone": "1"}], options=client)[0].id)
        desk.made("Contact", LastName="not selected")
        desk.changed("Account", account, Phone=None, Site="s", Name="a")
        org.delete([account])
        org.undelete([account])
        found = org.events("/data/AccountChangeEvent")
        assert kinds(found) == [("Account", kind) for kind in ("CREATE", "UPDATE", "DELETE", "UNDELETE")]
        made, changed, gone, _ = (one["payload"] for one in found)
        header = made["ChangeEventHeader"]
        assert header["changeOrigin"] == "com/salesforce/api/rest/61.0;client=nightly"
        assert (header["recordIds"], header["commitTimestamp"]) == ([account], 1772352000000)
        assert (made["Name"], made["Phone"], made["Site"]) == ("a", "1", None)
        assert made["CreatedDate"] == "2026-03-01T08:00:00.000Z"
        assert not {"Id", "IsDeleted", "SystemModstamp"} & made.keys()
        assert changed["ChangeEventHeader"]["changedFields"] == ["Phone", "Site", "LastModifiedDate"]
        assert changed["ChangeEventHeader"]["nulledFields"] == ["Phone"]
        assert {key: changed[key] for key in changed if key != "ChangeEventHeader"} == {
            "Site": "s",
            "LastModifiedDate": "2026-03-01T08:00:00.000Z",
        }
        assert list(gone) == ["ChangeEventHeader"]

    def test_equal_changes_of_one_call_share_an_event(self, desk: Desk, org: Org) -> None:
        org.select_change_events(["Contact"])
        ids = [desk.made("Contact", LastName=name) for name in "abc"]
        start = org.events()[-1]["replayId"]
        with org.transaction():
            org.update("Contact", [{"Id": ids[0], "Title": "t"}, {"Id": ids[1], "Title": "t"}])
            org.update("Contact", [{"Id": ids[2], "LastName": "d"}])
        first, second = (one["payload"] for one in org.events(after=start))
        assert first["ChangeEventHeader"]["recordIds"] == ids[:2]
        assert second["Name"] == {"LastName": "d"}
        assert second["ChangeEventHeader"]["changedFields"] == ["Name.LastName", "LastModifiedDate"]
        keys = [one["ChangeEventHeader"]["transactionKey"] for one in (first, second)]
        assert keys[0] == keys[1]
        assert [one["ChangeEventHeader"]["sequenceNumber"] for one in (first, second)] == [1, 2]

    def test_events_live_for_three_days_and_channels_have_objects(self, desk: Desk, org: Org) -> None:
        org.select_change_events(["Account"])
        desk.made("Account", Name="a")
        assert org.events(after=-1) == []
        org.clock.advance(timedelta(hours=71).total_seconds())
        assert len(org.events()) == 1
        org.clock.advance(timedelta(hours=2).total_seconds())
        assert org.events() == []
        with pytest.raises(OrgError, match="NOT_FOUND"):
            org.events("/data/NopeChangeEvent")

    def test_the_selection_outlives_a_restart(self, org: Org) -> None:
        org.select_change_events(["Account"])
        again = Org.open(org.data)
        again.insert("Account", [{"Name": "a"}])
        assert kinds(again.events()) == [("Account", "CREATE")]
        again.close()


class TestLocks:
    def test_a_locked_row_and_a_locked_parent(self, desk: Desk, org: Org) -> None:
        account, other = desk.made("Account", Name="a"), desk.made("Account", Name="b")
        org.locks.order(ids=[account[:15]])
        refused = org.insert("Contact", [{"LastName": "x", "AccountId": account}, {"LastName": "y"}])
        assert [one.success for one in refused] == [False, True]
        assert refused[0].errors[0].csv() == (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: " + account[:15] + ":--"
        )
        assert [one.success for one in org.update("Account", [{"Id": account}, {"Id": other}])] == [False, True]
        assert org.delete([account])[0].errors[0].code == "UNABLE_TO_LOCK_ROW"
        org.locks.clear()
        assert org.delete([account])[0].success

    def test_deletes_undeletes_and_merges_need_their_locks_too(self, desk: Desk, org: Org) -> None:
        account, other = desk.made("Account", Name="a"), desk.made("Account", Name="b")
        contact = desk.made("Contact", LastName="c", AccountId=account)
        gone = desk.made("Contact", LastName="d", AccountId=account)
        org.delete([gone])
        org.locks.order(ids=[account])
        codes = [org.delete([contact])[0], org.undelete([gone])[0], org.merge("Account", {"Id": other}, [account])]
        assert [one.errors[0].code for one in codes] == ["UNABLE_TO_LOCK_ROW"] * 3

    def test_a_storm_ends_after_its_times_and_repeats_with_its_seed(self, desk: Desk, org: Org) -> None:
        def storm() -> list[bool]:
            org.locks.clear()
            org.locks.order(object="account", probability=0.5, seed=7, times=5)
            rows = [[record] for record in ids]
            return [one.success for one in org.load_csv("Account", "update", None, ["Id"], iter(rows))]

        ids = [desk.made("Account", Name=str(number)) for number in range(20)]
        first = storm()
        assert first.count(False) == 5
        assert storm() == first

    def test_orders_outlive_a_restart(self, desk: Desk, org: Org) -> None:
        account = desk.made("Account", Name="a")
        org.locks.order(ids=[account], times=2)
        org.update("Account", [{"Id": account}])
        again = Org.open(org.data)
        assert again.locks.orders()[0]["hits"] == 1
        again.close()


def test_setup_objects_do_not_mix_where_salesforce_sees_one_transaction(desk: Desk, org: Org) -> None:
    with org.transaction(strict=True):
        assert org.insert("Account", [{"Name": "a"}])[0].success
        refused = org.insert("Group", [{"Name": "g", "Type": "Queue"}])[0].errors[0]
    assert refused.message == (
        "DML operation on setup object is not permitted after you have updated a non-setup object (or vice versa): "
        "Group, original object: Account"
    )
    with org.transaction():
        assert org.insert("Account", [{"Name": "a"}])[0].success
        assert org.insert("Group", [{"Name": "g", "Type": "Queue"}])[0].success
