"""Versions, limits, describes, single records, queries: statuses, bodies and headers."""

from __future__ import annotations

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.rehearsal.http.conftest import Client, V

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def error(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


class TestCommonGround:
    def test_versions_need_no_token_and_have_no_usage(self, org: Client) -> None:
        answer = requests.get(f"{org.ready.instance_url}/services/data", timeout=30)
        rows = answer.json()
        assert (rows[0]["version"], rows[-1]["version"], len(rows)) == ("31.0", "66.0", 36)
        assert rows[11]["label"] == "Spring ’18"
        assert rows[-1] == {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"}
        assert "Sforce-Limit-Info" not in answer.headers

    def test_headers(self, org: Client) -> None:
        answer = org.get(f"{V}/limits")
        assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
        assert re.fullmatch(r"api-usage=1/100000", answer.headers["Sforce-Limit-Info"])
        assert answer.headers["Cache-Control"] == "no-cache,must-revalidate,max-age=0,no-store,private"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])

    def test_gzip_both_ways(self, org: Client) -> None:
        body = gzip.compress(json.dumps({"Name": "Packed"}).encode())
        head = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        assert org.call("POST", f"{V}/sobjects/Account", data=body, headers=head).status_code == 201
        assert org.get(f"{V}/limits").headers["Content-Encoding"] == "gzip"
        plain = org.get(f"{V}/limits", headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        broken = org.call("POST", f"{V}/sobjects/Account", data=b"no gzip", headers=head)
        assert broken.status_code == 400

    def test_pretty_print(self, org: Client) -> None:
        assert '"DailyApiRequests" : {' in org.get(f"{V}/limits", headers={"X-PrettyPrint": "1"}).text
        assert '"DailyApiRequests":{' in org.get(f"{V}/limits").text

    @pytest.mark.parametrize("path", ["/nowhere", f"{V}/nowhere", "/services/data/v99.0/limits", "/rehearsal/no"])
    def test_unknown_paths(self, org: Client, path: str) -> None:
        answer = org.get(path)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    def test_method_not_allowed(self, org: Client) -> None:
        answer = org.post(f"{V}/limits", {})
        text = "HTTP Method 'POST' not allowed. Allowed are HEAD,GET"
        assert answer.status_code == 405
        assert answer.json() == [{"message": text, "errorCode": "METHOD_NOT_ALLOWED"}]

    def test_head(self, org: Client) -> None:
        answer = org.call("HEAD", f"{V}/limits")
        assert (answer.status_code, answer.content) == (200, b"")

    def test_uri_too_long(self, org: Client) -> None:
        answer = org.get(f"{V}/query?q=" + "x" * 17_000)
        assert (answer.status_code, answer.text) == (414, "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>")
        assert org.get(f"{V}/query?q=" + "x" * 200_000).status_code == 414
        assert org.get(f"{V}/limits", headers={"X-Long": "x" * 17_000}).status_code == 431

    def test_media_types(self, org: Client) -> None:
        url = f"{V}/sobjects/Account"
        assert error(org.call("POST", url, data="<a/>", headers={"Content-Type": "text/xml"}))[0] == 415
        form = org.call("POST", url, data="Name=x", headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert form.status_code == 401
        assert form.text.startswith("<response><faultcode>LOGIN_OAUTH_INVALID_TOKEN")

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"", "The HTTP entity body is required, but this request has no entity body."),
            (b'{"Name": jo}', "Unexpected character ('j' (code 106))"),
            (b'{"Name": "x"', "Unexpected end-of-input"),
            (b"[1]", "Unexpected token"),
            (b"\xff\xfe", "Invalid UTF-8"),
        ],
    )
    def test_broken_json(self, org: Client, body: bytes, text: str) -> None:
        head = {"Content-Type": "application/json"}
        answer = org.call("POST", f"{V}/sobjects/Account", data=body, headers=head)
        assert error(answer) == (400, "JSON_PARSER_ERROR")
        assert answer.json()[0]["message"].startswith(text)


class TestLimits:
    def test_all_names_and_the_meter(self, org: Client) -> None:
        org.get(f"{V}/limits")
        shown = org.get(f"{V}/limits").json()
        assert len(shown) == 71
        assert shown["DailyApiRequests"] == {"Max": 100000, "Remaining": 99998}
        assert shown["PermissionSets"]["CreateCustom"] == {"Max": 1000, "Remaining": 1000}

    def test_the_day_ends(self, org: Client) -> None:
        org.control("limits", {"DailyApiRequests": {"Max": 3, "Remaining": 1}})
        assert org.get(f"{V}/limits").status_code == 200
        answer = org.get(f"{V}/limits")
        body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
        assert (answer.status_code, answer.json()) == (403, body)
        assert answer.headers["Sforce-Limit-Info"] == "api-usage=3/3"
        org.control("clock", {"advance_s": 86_400})
        assert org.get(f"{V}/limits").status_code == 200

    def test_record_count(self, org: Client) -> None:
        org.create("Account", Name="A")
        body = org.get(f"{V}/limits/recordCount?sObjects=Account,Contact,Nothing").json()
        assert body == {"sObjects": [{"count": 1, "name": "Account"}]}


