"""Formula fields: computed when read, never written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.org import Org
from tests.rehearsal.automation.orgs import Piece, codes, org_with


def field(name: str, kind: str, formula: str, *, zero: bool = False, scale: int | None = None) -> Piece:
    blanks = "BlankAsZero" if zero else "BlankAsBlank"
    digits = "" if scale is None else f"<precision>18</precision><scale>{scale}</scale>"
    inside = (
        f"<label>{name}</label><type>{kind}</type><formula><![CDATA[{formula}]]></formula>{digits}"
        f"<formulaTreatBlanksAs>{blanks}</formulaTreatBlanksAs>"
    )
    return ("CustomField", name, inside)


def _one(org: Org, name: str, obj: str = "Account") -> Any:
    return next(iter(org.query(f"SELECT {name} FROM {obj} ORDER BY Id").records))[name]


@pytest.mark.parametrize(
    ("kind", "formula", "scale", "value"),
    [
        ("Text", 'UPPER(Name) & "-" & TEXT(NumberOfEmployees)', None, "ACME-7"),
        ("Number", "NumberOfEmployees / 3", 2, 2.33),
        ("Percent", "NumberOfEmployees / 100", 0, 7.0),
        ("Checkbox", "NumberOfEmployees > 5", None, True),
        ("Date", "TODAY() + NumberOfEmployees", None, "2026-04-08"),
        ("DateTime", "NOW() + 1", None, "2026-04-01T22:30:00.000+0000"),
        ("Number", "1 / (NumberOfEmployees - 7)", 2, None),
        ("Text", 'IF(ISBLANK(Phone), "", Phone)', None, None),
    ],
)
def test_values_by_type(tmp_path: Path, kind: str, formula: str, scale: int | None, value: Any) -> None:
    with org_with(tmp_path, field("Account.F__c", kind, formula, scale=scale)) as org:
        org.clock.freeze(datetime(2026, 3, 31, 22, 30, tzinfo=UTC))
        org.insert("Account", [{"Name": "Acme", "NumberOfEmployees": 7}])
        assert _one(org, "F__c") == value


def test_blanks_are_zero_where_the_field_says_so(tmp_path: Path) -> None:
    pieces = (
        field("Account.Zero__c", "Number", "AnnualRevenue + 1", zero=True, scale=0),
        field("Account.Blank__c", "Number", "AnnualRevenue + 1", scale=0),
    )
    with org_with(tmp_path, *pieces) as org:
        org.insert("Account", [{"Name": "a"}])
        assert (_one(org, "Zero__c"), _one(org, "Blank__c")) == (1.0, None)


def test_queries_filter_sort_and_sum_by_them_over_parents_too(tmp_path: Path) -> None:
    pieces = (
        field("Account.Tier__c", "Text", 'IF(NumberOfEmployees > 5, "Big", "Small")'),
        field("Account.Twice__c", "Number", "NumberOfEmployees * 2", scale=0),
        field("Contact.Of__c", "Text", 'Account.Tier__c & " " & Account.Name'),
    )
    with org_with(tmp_path, *pieces) as org:
        rows = [{"Name": "a", "NumberOfEmployees": 9}, {"Name": "b", "NumberOfEmployees": 1}]
        ids = [one.id for one in org.insert("Account", rows)]
        org.insert("Contact", [{"LastName": "x", "AccountId": ids[0]}, {"LastName": "alone"}])
        assert [one["Name"] for one in org.query("SELECT Name FROM Account WHERE Tier__c = 'big'").records] == ["a"]
        ordered = org.query("SELECT Name FROM Account ORDER BY Twice__c").records
        assert [one["Name"] for one in ordered] == ["b", "a"]
        assert _one(org, "Of__c", "Contact") == "Big a"
        assert next(iter(org.query("SELECT SUM(Twice__c) s FROM Account").records))["s"] == 20
        parents = org.query("SELECT LastName, Account.Tier__c FROM Contact ORDER BY LastName").records
        assert [one["Account"] and one["Account"]["Tier__c"] for one in parents] == [None, "Big"]


def test_a_retrieve_shows_it_a_write_is_refused_and_describe_tells(tmp_path: Path) -> None:
    with org_with(tmp_path, field("Account.Loud__c", "Text", "UPPER(Name)")) as org:
        made = org.insert("Account", [{"Name": "a"}])[0]
        assert org.retrieve("Account", str(made.id))["Loud__c"] == "A"
        assert codes(org.update("Account", [{"Id": made.id, "Loud__c": "x"}])[0]) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]
        shown = next(one for one in org.describe("Account")["fields"] if one["name"] == "Loud__c")
        keys = ("calculated", "calculatedFormula", "createable", "updateable", "nillable", "type", "length")
        assert [shown[key] for key in keys] == [True, "UPPER(Name)", False, False, True, "string", 1300]


def test_rules_read_formula_fields(tmp_path: Path) -> None:
    rule = (
        "ValidationRule",
        "Account.Loud",
        (
            "<active>true</active><errorConditionFormula>Loud__c = &quot;BAD&quot;</errorConditionFormula>"
            "<errorMessage>no</errorMessage>"
        ),
    )
    with org_with(tmp_path, field("Account.Loud__c", "Text", "UPPER(Name)"), rule) as org:
        assert [one.success for one in org.insert("Account", [{"Name": "bad"}, {"Name": "good"}])] == [False, True]


def test_a_formula_sees_the_own_transaction(tmp_path: Path) -> None:
    with org_with(tmp_path, field("Account.Loud__c", "Text", "UPPER(Name)")) as org, org.transaction():
        org.insert("Account", [{"Name": "new"}])
        assert _one(org, "Loud__c") == "NEW"


@pytest.mark.parametrize(
    ("kind", "formula", "text"),
    [
        ("Number", "UPPER(Name)", r"data type \(Text\), incompatible with expected data type \(Number\)"),
        ("Text", "NOPE(Name)", "formula: Unknown function NOPE"),
        ("Text", "Nope__c", "Field Nope__c does not exist"),
        ("Text", "$User.Alias", r"\$User in formula fields is not in the rehearsal org"),
        ("Text", "Self__c", "Circular reference|does not exist"),
        ("Picklist", "Name", "Formulas cannot give fields of type Picklist"),
    ],
)
def test_refusals(tmp_path: Path, kind: str, formula: str, text: str) -> None:
    name = "Account.Self__c" if formula == "Self__c" else "Account.F__c"
    with pytest.raises(SourceError, match=text), org_with(tmp_path, field(name, kind, formula)):
        pass
