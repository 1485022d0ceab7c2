"""What a deploy changes in the schema: describes, companions, rows behind picklists, record types' values."""

from __future__ import annotations

from pathlib import Path

from sfsync.rehearsal.org import Org
from tests.rehearsal.metadata.conftest import Deployer, field

_STATUSES = "".join(
    f"<standardValue><fullName>{name}</fullName><default>{first}</default><closed>{closed}</closed></standardValue>"
    for name, first, closed in (("New", "true", "false"), ("Solved", "false", "true"))
)
_COUNTRY = (
    "<type>Picklist</type><valueSet><valueSetDefinition><sorted>false</sorted>"
    "<value><fullName>IT</fullName><default>false</default><label>Italy</label></value>"
    "<value><fullName>MT</fullName><default>false</default><label>Malta</label></value>"
    "</valueSetDefinition></valueSet>"
)
_CITY = (
    "<type>Picklist</type><valueSet><controllingField>Country__c</controllingField><valueSetDefinition>"
    "<sorted>false</sorted>"
    "<value><fullName>Roma</fullName><default>false</default><label>Roma</label></value>"
    "</valueSetDefinition><valueSettings><controllingFieldValue>IT</controllingFieldValue>"
    "<valueName>Roma</valueName></valueSettings></valueSet>"
)


def test_a_deploy_moves_the_fingerprint_and_the_describe(to: Deployer) -> None:
    org = to.org
    before = org.schema.fingerprint
    names = {one["name"] for one in org.describe_global()["sobjects"]}
    assert not to.visit(field("Code__c")).errors
    assert org.schema.fingerprint != before
    added = {one["name"] for one in org.describe_global()["sobjects"]} - names
    assert {"Visit__c", "Visit__ChangeEvent"} <= added
    described = {one["name"]: one for one in org.describe("Visit__c")["fields"]}
    assert (described["Code__c"]["length"], described["Code__c"]["custom"]) == (20, True)
    assert described["Name"]["permissionable"] is False
    event = {one["name"] for one in org.describe("Visit__ChangeEvent")["fields"]}
    assert "Code__c" in event


def test_the_same_schema_has_the_same_fingerprint(tmp_path: Path) -> None:
    one, other = (Org.open(tmp_path / name) for name in ("one", "other"))
    assert one.schema.fingerprint == other.schema.fingerprint
    one.close()
    other.close()


def test_case_status_rows_follow_a_deployed_value_set(to: Deployer) -> None:
    files = {"standardValueSets/CaseStatus.standardValueSet": _STATUSES}
    assert not to(files, {"StandardValueSet": "CaseStatus"}).errors
    found = to.org.query("SELECT ApiName, IsClosed FROM CaseStatus ORDER BY SortOrder").records
    assert [(row["ApiName"], row["IsClosed"]) for row in found] == [("New", False), ("Solved", True)]


def test_a_dependent_picklist_is_described_with_its_bitmap(to: Deployer) -> None:
    assert not to.visit(field("Country__c", _COUNTRY), field("City__c", _CITY)).errors
    found = next(one for one in to.org.describe("Visit__c")["fields"] if one["name"] == "City__c")
    assert (found["dependentPicklist"], found["controllerName"]) == (True, "Country__c")
    assert found["picklistValues"][0]["validFor"].startswith("gA")
