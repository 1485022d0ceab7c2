from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sfsync.rehearsal.org import Org, SaveResult

Ask = Callable[..., list[dict[str, Any]]]


def one(results: list[SaveResult]) -> SaveResult:
    assert len(results) == 1
    return results[0]


def saved(org: Org, object_name: str, **fields: Any) -> str:
    result = one(org.insert(object_name, [fields]))
    assert result.success, [error.message for error in result.errors]
    assert result.id is not None
    return result.id


def refused(org: Org, object_name: str, **fields: Any) -> dict[str, Any]:
    result = one(org.insert(object_name, [fields]))
    assert not result.success
    assert result.id is None
    return result.errors[0].item()


def stored(org: Org, object_name: str, name: str, value: Any) -> Any:
    return org.retrieve(object_name, saved(org, object_name, Name="x", **{name: value}), [name])[name]


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("Name", "  Bar Centrale ", "Bar Centrale"),
        ("Site", "", None),
        ("Site", "   ", None),
        ("Site", 12, "12"),
        ("Limit__c", "10.50", 10.5),
        ("Limit__c", 0.129, 0.12),
        ("Limit__c", -3, -3.0),
        ("Visits__c", "7", 7.0),
        ("NumberOfEmployees", "25", 25),
        ("Blocked__c", "true", True),
        ("Seen__c", "2022-10-20T18:46:32+02:00", "2022-10-20T16:46:32.000+0000"),
        ("Seen__c", "2022-10-20T16:46:32.987Z", "2022-10-20T16:46:32.000+0000"),
        ("Seen__c", "2022-10-20T16:46:32.000+0000", "2022-10-20T16:46:32.000+0000"),
        ("Due__c", "2024-02-29", "2024-02-29"),
        ("Opens__c", "09:00", "09:00:00.000Z"),
        ("Channels__c", "Phone;Email", "Email;Phone"),
        ("Phone", "555-UPDATED", "555-UPDATED"),
        ("Type", "whatever is not listed", "whatever is not listed"),
    ],
)
def test_values_are_kept_as_salesforce_keeps_them(org: Org, name: str, given: Any, kept: Any) -> None:
    fields = {"Name": "x"} | {name: given}
    record_id = one(org.insert("Account", [fields])).id
    assert record_id is not None
    value = org.retrieve("Account", record_id, [name])[name]
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("name", "given", "code", "message"),
    [
        ("Site", "x" * 81, "STRING_TOO_LONG", "Account Site: data value too large: " + "x" * 81 + " (max length=80)"),
        (
            "Tier__c",
            "GOLD",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Tier: bad value for restricted picklist field: GOLD",
        ),
        (
            "Channels__c",
            "Email;Fax",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Channels: bad value for restricted picklist field: Fax",
        ),
        ("Nope", 1, "INVALID_FIELD", "No such column 'Nope' on sobject of type Account"),
        ("Seen__c", "yesterday", "JSON_PARSER_ERROR", None),
        ("Seen__c", "2022-10-20T16:46:32", "JSON_PARSER_ERROR", None),
        ("Due__c", "2023-02-29", "JSON_PARSER_ERROR", None),
        ("Due__c", "1650-01-01", "NUMBER_OUTSIDE_VALID_RANGE", None),
        ("Visits__c", 12345, "NUMBER_OUTSIDE_VALID_RANGE", None),
        ("Visits__c", "many", "JSON_PARSER_ERROR", None),
        ("Blocked__c", "maybe", "JSON_PARSER_ERROR", None),
        ("Blocked__c", None, "INVALID_TYPE_ON_FIELD_IN_RECORD", None),
        ("ParentId", "nonsense", "MALFORMED_ID", "Parent Account ID: id value of incorrect type: nonsense"),
        ("ParentId", "001Rh0000zzzzzz", "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ("RecordTypeId", "012Rh0000zzzzzz", "INVALID_CROSS_REFERENCE_KEY", None),
        ("Site", {"a": 1}, "INVALID_FIELD", None),
        ("Site", ["a"], "JSON_PARSER_ERROR", None),
        ("Site", "\ud800", "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", None),
    ],
)
def test_values_that_do_not_fit_are_refused(org: Org, name: str, given: Any, code: str, message: str | None) -> None:
    item = refused(org, "Account", **({"Name": "x"} | {name: given}))
    assert item["statusCode"] == code
    assert message is None or item["message"] == message


