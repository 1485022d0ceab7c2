"""The metadata API as clients speak it: SOAP envelopes and REST deploys over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

import pytest
import requests

from sfsync.rehearsal import xml
from sfsync.rehearsal.metadata.package import unzip
from sfsync.rehearsal.serve import Ready, running
from tests.rehearsal.metadata.conftest import CODE, NS, VISIT, field, packed

V = "/services/data/v62.0"
_ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<s:Header><SessionHeader xmlns="{ns}"><sessionId>{token}</sessionId></SessionHeader></s:Header>'
    '<s:Body><{name} xmlns="{ns}">{inside}</{name}></s:Body></s:Envelope>'
)
_VISIT = {"objects/Visit__c.object": VISIT + field("Code__c", CODE)}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    with running(tmp_path_factory.mktemp("metadata-org")) as served:
        yield served


Soap = Callable[..., Element]


@pytest.fixture
def soap(ready: Ready) -> Soap:
    def call(name: str, inside: str = "", token: str | None = None, status: int = 200) -> Element:
        body = _ENVELOPE.format(ns=NS, name=name, inside=inside, token=token or ready.access_token)
        url = f"{ready.instance_url}/services/Soap/m/62.0"
        answer = requests.post(url, body.encode(), headers={"Content-Type": "text/xml", "SOAPAction": '""'}, timeout=30)
        assert answer.status_code == status, answer.text
        (found,) = xml.parse(answer.content).findall("Body/*")
        return found

    return call


@pytest.fixture
def rest(ready: Ready) -> Iterator[requests.Session]:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {ready.access_token}"
    yield session
    session.close()


def deployed(soap: Soap, archive: bytes, options: str = "") -> Element:
    """Deploys over SOAP and gives the result with its details."""
    inside = f"<ZipFile>{base64.b64encode(archive).decode()}</ZipFile><DeployOptions>{options}</DeployOptions>"
    job = soap("deploy", inside).find("result")
    assert job is not None and xml.text(job, "state") == "Queued"
    status = soap(
        "checkDeployStatus",
        f"<asyncProcessId>{xml.text(job, 'id')}</asyncProcessId><includeDetails>true</includeDetails>",
    )
    result = status.find("result")
    assert result is not None
    return result


class TestSoap:
    def test_a_deploy_is_told_component_by_component(self, soap: Soap) -> None:
        archive = packed(_VISIT, {"CustomObject": "Visit__c"})
        result = deployed(soap, archive, "<rollbackOnError>true</rollbackOnError>")
        assert (xml.text(result, "status"), xml.text(result, "success"), xml.text(result, "done")) == (
            "Succeeded",
            "true",
            "true",
        )
        assert xml.text(result, "numberComponentsDeployed") == xml.text(result, "numberComponentsTotal") == "2"
        told = {xml.text(one, "fullName"): one for one in result.findall("details/componentSuccesses")}
        assert set(told) == {"Visit__c", "Visit__c.Code__c", "package.xml"}
        assert xml.text(told["Visit__c.Code__c"], "fileName") == "objects/Visit__c.object"
        assert xml.text(told["Visit__c.Code__c"], "componentType") == "CustomField"

    def test_a_refusal_is_told_too(self, soap: Soap) -> None:
        archive = packed(
            {"objects/Account.object": field("Bad__c", "<type>Text</type>")}, {"CustomField": "Account.Bad__c"}
        )
        result = deployed(soap, archive)
        assert (xml.text(result, "status"), xml.text(result, "numberComponentErrors")) == ("Failed", "1")
        assert xml.text(result, "details/componentFailures/problemType") == "Error"

    def test_what_was_deployed_comes_back(self, soap: Soap) -> None:
        deployed(soap, packed(_VISIT, {"CustomObject": "Visit__c"}))
        wanted = "<types><members>Visit__c</members><name>CustomObject</name></types><version>62.0</version>"
        job = soap("retrieve", f"<retrieveRequest><unpackaged>{wanted}</unpackaged></retrieveRequest>")
        asked = f"<asyncProcessId>{xml.text(job, 'result/id')}</asyncProcessId>"
        result = soap("checkRetrieveStatus", asked).find("result")
        assert result is not None and xml.text(result, "success") == "true"
        files = unzip(base64.b64decode(xml.text(result, "zipFile")))
        assert sorted(files) == ["unpackaged/objects/Visit__c.object", "unpackaged/package.xml"]
        whole = xml.parse(files["unpackaged/objects/Visit__c.object"])
        assert (xml.text(whole, "label"), xml.text(whole, "fields/fullName")) == ("Visit", "Code__c")
        again = deployed(soap, base64.b64decode(xml.text(result, "zipFile")))
        assert {
            xml.text(one, "changed")
            for one in again.findall("details/componentSuccesses")
            if xml.text(one, "componentType")
        } == {"false"}

    def test_components_one_by_one(self, soap: Soap) -> None:
        made = f'<metadata xsi:type="CustomObject"><fullName>Stop__c</fullName>{VISIT}</metadata>'
        assert xml.text(soap("createMetadata", made), "result/success") == "true"
        assert xml.text(soap("createMetadata", made), "result/errors/statusCode") == "DUPLICATE_DEVELOPER_NAME"
        code = (
            f'<metadata xsi:type="CustomField"><fullName>Stop__c.Code__c</fullName><label>Code</label>{CODE}</metadata>'
        )
        assert xml.text(soap("upsertMetadata", code), "result/created") == "true"
        found = soap(
            "readMetadata", "<type>CustomObject</type><fullNames>Stop__c</fullNames><fullNames>No__c</fullNames>"
        )
        first, second = found.findall("result/records")
        assert (first.get("type"), xml.text(first, "fields/fullName"), list(second)) == ("CustomObject", "Code__c", [])
        names = "<type>CustomObject</type><oldFullName>Stop__c</oldFullName><newFullName>Halt__c</newFullName>"
        assert xml.text(soap("renameMetadata", names), "result/success") == "true"
        listed = soap("listMetadata", "<queries><type>CustomField</type></queries><asOfVersion>62.0</asOfVersion>")
        assert "Halt__c.Code__c" in {xml.text(one, "fullName") for one in listed.findall("result")}
        gone = soap("deleteMetadata", "<type>CustomObject</type><fullNames>Halt__c</fullNames>")
        assert xml.text(gone, "result/success") == "true"

    def test_a_renamed_object_keeps_its_rows(self, soap: Soap, ready: Ready, rest: requests.Session) -> None:
        soap("createMetadata", f'<metadata xsi:type="CustomObject"><fullName>Old__c</fullName>{VISIT}</metadata>')
        made = rest.post(f"{ready.instance_url}{V}/sobjects/Old__c", json={}, timeout=30).json()["id"]
        soap(
            "renameMetadata",
            "<type>CustomObject</type><oldFullName>Old__c</oldFullName><newFullName>New__c</newFullName>",
        )
        row = rest.get(f"{ready.instance_url}{V}/sobjects/New__c/{made}", timeout=30)
        assert (row.status_code, row.json()["Name"]) == (200, "V-0001")
        assert rest.get(f"{ready.instance_url}{V}/sobjects/Old__c/{made}", timeout=30).status_code == 404

    def test_an_unknown_session_is_a_fault(self, soap: Soap) -> None:
        fault = soap("describeMetadata", token="nobody", status=500)
        assert (fault.tag, xml.text(fault, "faultcode")) == ("Fault", "sf:INVALID_SESSION_ID")

    def test_an_unknown_operation_and_an_unknown_job_are_faults(self, soap: Soap) -> None:
        assert "No operation available" in xml.text(soap("explode", status=500), "faultstring")
        job = "<asyncProcessId>0Af000000000000AAA</asyncProcessId>"
        assert xml.text(soap("checkDeployStatus", job, status=500), "faultcode") == "sf:INVALID_CROSS_REFERENCE_KEY"

    def test_only_its_own_types_are_described(self, soap: Soap) -> None:
        found = soap("describeMetadata", "<asOfVersion>62.0</asOfVersion>")
        types = {xml.text(one, "xmlName"): one for one in found.findall("result/metadataObjects")}
        assert xml.text(types["CustomObject"], "directoryName") == "objects"
        assert "ApexClass" not in types
        refused = soap("listMetadata", "<queries><type>ApexClass</type></queries>", status=500)
        assert xml.text(refused, "faultcode") == "sf:INVALID_TYPE"


class TestRest:
    def test_a_check_and_its_quick_deploy(self, ready: Ready, rest: requests.Session) -> None:
        url = f"{ready.instance_url}{V}/metadata/deployRequest"
        archive = packed({"objects/Quick__c.object": VISIT}, {"CustomObject": "Quick__c"})
        order = json.dumps({"deployOptions": {"checkOnly": True, "rollbackOnError": True}})
        files = {"json": (None, order, "application/json"), "file": ("deploy.zip", archive, "application/zip")}
        made = rest.post(url, files=files, timeout=30)
        assert (made.status_code, made.json()["deployResult"]["checkOnly"]) == (201, True)
        seen = rest.get(made.json()["url"], params={"includeDetails": "true"}, timeout=30).json()
        assert [one["fullName"] for one in seen["deployResult"]["details"]["componentSuccesses"]] == [
            "Quick__c",
            "package.xml",
        ]
        assert rest.get(f"{ready.instance_url}{V}/sobjects/Quick__c/describe", timeout=30).status_code == 404
        quick = rest.post(url, json={"validatedDeployRequestId": made.json()["id"]}, timeout=30)
        assert (quick.status_code, quick.json()["id"] != made.json()["id"]) == (201, True)
        assert rest.get(f"{ready.instance_url}{V}/sobjects/Quick__c/describe", timeout=30).status_code == 200

    def test_a_body_without_a_zip_and_a_finished_deploy_are_refused(self, ready: Ready, rest: requests.Session) -> None:
        url = f"{ready.instance_url}{V}/metadata/deployRequest"
        empty = rest.post(url, files={"json": (None, "{}", "application/json")}, timeout=30)
        assert (empty.status_code, empty.json()[0]["errorCode"]) == (400, "INVALID_MULTIPART_REQUEST")
        broken = rest.post(url, files={"file": ("x.zip", b"no zip", "application/zip")}, timeout=30)
        result = rest.get(broken.json()["url"] + "?includeDetails=true", timeout=30).json()["deployResult"]
        assert result["details"]["componentFailures"][0]["problem"] == "The zip file cannot be read"
        late = rest.patch(broken.json()["url"], json={"deployResult": {"status": "Canceling"}}, timeout=30)
        assert (late.status_code, late.json()[0]["errorCode"]) == (400, "INVALID_OPERATION")


def test_only_administrators_change_metadata(ready: Ready, rest: requests.Session, soap: Soap) -> None:
    at = f"{ready.instance_url}{V}"
    (profile,) = rest.get(
        f"{at}/query", params={"q": "SELECT Id FROM Profile WHERE Name = 'Standard User'"}, timeout=30
    ).json()["records"]
    person = {
        "Alias": "agent",
        "Email": "agent@rehearsal.example",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
        "LastName": "Agent",
        "LocaleSidKey": "it_IT",
        "ProfileId": profile["Id"],
        "TimeZoneSidKey": "Europe/Rome",
        "Username": "agent@rehearsal.example",
    }
    assert rest.post(f"{at}/sobjects/User", json=person, timeout=30).status_code == 201
    opened = rest.post(
        f"{ready.instance_url}/rehearsal/sessions", json={"username": person["Username"]}, timeout=30
    ).json()
    fault = soap("describeMetadata", token=opened["access_token"], status=500)
    assert xml.text(fault, "faultcode") == "sf:INSUFFICIENT_ACCESS"
    rest.headers["Authorization"] = f"Bearer {opened['access_token']}"
    refused = rest.post(
        f"{at}/metadata/deployRequest", json={"validatedDeployRequestId": "0Af000000000000AAA"}, timeout=30
    )
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
