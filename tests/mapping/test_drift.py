"""What a mapping finds missing at either end, and what to do about it."""

from __future__ import annotations

import copy

import pytest

from sfsync.mapping.drift import check_platform, check_salesforce
from sfsync.mapping.model import Mapping

MAPPING = Mapping.model_validate(
    {
        "mapping": "shop",
        "platform": {"table": "shops", "key": "shop_code"},
        "salesforce": {"object": "Account", "key": "SFS_Shop_Code__c", "record_type": "Shop"},
        "fields": {
            "name": {"platform": "trading_name", "salesforce": "Name", "length": 80, "owner": "newest"},
            "state": {
                "platform": "state",
                "salesforce": "SFS_State__c",
                "type": "picklist",
                "values": ["open", "shut"],
            },
            "limit": {"platform": "limit_minor", "salesforce": "SFS_Limit__c", "type": "money"},
            "company": {
                "platform": "company_code",
                "salesforce": "Parent.SFS_Company_Code__c",
                "type": "reference",
                "references": "company",
            },
            "note": {"salesforce": "SFS_Note__c", "owner": "salesforce", "length": 20},
            "due": {"platform": "due", "salesforce": "SFS_Due__c", "type": "instant", "owner": "computed"},
        },
        "never": ["secret"],
    }
)
COLUMNS = {
    "shop_code": "VARCHAR(12)",
    "updated_at": "TIMESTAMP",
    "trading_name": "VARCHAR(80)",
    "state": "VARCHAR(12)",
    "limit_minor": "BIGINT",
    "company_code": "CHARACTER VARYING(32)",
    "secret": "TEXT",
    "due": "TIMESTAMP",
}


def field(name, kind="string", **more):
    return {"name": name, "type": kind, "length": 80, "createable": True, "updateable": True, **more}


KEY = {"externalId": True, "unique": True, "caseSensitive": False}
DESCRIBE = {
    "name": "Account",
    "createable": True,
    "updateable": True,
    "fields": [
        field("SFS_Shop_Code__c", **KEY),
        field("Name"),
        field(
            "SFS_State__c", "picklist", restrictedPicklist=True, picklistValues=[{"value": "open"}, {"value": "shut"}]
        ),
        field("SFS_Limit__c", "currency", length=0),
        field("ParentId", "reference", relationshipName="Parent", referenceTo=["Account"]),
        field("SFS_Company_Code__c", **KEY),
        field("SFS_Note__c"),
        field("SFS_Due__c", "datetime"),
    ],
    "recordTypeInfos": [{"developerName": "Shop", "available": True}],
}


def salesforce(change=None):
    """Findings after one change of the describe."""
    describe = copy.deepcopy(DESCRIBE)
    if change:
        change(describe, {f["name"]: f for f in describe["fields"]})
    return check_salesforce(MAPPING, describe, {"Account": describe})


def test_all_is_well():
    assert check_platform(MAPPING, COLUMNS) == []
    assert salesforce() == []


@pytest.mark.parametrize("name", ["shop_code", "updated_at", "trading_name", "company_code", "due"])
def test_a_missing_column(name):
    found = check_platform(MAPPING, {k: v for k, v in COLUMNS.items() if k != name})
    assert [(f.code, f.level, f.where) for f in found] == [("COLUMN_MISSING", "error", f"shops.{name}")]
    assert found[0].next_step


@pytest.mark.parametrize(
    ("columns", "code", "level"),
    [
        ({"limit_minor": "TEXT"}, "COLUMN_TYPE", "warning"),
        ({"state": "DATE"}, "COLUMN_TYPE", "warning"),
        ({"trading_name": "VARCHAR(40)"}, "COLUMN_SHORT", "warning"),
        ({"colour": "TEXT"}, "COLUMN_UNLISTED", "info"),
    ],
)
def test_an_odd_column(columns, code, level):
    found = check_platform(MAPPING, COLUMNS | columns)
    assert [(f.code, f.level, f.where) for f in found] == [(code, level, f"shops.{next(iter(columns))}")]


