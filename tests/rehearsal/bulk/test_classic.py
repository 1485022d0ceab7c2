"""Bulk API 1.0: jobs and batches in XML, JSON and CSV; results; queries; errors."""

from __future__ import annotations

import json

import pytest
import requests

from tests.rehearsal.bulk.conftest import NS, Classic, elements_of
from tests.rehearsal.http.conftest import Client, V

JOB_KEYS = [
    *["id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode"],
    *["contentType", "numberBatchesQueued", "numberBatchesInProgress", "numberBatchesCompleted", "numberBatchesFailed"],
    *["numberBatchesTotal", "numberRecordsProcessed", "numberRetries", "apiVersion", "numberRecordsFailed"],
    *["totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime"],
]
BATCH_KEYS = [
    *["id", "jobId", "state", "createdDate", "systemModstamp", "numberRecordsProcessed", "numberRecordsFailed"],
    *["totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime"],
]
WRONG_ROOT = (
    "The root entity of the requested query (Contact) does not match the entity of the requested"
    " Bulk API Job (Account)."
)


class TestJobs:
    def test_job_in_xml(self, classic: Classic) -> None:
        order = "<jobInfo><operation>insert</operation><object>account</object><contentType>CSV</contentType></jobInfo>"
        made = classic.call("POST", body=order, media="application/xml")
        assert (made.status_code, made.headers["Content-Type"]) == (201, "application/xml")
        start = '<?xml version="1.0" encoding="UTF-8"?><jobInfo\n   xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n'
        assert made.text.startswith(f"{start} <id>750")
        info = elements_of(made.text)
        assert list(info) == JOB_KEYS
        assert (info["state"], info["object"], info["apiVersion"]) == ("Open", "Account", "60.0")
        assert info["createdDate"].endswith(".000Z")

    def test_job_in_json_as_simple_salesforce_orders_it(self, classic: Classic) -> None:
        order = {"operation": "upsert", "object": "Account", "concurrencyMode": 1, "contentType": "JSON"}
        order["externalIdFieldName"] = "SFS_Shop_Code__c"
        made = classic.call("POST", body=json.dumps(order), media="application/json")
        info = made.json()
        assert (made.status_code, made.headers["Content-Type"]) == (201, "application/json")
        assert (list(info), info["concurrencyMode"]) == (sorted(info), "Serial")
        assert info["createdDate"].endswith(".000+0000")
        assert info["apiVersion"] == 60.0

    def test_life(self, classic: Classic) -> None:
        job = classic.job("insert", "Account")["id"]
        empty = classic.call("GET", f"/{job}/batch").text
        assert empty.endswith('<batchInfoList\n   xmlns="http://www.force.com/2009/06/asyncapi/dataload" />')
        made = classic.add(job, "Name\nA\nB\n")
        batch = elements_of(made.text)
        assert (made.status_code, list(batch), batch["state"]) == (201, BATCH_KEYS, "Queued")
        assert made.headers["Location"].endswith(f"/services/async/60.0/job/{job}/batch/{batch['id']}")
        assert batch["id"].startswith("751")
        assert classic.wait(job, batch["id"])["numberRecordsProcessed"] == "2"
        assert elements_of(classic.turn(job, "Closed").text)["state"] == "Closed"
        info = elements_of(classic.call("GET", f"/{job}").text)
        assert (info["numberBatchesCompleted"], info["numberBatchesTotal"]) == ("1", "1")
        assert info["numberRecordsProcessed"] == "2"
        listed = classic.call("GET", f"/{job}/batch").text
        assert f"\n <batchInfo>\n  <id>{batch['id']}</id>\n  <jobId>" in listed
        late = classic.add(job, "Name\nC\n")
        assert (late.status_code, elements_of(late.text)["exceptionCode"]) == (400, "InvalidJobState")
        assert classic.call("GET", f"/{job}/batch/{batch['id']}/request").text == "Name\nA\nB\n"

    def test_abort_leaves_queued_batches_unprocessed(self, classic: Classic, org: Client) -> None:
        long = org.post(f"{V}/jobs/ingest", {"object": "Contact", "operation": "insert"}).json()
        rows = "LastName\n" + "".join(f"L{number}\n" for number in range(60_000))
        org.call("PUT", f"/{long['contentUrl']}", data=rows.encode(), headers={"Content-Type": "text/csv"})
        org.patch(f"{V}/jobs/ingest/{long['id']}", {"state": "UploadComplete"})
        job = classic.job("insert", "Account")["id"]
        waiting = elements_of(classic.add(job, "Name\nA\n").text)["id"]
        assert elements_of(classic.turn(job, "Aborted").text)["state"] == "Aborted"
        assert classic.wait(job, waiting)["state"] == "NotProcessed"
        org.patch(f"{V}/jobs/ingest/{long['id']}", {"state": "Aborted"})
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0
        again = classic.turn(job, "Aborted")
        assert elements_of(again.text)["exceptionMessage"] == "Aborting already Aborted Job not allowed"

    def test_what_a_batch_says_it_is(self, classic: Classic) -> None:
        job = classic.job("insert", "Account")["id"]
        wrong = classic.call("POST", f"/{job}/batch", b"[]", "application/json")
        assert "ClientInputError" in wrong.text
        assert classic.call("POST", f"/{job}/batch", b"Name\nA\n").status_code == 201
        asked = classic.job("query", "Account", "JSON")["id"]
        assert classic.call("POST", f"/{asked}/batch", b"SELECT Id FROM Account", "text/csv").status_code == 201

    def test_double_slash(self, classic: Classic) -> None:
        job = classic.job("insert", "Account")["id"]
        answer = classic.session.get(f"{classic.url}//services/async/60.0/job/{job}", timeout=10)
        assert elements_of(answer.text)["id"] == job


