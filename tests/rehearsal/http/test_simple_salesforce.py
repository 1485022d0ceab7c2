"""Plain simple-salesforce against the rehearsal org."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from tests.rehearsal.http.conftest import Client


class ToLoopback(requests.adapters.HTTPAdapter):
    """The library always says https; the rehearsal org listens without TLS on loopback."""

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **more)


@pytest.fixture
def sf(org: Client) -> Salesforce:
    session = requests.Session()
    session.mount("https://127.0.0.1", ToLoopback())
    ready = org.ready
    return Salesforce(instance_url=ready.instance_url, session_id=ready.access_token, session=session, version="60.0")


def test_crud(sf: Salesforce) -> None:
    one = sf.Account.create({"Name": "A"})["id"]
    assert sf.Account.update(one, {"Name": "B"}) == 204
    assert sf.Account.get(one)["Name"] == "B"
    assert sf.Account.delete(one) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(one)
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Account.create({})
    assert caught.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"


def test_upsert(sf: Salesforce) -> None:
    assert sf.Account.upsert("SFS_Shop_Code__c/S-1", {"Name": "A"}) == 201
    assert sf.Account.upsert("SFS_Shop_Code__c/S-1", {"Name": "B"}) == 200
    assert sf.Account.get_by_custom_id("SFS_Shop_Code__c", "S-1")["Name"] == "B"
    for _ in range(2):
        sf.Contact.create({"LastName": "L", "Email": "two@x.example"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.upsert("Email/two@x.example", {"LastName": "M"})


def test_query_all_over_pages(sf: Salesforce) -> None:
    rows = [{"LastName": f"L{number}"} for number in range(4500)]
    outcome = sf.bulk2.Contact.insert(records=rows, wait=0.05)
    assert sum(one["numberRecordsProcessed"] for one in outcome) == 4500
    found = sf.query_all("SELECT Id, LastName FROM Contact")
    assert (found["totalSize"], found["done"], len(found["records"])) == (4500, True, 4500)
    assert sum(1 for _ in sf.query_all_iter("SELECT Id FROM Contact")) == 4500


def test_bulk2(sf: Salesforce) -> None:
    key = "SFS_Shop_Code__c"
    rows = [{key: f"S{number}", "Name": f"Shop {number}"} for number in range(30)]
    assert sf.bulk2.Account.upsert(records=rows, external_id_field=key, wait=0.05)[0]["numberRecordsFailed"] == 0
    rows.append({key: "S99", "Name": "x" * 300})
    outcome = sf.bulk2.Account.upsert(records=rows, external_id_field=key, wait=0.05)[0]
    assert (outcome["numberRecordsProcessed"], outcome["numberRecordsFailed"]) == (31, 1)
    failed = sf.bulk2.Account.get_failed_records(outcome["job_id"])
    assert "STRING_TOO_LONG:" in failed
    assert sf.bulk2.Account.get_successful_records(outcome["job_id"]).count('"false"') == 30
    pages = list(sf.bulk2.Account.query(f"SELECT {key} FROM Account ORDER BY {key}", max_records=20, wait=0.05))
    assert [page.count("\n") for page in pages] == [21, 11]


def test_describe_and_limits(sf: Salesforce) -> None:
    assert sf.describe()["sobjects"]
    fields = {one["name"]: one for one in sf.Account.describe()["fields"]}
    assert fields["SFS_Shop_Code__c"]["externalId"] is True
    assert sf.limits()["DailyApiRequests"]["Max"] == 100000
    assert sf.api_usage["api-usage"].used >= 2


def test_errors_have_the_classes_clients_expect(sf: Salesforce, org: Client) -> None:
    org.control("limits", {"DailyApiRequests": {"Remaining": 0}})
    with pytest.raises(SalesforceRefusedRequest):
        sf.query("SELECT Id FROM Account")
    org.control("limits", {"DailyApiRequests": {"Remaining": 100}})
    org.control("faults", {"kind": "status", "status": 401, "match": "/query"})
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Account")
    with pytest.raises(SalesforceMalformedRequest):
        sf.query("SELECT Nope FROM Account")
