from __future__ import annotations

from datetime import timedelta

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org, SaveResult
from tests.rehearsal.behaviour.conftest import Desk


def codes(results: list[SaveResult]) -> list[str]:
    return [one.errors[0].code if one.errors else "" for one in results]


def test_undelete_brings_back_what_went_along(desk: Desk, org: Org) -> None:
    case = desk.made("Case", Subject="a")
    clock = desk.made("Clock__c", Case__c=case, Key__c="k1")
    desk.made("CaseComment", ParentId=case, CommentBody="said")
    org.delete([case])
    org.clock.advance(60)
    assert org.undelete([case])[0].success
    assert desk.ask("SELECT Id FROM Clock__c WHERE Key__c = 'K1'") == [{"Id": clock}]
    assert desk.ask("SELECT CommentBody FROM CaseComment") == [{"CommentBody": "said"}]
    assert desk.value("Case", case, "SystemModstamp") == "2026-03-01T08:01:00.000+0000"
    assert org.upsert("Clock__c", "Key__c", [{"Key__c": "k1"}])[0].created is False


def test_a_row_deleted_before_its_master_stays_in_the_bin(desk: Desk, org: Org) -> None:
    case = desk.made("Case", Subject="a")
    clock = desk.made("Clock__c", Case__c=case)
    org.delete([clock])
    org.delete([case])
    assert codes(org.undelete([clock])) == ["ENTITY_IS_DELETED"]
    org.undelete([case])
    assert desk.ask("SELECT Id FROM Clock__c") == []
    assert org.undelete([clock])[0].success


def test_lookups_are_filled_again_unless_they_have_another_value(desk: Desk, org: Org) -> None:
    shop, other = desk.made("Account", Name="Shop"), desk.made("Account", Name="Other")
    loyal, mover = (desk.made("Account", Name=name, Shop__c=shop) for name in ("a", "b"))
    org.delete([shop])
    assert desk.value("Account", loyal, "Shop__c") is None
    desk.changed("Account", mover, Shop__c=other)
    org.undelete([shop])
    assert desk.value("Account", loyal, "Shop__c") == shop
    assert desk.value("Account", mover, "Shop__c") == other


def test_a_key_given_away_meanwhile_is_not_taken_back(desk: Desk, org: Org) -> None:
    first = desk.made("Account", Name="a", Key__c="K")
    org.delete([first])
    second = desk.made("Account", Name="b", Key__c="k")
    refused = org.undelete([first])[0]
    assert refused.errors[0].message == (
        f"duplicate value found: Key__c duplicates value on record with id: {second[:15]}"
    )
    org.delete([second])
    assert org.undelete([first, second])[0].success
    assert codes(org.undelete([second])) == ["DUPLICATE_VALUE"]


def test_what_cannot_be_undeleted(desk: Desk, org: Org) -> None:
    account = desk.made("Account", Name="a")
    contact = desk.made("Contact", LastName="b", AccountId=account)
    assert codes(org.undelete([account, org.user_id, "001xx", "001Rh0000zzzzzz"])) == [
        "UNDELETE_FAILED",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "MALFORMED_ID",
        "INVALID_CROSS_REFERENCE_KEY",
    ]
    org.delete([account])
    assert codes(org.undelete([contact])) == ["UNDELETE_FAILED"]  # went along, has no place of its own in the bin
    assert codes(org.undelete([account, "001xx"], all_or_none=True))[0] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert desk.ask("SELECT Id FROM Account") == []


@pytest.mark.parametrize(("days", "kept"), [(14, 1), (16, 0)])
def test_the_bin_is_purged_after_fifteen_days(desk: Desk, org: Org, days: int, kept: int) -> None:
    account = desk.made("Account", Name="a")
    desk.made("Contact", LastName="b", AccountId=account)
    org.delete([account])
    org.clock.advance(timedelta(days=days).total_seconds())
    assert len(desk.ask("SELECT Id FROM Account", all_rows=True)) == kept
    assert len(desk.ask("SELECT Id FROM Contact", all_rows=True)) == kept
    assert org.undelete([account])[0].success is bool(kept)


def test_emptying_the_bin_and_deleting_past_it(desk: Desk, org: Org) -> None:
    first, second, living = (desk.made("Account", Name=name) for name in "abc")
    desk.made("Contact", LastName="b", AccountId=first)
    org.delete([first])
    assert codes(org.empty_recycle_bin([first, living])) == ["", "UNDELETE_FAILED"]
    assert org.hard_delete([second])[0].success
    assert [row["Id"] for row in desk.ask("SELECT Id FROM Account", all_rows=True)] == [living]
    assert desk.ask("SELECT Id FROM Contact", all_rows=True) == []
    assert codes(org.delete([first])) == ["INVALID_CROSS_REFERENCE_KEY"]
    loaded = list(org.load_csv("Account", "hardDelete", None, ["Id"], iter([[living]])))
    assert loaded[0].success
    assert desk.ask("SELECT Id FROM Account", all_rows=True) == []


def test_the_delete_log_knows_what_is_gone_for_good(desk: Desk, org: Org) -> None:
    account, other = desk.made("Account", Name="a"), desk.made("Account", Name="b")
    group = desk.made("Group", Name="g", Type="Regular")
    org.hard_delete([account])
    org.delete([group, other])
    org.undelete([other])
    now = org.clock.now()
    at = "2026-03-01T08:00:00.000+0000"
    assert org.deletions("Account", now - timedelta(hours=1), now) == {account: at}
    assert org.deletions("Group", now - timedelta(hours=1), now) == {group: at}
    assert org.deletions("Account", now + timedelta(hours=1), now + timedelta(hours=2)) == {}


