"""Bulk API 2.0: job bodies, states, result files to the byte, query slices."""

from __future__ import annotations

import time

import pytest

from tests.rehearsal.http.conftest import Client, V

INGEST, QUERY = f"{V}/jobs/ingest", f"{V}/jobs/query"
HEAD_KEYS = ["id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state"]
TAIL_KEYS = ["concurrencyMode", "contentType", "apiVersion"]


def results(org: Client, job: dict[str, object], name: str) -> str:
    answer = org.get(f"{INGEST}/{job['id']}/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
    return answer.content.decode()


class TestIngest:
    def test_bodies_along_the_way(self, org: Client) -> None:
        order = {"object": "account", "operation": "upsert", "externalIdFieldName": "SFS_Shop_Code__c"}
        made = org.post(INGEST, {**order, "contentType": "CSV", "lineEnding": "LF"})
        job = made.json()
        assert made.status_code == 200
        middle = [*HEAD_KEYS, "externalIdFieldName", *TAIL_KEYS]
        assert list(job) == [*middle, "contentUrl", "lineEnding", "columnDelimiter"]
        assert (job["object"], job["state"], job["apiVersion"]) == ("Account", "Open", 60.0)
        assert job["contentUrl"] == f"services/data/v60.0/jobs/ingest/{job['id']}/batches"
        assert job["id"].startswith("750")
        up = org.call("PUT", f"/{job['contentUrl']}", data=b"Name\nA\n", headers={"Content-Type": "text/csv"})
        assert (up.status_code, up.content) == (201, b"")
        twice = org.call("PUT", f"/{job['contentUrl']}", data=b"Name\n", headers={"Content-Type": "text/csv"})
        assert twice.json()[0]["errorCode"] == "INVALIDJOBSTATE"
        closed = org.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"}).json()
        assert (list(closed), closed["state"]) == (middle, "UploadComplete")
        done = org.wait(f"{INGEST}/{job['id']}")
        assert done["jobType"] == "V2Ingest"
        assert "contentUrl" not in done

    def test_results_to_the_byte(self, org: Client) -> None:
        csv = 'Name,SFS_Shop_Code__c,Phone\nFirst,S1,#N/A\n,S2,1\n"Q ""x"", y",S3,\n'
        job = org.ingest(csv, object="Account", operation="insert")
        assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 1)
        ids = {one["SFS_Shop_Code__c"]: one["Id"] for one in _rows(org, "Account", "SFS_Shop_Code__c")}
        assert results(org, job, "successfulResults") == (
            '"sf__Id","sf__Created",Name,SFS_Shop_Code__c,Phone\n'
            f'"{ids["S1"]}","true","First","S1","#N/A"\n'
            f'"{ids["S3"]}","true","Q ""x"", y","S3",""\n'
        )
        assert results(org, job, "failedResults") == (
            '"sf__Id","sf__Error",Name,SFS_Shop_Code__c,Phone\n'
            '"","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --","","S2","1"\n'
        )
        assert results(org, job, "unprocessedRecords") == "Name,SFS_Shop_Code__c,Phone\n"
        assert results(org, job, "unprocessedrecords") == "Name,SFS_Shop_Code__c,Phone\n"

    def test_update_upsert_delete(self, org: Client) -> None:
        org.ingest("Name,SFS_Shop_Code__c\nA,S1\n", object="Account", operation="insert")
        up = {"object": "Account", "operation": "upsert", "externalIdFieldName": "SFS_Shop_Code__c"}
        job = org.ingest("SFS_Shop_Code__c,Name\nS1,A2\nS2,B\n", **up)
        created = [line.split(",")[1] for line in results(org, job, "successfulResults").splitlines()[1:]]
        assert created == ['"false"', '"true"']
        one = _rows(org, "Account", "Name")[0]["Id"]
        job = org.ingest(f"Id,Name\n{one},A3\n", object="Account", operation="update")
        assert results(org, job, "successfulResults").splitlines()[1] == f'"{one}","false","{one}","A3"'
        job = org.ingest(f"Id\n{one}\n", object="Account", operation="delete")
        assert job["numberRecordsFailed"] == 0
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 1
        refused = org.ingest(f"Id,Name\n{one},x\n", object="Account", operation="delete")
        assert refused["state"] == "Failed"

    @pytest.mark.parametrize(
        ("ending", "delimiter", "line", "char"),
        [("CRLF", "SEMICOLON", "\r\n", ";"), ("LF", "TAB", "\n", "\t"), ("LF", "PIPE", "\n", "|")],
    )
    def test_line_endings_and_delimiters(self, org: Client, ending: str, delimiter: str, line: str, char: str) -> None:
        csv = f'Name{char}Phone{line}"A\nB"{char}1{line}'
        order = {"object": "Account", "operation": "insert", "lineEnding": ending, "columnDelimiter": delimiter}
        job = org.ingest(csv, **order)
        assert job["numberRecordsFailed"] == 0
        head, _, row = results(org, job, "successfulResults").partition(line)
        assert head == f'"sf__Id"{char}"sf__Created"{char}Name{char}Phone'
        assert row.endswith(f'{char}"true"{char}"A\nB"{char}"1"{line}')

    def test_what_kills_a_job(self, org: Client) -> None:
        job = org.ingest("Name,Wrong__c\nA,x\n", object="Account", operation="insert")
        assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
        assert job["errorMessage"] == "InvalidBatch : Field name not found : Wrong__c"
        assert results(org, job, "unprocessedrecords") == 'Name,Wrong__c\n"A","x"\n'
        job = org.ingest("Name\r\nA\r\n", object="Account", operation="insert")
        text = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"
        assert job["errorMessage"] == text

    def test_a_row_that_breaks_the_quoting_fails_alone(self, org: Client) -> None:
        job = org.ingest('Name,Phone\n"A" ,1\nB,2\nC\n', object="Account", operation="insert")
        assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 2)

    def test_refusals(self, org: Client) -> None:
        body = org.post(INGEST, {"object": "Nothing", "operation": "insert"}).json()
        text = "Entity 'Nothing' is not supported by the Bulk API."
        assert body == [{"errorCode": "INVALIDENTITY", "message": text}]
        assert org.post(INGEST, {"object": "Account", "operation": "explode"}).status_code == 400
        assert org.post(INGEST, {"object": "Account", "operation": "upsert"}).status_code == 400
        assert org.get(f"{INGEST}/750000000000001AAA").status_code == 404

    def test_abort_list_delete(self, org: Client) -> None:
        job = org.post(INGEST, {"object": "Account", "operation": "insert"}).json()
        url = f"{INGEST}/{job['id']}"
        assert org.delete(url).json()[0]["errorCode"] == "API_ERROR"
        assert org.patch(url, {"state": "Aborted"}).json()["state"] == "Aborted"
        assert [one["id"] for one in org.get(INGEST).json()["records"]] == [job["id"]]
        gone = org.delete(url)
        assert (gone.status_code, gone.content) == (204, b"")
        assert org.get(url).json()[0]["errorCode"] == "NOT_FOUND"
        done = org.ingest("Name\nA\n", object="Account", operation="insert")
        refused = org.patch(f"{INGEST}/{done['id']}", {"state": "Aborted"})
        assert refused.json()[0]["message"] == "Aborting already Completed Job not allowed"

    def test_each_call_counts(self, org: Client) -> None:
        org.control("jobs", {"finish": "looks", "n": 2})
        job = org.ingest("Name\nA\n", object="Account", operation="insert")
        results(org, job, "failedResults")
        kinds = org.stats()["by_kind"]
        assert kinds["bulk.ingest.poll"] >= 3
        kinds.pop("bulk.ingest.poll")
        expected = ("create", "upload", "change", "results")
        assert kinds == {f"bulk.ingest.{name}": 1 for name in expected}


