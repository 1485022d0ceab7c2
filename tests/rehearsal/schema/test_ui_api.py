"""Object info and picklist values by record type."""

from __future__ import annotations

import base64
from dataclasses import replace

from sfsync.rehearsal.schema import ui_api
from sfsync.rehearsal.schema.build import build
from sfsync.rehearsal.schema.layouts import offered
from sfsync.rehearsal.schema.model import Field, RecordTypeDef, SObject
from tests.rehearsal.http.conftest import Client, V

MASTER = "012000000000000AAA"
INFO = f"{V}/ui-api/object-info"


def _dependent() -> SObject:
    bits = tuple(base64.b64encode(bytes([one])).decode() for one in (0b10000000, 0b01000000, 0b11000000))
    country = Field("Country__c", "picklist", "Country", 255, values=("IT", "MT"), custom=True)
    city = Field("City__c", "picklist", "City", 255, values=("Roma", "Valletta", "Other"), custom=True)
    obj = build(()).objects["Account"]
    return replace(obj, fields=(*obj.fields, country, replace(city, controller="Country__c", valid_for=bits)))


def test_a_dependent_picklist_names_the_values_it_depends_on() -> None:
    obj = _dependent()
    city = obj.find("City__c")
    assert city is not None
    found = ui_api.picklist_values(obj, city, None, "/x")
    assert found["controllerValues"] == {"IT": 0, "MT": 1}
    assert [(one["value"], one["validFor"]) for one in found["values"]] == [
        ("Roma", [0]),
        ("Valletta", [1]),
        ("Other", [0, 1]),
    ]
    assert ui_api.object_info(build(()), obj, [])["dependentFields"] == {"Country__c": {"City__c": {}}}


def test_a_record_type_offers_its_own_values_and_default() -> None:
    status = build(()).objects["Case"].find("Status")
    assert status is not None
    picked = {"Status": (("New", "Closed"), "Closed")}
    found = offered(status, RecordTypeDef("Case", "Short", "Short", picklists=picked))
    assert [(one["value"], one["defaultValue"]) for one in found] == [("New", False), ("Closed", True)]
    assert len(offered(status, None)) > 2


def test_object_info(org: Client) -> None:
    found = org.get(f"{INFO}/contact").json()
    assert (found["apiName"], found["defaultRecordTypeId"]) == ("Contact", MASTER)
    assert found["nameFields"] == ["Name", "FirstName", "LastName"]
    email = found["fields"]["Email"]
    assert (email["dataType"], email["required"], email["updateable"]) == ("Email", False, True)
    assert found["fields"]["AccountId"]["referenceToInfos"] == [{"apiName": "Account", "nameFields": ["Name"]}]
    assert MASTER in found["recordTypeInfos"]
    assert len(found["eTag"]) == 32


def test_picklist_values_over_http(org: Client) -> None:
    every = org.get(f"{INFO}/Case/picklist-values/{MASTER}").json()
    one = org.get(f"{INFO}/Case/picklist-values/{MASTER}/Status").json()
    assert every["picklistFieldValues"]["Status"] == one
    fields = org.get(f"{V}/sobjects/Case/describe").json()["fields"]
    described = next(field for field in fields if field["name"] == "Status")["picklistValues"]
    assert [value["value"] for value in one["values"]] == [value["value"] for value in described]
    assert one["defaultValue"]["value"] in [value["value"] for value in described if value["defaultValue"]]


def test_what_the_ui_does_not_know_is_refused(org: Client) -> None:
    unknown = org.get(f"{INFO}/GroupMember")
    assert (unknown.status_code, unknown.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
    assert org.get(f"{INFO}/Case/picklist-values/012000000000001AAA").status_code == 404
    assert org.get(f"{INFO}/Case/picklist-values/{MASTER}/Subject").status_code == 404
