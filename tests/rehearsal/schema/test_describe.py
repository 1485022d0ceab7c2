"""Describe and its neighbours over HTTP: keys, versions, conditions, layouts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sfsync.rehearsal.org import Org
from tests.rehearsal.http.conftest import Client, V

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
FIELD_KEYS = """\
aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete
caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula defaultedOnCreate
dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted externalId extraTypeInfo filterable
filteredLookupInfo formulaTreatNullNumberAsZero groupable highScaleNumber htmlFormatted idLookup inlineHelpText label
length mask maskType name nameField namePointing nillable permissionable picklistValues polymorphicForeignKey precision
queryByDistance referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete restrictedPicklist
scale searchPrefilterable soapType sortable type unique updateable writeRequiresMasterRead"""
HEAD_KEYS = """\
actionOverrides activateable associateEntityType associateParentEntity childRelationships
compactLayoutable createable custom customSetting deepCloneable defaultImplementation deletable deprecatedAndHidden
extendedBy extendsInterfaces feedEnabled fields hasSubtypes implementedBy implementsInterfaces isInterface isSubtype
keyPrefix label labelPlural layoutable listviewable lookupLayoutable mergeable mruEnabled name namedLayoutInfos
networkScopeFieldName queryable recordTypeInfos replicateable retrieveable searchLayoutable searchable
sobjectDescribeOption supportedScopes triggerable undeletable updateable urls"""


def described(org: Org, obj: str, field: str) -> dict[str, Any]:
    found = {one["name"]: one for one in org.describe(obj)["fields"]}
    return found[field]


class TestShape:
    def test_keys_of_object_and_field(self, plain: Org) -> None:
        found = plain.describe("Account")
        assert list(found) == HEAD_KEYS.split()
        assert all(list(one) == FIELD_KEYS.split() for one in found["fields"])

    def test_what_older_versions_do_not_show(self, plain: Org) -> None:
        old, new = plain.describe("Account", "48.0"), plain.describe("Account", "60.0")
        assert set(new) - set(old) == {"associateEntityType", "associateParentEntity", "sobjectDescribeOption"}
        assert "defaultValues" in old["urls"]
        assert "defaultValues" not in new["urls"]
        scopes = [one["name"] for one in new["supportedScopes"]]
        assert scopes == ["everything", "mine", "scopingRule", "team"]
        assert [one["name"] for one in old["supportedScopes"]] == ["everything", "mine", "team"]

    @pytest.mark.parametrize(
        ("obj", "field", "shown"),
        [
            ("Account", "Id", {"type": "id", "soapType": "tns:ID", "byteLength": 18, "idLookup": True}),
            ("Account", "Name", {"nameField": True, "byteLength": 765, "extraTypeInfo": "switchablepersonname"}),
            ("Account", "BillingAddress", {"soapType": "urn:address", "queryByDistance": True, "sortable": False}),
            ("Account", "BillingCity", {"compoundFieldName": "BillingAddress", "length": 40}),
            ("Account", "Description", {"filterable": False, "aggregatable": False, "extraTypeInfo": "plaintextarea"}),
            ("Account", "NumberOfEmployees", {"type": "int", "digits": 8, "soapType": "xsd:int"}),
            ("Account", "AnnualRevenue", {"type": "currency", "precision": 18, "scale": 0, "groupable": False}),
            ("Case", "Status", {"defaultValue": "New", "defaultedOnCreate": True, "restrictedPicklist": False}),
            ("Case", "CaseNumber", {"autoNumber": True, "createable": False, "nameField": True}),
            (
                "Case",
                "OwnerId",
                {"referenceTo": ["Group", "User"], "polymorphicForeignKey": True, "namePointing": True},
            ),
            ("Contact", "Email", {"type": "email", "idLookup": True, "length": 80}),
            ("User", "Username", {"unique": True, "idLookup": True}),
            ("Opportunity", "StageName", {"nillable": False, "createable": True, "defaultedOnCreate": False}),
            ("AccountChangeEvent", "Name", {"createable": False, "filterable": False, "nillable": True}),
            ("AccountChangeEvent", "ChangeEventHeader", {"type": "complexvalue"}),
        ],
    )
    def test_recorded_properties(self, plain: Org, obj: str, field: str, shown: dict[str, Any]) -> None:
        found = described(plain, obj, field)
        assert {key: found[key] for key in shown} == shown

    def test_picklist_entries(self, plain: Org) -> None:
        first = described(plain, "Case", "Priority")["picklistValues"]
        keys = ["active", "defaultValue", "label", "validFor", "value"]
        assert [list(one) for one in first] == [keys] * len(first)
        assert [one["value"] for one in first if one["defaultValue"]] == ["Medium"]

    def test_children(self, plain: Org) -> None:
        found = {(one["childSObject"], one["field"]): one for one in plain.describe("Account")["childRelationships"]}
        contact, event = found["Contact", "AccountId"], found["ContactChangeEvent", "AccountId"]
        assert (contact["relationshipName"], contact["cascadeDelete"]) == ("Contacts", True)
        assert (event["relationshipName"], event["cascadeDelete"]) == (None, False)
        assert found["Case", "AccountId"]["restrictedDelete"]
        assert ("Account", "MasterRecordId") not in found

    def test_global(self, plain: Org) -> None:
        found = {one["name"]: one for one in plain.describe_global()["sobjects"]}
        assert found["CaseHistory"]["keyPrefix"] is None
        assert found["CaseHistory"]["associateParentEntity"] == "Case"
        assert set(found["CaseHistory"]["urls"]) == {"describe", "rowTemplate", "sobject"}
        assert "eventSchema" in found["CaseChangeEvent"]["urls"]
        assert set(found["Task"]["urls"]) >= {"layouts", "compactLayouts", "quickActions"}
        assert len(found["Account"]["urls"]) == 8

    def test_person_account_parts_are_one_address(self, plain: Org) -> None:
        found = plain.schema.objects["Account"].find("PersonMailingAddress")
        assert found is not None
        assert dict(found.parts)["city"] == "PersonMailingCity"


class TestConditions:
    def test_versions_and_host_in_urls(self, org: Client) -> None:
        found = org.get("/services/data/v62.0/sobjects/contact/describe").json()
        assert found["urls"]["describe"] == "/services/data/v62.0/sobjects/Contact/describe"
        assert found["urls"]["uiNewRecord"] == f"{org.ready.instance_url}/003/e"
        layout = found["recordTypeInfos"][-1]["urls"]["layout"]
        assert layout == "/services/data/v62.0/sobjects/Contact/describe/layouts/012000000000000AAA"

    @pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Account/describe"])
    def test_a_copy_as_good_is_not_sent_again(self, org: Client, path: str) -> None:
        first = org.get(V + path)
        tag = first.headers["ETag"]
        bare = re.sub(r"--gzip", "", tag)
        for head in (
            {"If-None-Match": tag},
            {"If-None-Match": bare},
            {"If-None-Match": f"W/{bare}"},
            {"If-Modified-Since": first.headers["Last-Modified"]},
        ):
            again = org.get(V + path, headers=head)
            assert (again.status_code, again.content) == (304, b""), head
        for head in ({"If-None-Match": '"0"'}, {"If-Modified-Since": "Thu, 03 Sep 2020 21:35:07 GMT"}):
            assert org.get(V + path, headers=head).status_code == 200

    def test_inside_a_composite_call(self, org: Client) -> None:
        since = org.get(f"{V}/sobjects/Case/describe").headers["Last-Modified"]
        part = {
            "method": "GET",
            "url": f"{V}/sobjects/Case/describe",
            "referenceId": "Case",
            "httpHeaders": {"If-Modified-Since": since},
        }
        answer = org.post(f"{V}/composite", {"compositeRequest": [part]}).json()["compositeResponse"][0]
        assert (answer["httpStatusCode"], answer["body"]) == (304, None)

    def test_a_new_record_type_moves_the_schema(self, org: Client) -> None:
        first = org.get(f"{V}/sobjects/Case/describe")
        org.create("RecordType", Name="Complaint", DeveloperName="Complaint", SobjectType="Case", IsActive=True)
        head = {"If-Modified-Since": first.headers["Last-Modified"]}
        again = org.get(f"{V}/sobjects/Case/describe", headers=head)
        assert again.status_code == 200
        assert again.headers["ETag"] != first.headers["ETag"]
        assert "Complaint" in [one["name"] for one in again.json()["recordTypeInfos"]]


class TestLayouts:
    def test_one_page_with_every_field(self, org: Client) -> None:
        found = org.get(f"{V}/sobjects/Lead/describe/layouts").json()
        assert list(found) == ["layouts", "recordTypeMappings", "recordTypeSelectorRequired"]
        (page,) = found["layouts"]
        rows = page["detailLayoutSections"][0]["layoutRows"]
        shown = [item["layoutComponents"][0]["value"] for row in rows for item in row["layoutItems"]]
        assert "Company" in shown
        assert page["id"].startswith("00h")
        (master,) = found["recordTypeMappings"]
        assert (master["recordTypeId"], master["layoutId"]) == ("012000000000000AAA", page["id"])
        status = next(one for one in master["picklistsForRecordType"] if one["picklistName"] == "Status")
        assert "Open - Not Contacted" in [one["value"] for one in status["picklistValues"]]

    def test_with_record_types_each_has_its_page(self, org: Client) -> None:
        found = org.get(f"{V}/sobjects/Account/describe/layouts").json()
        assert found["layouts"] is None
        first = found["recordTypeMappings"][0]
        page = org.get(f"{V}/sobjects/Account/describe/layouts/{first['recordTypeId']}")
        assert page.json()["id"] == first["layoutId"]
        unknown = org.get(f"{V}/sobjects/Account/describe/layouts/012000000000001AAA")
        assert (unknown.status_code, unknown.json()) == (404, NOT_FOUND)

    def test_what_a_plain_org_has_not(self, org: Client) -> None:
        compact = org.get(f"{V}/sobjects/Account/describe/compactLayouts").json()
        assert compact["compactLayouts"][0]["name"] == "SYSTEM"
        assert compact["defaultCompactLayoutId"] is None
        assert org.get(f"{V}/sobjects/Account/describe/compactLayouts/primary").json()["objectType"] == "Account"
        assert org.get(f"{V}/sobjects/Account/describe/approvalLayouts").json() == {"approvalLayouts": []}
        assert org.get(f"{V}/sobjects/Account/quickActions").json() == []
        views = org.get(f"{V}/sobjects/Account/listviews").json()
        assert (views["listviews"], views["size"], views["sobjectType"]) == ([], 0, "Account")

    @pytest.mark.parametrize(
        "path",
        [
            "/sobjects/Account/describe/namedLayouts/UserAlt",
            "/sobjects/Account/describe/approvalLayouts/Mine",
            "/sobjects/Nothing/describe/layouts",
            "/sobjects/GroupMember/describe/layouts",
            "/sobjects/Task/listviews",
        ],
    )
    def test_what_is_not_there_is_not_found(self, org: Client, path: str) -> None:
        answer = org.get(V + path)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


class TestBasic:
    def test_entry_and_rows_seen_lately(self, org: Client) -> None:
        one = org.create("Account", Name="Alpha")
        found = org.get(f"{V}/sobjects/Account/").json()
        assert found["objectDescribe"]["name"] == "Account"
        assert "fields" not in found["objectDescribe"]
        assert [row["Id"] for row in found["recentItems"]] == [one]