class TestLoads:
    def test_csv(self, classic: Classic, org: Client) -> None:
        job = classic.job("insert", "Account")["id"]
        info, result = classic.load(job, "Name,SFS_Shop_Code__c\r\nA,S1\r\n,S2\r\n")
        assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("Completed", "2", "1")
        made = org.query("SELECT Id FROM Account")["records"][0]["Id"]
        assert result.headers["Content-Type"] == "text/csv"
        assert result.text == (
            f'"Id","Success","Created","Error"\n"{made}","true","true",""\n'
            '"","false","false","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"\n'
        )

    def test_upsert_by_id_and_by_key(self, classic: Classic, org: Client) -> None:
        made = org.create("Contact", LastName="Old")
        job = classic.job("upsert", "Contact", externalIdFieldName="Id")["id"]
        _, result = classic.load(job, f'"LastName","Id"\n"New","{made}"\n"Other",""\n')
        first, second = result.text.splitlines()[1:]
        assert first == f'"{made}","true","false",""'
        assert second.endswith('"true","true",""')
        assert sorted(one["LastName"] for one in org.query("SELECT LastName FROM Contact")["records"]) == [
            "New",
            "Other",
        ]

    def test_json(self, classic: Classic) -> None:
        job = classic.job("insert", "Contact", "JSON")["id"]
        rows = [{"LastName": "A", "Account": None, "attributes": {"type": "Contact"}}, {"FirstName": "B"}]
        info, result = classic.load(job, json.dumps(rows), "JSON")
        assert (info["state"], info["numberRecordsFailed"]) == ("Completed", 1)
        assert list(info) == sorted([*BATCH_KEYS, "stateMessage"])
        good, bad = result.json()
        assert (good["success"], good["created"], good["errors"]) == (True, True, [])
        assert (bad["id"], bad["success"], bad["created"]) == (None, False, False)
        assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
        assert bad["errors"][0]["fields"] == ["LastName"]

    def test_xml(self, classic: Classic, org: Client) -> None:
        parent = org.create("Account", Name="P", SFS_Shop_Code__c="S9")
        job = classic.job("insert", "Contact", "XML")["id"]
        body = (
            '<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sObject><LastName>A &amp; B</LastName>'
            '<Phone xsi:nil="true"/><Account><sObject><SFS_Shop_Code__c>S9</SFS_Shop_Code__c></sObject></Account>'
            "</sObject><sObject><FirstName>x</FirstName></sObject></sObjects>"
        )
        info, result = classic.load(job, body, "XML")
        assert (info["state"], info["numberRecordsFailed"]) == ("Completed", "1")
        row = org.query("SELECT LastName, AccountId FROM Contact")["records"][0]
        assert (row["LastName"], row["AccountId"]) == ("A & B", parent)
        assert result.headers["Content-Type"] == "application/xml"
        assert "<success>true</success><created>true</created></result>" in result.text
        assert "<statusCode>REQUIRED_FIELD_MISSING</statusCode></errors><success>false</success>" in result.text
        assert elements_of(result.text).keys() == {"result"}

    @pytest.mark.parametrize(
        ("content", "body"),
        [("CSV", "Name,Wrong__c\nA,x\n"), ("JSON", '[{"Name":"A","Wrong__c":1}]'),
         ("XML", "<sObjects><sObject><Wrong__c>1</Wrong__c></sObject></sObjects>")],
    )  # fmt: skip
    def test_an_unknown_field_fails_the_batch(self, classic: Classic, content: str, body: str) -> None:
        job = classic.job("insert", "Account", content)["id"]
        info, result = classic.load(job, body, content)
        assert (info["state"], info["stateMessage"]) == ("Failed", "InvalidBatch : Field name not found : Wrong__c")
        assert result.status_code == 400
        assert "Records not processed" in result.text

    def test_delete_in_json(self, classic: Classic, org: Client) -> None:
        one = org.create("Account", Name="A")
        job = classic.job("delete", "Account", "JSON")["id"]
        _, result = classic.load(job, json.dumps([{"Id": one}]), "JSON")
        assert result.json() == [{"success": True, "created": False, "id": one, "errors": []}]
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0

    def test_too_many_rows(self, classic: Classic, org: Client) -> None:
        job = classic.job("insert", "Account")["id"]
        info, _ = classic.load(job, "Name\n" + "A\n" * 10_001)
        assert info["state"] == "Failed"
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0

    def test_ordered_failure_after_rows(self, classic: Classic, org: Client) -> None:
        order = {"kind": "job_state", "match": "^JOB insert", "rows": 3, "error": "TooManyLockFailure : Too many"}
        org.control("faults", order)
        job = classic.job("insert", "Account")["id"]
        info, result = classic.load(job, "Name\nA\nB\nC\nD\n")
        assert (info["state"], info["stateMessage"]) == ("Failed", "TooManyLockFailure : Too many")
        assert info["numberRecordsProcessed"] == "3"
        assert len(result.text.splitlines()) == 4


