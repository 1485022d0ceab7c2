"""Rules come and go while the org runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.org import Org
from tests.rehearsal.automation.orgs import (
    assignment_rule,
    codes,
    component,
    duplicate_rule,
    matching_rules,
    org_with,
    validation_rule,
)

_RULE = component(*validation_rule("Account.NoAcme", 'Name = "Acme"', "No Acme here"))


def test_a_deployed_rule_runs_until_it_is_deleted_and_survives_a_restart(tmp_path: Path) -> None:
    org = Org(tmp_path)
    org.apply({_RULE.key: _RULE})
    assert codes(org.insert("Account", [{"Name": "Acme"}])[0]) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    org.close()
    again = Org(tmp_path)
    assert codes(again.insert("Account", [{"Name": "Acme"}])[0]) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    again.apply({_RULE.key: None})
    assert again.insert("Account", [{"Name": "Acme"}])[0].success
    again.close()


def test_a_rule_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    org = Org(tmp_path)
    wrong = component(*validation_rule("Account.Bad", "Nope__c = 1", "x"))
    with pytest.raises(SourceError, match="Field Nope__c does not exist"):
        org.apply({wrong.key: wrong})
    assert org.insert("Account", [{"Name": "Acme"}])[0].success
    org.close()


def test_a_field_that_a_rule_reads_cannot_be_taken_away(tmp_path: Path) -> None:
    field = ("CustomField", "Account.Level__c", "<label>Level</label><type>Text</type><length>9</length>")
    with org_with(tmp_path, field, validation_rule("Account.Level", 'Level__c = "x"', "no")) as org:
        with pytest.raises(SourceError, match="Field Level__c does not exist"):
            org.apply({("CustomField", "Account.Level__c"): None})
        assert not org.insert("Account", [{"Name": "a", "Level__c": "x"}])[0].success


def test_the_row_of_a_deleted_rule_goes(tmp_path: Path) -> None:
    rules = component("AssignmentRules", "Case", assignment_rule("Standard"))
    org = Org(tmp_path)
    org.apply({rules.key: rules})
    assert len(list(org.query("SELECT Id FROM AssignmentRule").records)) == 1
    org.apply({rules.key: None})
    assert list(org.query("SELECT Id FROM AssignmentRule").records) == []
    org.close()


def test_matching_fields_have_an_index(tmp_path: Path) -> None:
    pieces = (matching_rules("Contact", "Mail", "Email", "Phone"), duplicate_rule("Contact.Once", "Mail", block=True))
    with org_with(tmp_path, *pieces) as org:
        sql = (
            'SELECT Id FROM "Contact" WHERE ("Email" IN (SELECT value FROM json_each(?))'
            ' AND "Phone" IN (SELECT value FROM json_each(?))) AND NOT "IsDeleted"'
        )
        with org._database.reader() as connection:
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", ("[]", "[]")))
        assert "USING INDEX Contact~match~" in plan
