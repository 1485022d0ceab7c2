"""Each metadata that the coverage says is refused is refused, by name, and nothing is deployed."""

from __future__ import annotations

import pytest

from sfsync.rehearsal import coverage
from sfsync.rehearsal.metadata.deploy import deploy
from sfsync.rehearsal.metadata.package import read_package, unzip, zipped
from sfsync.rehearsal.metadata.results import Options
from sfsync.rehearsal.schema.build import build
from tests.rehearsal.metadata.conftest import VISIT, Deployer, document, field, manifest

# (file, root element, what is inside, manifest)
Package = tuple[str, str, str, dict[str, str]]


def _account(inside: str, name: str = "Bad__c") -> Package:
    return "objects/Account.object", "CustomObject", inside, {"CustomField": f"Account.{name}"}


def _object(name: str, inside: str = VISIT) -> Package:
    return f"objects/{name}.object", "CustomObject", inside, {"CustomObject": name}


def _rule(formula: str) -> Package:
    inside = (
        f"<validationRules><fullName>No</fullName><active>true</active><errorConditionFormula>{formula}"
        "</errorConditionFormula><errorMessage>No</errorMessage></validationRules>"
    )
    return "objects/Account.object", "CustomObject", inside, {"ValidationRule": "Account.No"}


def _assignment(inside: str) -> Package:
    entry = f"<ruleEntry>{inside}</ruleEntry>"
    rule = f"<assignmentRule><fullName>Standard</fullName><active>true</active>{entry}</assignmentRule>"
    return "assignmentRules/Case.assignmentRules", "AssignmentRules", rule, {"AssignmentRules": "Case"}


def _process(milestone: str, on: str = "Case") -> Package:
    inside = (
        f"<SObjectType>{on}</SObjectType><active>true</active><name>P</name><milestones><milestoneName>M"
        f"</milestoneName>{milestone}</milestones>"
    )
    return "entitlementProcesses/p.entitlementProcess", "EntitlementProcess", inside, {"EntitlementProcess": "p"}


_MINUTES = "<minutesToComplete>60</minutesToComplete>"
_CRITERION = (
    "<criteriaItems><field>Case.Origin</field><operation>equals</operation><valueField>Case.Type</valueField>"
    "</criteriaItems>"
)
_FUZZY = (
    "<matchingRules><fullName>M</fullName><label>M</label><ruleStatus>Active</ruleStatus><matchingRuleItems>"
    "<fieldName>Name</fieldName><matchingMethod>CompanyName</matchingMethod></matchingRuleItems></matchingRules>"
)
_SUMMARY = "<type>Summary</type><summaryOperation>count</summaryOperation>"
_DEFAULT = "<type>Date</type><defaultValue>TODAY()</defaultValue>"
_USER = "<type>Text</type><formula>$User.Email</formula>"
_ACTION = "<successActions><name>A</name><type>FieldUpdate</type></successActions>"

REFUSED: dict[str, list[Package]] = {
    "any other type": [
        ("classes/A.cls-meta.xml", "ApexClass", "<status>Active</status>", {"ApexClass": "A"}),
        ("flows/A.flow", "Flow", "<label>A</label>", {"Flow": "A"}),
        ("roles/A.role", "Role", "<name>A</name>", {"Role": "A"}),
        ("sharingRules/Account.sharingRules", "SharingRules", "", {"SharingRules": "Account"}),
    ],
    "Settings other than": [("settings/Case.settings", "CaseSettings", "", {"Settings": "Case"})],
    "profiles other than Admin": [("profiles/Sales.profile", "Profile", "", {"Profile": "Sales"})],
    "custom settings": [
        _object("Set__c", VISIT + "<customSettingsType>Hierarchy</customSettingsType>"),
        *(_object(f"A__{end}") for end in ("mdt", "e", "b", "x")),
    ],
    "roll-up summary fields": [_account(field("Bad__c", _SUMMARY))],
    "default values that are formulas": [_account(field("Bad__c", _DEFAULT))],
    "duplicate rules with a matching method": [
        ("matchingRules/Account.matchingRule", "MatchingRules", _FUZZY, {"MatchingRules": "Account"})
    ],
    "assignment rules with teams": [_assignment("<team>T</team>")],
    "milestone actions": [
        _process(_MINUTES + _ACTION),
        _process("<minutesCustomClass>C</minutesCustomClass>"),
        _process(_MINUTES, on="WorkOrder"),
    ],
    "criteria that compare": [_assignment(_CRITERION)],
    "$Setup": [
        *(_rule(f"{one} = &quot;a&quot;") for one in ("$Setup.A__c.B__c", "$Label.A", "$CustomMetadata.A__mdt.B.C__c")),
        _account(field("Bad__c", _USER)),
    ],
}
CASES = [(what, package) for what, packages in REFUSED.items() for package in packages]


def test_all_that_is_said_is_tried() -> None:
    told = coverage.sections([], build())[coverage.METADATA]
    refused = [one.what for one in told if one.state == coverage.REFUSED]
    assert len(refused) == len(REFUSED)
    for start in REFUSED:
        assert len([one for one in refused if one.startswith(start)]) == 1, start


@pytest.mark.parametrize(("what", "package"), CASES, ids=[f"{what} {one[3]}" for what, one in CASES])
def test_it_is_refused_and_nothing_is_deployed(to: Deployer, what: str, package: Package) -> None:
    path, root, inside, named = package
    files = {path: document(root, inside), "package.xml": manifest(named)}
    before = to.org.schema.fingerprint
    outcome = deploy(to.org, read_package(unzip(zipped(files))), Options())
    assert [one.problem for one in outcome.errors if "no file" not in one.problem], what
    assert "rehearsal org" in outcome.errors[0].problem, outcome.errors[0].problem
    assert to.org.schema.fingerprint == before