class TestWhenJobsFinish:
    def test_after_looks(self, org: Client) -> None:
        org.control("jobs", {"finish": "looks", "n": 2})
        job = org.ingest("Name\nA\n", object="Account", operation="insert")
        assert job["state"] == "JobComplete"
        states = []
        job = org.post(QUERY, {"operation": "query", "query": "SELECT Id FROM Account"}).json()
        for _ in range(50):
            states.append(org.get(f"{QUERY}/{job['id']}").json()["state"])
            if states[-1] == "JobComplete":
                break
        assert len(states) >= 3
        assert "JobComplete" not in states[:2]

    def test_after_seconds(self, org: Client) -> None:
        org.control("jobs", {"finish": "seconds", "t": 0.4})
        made = org.post(QUERY, {"operation": "query", "query": "SELECT Id FROM Account"}).json()
        assert org.get(f"{QUERY}/{made['id']}/results").json()[0]["errorCode"] == "INVALIDJOBSTATE"
        assert org.wait(f"{QUERY}/{made['id']}")["state"] == "JobComplete"

    def test_ordered_failure(self, org: Client) -> None:
        org.control("faults", {"kind": "job_state", "match": "^JOB insert Account", "error": "Timeout : Too slow"})
        job = org.ingest("Name\nA\n", object="Account", operation="insert")
        assert (job["state"], job["errorMessage"]) == ("Failed", "Timeout : Too slow")
        assert org.ingest("Name\nA\n", object="Account", operation="insert")["state"] == "JobComplete"

    def test_reset_in_the_middle_of_a_job(self, org: Client) -> None:
        csv = "LastName\n" + "".join(f"L{number}\n" for number in range(30_000))
        job = org.post(INGEST, {"object": "Contact", "operation": "insert"}).json()
        org.call("PUT", f"/{job['contentUrl']}", data=csv.encode(), headers={"Content-Type": "text/csv"})
        org.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"})
        org.control("reset")
        assert org.get(f"{INGEST}/{job['id']}").status_code == 404
        assert org.query("SELECT COUNT() FROM Contact")["totalSize"] == 0
        assert org.ingest("LastName\nA\n", object="Contact", operation="insert")["numberRecordsProcessed"] == 1

    def test_abort_in_the_middle_keeps_what_was_done(self, org: Client) -> None:
        csv = "LastName\n" + "".join(f"L{number}\n" for number in range(40_000))
        job = org.post(INGEST, {"object": "Contact", "operation": "insert"}).json()
        url = f"{INGEST}/{job['id']}"
        org.call("PUT", f"/{job['contentUrl']}", data=csv.encode(), headers={"Content-Type": "text/csv"})
        org.patch(url, {"state": "UploadComplete"})
        while not org.get(url).json()["numberRecordsProcessed"]:
            pass
        assert org.patch(url, {"state": "Aborted"}).json()["state"] == "Aborted"
        time.sleep(0.2)
        done = org.get(url).json()["numberRecordsProcessed"]
        assert 0 < done < 40_000
        assert org.query("SELECT COUNT() FROM Contact")["totalSize"] == done
        assert results(org, job, "successfulResults").count("\n") == done + 1
        assert results(org, job, "unprocessedrecords").count("\n") == 40_000 - done + 1

    def test_wrong_order(self, org: Client) -> None:
        answer = org.post("/rehearsal/jobs", {"finish": "soon"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")


class TestQuery:
    def test_slices(self, org: Client) -> None:
        rows = "".join(f"L{number:04d}\n" for number in range(2500))
        org.ingest("LastName\n" + rows, object="Contact", operation="insert")
        job = org.bulk_query("SELECT LastName FROM Contact ORDER BY LastName")
        assert (job["jobType"], job["numberRecordsProcessed"]) == ("V2Query", 2500)
        url, names, locator = f"{QUERY}/{job['id']}/results", [], ""
        for expected in (1000, 1000, 500):
            answer = org.get(url, params={"maxRecords": 1000, **({"locator": locator} if locator else {})})
            lines = answer.text.splitlines()
            assert lines[0] == '"LastName"'
            assert answer.headers["Sforce-NumberOfRecords"] == str(expected) == str(len(lines) - 1)
            names += lines[1:]
            locator = answer.headers["Sforce-Locator"]
        assert locator == "null"
        assert names == [f'"L{number:04d}"' for number in range(2500)]
        assert org.get(f"{url}?locator=!!").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
        pages = org.get(f"{QUERY}/{job['id']}/resultPages?maxRecords=400").json()
        assert (len(pages["resultPages"]), pages["done"]) == (5, False)
        rest = org.get(pages["nextRecordsUrl"]).json()
        assert (len(rest["resultPages"]), rest["done"]) == (2, True)
        assert len(org.get(rest["resultPages"][0]["resultUrl"]).text.splitlines()) == 401

    def test_values(self, org: Client) -> None:
        account = org.create("Account", Name='A "quoted"\nname')
        org.create("Contact", LastName="L", AccountId=account)
        org.create("Contact", LastName="Lone")
        job = org.bulk_query(
            "SELECT LastName, Account.Name, Phone, CreatedDate, IsDeleted FROM Contact ORDER BY LastName"
        )
        text = org.get(f"{QUERY}/{job['id']}/results").content.decode()
        assert text.startswith(
            '"LastName","Account.Name","Phone","CreatedDate","IsDeleted"\n"L","A ""quoted""\nname","",'
        )
        assert '.000Z","false"\n' in text
        assert '"Lone","","",' in text

    def test_empty(self, org: Client) -> None:
        job = org.bulk_query("SELECT Id, Name FROM Account")
        answer = org.get(f"{QUERY}/{job['id']}/results")
        assert (answer.text, answer.headers["Sforce-Locator"]) == ('"Id","Name"\n', "null")

    def test_other_version_is_409(self, org: Client) -> None:
        job = org.bulk_query("SELECT Id FROM Account")
        assert org.get(f"{QUERY}/{job['id']}/results".replace("v60", "v61")).status_code == 409

    @pytest.mark.parametrize(
        "soql",
        [
            "SELECT COUNT() FROM Account",
            "SELECT Name, COUNT(Id) FROM Account GROUP BY Name",
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "SELECT Id FROM Account LIMIT 5 OFFSET 5",
        ],
    )
    def test_refused(self, org: Client, soql: str) -> None:
        answer = org.post(QUERY, {"operation": "query", "query": soql})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "API_ERROR")

    def test_bad_query_is_refused_at_once(self, org: Client) -> None:
        answer = org.post(QUERY, {"operation": "query", "query": "SELECT Id FROM Accout"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")

    def test_deleted_rows(self, org: Client) -> None:
        org.delete(f"{V}/sobjects/Account/{org.create('Account', Name='A')}")
        assert org.bulk_query("SELECT Id FROM Account")["numberRecordsProcessed"] == 0
        assert org.bulk_query("SELECT Id FROM Account", operation="queryAll")["numberRecordsProcessed"] == 1


def _rows(org: Client, name: str, field: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = org.query(f"SELECT Id, {field} FROM {name} ORDER BY {field}")["records"]
    return found
