"""What a deploy makes of an org: objects, fields, rows; all or nothing; and what it refuses."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.metadata.package import unzip
from sfsync.rehearsal.metadata.results import Options
from sfsync.rehearsal.org import Org
from tests.rehearsal.metadata.conftest import CODE, TEXT, VISIT, Deployer, field, problems

_NUMBER = "<type>Number</type><precision>6</precision><scale>2</scale>"


def described(to: Deployer, object: str, name: str) -> dict[str, object]:
    return next(one for one in to.org.describe(object)["fields"] if one["name"] == name)


class TestObjects:
    def test_a_custom_object_takes_rows_and_outlives_a_restart(self, to: Deployer) -> None:
        outcome = to.visit(field("Code__c", CODE))
        assert [(one.kind, one.name, one.created) for one in outcome.good if one.kind] == [
            ("CustomField", "Visit__c.Code__c", True),
            ("CustomObject", "Visit__c", True),
        ]
        (made,) = to.org.insert("Visit__c", [{"Code__c": "A1"}])
        prefix = to.org.describe("Visit__c")["keyPrefix"]
        org = to.reopen()
        assert org.describe("Visit__c")["keyPrefix"] == prefix == str(made.id)[:3]
        assert org.retrieve_by("Visit__c", "Code__c", "a1")["Name"] == "V-0001"

    def test_a_detail_object_has_no_owner(self, to: Deployer) -> None:
        master = (
            "<type>MasterDetail</type><referenceTo>Account</referenceTo><relationshipName>Visits</relationshipName>"
        )
        to.visit(field("Shop__c", master))
        names = {one["name"] for one in to.org.describe("Visit__c")["fields"]}
        assert "OwnerId" not in names
        assert described(to, "Visit__c", "Shop__c")["relationshipOrder"] == 0

    def test_history_is_kept_where_it_is_enabled(self, to: Deployer) -> None:
        tracked = field("Note__c", TEXT + "<trackHistory>true</trackHistory>")
        to({"objects/Visit__c.object": VISIT + "<enableHistory>true</enableHistory>" + tracked}, {"CustomObject": "*"})
        (made,) = to.org.insert("Visit__c", [{"Note__c": "a"}])
        to.org.update("Visit__c", [{"Id": made.id, "Note__c": "b"}])
        rows = to.org.query("SELECT Field, OldValue, NewValue, ParentId FROM Visit__History ORDER BY Field").records
        assert [(one["Field"], one["OldValue"], one["NewValue"]) for one in rows] == [
            ("created", None, None),
            ("Note__c", "a", "b"),
        ]

    def test_deleting_an_object_takes_its_fields_and_rows(self, to: Deployer) -> None:
        to.visit(field("Code__c", CODE))
        to.org.insert("Visit__c", [{"Code__c": "A1"}])
        assert to({}, {}, after={"CustomObject": "Visit__c"}).status == "Succeeded"
        with pytest.raises(OrgError):
            to.org.describe("Visit__c")
        to.visit()
        assert to.org.query("SELECT Id FROM Visit__c").total_size == 0

    def test_an_object_that_is_looked_up_to_stays(self, to: Deployer) -> None:
        to.visit()
        to.account(field("Last__c", "<type>Lookup</type><referenceTo>Visit__c</referenceTo>"), named="Last__c")
        outcome = to({}, {}, after={"CustomObject": "Visit__c"})
        assert problems(outcome) == {
            ("CustomField", "Account.Last__c"): "In field: referenceTo - no CustomObject named Visit__c found"
        }
        assert to.org.describe("Visit__c")["name"] == "Visit__c"


class TestFields:
    def test_an_external_id_finds_rows_that_were_there_before(self, to: Deployer) -> None:
        to.account(field("Code__c"), named="Code__c")
        to.org.insert("Account", [{"Name": "A", "Code__c": "One"}, {"Name": "B"}])
        to.account(field("Code__c", CODE), named="Code__c")
        assert to.org.retrieve_by("Account", "Code__c", "ONE")["Name"] == "A"
        (again,) = to.org.insert("Account", [{"Name": "C", "Code__c": "one"}])
        assert again.errors[0].code == "DUPLICATE_VALUE"

    def test_values_that_are_there_twice_cannot_become_unique(self, to: Deployer) -> None:
        to.account(field("Code__c"), named="Code__c")
        to.org.insert("Account", [{"Name": "A", "Code__c": "x"}, {"Name": "B", "Code__c": "X"}])
        outcome = to.account(field("Code__c", CODE), named="Code__c")
        assert problems(outcome) == {
            ("CustomField", "Account.Code__c"): "Cannot set field to unique because there are duplicate values"
        }
        assert described(to, "Account", "Code__c")["unique"] is False

    def test_a_type_changes_while_there_are_no_values(self, to: Deployer) -> None:
        to.account(field("Size__c"), named="Size__c")
        (made,) = to.org.insert("Account", [{"Name": "A", "Size__c": "big"}])
        refused = to.account(field("Size__c", _NUMBER), named="Size__c")
        assert problems(refused) == {("CustomField", "Account.Size__c"): "Cannot change type due to existing data"}
        to.org.update("Account", [{"Id": made.id, "Size__c": None}])
        assert to.account(field("Size__c", _NUMBER), named="Size__c").status == "Succeeded"
        to.org.update("Account", [{"Id": made.id, "Size__c": 2.5}])
        assert to.org.query("SELECT Id FROM Account WHERE Size__c > 2").total_size == 1

    def test_a_deleted_field_is_gone_with_its_values(self, to: Deployer) -> None:
        to.account(field("Code__c", CODE), named="Code__c")
        to.org.insert("Account", [{"Name": "A", "Code__c": "x"}])
        to({}, {}, after={"CustomField": "Account.Code__c"})
        to.reopen()
        assert not to.org.schema.objects["Account"].has("Code__c")
        to.account(field("Code__c", CODE), named="Code__c")
        assert to.org.find_by("Account", "Code__c", "x") == []

    def test_a_global_value_set_and_a_dependent_picklist(self, to: Deployer) -> None:
        values = "".join(
            f"<customValue><fullName>{one}</fullName><default>false</default><label>{one}</label></customValue>"
            for one in ("Red", "Blue", "Green")
        )
        offered = "".join(
            f"<valueSettings><controllingFieldValue>{by}</controllingFieldValue><valueName>{one}</valueName></valueSettings>"
            for one, by in (("Red", "Hot"), ("Blue", "Cold"))
        )
        tier = (
            "<type>Picklist</type><valueSet><valueSetDefinition><value><fullName>Hot</fullName></value>"
            "<value><fullName>Cold</fullName></value></valueSetDefinition></valueSet>"
        )
        colour = (
            "<type>Picklist</type><valueSet><controllingField>Tier__c</controllingField><restricted>true</restricted>"
            f"<valueSetName>Colours</valueSetName>{offered}</valueSet>"
        )
        outcome = to(
            {
                "globalValueSets/Colours.globalValueSet": values,
                "objects/Account.object": field("Tier__c", tier) + field("Colour__c", colour),
            },
            {"GlobalValueSet": "*", "CustomField": "Account.Tier__c Account.Colour__c"},
        )
        assert outcome.status == "Succeeded"
        shown = described(to, "Account", "Colour__c")["picklistValues"]
        assert [(one["value"], one["validFor"]) for one in shown] == [  # type: ignore[index,attr-defined]
            ("Red", "gA=="),
            ("Blue", "QA=="),
            ("Green", "AA=="),
        ]

    @pytest.mark.parametrize(
        ("rest", "problem"),
        [
            ("<type>Text</type>", "Must specify 'length' for a CustomField of type Text"),
            ("<type>Number</type>", "Must specify 'precision' for a CustomField of type Number"),
            ("<type>Hologram</type>", "the rehearsal org has no fields of type Hologram"),
            ("<type>Lookup</type>", "Must specify 'referenceTo' for a CustomField of type Lookup"),
            ("<type>Text</type><length>many</length>", "'many' is not a valid value for the type xsd:int"),
            (
                "<type>Picklist</type><valueSet><valueSetName>None</valueSetName></valueSet>",
                "In field: valueSet - no GlobalValueSet named None found",
            ),
            (
                "<type>Text</type><length>9</length><defaultValue>TODAY()</defaultValue>",
                "the rehearsal org takes literals as default values, not formulas: TODAY()",
            ),
        ],
    )
    def test_a_field_that_cannot_be_is_refused(self, to: Deployer, rest: str, problem: str) -> None:
        outcome = to.account(field("Bad__c", rest), named="Bad__c")
        assert problems(outcome) == {("CustomField", "Account.Bad__c"): problem}

    @pytest.mark.parametrize("name", ["1st__c", "Two__Words__c", "a b__c", 'q"q__c', "End___c", "x" * 41 + "__c"])
    def test_names_of_objects_follow_the_rules_of_fields(self, to: Deployer, name: str) -> None:
        outcome = to({f"objects/{name}.object": VISIT}, {"CustomObject": "*"})
        assert problems(outcome)[("CustomObject", name)].startswith("The Object Name field can")

    def test_capitals_make_no_other_name(self, to: Deployer) -> None:
        assert to.visit(field("Note__c")).status == "Succeeded"
        again = to({"objects/VISIT__c.object": VISIT}, {"CustomObject": "VISIT__c"})
        assert problems(again) == {("CustomObject", "VISIT__c"): "There is already an object named Visit__c"}
        twice = to.visit(field("NOTE__c"), field("Other__c"), field("OTHER__c"))
        assert problems(twice) == {
            ("CustomField", "Visit__c.NOTE__c"): "There is already a field named Note__c",
            ("CustomField", "Visit__c.Other__c"): "There is already a field named OTHER__c",
        }

    def test_relationships_that_cannot_be_are_refused(self, to: Deployer) -> None:
        def to_(kind: str, target: str, name: str) -> str:
            return f"<type>{kind}</type><referenceTo>{target}</referenceTo><relationshipName>{name}</relationshipName>"

        twice = to.visit(
            field("A__c", to_("Lookup", "Account", "Calls")), field("B__c", to_("Lookup", "Account", "calls"))
        )
        text = "There is already a Child Relationship named calls on Account."
        assert problems(twice) == {("CustomField", "Visit__c.B__c"): text}
        own = to.visit(field("A__c", to_("MasterDetail", "Visit__c", "Own")))
        assert problems(own) == {("CustomField", "Visit__c.A__c"): "An object cannot be its own master"}
        three = to.visit(*(field(f"M{one}__c", to_("MasterDetail", "Account", f"Ms{one}")) for one in range(3)))
        assert problems(three).keys() == {("CustomField", "Visit__c.M2__c")}

    def test_a_name_that_cannot_be_is_refused(self, to: Deployer) -> None:
        outcome = to.account(field("Two__Bars__c"), named="Two__Bars__c")
        assert "two consecutive underscores" in problems(outcome)[("CustomField", "Account.Two__Bars__c")]


class TestRows:
    def test_record_types_queues_and_grants_follow(self, to: Deployer) -> None:
        kind = "<recordTypes><fullName>Shop</fullName><label>{}</label><active>true</active></recordTypes>"
        queue = "<name>Desk</name><queueSobject><sobjectType>{}</sobjectType></queueSobject>"
        read = "<field>Account.Industry</field><readable>true</readable>"
        grant = f"<label>Reader</label><fieldPermissions>{read}</fieldPermissions>"
        named = {"RecordType": "Account.Shop", "Queue": "DESK", "PermissionSet": "Reader"}
        for label, serves in (("Shop", "Case"), ("Store", "Lead")):
            outcome = to(
                {
                    "objects/Account.object": kind.format(label),
                    "queues/DESK.queue": queue.format(serves),
                    "permissionsets/Reader.permissionset": grant,
                },
                named,
            )
            assert outcome.status == "Succeeded"
            (typed,) = to.org.query("SELECT Name FROM RecordType WHERE SobjectType = 'Account'").records
            assert typed["Name"] == label
            (served,) = to.org.query("SELECT SobjectType, Queue.Name FROM QueueSobject").records
            assert (served["SobjectType"], served["Queue"]["Name"]) == (serves, "Desk")
        (granted,) = to.org.query("SELECT Field, PermissionsEdit FROM FieldPermissions").records
        assert (granted["Field"], granted["PermissionsEdit"]) == ("Account.Industry", False)
        assert to.org.query("SELECT Id FROM PermissionSetAssignment").total_size == 0
        to({}, {}, after={"Queue": "DESK", "RecordType": "Account.Shop"})
        assert to.org.query("SELECT Id FROM Group").total_size == 0
        assert to.org.describe("Account")["recordTypeInfos"][0]["master"] is True

    def test_a_record_type_that_records_have_stays(self, to: Deployer) -> None:
        kind = "<recordTypes><fullName>Shop</fullName><label>Shop</label><active>true</active></recordTypes>"
        to({"objects/Account.object": kind}, {"RecordType": "Account.Shop"})
        (typed,) = to.org.query("SELECT Id FROM RecordType").records
        to.org.insert("Account", [{"Name": "A", "RecordTypeId": typed["Id"]}])
        outcome = to({}, {}, after={"RecordType": "Account.Shop"})
        assert problems(outcome) == {
            ("RecordType", "Account.Shop"): "Cannot delete Account.Shop: records of Account have it"
        }
        assert to.org.query("SELECT Id FROM RecordType").total_size == 1

    def test_references_into_the_void_are_named(self, to: Deployer) -> None:
        grant = (
            "<label>R</label><fieldPermissions><field>Account.No__c</field><readable>true</readable></fieldPermissions>"
            "<objectPermissions><object>No__c</object></objectPermissions>"
            "<userPermissions><enabled>true</enabled><name>FlyToTheMoon</name></userPermissions>"
        )
        outcome = to({"permissionsets/R.permissionset": grant}, {"PermissionSet": "R"})
        assert [one.problem for one in outcome.errors] == [
            "In field: object - no CustomObject named No__c found",
            "In field: field - no CustomField named Account.No__c found",
            "Unknown user permission: FlyToTheMoon",
        ]


class TestPackages:
    def test_nothing_changes_when_one_component_is_refused(self, to: Deployer) -> None:
        outcome = to.account(field("Good__c"), field("Bad__c", "<type>Text</type>"), named="Good__c Bad__c")
        assert outcome.status == "Failed"
        assert not to.org.schema.objects["Account"].has("Good__c")
        assert not to.reopen().schema.objects["Account"].has("Good__c")

    def test_without_rollback_the_good_ones_go_in(self, to: Deployer) -> None:
        files = {"objects/Account.object": field("Good__c") + field("Bad__c", "<type>Text</type>")}
        named = {"CustomField": "Account.Good__c Account.Bad__c"}
        outcome = to(files, named, options=Options(rollback_on_error=False))
        assert (outcome.status, list(problems(outcome))) == ("SucceededPartial", [("CustomField", "Account.Bad__c")])
        assert to.org.schema.objects["Account"].has("Good__c")

    def test_a_check_leaves_no_trace(self, to: Deployer) -> None:
        files = {"objects/Visit__c.object": VISIT}
        outcome = to(files, {"CustomObject": "Visit__c"}, options=Options(check_only=True))
        assert outcome.status == "Succeeded"
        assert "Visit__c" not in to.org.schema.objects
        assert ("CustomObject", "Visit__c") not in to.org.metadata.components

    def test_only_what_the_manifest_lists_goes_in(self, to: Deployer) -> None:
        outcome = to(
            {"objects/Account.object": field("One__c") + field("Two__c"), "queues/Q.queue": "<name>Q</name>"},
            {"CustomField": "Account.One__c Account.Three__c"},
            options=Options(rollback_on_error=False),
        )
        (missing,) = outcome.errors
        assert missing.name == "Account.Three__c"
        assert missing.problem.endswith("was named in package.xml, but was not found in zipped directory")
        assert [one.problem for one in outcome.good if one.file == "queues/Q.queue"] == ["Not in package.xml"]
        assert to.org.schema.objects["Account"].has("One__c")
        assert not to.org.schema.objects["Account"].has("Two__c")

    def test_types_the_org_does_not_have_are_refused_by_name(self, to: Deployer) -> None:
        outcome = to({"flows/F.flow": "x"}, {"Flow": "F"})
        assert [one.problem for one in outcome.errors] == [
            "Not available for deploy for this organization: the rehearsal org has no metadata of type flow"
        ]

    def test_what_has_no_effect_says_so(self, to: Deployer) -> None:
        outcome = to({"layouts/Account-Mine.layout": "<x/>"}, {"Layout": "Account-Mine"})
        (only,) = [one for one in outcome.good if one.kind]
        assert (only.problem_type, only.success) == ("Warning", True)
        assert to.reopen().metadata.components[("Layout", "Account-Mine")].name == "Account-Mine"

    def test_deleting_what_is_not_there_is_a_warning(self, to: Deployer) -> None:
        outcome = to({}, {}, before={"CustomField": "Account.No__c"})
        (note,) = [one for one in outcome.good if one.kind]
        assert (outcome.status, note.problem, note.problem_type) == (
            "Succeeded",
            "No CustomField named: Account.No__c found",
            "Warning",
        )

    def test_a_file_that_is_no_zip_is_refused(self) -> None:
        with pytest.raises(SourceError, match="cannot be read"):
            unzip(b"PK\x03\x04 no")


def test_a_reset_keeps_deployed_metadata(to: Deployer) -> None:
    to.visit(field("Code__c", CODE))
    prefix = to.org.describe("Visit__c")["keyPrefix"]
    to.org.insert("Visit__c", [{"Code__c": "A1"}])
    to.org.reset()
    assert to.org.describe("Visit__c")["keyPrefix"] == prefix
    assert to.org.query("SELECT Id FROM Visit__c").total_size == 0


_CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.rehearsal.metadata.conftest import CODE, Deployer, field

to = Deployer(Path({folder!r}))
outcome = to.visit(field("Code__c", CODE))
(made,) = to.org.insert("Visit__c", [{{"Code__c": "A1"}}])
print(outcome.status, made.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_deploy_that_was_answered_survives_the_death_of_the_process(tmp_path: Path) -> None:
    code = _CHILD.format(root=str(Path(__file__).parents[3]), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    status, record = done.stdout.split()
    org = Org.open(tmp_path)
    assert (status, org.retrieve_by("Visit__c", "Code__c", "a1")["Id"]) == ("Succeeded", record)
    org.close()


def test_a_manifest_may_list_what_stands_inside_a_file(to: Deployer) -> None:
    labels = "<labels><fullName>Hi</fullName><language>en_US</language><value>Hi</value></labels>"
    outcome = to({"labels/CustomLabels.labels": labels}, {"CustomLabel": "Hi"})
    assert [one.name for one in outcome.good if one.kind] == ["CustomLabels"]
    assert not outcome.errors