def test_a_merge_moves_the_children_and_marks_the_losers(desk: Desk, org: Org) -> None:
    keep, gone = desk.made("Account", Name="keep"), desk.made("Account", Name="gone", Key__c="K")
    contact = desk.made("Contact", LastName="b", AccountId=gone)
    case = desk.made("Case", Subject="c", AccountId=gone)
    player = desk.made("Account", Name="p", Shop__c=gone)
    done = org.merge("Account", {"Id": keep, "Site": "Rome"}, [gone])
    assert (done.success, done.id, done.merged_ids) == (True, keep, [gone])
    assert set(done.related_ids) == {contact, case, player}
    assert desk.value("Account", keep, "Site") == "Rome"
    assert desk.value("Case", case, "AccountId") == keep
    assert desk.value("Contact", contact, "AccountId") == keep
    with pytest.raises(OrgError, match="NOT_FOUND"):
        org.retrieve("Account", gone)
    row = desk.ask("SELECT MasterRecordId FROM Account WHERE IsDeleted = true", all_rows=True)
    assert row == [{"MasterRecordId": keep}]
    assert org.undelete([gone])[0].success
    assert desk.value("Contact", contact, "AccountId") == keep


def test_a_merge_that_fails_changes_nothing(desk: Desk, org: Org) -> None:
    keep, gone = desk.made("Account", Name="keep"), desk.made("Account", Name="gone")
    case = desk.made("Case", Subject="c", AccountId=gone)
    person = desk.made("Account", LastName="p")
    desk.changed("Account", keep, ParentId=gone)
    refused = org.merge("Account", {"Id": keep, "Site": "Rome"}, [gone])
    assert [one.code for one in refused.errors] == ["CIRCULAR_DEPENDENCY"]
    assert desk.value("Case", case, "AccountId") == gone
    assert desk.value("Account", keep, "Site") is None
    found = [
        org.merge("Case", {"Id": case}, [case]),
        org.merge("Account", {"Id": keep}, []),
        org.merge("Account", {"Id": keep}, [keep]),
        org.merge("Account", {"Id": keep}, [case]),
        org.merge("Account", {"Id": keep}, [person]),
        org.merge("Account", {"Id": keep, "Name": None}, [gone]),
    ]
    assert [one.errors[0].code for one in found] == [
        "INVALID_TYPE_FOR_OPERATION",
        "MERGE_FAILED",
        "MERGE_FAILED",
        "MALFORMED_ID",
        "INVALID_PERSON_ACCOUNT_OPERATION",
        "REQUIRED_FIELD_MISSING",
    ]


def test_merged_people_keep_one_contact_with_the_cases_of_both(desk: Desk, org: Org) -> None:
    keep, gone = desk.made("Account", LastName="keep"), desk.made("Account", LastName="gone")
    contact, other = desk.value("Account", keep, "PersonContactId"), desk.value("Account", gone, "PersonContactId")
    case = desk.made("Case", Subject="c", ContactId=other)
    assert org.merge("Account", {"Id": keep}, [gone]).success
    assert desk.value("Case", case, "ContactId") == contact
    assert [row["Id"] for row in desk.ask("SELECT Id FROM Contact")] == [contact]


def test_nobody_stands_above_himself(desk: Desk, org: Org) -> None:
    top, middle = desk.made("Account", Name="top"), desk.made("Account", Name="middle")
    desk.changed("Account", middle, ParentId=top)
    rows = [{"Id": top, "ParentId": middle}, {"Id": middle, "ParentId": middle}]
    refused = org.update("Account", rows)
    assert codes(refused) == ["CIRCULAR_DEPENDENCY"] * 2
    assert refused[0].errors[0].message == "attempt to violate hierarchy constraints"


def test_a_look_up_that_restricts_holds_its_parent(desk: Desk, org: Org) -> None:
    case, mate = desk.made("Case", Subject="a"), desk.made("Contact", LastName="b", Salutation="Mr.")
    clock = desk.made("Clock__c", Case__c=case, Mate__c=mate)
    held = org.delete([mate])[0].errors[0]
    assert held.code == "DELETE_FAILED"
    assert held.message == (
        "Your attempt to delete Mr. b could not be completed because it is associated with the following "
        "clocks.: CL-000001\n"
    )
    org.delete([clock])
    assert org.delete([mate])[0].success


def test_a_detail_stays_with_its_master(desk: Desk, org: Org) -> None:
    case, other = desk.made("Case", Subject="a"), desk.made("Case", Subject="b")
    clock = desk.made("Clock__c", Case__c=case)
    refused = org.update("Clock__c", [{"Id": clock, "Case__c": other}])[0].errors[0]
    assert (refused.code, refused.fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Case__c"])
    assert org.insert("Clock__c", [{}])[0].errors[0].message == "Required fields are missing: [Case__c]"


def test_rows_restored_as_deleted_lie_in_the_bin(desk: Desk, org: Org) -> None:
    at = "2026-02-20T08:00:00.000+0000"
    gone = org.restore("Account", [{"Name": "a", "IsDeleted": True, "SystemModstamp": at}])[0]
    assert org.undelete([gone])[0].success
    again = org.restore("Account", [{"Name": "b", "IsDeleted": True, "SystemModstamp": at}])[0]
    org.clock.advance(timedelta(days=7).total_seconds())
    assert desk.ask("SELECT Id FROM Account WHERE Id = '" + again + "'", all_rows=True) == []
