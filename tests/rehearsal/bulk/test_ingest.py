"""Bulk 2.0 ingest beyond the plain way: forms, hard delete, blanks beside quotes, ageing, breaking on order."""

from __future__ import annotations

import gzip
import json

import pytest
import requests

from tests.rehearsal.http.conftest import Client, V

INGEST = f"{V}/jobs/ingest"


def result(org: Client, job: dict[str, str], name: str) -> list[str]:
    return org.get(f"{INGEST}/{job['id']}/{name}").content.decode().splitlines()


def opened(org: Client, **order: str) -> dict[str, str]:
    made = org.post(INGEST, {"object": "Account", "operation": "insert", **order})
    assert made.status_code == 200, made.text
    found: dict[str, str] = made.json()
    return found


class TestForms:
    def form(self, org: Client, content: str, **order: str) -> requests.Response:
        job = json.dumps({"object": "Account", "contentType": "CSV", "operation": "insert", **order})
        parts = {"job": (None, job, "application/json"), "content": ("content", content, "text/csv")}
        return org.call("POST", f"{INGEST}/", files=parts)

    def test_job_and_content_at_once(self, org: Client) -> None:
        made = self.form(org, 'Name\r\n"A\n"\r\nB\r\n', lineEnding="CRLF")
        body = made.json()
        assert (made.status_code, body["state"]) == (200, "UploadComplete")
        assert "contentUrl" not in body
        assert list(body)[-2:] == ["lineEnding", "columnDelimiter"]
        done = org.wait(f"{INGEST}/{body['id']}")
        assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == ("JobComplete", 2, 0)

    def test_the_vendors_example_by_hand(self, org: Client) -> None:
        text = (
            '--BOUNDARY\nContent-Type: application/json\nContent-Disposition: form-data; name="job"\n\n'
            '{"object":"Contact","contentType":"CSV","operation":"insert"}\n\n--BOUNDARY\nContent-Type: text/csv\n'
            'Content-Disposition: form-data; name="content"; filename="content"\n\n'
            "FirstName,LastName\nÄnne,Example\n--BOUNDARY--\n"
        )
        headers = {"Content-Type": 'multipart/form-data; boundary="BOUNDARY"'}
        body = org.call("POST", INGEST, data=text.encode(), headers=headers).json()
        assert org.wait(f"{INGEST}/{body['id']}")["numberRecordsFailed"] == 0
        assert org.query("SELECT FirstName FROM Contact")["records"][0]["FirstName"] == "Änne"

    def test_too_much(self, org: Client) -> None:
        assert self.form(org, "Name\n" + "A" * 100_000).json()[0]["errorCode"] == "API_ERROR"
        lone = org.call("POST", INGEST, files={"job": (None, "{}", "application/json")})
        assert lone.json()[0]["errorCode"] == "API_ERROR"


