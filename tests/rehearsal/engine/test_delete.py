from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org

Ask = Callable[..., list[dict[str, Any]]]


def made(org: Org, object_name: str, **fields: Any) -> str:
    result = org.insert(object_name, [fields])[0]
    assert result.success, result.errors
    return str(result.id)


def test_a_deleted_row_is_in_the_bin_and_its_key_is_free_again(org: Org, ask: Ask) -> None:
    first = made(org, "Account", Name="a", Shop_Code__c="X1")
    org.clock.advance(5)
    assert org.delete([first])[0].success
    assert ask("SELECT Id FROM Account") == []
    assert ask("SELECT Id FROM Account WHERE IsDeleted = true") == []
    binned = ask("SELECT Id, IsDeleted, Shop_Code__c FROM Account WHERE Shop_Code__c = 'x1'", all_rows=True)
    assert binned == [{"Id": first, "IsDeleted": True, "Shop_Code__c": "X1"}]
    second = org.upsert("Account", "Shop_Code__c", [{"Shop_Code__c": "x1", "Name": "b"}])[0]
    assert second.created
    with pytest.raises(OrgError, match="NOT_FOUND"):
        org.retrieve("Account", first)


def test_ids_that_cannot_be_deleted(org: Org) -> None:
    record = made(org, "Account", Name="a")
    org.delete([record])
    results = org.delete(["001RM000003oLrB000", record, "001Rh0000zzzzzz", org.user_id])
    assert [(one.errors[0].code, one.errors[0].status) for one in results] == [
        ("MALFORMED_ID", 400),
        ("ENTITY_IS_DELETED", 404),
        ("INVALID_CROSS_REFERENCE_KEY", 404),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", 400),
    ]
    assert results[0].errors[0].message == "malformed id 001RM000003oLrB000"


def test_contacts_go_with_their_account_cases_hold_it_lookups_let_go(org: Org, ask: Ask) -> None:
    shop = made(org, "Account", Name="Shop")
    player = made(org, "Account", Name="P", Signup_Shop__c=shop)
    made(org, "Contact", LastName="Rossi", AccountId=shop)
    case = made(org, "Case", Subject="x", AccountId=shop)
    held = org.delete([shop])[0].errors[0]
    assert held.code == "DELETE_FAILED"
    assert "could not be completed because it is associated with the following cases.: 00001000" in held.message
    org.delete([case])
    assert org.delete([shop])[0].success
    assert ask("SELECT Id FROM Contact") == []
    assert org.retrieve("Account", player, ["Signup_Shop__c"])["Signup_Shop__c"] is None


def test_detail_rows_go_with_their_case(org: Org, ask: Ask) -> None:
    case = made(org, "Case", Subject="x")
    made(org, "Clock__c", Case__c=case, State__c="running")
    made(org, "CaseComment", ParentId=case, CommentBody="said")
    org.delete([case])
    assert ask("SELECT Id FROM Clock__c") == []
    assert ask("SELECT Id FROM CaseComment") == []


def test_all_or_none_deletes_nothing_when_one_fails(org: Org, ask: Ask) -> None:
    record = made(org, "Account", Name="a")
    results = org.delete([record, "001Rh0000zzzzzz"], all_or_none=True)
    assert results[0].errors[0].code == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert len(ask("SELECT Id FROM Account")) == 1