class TestDescribe:
    def test_global_and_object(self, org: Client) -> None:
        answer = org.get(f"{V}/sobjects")
        body = answer.json()
        assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
        assert "Account" in {one["name"] for one in body["sobjects"]}
        described = org.get(f"{V.replace('60', '62')}/sobjects/account/describe").json()
        assert described["name"] == "Account"
        assert described["urls"]["sobject"] == "/services/data/v62.0/sobjects/Account"

    def test_not_modified(self, org: Client) -> None:
        first = org.get(f"{V}/sobjects/Account/describe")
        assert re.fullmatch(r'"[0-9a-f]{8}--gzip"', first.headers["ETag"])
        head = {"If-Modified-Since": first.headers["Last-Modified"]}
        again = org.get(f"{V}/sobjects/Account/describe", headers=head)
        assert (again.status_code, again.content) == (304, b"")
        old = {"If-Modified-Since": "Thu, 03 Sep 2020 21:35:07 GMT"}
        assert org.get(f"{V}/sobjects", headers=old).status_code == 200

    def test_basic_and_unknown(self, org: Client) -> None:
        assert org.get(f"{V}/sobjects/Account").json()["objectDescribe"]["keyPrefix"] == "001"
        assert org.get(f"{V}/sobjects/Nothing/describe").json() == NOT_FOUND


class TestRecords:
    def test_life_of_a_record(self, org: Client) -> None:
        made = org.post(f"{V}/sobjects/Account", {"Name": "Alpha"})
        assert made.status_code == 201
        assert list(made.json()) == ["id", "success", "errors"]
        where = made.headers["Location"]
        assert where == f"{V}/sobjects/Account/{made.json()['id']}"
        changed = org.patch(where, {"Name": "Beta"})
        assert (changed.status_code, changed.content) == (204, b"")
        assert "Content-Type" not in changed.headers
        row = org.get(where)
        assert row.json()["Name"] == "Beta"
        assert row.json()["attributes"] == {"type": "Account", "url": where}
        assert "Last-Modified" in row.headers
        assert list(org.get(f"{where}?fields=Name").json()) == ["attributes", "Name", "Id"]
        assert org.delete(where).status_code == 204
        assert org.get(where).status_code == 404
        assert error(org.delete(where)) == (404, "ENTITY_IS_DELETED")

    def test_patch_by_post(self, org: Client) -> None:
        one = org.create("Account", Name="A")
        assert org.post(f"{V}/sobjects/Account/{one}?_HttpMethod=PATCH", {"Name": "B"}).status_code == 204

    def test_refusals(self, org: Client) -> None:
        missing = org.post(f"{V}/sobjects/Account", {})
        assert missing.json() == [
            {
                "message": "Required fields are missing: [Name]",
                "errorCode": "REQUIRED_FIELD_MISSING",
                "fields": ["Name"],
            }
        ]
        assert error(org.post(f"{V}/sobjects/Account", {"Name": "x", "id": "1"})) == (400, "INVALID_FIELD")
        unknown = org.post(f"{V}/sobjects/Account", {"Name": "x", "Nope": "1"}).json()
        text = "No such column 'Nope' on sobject of type Account"
        assert unknown == [{"message": text, "errorCode": "INVALID_FIELD"}]
        assert org.post(f"{V}/sobjects/Nothing", {"Name": "x"}).json() == NOT_FOUND
        odd = org.get(f"{V}/sobjects/Account/23foo").json()
        assert odd[0]["message"] == "Provided external ID field does not exist or is not accessible: 23foo"

    def test_upsert_by_external_id(self, org: Client) -> None:
        url = f"{V}/sobjects/Account/SFS_Shop_Code__c/S%2F1"
        made = org.patch(url, {"Name": "Shop"})
        assert made.status_code == 201
        assert list(made.json()) == ["id", "success", "errors", "created"]
        assert made.json()["created"] is True
        again = org.patch(url, {"Name": "Shop 2"})
        assert (again.status_code, again.json()["created"]) == (200, False)
        assert again.headers["Location"].endswith(made.json()["id"])
        assert org.get(url).json()["SFS_Shop_Code__c"] == "S/1"
        old = org.patch(url.replace("v60", "v45"), {"Name": "Shop 3"})
        assert (old.status_code, old.content) == (204, b"")
        clash = org.patch(url, {"Name": "x", "SFS_Shop_Code__c": "other"})
        assert error(clash) == (400, "INVALID_FIELD")
        assert org.delete(url).status_code == 204
        assert org.get(url).status_code == 404

    def test_update_only(self, org: Client) -> None:
        url = f"{V}/sobjects/Account/SFS_Shop_Code__c/S-9"
        assert error(org.patch(f"{url}?updateOnly=true", {"Name": "x"})) == (404, "NOT_FOUND")
        org.patch(url, {"Name": "x"})
        assert org.patch(f"{url}?updateOnly=true", {"Name": "y"}).status_code == 200

    def test_several_rows_for_one_key(self, org: Client) -> None:
        for name in ("A", "B"):
            org.create("Contact", LastName=name, Email="same@x.example")
        answer = org.patch(f"{V}/sobjects/Contact/Email/same%40x.example", {"LastName": "C"})
        assert answer.status_code == 300
        assert all(re.fullmatch(rf"{V}/sobjects/Contact/003\w{{15}}", url) for url in answer.json())
        assert len(answer.json()) == 2
        assert org.get(f"{V}/sobjects/Contact/Email/same%40x.example").status_code == 300


