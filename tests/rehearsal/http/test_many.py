"""Collections, composite, batch."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.http.conftest import Client, V

MANY = f"{V}/composite/sobjects"
ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}
HALTED = {
    "message": "The transaction was rolled back since another operation in the same transaction failed.",
    "errorCode": "PROCESSING_HALTED",
}


def row(name: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": name}, **fields}


def codes(items: list[dict[str, Any]]) -> list[str | None]:
    return [None if one["success"] else one["errors"][0]["statusCode"] for one in items]


class TestCollections:
    def test_mixed_types_in_order(self, org: Client) -> None:
        rows = [row("Account", Name="A"), row("Contact", FirstName="no last"), row("Contact", LastName="C")]
        answer = org.post(MANY, {"allOrNone": False, "records": rows})
        good, bad, last = answer.json()
        assert answer.status_code == 200
        assert (list(good), good["id"][:3], last["id"][:3]) == (["id", "success", "errors"], "001", "003")
        missing = {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [LastName]",
            "fields": ["LastName"],
        }
        assert bad == {"success": False, "errors": [missing]}

    def test_all_or_none(self, org: Client) -> None:
        rows = [row("Account", Name="A"), row("Contact", FirstName="no last")]
        good, bad = org.post(MANY, {"allOrNone": True, "records": rows}).json()
        assert good == {"success": False, "errors": [ROLLED_BACK]}
        assert bad["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0

    def test_a_wrong_field_spoils_only_its_item(self, org: Client) -> None:
        rows = [row("Account", Name="A", Nope="x"), row("Account", Name="B")]
        bad, good = org.post(MANY, {"records": rows}).json()
        text = "No such column 'Nope' on sobject of type Account"
        assert bad["errors"] == [{"statusCode": "INVALID_FIELD", "message": text, "fields": []}]
        assert good["success"] is True

    def test_update(self, org: Client) -> None:
        one = org.create("Account", Name="A")
        rows = [{"Name": "B", "id": one, "attributes": {"type": "Account"}}, row("Account", Name="C")]
        items = org.patch(MANY, {"records": rows}).json()
        assert codes(items) == [None, "MISSING_ARGUMENT"]
        assert "id" not in items[1]
        assert org.get(f"{V}/sobjects/Account/{one}?fields=Name").json()["Name"] == "B"

    def test_upsert_says_created_on_every_item(self, org: Client) -> None:
        url = f"{MANY}/Account/SFS_Shop_Code__c"
        rows = [row("Account", SFS_Shop_Code__c="S1", Name="A"), row("Account", SFS_Shop_Code__c="S2")]
        assert [one["created"] for one in org.patch(url, {"records": rows}).json()] == [True, False]
        rows = [row("Account", SFS_Shop_Code__c="s1", Name="B"), {"SFS_Shop_Code__c": "S3", "Name": "C"}]
        items = org.patch(url, {"records": rows}).json()
        assert [(one["success"], one["created"]) for one in items] == [(True, False), (False, False)]
        assert codes(items)[1] == "JSON_PARSER_ERROR"

    def test_limits(self, org: Client) -> None:
        many = org.post(MANY, {"records": [row("Account", Name="A")] * 201})
        text = "record limit reached. cannot submit more than 200 records into this call"
        assert (many.status_code, many.json()) == (400, [{"message": text, "errorCode": "EXCEEDED_ID_LIMIT"}])
        none = org.post(MANY, {"records": []}).json()
        assert none == [{"message": "At least 1 record is required", "errorCode": "REQUIRED_FIELD_MISSING"}]
        changing = [row("Account" if number % 2 else "Contact", LastName="x", Name="x") for number in range(12)]
        assert org.post(MANY, {"records": changing}).json()[0]["errorCode"] == "LIMIT_EXCEEDED"

    def test_delete_and_retrieve(self, org: Client) -> None:
        ids = [org.create("Account", Name=name) for name in "ABC"]
        listed = ",".join([ids[0], ids[2], "00100000000zzzz", ids[1]])
        found = org.get(f"{MANY}/Account?ids={listed}&fields=id,name").json()
        assert [one and one["Name"] for one in found] == ["A", "C", None, "B"]
        posted = org.post(f"{MANY}/Account", {"ids": ids[:1], "fields": ["Name"]}).json()
        assert posted[0]["Name"] == "A"
        items = org.delete(f"{MANY}?ids={ids[0]},nonsense&allOrNone=false&x=y").json()
        assert codes(items) == [None, "MALFORMED_ID"]
        assert items[1]["errors"][0]["message"] == "malformed id nonsense"
        items = org.delete(f"{MANY}?ids={ids[1]},nonsense&allOrNone=true").json()
        assert codes(items) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 2


def part(reference: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    made = {"method": method, "url": f"{V}{path}", "referenceId": reference, **more}
    return made if body is None else {**made, "body": body}


def composite(org: Client, *parts: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    answer = org.post(f"{V}/composite", {"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return found


class TestComposite:
    def test_references_in_url_and_body(self, org: Client) -> None:
        made, read, child, found = composite(
            org,
            part("acc", "POST", "/sobjects/Account", {"Name": "Acme"}),
            part("info", "GET", "/sobjects/Account/@{acc.id}?fields=Name"),
            part("con", "POST", "/sobjects/Contact", {"LastName": "Of @{info.Name}", "AccountId": "@{acc.id}"}),
            part("q", "GET", "/query?q=SELECT LastName, Account.Name FROM Contact WHERE Id = '@{con.id}'"),
        )
        assert list(made) == ["body", "httpHeaders", "httpStatusCode", "referenceId"]
        assert (made["httpStatusCode"], made["referenceId"]) == (201, "acc")
        assert made["httpHeaders"] == {"Location": f"{V}/sobjects/Account/{made['body']['id']}"}
        assert read["body"]["Name"] == "Acme"
        assert child["httpStatusCode"] == 201
        row = found["body"]["records"][0]
        assert (row["LastName"], row["Account"]["Name"]) == ("Of Acme", "Acme")

    def test_it_is_one_call(self, org: Client) -> None:
        composite(org, *[part(f"r{number}", "GET", "/limits") for number in range(25)])
        stats = org.stats()
        assert (stats["api_calls"], stats["by_kind"]) == (1, {"composite": 1})
        assert stats["subrequests"] == {"limits": 25}

    def test_five_collections(self, org: Client) -> None:
        def rows(number: int) -> list[dict[str, Any]]:
            return [row("Contact", LastName=f"{number}-{one}") for one in range(200)]

        parts = [part(f"c{one}", "POST", "/composite/sobjects", {"records": rows(one)}) for one in range(5)]
        answers = composite(org, *parts)
        assert sum(one["success"] for part_ in answers for one in part_["body"]) == 1000
        six = {"compositeRequest": [*parts, part("c6", "GET", "/query?q=SELECT Id FROM Account")]}
        refused = org.post(f"{V}/composite", six)
        assert refused.json()["compositeResponse"][0]["body"][0]["errorCode"] == "LIMIT_EXCEEDED"

    def test_more_than_25(self, org: Client) -> None:
        parts = [part(f"r{number}", "GET", "/limits") for number in range(26)]
        answer = org.post(f"{V}/composite", {"compositeRequest": parts})
        text = "The request can’t contain more than 25 operations."
        assert answer.json() == {
            "compositeResponse": [
                {
                    "body": [{"errorCode": "LIMIT_EXCEEDED", "message": text}],
                    "httpHeaders": {},
                    "httpStatusCode": 400,
                    "referenceId": None,
                }
            ]
        }

    def test_a_failure_halts_what_refers_to_it_and_nothing_else(self, org: Client) -> None:
        bad, halted, fine = composite(
            org,
            part("acc", "POST", "/sobjects/Account", {}),
            part("con", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{acc.id}"}),
            part("ok", "POST", "/sobjects/Account", {"Name": "x"}),
        )
        assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
        text = "Invalid reference specified. No value for acc.id found in acc."
        assert halted["body"] == [{"message": text, "errorCode": "PROCESSING_HALTED"}]
        assert fine["httpStatusCode"] == 201

    def test_paths_are_case_sensitive(self, org: Client) -> None:
        _, halted = composite(
            org,
            part("acc", "POST", "/sobjects/Account", {"Name": "x"}),
            part("again", "GET", "/sobjects/Account/@{acc.Id}"),
        )
        assert halted["body"][0]["errorCode"] == "PROCESSING_HALTED"

    def test_all_or_none(self, org: Client) -> None:
        first, bad, last = composite(
            org,
            part("a", "POST", "/sobjects/Account", {"Name": "x"}),
            part("b", "POST", "/sobjects/Account", {}),
            part("c", "POST", "/sobjects/Account", {"Name": "y"}),
            all_or_none=True,
        )
        assert (first["body"], first["httpStatusCode"], last["body"]) == ([HALTED], 400, [HALTED])
        assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0

    def test_all_or_none_outside_not_inside_keeps_the_lie(self, org: Client) -> None:
        rows = [row("Account", Name="x"), row("Account")]
        collection, other = composite(
            org,
            part("many", "POST", "/composite/sobjects", {"allOrNone": False, "records": rows}),
            part("one", "POST", "/sobjects/Account", {"Name": "y"}),
            all_or_none=True,
        )
        assert [one["success"] for one in collection["body"]] == [True, False]
        assert other["body"] == [HALTED]
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 0
        told = collection["body"][0]["id"]
        assert org.create("Account", Name="z") != told, "an id once told is nobody else's"

    def test_all_or_none_inside_only(self, org: Client) -> None:
        rows = [row("Account", Name="x"), row("Account")]
        collection, other = composite(
            org,
            part("many", "POST", "/composite/sobjects", {"allOrNone": True, "records": rows}),
            part("one", "POST", "/sobjects/Account", {"Name": "y"}),
        )
        assert not any(one["success"] for one in collection["body"])
        assert other["httpStatusCode"] == 201
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 1

    def test_not_modified_and_empty_bodies(self, org: Client) -> None:
        one = org.create("Account", Name="x")
        seen = org.get(f"{V}/sobjects").headers["Last-Modified"]
        unchanged, updated = composite(
            org,
            part("d", "GET", "/sobjects", httpHeaders={"If-Modified-Since": seen}),
            part("u", "PATCH", f"/sobjects/Account/{one}", {"Name": "y"}),
        )
        assert (unchanged["httpStatusCode"], unchanged["body"]) == (304, None)
        assert set(unchanged["httpHeaders"]) == {"ETag", "Last-Modified"}
        assert (updated["httpStatusCode"], updated["body"], updated["httpHeaders"]) == (204, None, {})

    def test_what_may_not_be_inside(self, org: Client) -> None:
        nested, bulk = composite(
            org,
            part("n", "POST", "/composite", {"compositeRequest": []}),
            part("b", "POST", "/jobs/ingest", {"object": "Account", "operation": "insert"}),
        )
        assert (nested["httpStatusCode"], bulk["httpStatusCode"]) == (404, 404)

    def test_reference_ids(self, org: Client) -> None:
        twice = {"compositeRequest": [part("a", "GET", "/limits")] * 2}
        assert org.post(f"{V}/composite", twice).status_code == 400
        odd = {"compositeRequest": [part("a-b", "GET", "/limits")]}
        assert org.post(f"{V}/composite", odd).status_code == 400


class TestBatch:
    def test_parts_count_each(self, org: Client) -> None:
        parts = [
            {"method": "GET", "url": "v60.0/limits"},
            {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "x"}},
            {"method": "GET", "url": "v60.0/nowhere"},
        ]
        body = org.post(f"{V}/composite/batch", {"batchRequests": parts}).json()
        assert [one["statusCode"] for one in body["results"]] == [200, 201, 404]
        assert body["hasErrors"] is True
        assert org.stats()["api_calls"] == 3

    def test_halt_on_error(self, org: Client) -> None:
        parts = [{"method": "GET", "url": "v60.0/nowhere"}, {"method": "GET", "url": "v60.0/limits"}]
        body = org.post(f"{V}/composite/batch", {"haltOnError": True, "batchRequests": parts}).json()
        assert [one["statusCode"] for one in body["results"]] == [404, 412]
        assert body["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
