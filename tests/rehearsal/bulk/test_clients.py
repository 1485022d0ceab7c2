"""simple-salesforce's handlers of both Bulk APIs, unchanged, on the served org."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from simple_salesforce.bulk import SFBulkHandler
from simple_salesforce.bulk2 import SFBulk2Handler
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest

from sfsync.rehearsal.serve import Ready
from tests.rehearsal.http.conftest import Client


@pytest.fixture
def bulk(served: Ready, org: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("simple_salesforce.bulk.sleep", lambda seconds: None)
    yield SFBulkHandler(served.access_token, f"{served.instance_url}/services/async/59.0/")


def test_bulk_one_in_json(bulk: Any, org: Client) -> None:
    made = bulk.Contact.insert([{"LastName": "A", "Email": "a@example.com"}, {"FirstName": "B"}])
    assert [one["success"] for one in made] == [True, False]
    ids = [made[0]["id"]]
    assert bulk.Contact.update([{"Id": ids[0], "LastName": "A2"}])[0]["created"] is False
    keyed = [{"SFS_Shop_Code__c": f"S{number}", "Name": f"N{number}"} for number in range(30)]
    assert len(bulk.Account.upsert(keyed, "SFS_Shop_Code__c", batch_size=10, use_serial=True)) == 30
    assert {one["created"] for one in bulk.Account.upsert(keyed, "SFS_Shop_Code__c")} == {False}
    rows = bulk.Account.query("SELECT Id, Name FROM Account ORDER BY Name")
    assert (len(rows), rows[0]["attributes"]["type"], rows[0]["Name"]) == (30, "Account", "N0")
    detailed = bulk.Contact.delete([{"Id": ids[0]}], include_detailed_results=True)
    assert (detailed[0]["success"], detailed[0]["Id"]) == (True, ids[0])
    assert bulk.Contact.query("SELECT Id FROM Contact") == []
    assert len(bulk.Contact.query_all("SELECT Id FROM Contact")) == 1
    assert bulk.Contact.hard_delete([{"Id": ids[0]}])[0]["success"] in (True, False)


def test_bulk_one_refusals(bulk: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="Records not processed"):
        bulk.Account.insert([{"Nonsense__c": 1}])
    with pytest.raises(SalesforceGeneralError, match="INVALID_TYPE_FOR_OPERATION"):
        bulk.Account.query("SELECT Id FROM Contact")
    stale = SFBulkHandler("no token", bulk.bulk_url)
    with pytest.raises(SalesforceMalformedRequest, match="InvalidSessionId"):
        stale.Account.insert([{"Name": "A"}])


def test_bulk_two(served: Ready, org: Client) -> None:
    handler: Any = SFBulk2Handler(served.access_token, f"{served.instance_url}/services/data/v59.0/jobs/")
    (made,) = handler.Account.insert(records=[{"Name": "A", "Phone": "1"}, {"Name": "", "Phone": "2"}], wait=0)
    assert (made["numberRecordsProcessed"], made["numberRecordsFailed"]) == (2, 1)
    assert '"1"' in handler.Account.get_successful_records(made["job_id"])
    assert "REQUIRED_FIELD_MISSING" in handler.Account.get_failed_records(made["job_id"])
    (page,) = handler.Account.query("SELECT Name, Phone FROM Account", wait=0)
    assert page == '"Name","Phone"\n"A","1"\n'