class TestQueries:
    def fill(self, org: Client, count: int, **fields: Any) -> None:
        for start in range(0, count, 200):
            rows = [
                {"attributes": {"type": "Contact"}, "LastName": f"L{number:05d}", **fields}
                for number in range(start, min(start + 200, count))
            ]
            assert all(one["success"] for one in org.post(f"{V}/composite/sobjects", {"records": rows}).json())

    def test_shape(self, org: Client) -> None:
        one = org.create("Account", Name="A")
        body = org.query("select id, name from account")
        assert list(body) == ["totalSize", "done", "records"]
        row = body["records"][0]
        assert row["attributes"] == {"type": "Account", "url": f"{V}/sobjects/Account/{one}"}
        assert list(row) == ["attributes", "Id", "Name"]
        assert org.query("SELECT COUNT() FROM Account") == {"totalSize": 1, "done": True, "records": []}

    def test_pages(self, org: Client) -> None:
        self.fill(org, 450)
        head = {"Sforce-Query-Options": "batchSize=200"}
        soql = {"q": "SELECT LastName FROM Contact ORDER BY LastName"}
        page = org.get(f"{V}/queryAll", params=soql, headers=head).json()
        assert list(page) == ["totalSize", "done", "nextRecordsUrl", "records"]
        assert re.fullmatch(rf"{V}/query/0r8\w{{15}}-200", page["nextRecordsUrl"])
        names, sizes = [], []
        while True:
            names += [row["LastName"] for row in page["records"]]
            sizes.append(len(page["records"]))
            assert page["totalSize"] == 450
            if page["done"]:
                break
            page = org.get(page["nextRecordsUrl"], headers=head).json()
        assert sizes == [200, 200, 50]
        assert names == [f"L{number:05d}" for number in range(450)]

    def test_a_cursor_is_a_snapshot_and_dies_after_two_days(self, org: Client) -> None:
        self.fill(org, 250)
        head = {"Sforce-Query-Options": "batchSize=1"}
        page = org.get(f"{V}/query?q=SELECT+Id+FROM+Contact", headers=head).json()
        org.delete(f"{V}/sobjects/Contact/{page['records'][0]['Id']}")
        assert len(org.get(page["nextRecordsUrl"]).json()["records"]) == 50
        assert error(org.get(page["nextRecordsUrl"] + "9")) == (400, "INVALID_QUERY_LOCATOR")
        assert error(org.get(f"{V}/query/0r8nothing-200")) == (400, "INVALID_QUERY_LOCATOR")
        org.control("clock", {"advance_s": 2 * 86_400 + 60})
        assert error(org.get(page["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")

    def test_query_all_sees_deleted_rows(self, org: Client) -> None:
        org.delete(f"{V}/sobjects/Account/{org.create('Account', Name='Gone')}")
        assert org.query("SELECT Id FROM Account")["totalSize"] == 0
        assert org.query("SELECT Id FROM Account", f"{V}/queryAll")["totalSize"] == 1

    def test_errors(self, org: Client) -> None:
        answer = org.get(f"{V}/query", params={"q": "SELECT Id FROM Accout"})
        assert error(answer) == (400, "INVALID_TYPE")
        assert list(answer.json()[0]) == ["message", "errorCode"]
        assert "ERROR at Row:1:Column:16" in answer.json()[0]["message"]
        assert error(org.get(f"{V}/query")) == (400, "MALFORMED_QUERY")

    def test_eight_at_once(self, org: Client) -> None:
        def work(number: int) -> tuple[str, int]:
            client = Client(org.ready)
            made = client.create("Contact", LastName=f"P{number}")
            client.patch(f"{V}/sobjects/Contact/{made}", {"FirstName": "X"})
            return made, client.query("SELECT Id FROM Contact LIMIT 1")["totalSize"]

        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(work, range(80)))
        assert len({one for one, _ in made}) == 80
        assert org.query("SELECT COUNT() FROM Contact WHERE FirstName = 'X'")["totalSize"] == 80
        assert org.stats()["by_kind"]["create"] == 80