class TestQueries:
    def rows(self, classic: Classic, job: str, soql: str, content: str) -> requests.Response:
        info, result = classic.load(job, soql, content)
        assert info["state"] == "Completed", info
        one = result.json()[0] if content == "JSON" else elements_of(result.text)["result"]
        assert (len(one), one[:3]) == (15, "752")
        return classic.call("GET", f"/{job}/batch/{info['id']}/result/{one}")

    def test_csv(self, classic: Classic, org: Client) -> None:
        parent = org.create("Account", Name='A "q"')
        org.create("Contact", LastName="L", AccountId=parent)
        job = classic.job("query", "Contact")["id"]
        text = self.rows(classic, job, "SELECT LastName, Account.Name, Phone, CreatedDate FROM Contact", "CSV").text
        head, row = text.splitlines()
        assert head == '"LastName","Account.Name","Phone","CreatedDate"'
        assert row.startswith('"L","A ""q""","",')
        assert row.endswith('.000Z"')

    def test_csv_without_rows(self, classic: Classic) -> None:
        job = classic.job("query", "Account")["id"]
        assert self.rows(classic, job, "SELECT Id FROM Account", "CSV").text == "Records not found for this query"

    def test_json_gives_milliseconds(self, classic: Classic, org: Client) -> None:
        org.control("clock", {"now": "2024-11-07T06:20:00Z", "freeze": True})
        org.create("Contact", LastName="L", Birthdate="1990-01-02")
        org.control("clock", {"freeze": False})
        job = classic.job("query", "Contact", "JSON")["id"]
        (row,) = self.rows(classic, job, "SELECT Id, Birthdate, CreatedDate, Account.Name FROM Contact", "JSON").json()
        assert row["attributes"]["url"] == f"/services/data/v60.0/sobjects/Contact/{row['Id']}"
        assert (row["Birthdate"], row["CreatedDate"], row["Account"]) == (631238400000, 1730960400000, None)

    def test_xml(self, classic: Classic, org: Client) -> None:
        made = org.create("Account", Name="A & B")
        job = classic.job("query", "Account", "XML")["id"]
        text = self.rows(classic, job, "SELECT Id, Name, Phone FROM Account", "XML").text
        assert text.endswith(
            f'<records xsi:type="sObject"><type>Account</type><Id>{made}</Id><Id>{made}</Id><Name>A &amp; B</Name>'
            '<Phone xsi:nil="true"/></records></queryResult>'
        )

    @pytest.mark.parametrize(
        ("soql", "text"),
        [
            ("SELECT Id FROM Contact", f"INVALID_TYPE_FOR_OPERATION: {WRONG_ROOT}"),
            (
                "SELECT COUNT() FROM Account",
                "FUNCTIONALITY_NOT_ENABLED: Aggregate Relationships not supported in Bulk Query",
            ),
        ],
    )
    def test_refused(self, classic: Classic, soql: str, text: str) -> None:
        info, result = classic.load(classic.job("query", "Account")["id"], soql)
        assert info["stateMessage"] == f"InvalidBatch : Failed to process query: {text}"
        assert result.status_code == 400

    def test_chunks_by_primary_key(self, classic: Classic, org: Client) -> None:
        org.ingest("Name\n" + "".join(f"N{number}\n" for number in range(25)), object="Account", operation="insert")
        job = classic.job("query", "Account", headers={"Sforce-Enable-PKChunking": "chunkSize=10"})["id"]
        first = elements_of(classic.add(job, "SELECT Name FROM Account WHERE Name != 'N3'").text)["id"]
        assert classic.wait(job, first)["state"] == "NotProcessed"
        batches = [one for one in _ids(classic.call("GET", f"/{job}/batch").text) if one != first]
        assert [classic.wait(job, one)["numberRecordsProcessed"] for one in batches] == ["9", "10", "5"]

    def test_chunks_of_a_history_follow_its_parents(self, classic: Classic, org: Client) -> None:
        cases = [org.create("Case", Subject=str(number)) for number in range(5)]
        soql = "SELECT COUNT() FROM CaseHistory"
        for one in cases:
            assert org.patch(f"{V}/sobjects/Case/{one}", {"Status": "Closed"}).status_code == 204
        total = org.query(soql)["totalSize"]
        assert total >= 5
        job = classic.job("query", "CaseHistory", headers={"Sforce-Enable-PKChunking": "chunkSize=2; parent=Case"})[
            "id"
        ]
        first = elements_of(classic.add(job, "SELECT CaseId FROM CaseHistory").text)["id"]
        assert classic.wait(job, first)["state"] == "NotProcessed"
        batches = [one for one in _ids(classic.call("GET", f"/{job}/batch").text) if one != first]
        counts = [int(classic.wait(job, one)["numberRecordsProcessed"]) for one in batches]
        assert (len(counts), sum(counts), min(counts) > 0) == (3, total, True)

    def test_chunks_of_a_table_without_rows(self, classic: Classic) -> None:
        job = classic.job("query", "Account", headers={"Sforce-Enable-PKChunking": "true"})["id"]
        first = elements_of(classic.add(job, "SELECT Name FROM Account").text)["id"]
        assert classic.wait(job, first)["state"] == "NotProcessed"
        only = [one for one in _ids(classic.call("GET", f"/{job}/batch").text) if one != first]
        assert [classic.wait(job, one)["state"] for one in only] == ["Completed"]

    @pytest.mark.parametrize("order", ["startRow=x' OR Name != '", f"chunkSize={'9' * 5000}", "chunkSize=0"])
    def test_chunks_that_make_no_sense(self, classic: Classic, order: str) -> None:
        body = "<jobInfo><operation>query</operation><object>Account</object><contentType>CSV</contentType></jobInfo>"
        headers = {"Sforce-Enable-PKChunking": order}
        answer = classic.call("POST", body=body, media="application/xml", headers=headers)
        assert answer.status_code == 400
        assert "InvalidJob" in answer.text

    def test_chunks_of_no_parent(self, classic: Classic) -> None:
        job = classic.job("query", "CaseHistory", headers={"Sforce-Enable-PKChunking": "parent=Account"})["id"]
        info, _ = classic.load(job, "SELECT Id FROM CaseHistory")
        assert info["state"] == "Failed"
        assert info["stateMessage"] == "InvalidBatch : Account is no parent of CaseHistory for PK chunking"


