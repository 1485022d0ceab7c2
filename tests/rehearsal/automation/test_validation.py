"""Validation rules stop rows, each with its own text."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.schema.build import build
from tests.rehearsal.automation.orgs import component, org_with, source, validation_rule

_CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
_ACME = validation_rule("Account.NoAcme", 'CONTAINS(Name, "Acme")', "No Acme here")
_PHONE = validation_rule("Account.Phone", 'NOT(REGEX(Phone, "[0-9 ]*"))', "Digits only", field="phone")


def test_a_row_shows_every_rule_it_breaks(tmp_path: Path) -> None:
    with org_with(tmp_path, _ACME, _PHONE) as org:
        bad, good = org.insert("Account", [{"Name": "Acme", "Phone": "x"}, {"Name": "Beta", "Phone": "12 3"}])
        assert good.success
        assert [(one.code, one.message, one.fields) for one in bad.errors] == [
            (_CODE, "No Acme here", []),
            (_CODE, "Digits only", ["Phone"]),
        ]


def test_an_inactive_rule_and_other_objects_are_left_alone(tmp_path: Path) -> None:
    with org_with(tmp_path, validation_rule("Account.Off", "TRUE", "never", active=False), _ACME) as org:
        assert org.insert("Account", [{"Name": "Beta"}])[0].success
        assert org.insert("Contact", [{"LastName": "Acme"}])[0].success


def test_a_rule_sees_the_whole_row_of_an_update_and_what_has_changed(tmp_path: Path) -> None:
    rule = validation_rule(
        "Account.Locked", 'AND(ISCHANGED(Phone), PRIORVALUE(Phone) = "1", Name = "Fixed")', "Phone is locked"
    )
    with org_with(tmp_path, rule) as org:
        ids = [
            one.id for one in org.insert("Account", [{"Name": "Fixed", "Phone": "1"}, {"Name": "Free", "Phone": "1"}])
        ]
        locked, free = org.update("Account", [{"Id": ids[0], "Phone": "2"}, {"Id": ids[1], "Phone": "2"}])
        assert [one.message for one in locked.errors] == ["Phone is locked"]
        assert free.success
        assert org.update("Account", [{"Id": ids[0], "Phone": "1", "Fax": "9"}])[0].success


def test_a_rule_reads_parents_the_user_and_the_record_types_name(tmp_path: Path) -> None:
    rule = validation_rule(
        "Contact.Parent",
        'AND(Account.Name = "Closed", $User.Username = "integration@rehearsal.example",'
        ' $Profile.Name = "System Administrator", LastName <> "Ok")',
        "The company is closed",
    )
    with org_with(tmp_path, rule) as org:
        closed = org.insert("Account", [{"Name": "Closed"}])[0].id
        bad, good, alone = org.insert(
            "Contact",
            [{"LastName": "A", "AccountId": closed}, {"LastName": "Ok", "AccountId": closed}, {"LastName": "B"}],
        )
        assert [one.message for one in bad.errors] == ["The company is closed"]
        assert good.success
        assert alone.success


def test_a_formula_that_cannot_be_computed_refuses_and_names_its_rule(tmp_path: Path) -> None:
    with org_with(tmp_path, validation_rule("Account.Ratio", "1 / NumberOfEmployees > 1", "x")) as org:
        zero, blank = org.insert("Account", [{"Name": "A", "NumberOfEmployees": 0}, {"Name": "B"}])
        assert [(one.code, one.message) for one in zero.errors] == [
            (_CODE, 'Validation Formula "Ratio" Invalid (Division by zero)')
        ]
        assert blank.success


def test_rules_speak_to_rows_of_a_bulk_load_one_by_one(tmp_path: Path) -> None:
    with org_with(tmp_path, _ACME) as org:
        deeds = list(org.load_csv("Account", "insert", None, ["Name"], [["Acme"], ["Beta"]]))
        assert [one.success for one in deeds] == [False, True]


def test_metadata_with_an_unknown_function_is_refused_by_its_name() -> None:
    with pytest.raises(SourceError, match=r"test\.xml: errorConditionFormula: Unknown function VLOOKUP"):
        source(validation_rule("Account.X", "VLOOKUP(1,2,3)", "x"))


def test_metadata_with_an_unknown_field_is_refused_by_its_rule() -> None:
    with pytest.raises(SourceError, match=r"test\.xml: Field Nope__c does not exist"):
        build([component(*validation_rule("Account.X", "ISBLANK(Nope__c)", "x"))])


def test_record_types_owners_and_custom_permissions_by_their_paths(tmp_path: Path) -> None:
    record_type = (
        "RecordType",
        "Case.Complaint",
        "<fullName>Complaint</fullName><active>true</active><label>C</label>",
    )
    permissions = (
        "PermissionSet",
        "Clerk",
        "<label>Clerk</label><customPermissions><enabled>true</enabled><name>Refund</name></customPermissions>",
    )
    rules = (
        validation_rule("Case.Global", '$RecordType.DeveloperName = "Complaint" && ISBLANK(Subject)', "a subject"),
        validation_rule("Case.Path", 'RecordType.DeveloperName = "Complaint" && ISBLANK(Subject)', "again"),
        validation_rule(
            "Case.Owner", 'Owner:User.Alias = "integ" && $Permission.Refund && Subject = "mine"', "not mine"
        ),
    )
    with org_with(tmp_path, record_type, permissions, *rules) as org:
        kind = next(iter(org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Complaint'").records))["Id"]
        rows = [{"RecordTypeId": kind}, {"RecordTypeId": kind, "Subject": "x"}, {"Subject": "mine"}, {}]
        said = [[one.message for one in deed.errors] for deed in org.insert("Case", rows)]
        assert said == [["a subject", "again"], [], ["not mine"], []]