def test_true_and_one_are_different_values_of_a_text(org: Org, ask: Ask) -> None:
    org.insert("Account", [{"Name": True}, {"Name": 1}, {"Name": 1.5}])
    assert [row["Name"] for row in ask("SELECT Name FROM Account ORDER BY Id")] == ["true", "1", "1.5"]


def test_required_fields_are_named(org: Org) -> None:
    assert refused(org, "Contact", FirstName="A")["message"] == "Required fields are missing: [LastName]"
    item = refused(org, "User", LastName="A", Username="a@b.example")
    assert item["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert "ProfileId" in item["fields"]
    account = saved(org, "Account", Name="x")
    cleared = one(org.update("Account", [{"Id": account, "Name": None}]))
    assert cleared.errors[0].message == "Required fields are missing: [Name]"


def test_read_only_fields_are_refused_together(org: Org) -> None:
    item = refused(org, "Account", Name="x", CreatedDate="2020-01-01T00:00:00Z", SystemModstamp="2020-01-01T00:00:00Z")
    assert item["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert item["fields"] == ["CreatedDate", "SystemModstamp"]
    assert item["message"].startswith("Unable to create/update fields: CreatedDate, SystemModstamp. Please check")


def test_emails_are_checked_and_lower_cased(org: Org) -> None:
    record = saved(org, "Contact", LastName="Rossi", Email="Anna.Rossi@Example.COM")
    assert org.retrieve("Contact", record, ["Email"])["Email"] == "anna.rossi@example.com"
    item = refused(org, "Contact", LastName="Rossi", Email="not an email")
    assert item == {
        "statusCode": "INVALID_EMAIL_ADDRESS",
        "message": "Email: invalid email address: not an email",
        "fields": ["Email"],
    }


def test_an_external_id_is_unique_whatever_its_case(org: Org) -> None:
    first = saved(org, "Account", Name="x", Shop_Code__c="AB01")
    item = refused(org, "Account", Name="y", Shop_Code__c="ab01")
    assert item["statusCode"] == "DUPLICATE_VALUE"
    assert item["message"] == f"duplicate value found: Shop_Code__c duplicates value on record with id: {first[:15]}"
    assert item["fields"] == []
    saved(org, "Account", Name="z", Strict_Code__c="AB01")
    saved(org, "Account", Name="z", Strict_Code__c="ab01")
    again = one(org.update("Account", [{"Id": first, "Shop_Code__c": "ab01"}]))
    assert again.success


def test_two_rows_of_one_call_cannot_share_a_unique_value(org: Org, ask: Ask) -> None:
    results = org.insert("Account", [{"Name": "a", "Shop_Code__c": "X1"}, {"Name": "b", "Shop_Code__c": "x1"}])
    assert [result.success for result in results] == [True, False]
    assert ask("SELECT Name FROM Account") == [{"Name": "a"}]


def test_good_rows_are_saved_beside_bad_ones_unless_all_or_none(org: Org, ask: Ask) -> None:
    rows = [{"Name": "a"}, {"Name": "b", "Nope": 1}, {"Name": "c"}]
    assert [one.success for one in org.insert("Account", rows)] == [True, False, True]
    results = org.insert("Account", [{"Name": "d"}, {"Nope": 1, "Name": "e"}], all_or_none=True)
    assert [result.errors[0].code for result in results] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]
    assert results[0].errors[0].message == (
        "Record rolled back because not all records were valid and the request was using AllOrNone header"
    )
    assert [row["Name"] for row in ask("SELECT Name FROM Account ORDER BY Name")] == ["a", "c"]


def test_a_parent_is_found_by_external_id(org: Org, ask: Ask) -> None:
    shop = saved(org, "Account", Name="Shop", Shop_Code__c="00A1")
    user = ask("SELECT Id, Username FROM User")[0]
    row = {"Name": "P", "Signup_Shop__r": {"Shop_Code__c": "00a1"}, "Owner": {"Username": user["Username"].upper()}}
    record = saved(org, "Account", **row)
    assert org.retrieve("Account", record, ["Signup_Shop__c", "OwnerId"]) | {"attributes": 0} == {
        "attributes": 0,
        "Signup_Shop__c": shop,
        "OwnerId": user["Id"],
        "Id": record,
    }
    item = refused(org, "Account", Name="Q", Signup_Shop__r={"Shop_Code__c": "nope"})
    assert item["statusCode"] == "INVALID_FIELD"
    assert item["message"] == "Foreign key external ID: nope not found for field Shop_Code__c in entity Account"


def test_a_polymorphic_parent_needs_its_type(org: Org) -> None:
    queue = {"attributes": {"type": "User"}, "Username": org.username}
    assert saved(org, "Case", Subject="x", Owner=queue)
    assert refused(org, "Case", Subject="x", Owner={"Username": org.username})["statusCode"] == "JSON_PARSER_ERROR"


def test_update_leaves_alone_what_it_does_not_mention_and_moves_the_stamp(org: Org) -> None:
    record = saved(org, "Account", Name="a", Site="s", Phone="1")
    before = org.retrieve("Account", record)
    org.clock.advance(60)
    results = org.update("Account", [{"Id": record, "Phone": None}])
    assert one(results).success
    assert not one(results).created
    after = org.retrieve("Account", record)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"Phone", "SystemModstamp", "LastModifiedDate"}