class TestRows:
    def test_blanks_beside_quotes(self, org: Client) -> None:
        csv = 'Name,Phone\nA, "1"\n "B",2\nC, 3\n"D ""d"" ",4\n"E" ,5\n'
        job = org.ingest(csv, object="Account", operation="insert")
        assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (5, 3)
        rows = org.query("SELECT Name, Phone FROM Account ORDER BY Name")["records"]
        assert [(row["Name"], row["Phone"]) for row in rows] == [("C", "3"), ('D "d"', "4")]

    @pytest.mark.parametrize(("delimiter", "char"), [("BACKQUOTE", "`"), ("CARET", "^"), ("COMMA", ",")])
    def test_other_delimiters(self, org: Client, delimiter: str, char: str) -> None:
        job = org.ingest(
            f"Name{char}Phone\nA{char}1\n", object="Account", operation="insert", columnDelimiter=delimiter
        )
        assert result(org, job, "successfulResults")[1].endswith(f'"true"{char}"A"{char}"1"')

    def test_parents_by_their_keys(self, org: Client) -> None:
        parent = org.create("Account", Name="P", SFS_Shop_Code__c="S1")
        csv = "LastName,Account.SFS_Shop_Code__c\nA,S1\nB,none\n"
        job = org.ingest(csv, object="Contact", operation="insert")
        assert result(org, job, "failedResults")[0] == '"sf__Id","sf__Error",LastName,Account.SFS_Shop_Code__c'
        assert result(org, job, "failedResults")[1].endswith(',"B","none"')
        assert org.query("SELECT AccountId FROM Contact")["records"][0]["AccountId"] == parent

    def test_one_bad_value_as_recorded(self, org: Client) -> None:
        csv = "LastName,Birthdate\nA,2003-04-987654321\n"
        job = org.ingest(csv, object="Contact", operation="insert")
        wrong = (
            "INVALID_FIELD:Failed to deserialize field at col 1. Due to, '2003-04-987654321' is not a valid value for"
        )
        assert result(org, job, "failedResults") == [
            '"sf__Id","sf__Error",LastName,Birthdate',
            f'"","{wrong} the type xsd:date:Birthdate --","A","2003-04-987654321"',
        ]

    def test_hard_delete_leaves_nothing_in_the_bin(self, org: Client) -> None:
        one, other = org.create("Account", Name="A"), org.create("Account", Name="B")
        org.delete(f"{V}/sobjects/Account/{other}")
        job = org.ingest(f"Id\n{one}\n", object="Account", operation="hardDelete")
        assert result(org, job, "successfulResults") == ['"sf__Id","sf__Created",Id', f'"{one}","false","{one}"']
        left = org.query("SELECT Id FROM Account", f"{V}/queryAll")["records"]
        assert [row["Id"] for row in left] == [other]

    def test_bytes_that_are_no_text_end_the_job_and_come_back_as_they_came(self, org: Client) -> None:
        job = opened(org)
        data = b"Name\n" + (b"A" * 20 + b"\n") * 2500 + b"\xe9\nB\n"
        org.call("PUT", f"/{job['contentUrl']}", data=data, headers={"Content-Type": "text/csv"})
        org.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"})
        done = org.wait(f"{INGEST}/{job['id']}")
        assert (done["state"], done["numberRecordsProcessed"]) == ("Failed", 2000)  # what was committed before
        assert done["errorMessage"] == "ClientInputError : The uploaded data is not UTF-8"
        assert org.get(f"{INGEST}/{job['id']}/unprocessedrecords").content.endswith(b'A"\n"\xe9"\n"B"\n')

    def test_gzip(self, org: Client) -> None:
        job = opened(org)
        headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
        assert org.call("PUT", f"/{job['contentUrl']}", data=gzip.compress(b"Name\nA\n"), headers=headers).ok
        org.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"})
        assert org.wait(f"{INGEST}/{job['id']}")["numberRecordsProcessed"] == 1


class TestOrders:
    def test_wrong_words_are_told_with_their_place(self, org: Client) -> None:
        raw = b'{"object":"Account",\n "operation":"explode"}'
        answer = org.call("POST", INGEST, data=raw, headers={"Content-Type": "application/json"})
        text = "Value does not match expected type at [line:2, column:14]"
        assert answer.json() == [{"errorCode": "API_ERROR", "message": text}]
        assert org.post(INGEST, {"object": "Account", "operation": "insert", "lineEnding": "CR"}).status_code == 400

    def test_upload_takes_csv_only_and_open_jobs_only(self, org: Client) -> None:
        job = opened(org)
        url = f"/{job['contentUrl']}"
        assert org.call("PUT", url, data=b"{}", headers={"Content-Type": "application/json"}).status_code == 415
        org.patch(f"{INGEST}/{job['id']}", {"state": "Aborted"})
        late = org.call("PUT", url, data=b"Name\n", headers={"Content-Type": "text/csv"})
        assert late.json()[0]["errorCode"] == "INVALIDJOBSTATE"
        again = org.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"})
        assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")

    def test_before_the_api_had_jobs(self, org: Client) -> None:
        old = INGEST.replace("v60.0", "v40.0")
        assert org.post(old, {"object": "Account", "operation": "insert"}).json()[0]["errorCode"] == "NOT_FOUND"

    def test_listing(self, org: Client) -> None:
        job = opened(org)
        (row,) = org.get(INGEST).json()["records"]
        assert row == {**{key: row[key] for key in row}, "id": job["id"], "jobType": "V2Ingest", "state": "Open"}
        assert row["contentUrl"] == job["contentUrl"]
        assert org.get(f"{INGEST}?jobType=Classic").json()["records"] == []
        assert org.get(f"{INGEST}?isPkChunkingEnabled=true").json()["records"] == []
        assert org.get(f"{INGEST}?jobType=V2Ingest&isPkChunkingEnabled=false").json()["done"] is True


