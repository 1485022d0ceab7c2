"""Paths, versions, methods, headers and formats as the vendor's edge takes and gives them."""

from __future__ import annotations

import gzip
import json
from xml.etree import ElementTree

import pytest
import requests

from tests.rehearsal.http.conftest import Client, V

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
XML = {"Accept": "application/xml"}
JSON = {"Content-Type": "application/json"}
PART = {"method": "GET", "url": f"{V}/limits", "referenceId": "r"}


def xml(answer: requests.Response) -> ElementTree.Element:
    assert answer.headers["Content-Type"] == "application/xml;charset=UTF-8", answer.text
    return ElementTree.fromstring(answer.content)


class TestPaths:
    @pytest.mark.parametrize("version", ["31.0", "42.0", "66.0", "67.0"])
    def test_versions_spoken(self, org: Client, version: str) -> None:
        body = org.get(f"/services/data/v{version}/").json()
        assert body["sobjects"] == f"/services/data/v{version}/sobjects"
        assert {"tooling", "limits", "query", "queryAll", "jobs", "composite", "recent", "identity"} <= set(body)

    def test_versions_not_spoken(self, org: Client) -> None:
        assert org.get("/services/data/v68.0/limits").json() == NOT_FOUND
        assert org.get("/services/data/v60.1/limits").json() == NOT_FOUND
        assert org.get("/services/data/v29.0/limits").status_code == 410

    @pytest.mark.parametrize(
        "path", [f"/{V}/limits", f"{V}/limits/", f"{V}//limits", f"{V}/limits%20", f"{V}/limits.json"]
    )
    def test_loose_paths(self, org: Client, path: str) -> None:
        answer = requests.get(
            org.ready.instance_url + path, headers={"Authorization": f"Bearer {org.ready.access_token}"}, timeout=30
        )
        assert "DailyApiRequests" in answer.json()

    def test_object_names_in_any_case(self, org: Client) -> None:
        one = org.create("account", Name="A")
        assert org.get(f"{V}/sobjects/ACCOUNT/{one}").json()["attributes"]["type"] == "Account"

    def test_override(self, org: Client) -> None:
        one = org.create("Account", Name="A")
        assert org.post(f"{V}/sobjects/Account/{one}?_HttpMethod=delete").status_code == 204
        assert org.get(f"{V}/sobjects/Account/{one}").status_code == 404

    def test_allowed_methods(self, org: Client) -> None:
        for path, allowed in (
            ("Account", "HEAD,GET,POST"),
            ("Account/001000000000000AAA/Contacts", "HEAD,GET,PATCH,DELETE"),
        ):
            answer = org.call("PUT", f"{V}/sobjects/{path}", json={})
            text = f"HTTP Method 'PUT' not allowed. Allowed are {allowed}"
            assert (answer.status_code, answer.json()[0]["message"]) == (405, text)

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_a_long_path_from_what_is_no_id(self, org: Client, method: str) -> None:
        answer = org.call(method, f"{V}/sobjects/Account/Name/x/Contacts", json={"Name": "A"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


class TestHeaders:
    def test_standard(self, org: Client) -> None:
        answer = org.get(f"{V}/limits")
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
        assert answer.headers["X-SFDC-Request-Id"] == answer.headers["X-Request-Id"]
        cookies = [value for name, value in answer.raw.headers.items() if name.lower() == "set-cookie"]
        assert [one.partition("=")[0] for one in cookies] == [
            "CookieConsentPolicy",
            "LSKey-c$CookieConsentPolicy",
            "BrowserId",
        ]

    def test_an_app_with_a_quota(self, org: Client) -> None:
        org.control("limits", {"DailyApiRequests": {"PerApp": {"Max": 2}}})
        answer = org.get(f"{V}/limits")
        assert answer.headers["Sforce-Limit-Info"] == (
            "api-usage=1/100000; per-app-api-usage=1/2(appName=rehearsal-app)"
        )
        assert answer.json()["DailyApiRequests"]["rehearsal-app"] == {"Max": 2, "Remaining": 1}
        assert [org.get(f"{V}/limits").status_code for _ in range(2)] == [200, 403]
        org.control("clock", {"advance_s": 86_400})
        assert org.get(f"{V}/limits").status_code == 200

    def test_bulk_requests_had_another_name(self, org: Client) -> None:
        assert "DailyBulkApiBatches" in org.get("/services/data/v49.0/limits").json()
        old = org.get("/services/data/v48.0/limits").json()
        assert "DailyBulkApiBatches" not in old
        assert old["DailyBulkApiRequests"]["Max"] == 15000
        assert list(old) == sorted(old)

    def test_charset(self, org: Client) -> None:
        head = {"Content-Type": "application/json; charset=ISO-8859-1"}
        made = org.call("POST", f"{V}/sobjects/Account", data='{"Name":"Caffè"}'.encode("latin-1"), headers=head)
        assert org.get(f"{V}/sobjects/Account/{made.json()['id']}").json()["Name"] == "Caffè"
        odd = {"Content-Type": "application/json; charset=klingon"}
        assert org.call("POST", f"{V}/sobjects/Account", data=b"{}", headers=odd).status_code == 415
        bare = {"Content-Type": "application/json"}
        broken = org.call("POST", f"{V}/sobjects/Account", data=b'{"Name":"\xff"}', headers=bare)
        assert broken.json()[0]["errorCode"] == "JSON_PARSER_ERROR"

    def test_media_types(self, org: Client) -> None:
        def status(media: str | None, body: str = '{"Name":"x"}') -> requests.Response:
            head = {"Content-Type": media} if media else {}
            return org.call("POST", f"{V}/sobjects/Account", data=body.encode(), headers=head)

        assert status("application/json; charset=UTF-8").status_code == 201
        odd = status("text/csv")
        text = "MediaType of 'text/csv' is not supported by this resource"
        assert (odd.status_code, odd.json()) == (415, [{"message": text, "errorCode": "UNSUPPORTED_MEDIA_TYPE"}])
        untyped = status(None)
        assert (untyped.status_code, untyped.headers["Sfdc-OAuth-Error"]) == (401, "1703")
        assert status(None, "").json()[0]["errorCode"] == "JSON_PARSER_ERROR"


class TestHostileBodies:
    @pytest.mark.parametrize(
        "body",
        [
            "[" * 20_000,
            '{"a":' * 50_000,
            '{"Name":' + "9" * 5_000 + "}",
            '{"NumberOfEmployees":-' + "9" * 5_000 + "}",
            '{"AnnualRevenue":1e999999999}',
            '{"Name":NaN}',
            '{"Name":"a",}',
            '{"Name":"a"} {"Name":"b"}',
            "null",
        ],
    )
    def test_refused(self, org: Client, body: str) -> None:
        answer = org.call("POST", f"{V}/sobjects/Account", data=body.encode(), headers=JSON)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")

    @pytest.mark.parametrize("depth", [300, 900])
    def test_deep_subrequest(self, org: Client, depth: int) -> None:
        inner = '{"a":' * depth + "1" + "}" * depth
        part = f'{{"method":"POST","url":"{V}/sobjects/Account","referenceId":"r","body":{inner}}}'
        answer = org.call("POST", f"{V}/composite", data=f'{{"compositeRequest":[{part}]}}', headers=JSON)
        assert answer.status_code in (200, 400), answer.text

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "sobjects/Contact", '{"LastName":"x","AccountId":"#"}'),
            ("POST", "sobjects/Contact", '{"LastName":"x","Birthdate":"#"}'),
            ("POST", "sobjects/Contact", '{"LastName":"x","Account":{"#":"x"}}'),
            ("POST", "sobjects/Contact", '{"LastName":"x","#":1}'),
            ("POST", "composite/sobjects", '{"records":[{"attributes":{"type":"#"},"Name":"x"}]}'),
            ("PATCH", "composite/sobjects", '{"records":[{"attributes":{"type":"Account"},"id":"#"}]}'),
            ("POST", "composite/sobjects/Account", '{"ids":["001000000000000AAA"],"fields":["#"]}'),
            ("POST", "composite/batch", '{"batchRequests":[{"method":"GET","url":"v60.0/sobjects/#"}]}'),
            (
                "POST",
                "composite/tree/Account",
                '{"records":[{"attributes":{"type":"X","referenceId":"#"},"Name":"x"}]}',
            ),
            ("POST", "jobs/ingest", '{"operation":"insert","object":"#"}'),
            ("POST", "jobs/query", '{"operation":"query","query":"SELECT Id FROM Account WHERE Name=\'#\'"}'),
        ],
    )
    def test_half_a_surrogate_pair(self, org: Client, method: str, path: str, body: str) -> None:
        answer = org.call(method, f"{V}/{path}", data=body.replace("#", "\\ud83d"), headers=JSON)
        assert answer.status_code in (200, 400, 404), answer.text
        assert org.query("SELECT COUNT() FROM Contact")["totalSize"] == 0

    def test_a_part_nobody_can_walk_leaves_the_others(self, org: Client) -> None:
        deep = '{"a":' * 900 + "1" + "}" * 900
        parts = [
            f'{{"method":"POST","url":"{V}/sobjects/Account","referenceId":"{name}","body":{body}}}'
            for name, body in (("a", '{"Name":"A"}'), ("b", deep), ("c", '{"Name":"C"}'))
        ]
        answer = org.call("POST", f"{V}/composite", data=f'{{"compositeRequest":[{",".join(parts)}]}}', headers=JSON)
        assert [one["httpStatusCode"] for one in answer.json()["compositeResponse"]] == [201, 400, 201]

    @pytest.mark.parametrize("cut", [1, 8, 12])
    def test_packed_body_cut_short(self, org: Client, cut: int) -> None:
        head = {**JSON, "Content-Encoding": "gzip"}
        whole = gzip.compress(b'{"Name":"packed"}')
        assert org.call("POST", f"{V}/sobjects/Account", data=whole[:-cut], headers=head).status_code == 400
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0
        assert org.call("POST", f"{V}/sobjects/Account", data=whole, headers=head).status_code == 201

    @pytest.mark.parametrize(("asked", "packed"), [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False)])
    def test_packed_answer_as_asked(self, org: Client, asked: str, packed: bool) -> None:
        answer = org.get(f"{V}/limits", headers={"Accept-Encoding": asked})
        assert (answer.headers.get("Content-Encoding") == "gzip") is packed
        assert "DailyApiRequests" in answer.json()

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("composite/sobjects", {"allOrNone": "perhaps", "records": [{"attributes": {"type": "Account"}}]}),
            ("composite", {"allOrNone": 5, "compositeRequest": [PART]}),
            ("composite", {"collateSubrequests": "x", "compositeRequest": [PART]}),
            ("composite/batch", {"haltOnError": "x", "batchRequests": [{"method": "GET", "url": "v60.0/limits"}]}),
        ],
    )
    def test_what_is_no_boolean(self, org: Client, path: str, body: dict[str, object]) -> None:
        answer = org.post(f"{V}/{path}", body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")

    @pytest.mark.parametrize(
        "body", [{"q": "xx", "fields": 5}, {"q": "xx", "sobjects": True}, {"q": "xx", "sobjects": [None]}]
    )
    def test_search_arguments(self, org: Client, body: dict[str, object]) -> None:
        answer = org.post(f"{V}/parameterizedSearch", body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")

    def test_type_of_a_parent_that_is_no_text(self, org: Client) -> None:
        answer = org.post(f"{V}/sobjects/Case", {"Owner": {"attributes": {"type": 5}, "Username": "x"}})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")

    def test_a_deleted_parent_is_no_missing_page(self, org: Client) -> None:
        gone = org.create("Account", Name="A")
        org.delete(f"{V}/sobjects/Account/{gone}")
        answer = org.post(f"{V}/sobjects/Contact", {"LastName": "L", "AccountId": gone})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "ENTITY_IS_DELETED")

    def test_parent_by_none_or_two_of_its_fields(self, org: Client) -> None:
        for parent, text in (
            ({}, "No field provided in an external foreign key reference in entity: Account"),
            (
                {"Name": "a", "Id": "b"},
                "More than 1 field provided in an external foreign key reference in entity: Account",
            ),
            (
                {"Name": "a"},
                "Field name provided, Name does not match an External ID, Salesforce Id, or indexed field for Account",
            ),
        ):
            answer = org.post(f"{V}/sobjects/Contact", {"LastName": "L", "Account": parent})
            assert (answer.status_code, answer.json()[0]["message"]) == (400, text)

    def test_master_record_type(self, org: Client) -> None:
        one = org.create("Account", Name="A", RecordTypeId="012000000000000AAA")
        assert org.get(f"{V}/sobjects/Account/{one}").json()["Name"] == "A"


class TestXml:
    def test_row(self, org: Client) -> None:
        one = org.create("Account", Name="A & B")
        row = xml(org.get(f"{V}/sobjects/Account/{one}.xml"))
        assert (row.tag, row.get("type"), row.findtext("Name")) == ("Account", "Account", "A & B")
        assert row.get("url") == f"{V}/sobjects/Account/{one}"
        assert str(row.findtext("CreatedDate")).endswith(".000Z")
        parent = row.find("ParentId")
        assert parent is not None
        assert parent.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"

    def test_query_and_lists(self, org: Client) -> None:
        org.create("Contact", LastName="L")
        found = xml(org.get(f"{V}/query", params={"q": "SELECT LastName FROM Contact"}, headers=XML))
        assert (found.tag, found.findtext("totalSize"), found.findtext("done")) == ("QueryResult", "1", "true")
        assert found.findtext("records/LastName") == "L"
        versions = xml(requests.get(f"{org.ready.instance_url}/services/data", headers=XML, timeout=30))
        assert versions.findtext("Version/version") == "31.0"
        assert xml(org.get(V, headers=XML)).findtext("limits") == f"{V}/limits"

    def test_errors(self, org: Client) -> None:
        answer = org.get(f"{V}/sobjects/Nothing/describe", headers=XML)
        assert answer.status_code == 404
        assert xml(answer).findtext("Error/errorCode") == "NOT_FOUND"
        refused = requests.get(f"{org.ready.instance_url}{V}/limits.xml", timeout=30)
        assert xml(refused).findtext("Error/errorCode") == "INVALID_SESSION_ID"

    def test_bodies(self, org: Client) -> None:
        head = {"Content-Type": "application/xml; charset=UTF-8", **XML}
        made = org.call(
            "POST", f"{V}/sobjects/Account", data=b"<Account><Name>X &amp; Y</Name></Account>", headers=head
        )
        assert made.status_code == 201
        one = xml(made).findtext("id")
        schema = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        fields = b'<Phone xsi:nil="true"/><NumberOfEmployees>5</NumberOfEmployees>'
        nil = b"<Account " + schema + b">" + fields + b"</Account>"
        assert org.call("PATCH", f"{V}/sobjects/Account/{one}", data=nil, headers=head).status_code == 204
        row = org.get(f"{V}/sobjects/Account/{one}").json()
        assert (row["Name"], row["NumberOfEmployees"], row["Phone"]) == ("X & Y", 5, None)
        broken = org.call("POST", f"{V}/sobjects/Account", data=b"<Account>", headers=head)
        assert xml(broken).findtext("Error/errorCode") == "XML_PARSER_ERROR"
        bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a><Name>&b;</Name></a>'
        assert org.call("POST", f"{V}/sobjects/Account", data=bomb, headers=head).status_code == 400

    def test_json_where_only_json_is_spoken(self, org: Client) -> None:
        answer = org.post(f"{V}/composite", {"compositeRequest": []}, headers=XML)
        assert json.loads(answer.text)