def test_rows_of_one_update_may_have_different_fields(org: Org, ask: Ask) -> None:
    first, second = saved(org, "Account", Name="a", Site="1"), saved(org, "Account", Name="b", Phone="2")
    org.update("Account", [{"Id": first, "Phone": "9"}, {"id": second[:15], "Site": "8"}])
    assert ask("SELECT Name, Site, Phone FROM Account ORDER BY Name") == [
        {"Name": "a", "Site": "1", "Phone": "9"},
        {"Name": "b", "Site": "8", "Phone": "2"},
    ]


def test_ids_that_cannot_be_updated(org: Org) -> None:
    record = saved(org, "Account", Name="a")
    gone = saved(org, "Account", Name="gone")
    org.delete([gone])
    rows = [{"Name": "x"}, {"Id": "zz"}, {"Id": "001Rh0000zzzzzz"}, {"Id": gone}, {"Id": record}, {"Id": record}]
    results = org.update("Account", rows)
    codes = [result.errors[0].code if result.errors else "" for result in results]
    assert codes == [
        "MISSING_ARGUMENT",
        "MALFORMED_ID",
        "INVALID_CROSS_REFERENCE_KEY",
        "ENTITY_IS_DELETED",
        "",
        "DUPLICATE_VALUE",
    ]


def test_upsert_creates_updates_and_refuses_a_key_twice(org: Org, ask: Ask) -> None:
    saved(org, "Account", Name="old", Shop_Code__c="AB01")
    rows = [
        {"Shop_Code__c": "ab01", "Name": "changed"},
        {"Shop_Code__c": "AB02", "Name": "new"},
        {"Shop_Code__c": "Ab02", "Name": "twice"},
        {"Name": "no key"},
    ]
    results = org.upsert("Account", "Shop_Code__c", rows)
    assert [(one.success, one.created) for one in results[:2]] == [(True, False), (True, True)]
    assert results[2].errors[0].message == "Duplicate external id specified: Ab02"
    assert results[3].errors[0].code == "MISSING_ARGUMENT"
    assert [row["Name"] for row in ask("SELECT Name FROM Account ORDER BY Name")] == ["changed", "new"]


def test_upsert_by_id_and_by_idlookup(org: Org, ask: Ask) -> None:
    record = saved(org, "Contact", LastName="A", Email="a@b.example")
    results = org.upsert("Contact", "Id", [{"Id": record, "LastName": "B"}, {"Id": None, "LastName": "C"}])
    assert [one.created for one in results] == [False, True]
    saved(org, "Contact", LastName="D", Email="a@b.example")
    ambiguous = one(org.upsert("Contact", "Email", [{"Email": "A@b.example", "LastName": "E"}])).errors[0]
    assert (ambiguous.code, ambiguous.status) == ("MULTIPLE_CHOICES", 300)
    assert ambiguous.fields is not None
    assert len(ambiguous.fields) == 2
    with pytest.raises(Exception, match="does not match an External ID"):
        org.upsert("Contact", "LastName", [{"LastName": "E"}])


def test_a_transaction_undoes_everything_and_may_be_nested(org: Org, ask: Ask) -> None:
    with pytest.raises(RuntimeError, match="enough"), org.transaction():
        saved(org, "Account", Name="outer")
        with pytest.raises(RuntimeError, match="inner"), org.transaction():
            saved(org, "Account", Name="inner")
            raise RuntimeError("inner")
        assert [row["Name"] for row in ask("SELECT Name FROM Account")] == ["outer"]
        raise RuntimeError("enough")
    assert ask("SELECT Name FROM Account") == []