def test_a_job_costs_a_batch_for_every_ten_thousand_rows(org: Client) -> None:
    def left() -> int:
        found: int = org.get(f"{V}/limits").json()["DailyBulkApiBatches"]["Remaining"]
        return found

    before = left()
    job = opened(org)
    org.call("PUT", f"/{job['contentUrl']}", data=b"Name\n" + b"A\n" * 20_001, headers={"Content-Type": "text/csv"})
    org.patch(f"{INGEST}/{job['id']}", {"state": "UploadComplete"})
    assert left() == before - 3
    org.patch(f"{INGEST}/{job['id']}", {"state": "Aborted"})


class TestTime:
    def test_a_job_waits_for_a_day_and_is_kept_for_a_week(self, org: Client) -> None:
        job = opened(org)
        done = org.ingest("Name\nA\n", object="Account", operation="insert")
        org.control("clock", {"advance_s": 25 * 3600})
        late = org.call("PUT", f"/{job['contentUrl']}", data=b"Name\n", headers={"Content-Type": "text/csv"})
        assert late.json()[0]["errorCode"] == "INVALIDJOBSTATE"
        assert result(org, done, "successfulResults")[1:]
        org.control("clock", {"advance_s": 7 * 24 * 3600})
        assert org.get(f"{INGEST}/{done['id']}").status_code == 404
        assert org.get(INGEST).json()["records"] == []


class TestBreaking:
    def test_failed_after_rows(self, org: Client) -> None:
        order = {"kind": "job_state", "match": "^JOB insert Account", "rows": 2, "error": "Timeout : Too slow"}
        org.control("faults", order)
        job = org.ingest("Name\nA\nB\nC\n", object="Account", operation="insert")
        assert (job["state"], job["errorMessage"], job["numberRecordsProcessed"]) == ("Failed", "Timeout : Too slow", 2)
        assert len(result(org, job, "successfulResults")) == 3
        assert result(org, job, "unprocessedrecords") == ["Name", '"C"']
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 2

    def test_aborted(self, org: Client) -> None:
        org.control("faults", {"kind": "job_state", "state": "Aborted", "rows": 1})
        job = org.ingest("Name\nA\nB\n", object="Account", operation="insert")
        assert (job["state"], job["numberRecordsProcessed"]) == ("Aborted", 1)
        assert result(org, job, "unprocessedrecords") == ["Name", '"B"']

    def test_slow(self, org: Client) -> None:
        org.control("faults", {"kind": "job_state", "state": "JobComplete", "ms": 300})
        made = org.post(f"{V}/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"}).json()
        url = f"{V}/jobs/query/{made['id']}"
        states = {org.get(url).json()["state"]}
        assert org.wait(url)["state"] == "JobComplete"
        assert states <= {"UploadComplete", "InProgress"}

    def test_an_unknown_state_is_refused(self, org: Client) -> None:
        answer = org.post("/rehearsal/faults", {"kind": "job_state", "state": "Asleep"})
        assert answer.json()[0]["errorCode"] == "INVALID_INPUT"

    def test_half_a_result_file(self, org: Client) -> None:
        job = org.ingest("Name\nA\n", object="Account", operation="insert")
        org.control("faults", {"kind": "truncate", "match": "successfulResults"})
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            result(org, job, "successfulResults")
        assert len(result(org, job, "successfulResults")) == 2
