"""Duplicate rules block, or warn callers who did not ask to save anyway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.metadata.component import SourceError
from tests.rehearsal.automation.orgs import codes, duplicate_rule, matching_rules, org_with, source

_MATCH = matching_rules("Contact", "Same_Mail", "Email")
_BLOCK = duplicate_rule("Contact.Once", "Same_Mail", block=True)
_ALERT = duplicate_rule("Contact.Once", "Same_Mail", block=False)
_ALLOW = Options(allow_duplicates=True)


def _contact(**more: Any) -> dict[str, Any]:
    return {"LastName": "A", "Email": "a@x.example"} | more


def test_a_blocked_row_names_what_it_duplicates(tmp_path: Path) -> None:
    with org_with(tmp_path, _MATCH, _BLOCK) as org:
        first = org.insert("Contact", [_contact()])[0]
        again = org.insert("Contact", [_contact(Email="A@X.example")], options=Options(version="59.0"))[0]
        assert again.errors[0].body() == {
            "duplicateResult": {
                "allowSave": False,
                "duplicateRule": "Once",
                "duplicateRuleEntityType": "Contact",
                "errorMessage": "Look twice",
                "matchResults": [
                    {
                        "entityType": "Contact",
                        "errors": [],
                        "matchEngine": "ExactMatchEngine",
                        "matchRecords": [
                            {
                                "additionalInformation": [],
                                "fieldDiffs": [],
                                "matchConfidence": 100.0,
                                "record": {
                                    "attributes": {
                                        "type": "Contact",
                                        "url": f"/services/data/v59.0/sobjects/Contact/{first.id}",
                                    },
                                    "Id": first.id,
                                },
                            }
                        ],
                        "rule": "Same_Mail",
                        "size": 1,
                        "success": True,
                    }
                ],
            },
            "errorCode": "DUPLICATES_DETECTED",
            "message": "Look twice",
        }
        assert list(again.errors[0].body()) == ["duplicateResult", "errorCode", "message"]


def test_allow_save_passes_rules_that_warn_and_no_others(tmp_path: Path) -> None:
    with org_with(tmp_path / "a", _MATCH, _ALERT) as org:
        org.insert("Contact", [_contact()])
        warned = org.insert("Contact", [_contact()])[0]
        assert codes(warned) == ["DUPLICATES_DETECTED"]
        assert warned.errors[0].body()["duplicateResult"]["allowSave"] is True
        assert org.insert("Contact", [_contact()], options=_ALLOW)[0].success
    with org_with(tmp_path / "b", _MATCH, _BLOCK) as org:
        org.insert("Contact", [_contact()])
        assert not org.insert("Contact", [_contact()], options=_ALLOW)[0].success


def test_record_details_on_request(tmp_path: Path) -> None:
    with org_with(tmp_path, _MATCH, _BLOCK) as org:
        org.insert("Contact", [_contact(LastName="Rossi")])
        again = org.insert("Contact", [_contact()], options=Options(duplicate_details=True))[0]
        record = again.errors[0].body()["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
        assert (record["Name"], record["Email"]) == ("Rossi", "a@x.example")


def test_an_update_is_looked_at_when_a_matching_field_changes_and_never_matches_itself(tmp_path: Path) -> None:
    with org_with(tmp_path, _MATCH, _ALERT) as org:
        ids = [one.id for one in org.insert("Contact", [_contact(), _contact(Email="b@x.example")])]
        assert org.update("Contact", [{"Id": ids[0], "Email": "a@x.example", "Title": "x"}])[0].success
        assert codes(org.update("Contact", [{"Id": ids[1], "Email": "a@x.example"}])[0]) == ["DUPLICATES_DETECTED"]
        assert org.update("Contact", [{"Id": ids[1], "Email": "a@x.example"}], options=_ALLOW)[0].success
        assert org.update("Contact", [{"Id": ids[1], "Title": "y"}])[0].success


def test_blank_values_match_only_where_the_rule_says_so(tmp_path: Path) -> None:
    with org_with(tmp_path / "a", _MATCH, _BLOCK) as org:
        assert [one.success for one in org.insert("Contact", [_contact(Email=None), _contact(Email=None)])] == [
            True
        ] * 2
    rule = matching_rules("Contact", "Same_Mail", "LastName", "Phone", blank="MatchBlanks")
    with org_with(tmp_path / "b", rule, _BLOCK) as org:
        org.insert("Contact", [_contact()])
        assert codes(org.insert("Contact", [_contact()])[0]) == ["DUPLICATES_DETECTED"]
        assert org.insert("Contact", [_contact(Phone="1")])[0].success


def test_filter_logic_joins_the_fields(tmp_path: Path) -> None:
    rule = matching_rules("Contact", "Same_Mail", "LastName", "Email", "Phone", logic="1 AND (2 OR 3)")
    with org_with(tmp_path, rule, _BLOCK) as org:
        org.insert("Contact", [_contact(Phone="1")])
        rows = [
            _contact(Email="z@x.example", Phone="1"),
            _contact(LastName="B"),
            _contact(Email=None),
            _contact(Phone="2"),
        ]
        assert [one.success for one in org.insert("Contact", rows)] == [False, True, True, False]


def test_letters_beyond_ascii_and_deleted_rows(tmp_path: Path) -> None:
    with org_with(tmp_path, matching_rules("Contact", "Same_Mail", "LastName"), _BLOCK) as org:
        made = org.insert("Contact", [{"LastName": "Citt\u00e0"}])[0]
        assert not org.insert("Contact", [{"LastName": "CITT\u00c0"}])[0].success
        org.delete([str(made.id)])
        assert org.insert("Contact", [{"LastName": "CITT\u00c0"}])[0].success


def test_a_rule_looks_through_another_object_over_its_field_mapping(tmp_path: Path) -> None:
    extra = (
        "<duplicateRuleMatchRules><matchRuleSObjectType>Lead</matchRuleSObjectType><matchingRule>Lead_Mail</matchingRule>"
        "<objectMapping><inputObject>Contact</inputObject><mappingFields><inputField>AssistantName</inputField>"
        "<outputField>Company</outputField></mappingFields><outputObject>Lead</outputObject></objectMapping>"
        "</duplicateRuleMatchRules>"
    )
    rule = duplicate_rule("Contact.Once", "Same_Mail", block=True, extra=extra)
    with org_with(tmp_path, _MATCH, matching_rules("Lead", "Lead_Mail", "Company"), rule) as org:
        assert org.insert("Lead", [{"LastName": "L", "Company": "Acme"}])[0].success
        refused = org.insert("Contact", [_contact(AssistantName="acme")])[0]
        results = refused.errors[0].body()["duplicateResult"]["matchResults"]
        assert [(one["entityType"], one["rule"]) for one in results] == [("Lead", "Lead_Mail")]


def test_a_filter_leaves_other_rows_alone(tmp_path: Path) -> None:
    items = (
        "<duplicateRuleFilter><duplicateRuleFilterItems><field>Department</field><operation>equals</operation>"
        "<value>Sales</value><sortOrder>1</sortOrder><table>Contact</table></duplicateRuleFilterItems></duplicateRuleFilter>"
    )
    with org_with(tmp_path, _MATCH, duplicate_rule("Contact.Once", "Same_Mail", block=True, extra=items)) as org:
        org.insert("Contact", [_contact()])
        assert org.insert("Contact", [_contact()])[0].success
        assert not org.insert("Contact", [_contact(Department="sales")])[0].success


def test_the_rule_can_be_queried(tmp_path: Path) -> None:
    with org_with(tmp_path, _MATCH, _BLOCK) as org:
        found = list(org.query("SELECT DeveloperName, SobjectType, IsActive FROM DuplicateRule").records)
        assert [(one["DeveloperName"], one["SobjectType"], one["IsActive"]) for one in found] == [
            ("Once", "Contact", True)
        ]


def test_fuzzy_methods_are_refused_by_name() -> None:
    fuzzy = (_MATCH[0], _MATCH[1], _MATCH[2].replace("Exact", "FirstName"))
    with pytest.raises(SourceError, match="no matching method FirstName"):
        source(fuzzy)


def test_a_duplicate_rule_needs_its_matching_rule(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no active matching rule Contact\.Same_Mail"), org_with(tmp_path, _BLOCK):
        pass