def _ids(text: str) -> list[str]:
    from xml.etree import ElementTree

    return [found.text or "" for found in ElementTree.fromstring(text).iter(f"{NS}id")]


class TestErrors:
    def test_session(self, classic: Classic) -> None:
        bad = classic.call("GET", "/750000000000001AAA", headers={"X-SFDC-Session": "no"})
        assert bad.status_code == 400
        assert bad.text == (
            '<?xml version="1.0" encoding="UTF-8"?><error\n   xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n'
            " <exceptionCode>InvalidSessionId</exceptionCode>\n"
            " <exceptionMessage>Invalid session id</exceptionMessage>\n</error>"
        )
        body = classic.call("POST", body="{}", media="application/json", headers={"X-SFDC-Session": "no"})
        assert body.json() == {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}

    def test_a_session_expires_on_order(self, classic: Classic, org: Client) -> None:
        job = classic.job("insert", "Account")["id"]
        token = org.control("sessions", {"username": org.ready.username})
        org.control("faults", {"kind": "expire_session", "match": "/services/async/"})
        headers = {"X-SFDC-Session": token["access_token"]}
        ended = classic.call("GET", f"/{job}", headers=headers)
        assert elements_of(ended.text)["exceptionCode"] == "InvalidSessionId"

    @pytest.mark.parametrize(
        ("order", "code"),
        [
            ({"operation": "insert", "object": "Nothing", "contentType": "JSON"}, "InvalidEntity"),
            ({"operation": "query", "object": "TaskPriority", "contentType": "JSON"}, "InvalidEntity"),
            ({"operation": "INSERT", "object": "Account"}, "InvalidJob"),
            ({"operation": "upsert", "object": "Account"}, "InvalidJob"),
            ({"operation": "insert", "object": "Account", "contentType": "ZIP_CSV"}, "FeatureNotEnabled"),
        ],
    )
    def test_orders(self, classic: Classic, order: dict[str, str], code: str) -> None:
        answer = classic.call("POST", body=json.dumps(order), media="application/json")
        assert (answer.status_code, answer.json()["exceptionCode"]) == (400, code)

    def test_places(self, classic: Classic) -> None:
        job = classic.job("insert", "Account")["id"]

        def code(path: str) -> str:
            answer = classic.call("GET", path)
            assert answer.status_code == 400
            return elements_of(answer.text)["exceptionCode"]

        assert code("/750000000000009AAA") == "InvalidJob"
        assert code(f"/{job}/batch/751000000000009AAA") == "InvalidBatch"
        assert code(f"/{job}/spec") == "FeatureNotEnabled"
        empty = classic.add(job, "")
        assert elements_of(empty.text)["exceptionCode"] == "ClientInputError"
        assert (
            elements_of(classic.call("POST", body="<jobInfo", media="application/xml").text)["exceptionCode"]
            == "InvalidXML"
        )

    def test_results_of_an_unfinished_batch(self, classic: Classic, org: Client) -> None:
        org.control("jobs", {"finish": "looks", "n": 100})
        job = classic.job("insert", "Account")["id"]
        batch = elements_of(classic.add(job, "Name\nA\n").text)["id"]
        assert "Batch not completed" in classic.call("GET", f"/{job}/batch/{batch}/result").text
