from __future__ import annotations

import pytest

from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org
from tests.rehearsal.behaviour.conftest import Desk

_USER = {
    "Email": "a@operator.example",
    "LastName": "Rossi",
    "Alias": "aross",
    "TimeZoneSidKey": "Europe/Rome",
    "LocaleSidKey": "it_IT",
    "EmailEncodingKey": "UTF-8",
    "LanguageLocaleKey": "it",
}


def user(desk: Desk, profile: str) -> str:
    found = desk.ask(f"SELECT Id FROM Profile WHERE Name = '{profile}'")[0]["Id"]
    return desk.made("User", **_USER, Username="anna@operator.example", ProfileId=found)


def granted(desk: Desk, who: str) -> str:
    permission = desk.made("PermissionSet", Name="Extra", Label="Extra")
    desk.made("PermissionSetAssignment", AssigneeId=who, PermissionSetId=permission)
    return permission


def test_an_administrator_sees_every_object(desk: Desk, org: Org) -> None:
    assert org.schema_for(org.user_id).objects.keys() == org.schema.objects.keys()
    assert org.is_administrator(org.user_id)
    assert not org.is_administrator(user(desk, "Standard User"))


def test_a_standard_user_lacks_custom_fields_until_they_are_granted(desk: Desk, org: Org) -> None:
    who = user(desk, "Standard User")
    writer = Options(user_id=who)
    wrong = org.insert("Account", [{"Name": "a", "Key__c": "k"}], options=writer)[0].errors[0]
    assert wrong.message == "No such column 'Key__c' on sobject of type Account"
    permission = granted(desk, who)
    rights = desk.made(
        "FieldPermissions",
        ParentId=permission,
        SobjectType="Account",
        Field="Account.Key__c",
        PermissionsRead=True,
        PermissionsEdit=False,
    )
    with org.acting(who):
        assert desk.ask("SELECT Key__c FROM Account") == []
        assert org.schema_for(who).objects["Account"].find("Limit__c") is None
    closed = org.insert("Account", [{"Name": "a", "Key__c": "k"}], options=writer)[0].errors[0]
    assert (closed.code, closed.fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Key__c"])
    desk.changed("FieldPermissions", rights, PermissionsEdit=True)
    assert org.insert("Account", [{"Name": "a", "Key__c": "k"}], options=writer)[0].success
    assert org.upsert("Account", "Key__c", [{"Key__c": "K", "Name": "b"}], options=writer)[0].success
    assert desk.ask("SELECT LastModifiedById FROM Account") == [{"LastModifiedById": who}]


def test_a_minimum_profile_has_the_objects_of_its_permission_sets(desk: Desk, org: Org) -> None:
    who = user(desk, "Minimum Access - API Only Integrations")
    account = desk.made("Account", Name="a", Site="s")
    with org.acting(who), pytest.raises(OrgError, match="sObject type 'Account' is not supported"):
        desk.ask("SELECT Id FROM Account")
    with org.acting(who), pytest.raises(OrgError, match="NOT_FOUND"):
        org.describe("Account")
    permission = granted(desk, who)
    desk.made("ObjectPermissions", ParentId=permission, SobjectType="Account", PermissionsRead=True)
    with org.acting(who):
        assert desk.ask("SELECT Name FROM Account") == [{"Name": "a"}]
        with pytest.raises(OrgError, match="No such column 'Site'"):
            desk.ask("SELECT Site FROM Account")
        assert org.insert("Account", [{"Name": "b"}])[0].errors[0].message == "entity type cannot be inserted: Account"
        assert org.update("Account", [{"Id": account, "Name": "b"}])[0].errors[0].code == (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        )
        assert org.delete([account])[0].errors[0].code == "INSUFFICIENT_ACCESS_OR_READONLY"
        assert desk.ask("SELECT Name FROM RecordType") != []
        assert not org.insert("PermissionSet", [{"Name": "P", "Label": "P"}])[0].success


def test_rights_taken_away_are_gone_at_once(desk: Desk, org: Org) -> None:
    who = user(desk, "Standard User")
    permission = desk.made("PermissionSet", Name="Extra", Label="Extra")
    assigned = desk.made("PermissionSetAssignment", AssigneeId=who, PermissionSetId=permission)
    desk.made(
        "ObjectPermissions",
        ParentId=permission,
        SobjectType="Clock__c",
        PermissionsRead=True,
        PermissionsCreate=True,
    )
    assert org.schema_for(who).find("Clock__c") is not None
    org.delete([assigned])
    assert org.schema_for(who).find("Clock__c") is None