def drop(name):
    return lambda describe, _: describe.update(fields=[f for f in describe["fields"] if f["name"] != name])


@pytest.mark.parametrize(
    ("change", "code", "level", "where"),
    [
        (drop("Name"), "FIELD_MISSING", "error", "Account.Name"),
        (drop("SFS_Shop_Code__c"), "FIELD_MISSING", "error", "Account.SFS_Shop_Code__c"),
        (drop("SFS_Note__c"), "FIELD_MISSING", "info", "Account.SFS_Note__c"),
        (drop("SFS_Due__c"), "FIELD_MISSING", "error", "Account.SFS_Due__c"),
        (drop("ParentId"), "FIELD_MISSING", "error", "Account.Parent"),
        (drop("SFS_Company_Code__c"), "LOOKUP_TARGET", "error", "Account.Parent"),
        (lambda d, f: f["SFS_Company_Code__c"].update(externalId=False), "LOOKUP_TARGET", "error", "Account.Parent"),
        (lambda d, f: f["Name"].update(createable=False), "FIELD_READ_ONLY", "error", "Account.Name"),
        (lambda d, f: f["Name"].update(updateable=False), "FIELD_READ_ONLY", "error", "Account.Name"),
        (lambda d, f: f["ParentId"].update(updateable=False), "FIELD_READ_ONLY", "error", "Account.Parent"),
        (lambda d, f: f["Name"].update(length=40), "FIELD_SHORT", "error", "Account.Name"),
        (lambda d, f: f["SFS_Limit__c"].update(type="string"), "FIELD_TYPE", "error", "Account.SFS_Limit__c"),
        (lambda d, f: f["SFS_State__c"]["picklistValues"].pop(), "PICKLIST_VALUES", "error", "Account.SFS_State__c"),
        (
            lambda d, f: f["SFS_State__c"]["picklistValues"][0].update(active=False),
            "PICKLIST_VALUES",
            "error",
            "Account.SFS_State__c",
        ),
        (
            lambda d, f: f["SFS_Shop_Code__c"].update(unique=False),
            "KEY_NOT_UNIQUE",
            "error",
            "Account.SFS_Shop_Code__c",
        ),
        (
            lambda d, f: f["SFS_Shop_Code__c"].update(caseSensitive=True),
            "KEY_CASE",
            "warning",
            "Account.SFS_Shop_Code__c",
        ),
        (lambda d, f: d.update(recordTypeInfos=[]), "RECORD_TYPE", "error", "Account.Shop"),
        (lambda d, f: d["recordTypeInfos"][0].update(available=False), "RECORD_TYPE", "error", "Account.Shop"),
        (lambda d, f: d.update(createable=False), "OBJECT_ACCESS", "error", "Account"),
    ],
)
def test_drift_of_the_org(change, code, level, where):
    found = salesforce(change)
    assert [(f.code, f.level, f.where) for f in found] == [(code, level, where)]
    assert found[0].mapping == "shop"
    assert found[0].next_step


def test_an_unrestricted_picklist_only_warns():
    def change(_, fields):
        fields["SFS_State__c"].update(restrictedPicklist=False, picklistValues=[])

    assert [(f.code, f.level) for f in salesforce(change)] == [("PICKLIST_VALUES", "warning")]


def test_an_object_the_user_does_not_see():
    assert [f.code for f in check_salesforce(MAPPING, {}, {})] == ["OBJECT_MISSING"]


def test_an_org_without_person_accounts(mappings):
    describe = {"name": "Account", "fields": [field("SFS_Player_Id__c", **KEY)]}
    found = check_salesforce(mappings["player"], describe, {})
    assert "NO_PERSON_ACCOUNTS" in {f.code for f in found}
    assert "as: contact" in next(f.next_step for f in found if f.code == "NO_PERSON_ACCOUNTS")
