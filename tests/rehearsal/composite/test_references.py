"""References between subrequests, their headers and what is refused before anything runs."""

from __future__ import annotations

from tests.rehearsal.composite.conftest import composite, count, part, row
from tests.rehearsal.http.conftest import Client, V

LONG = "must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')."


def test_into_lists_and_objects(org: Client) -> None:
    rows = {"records": [row("Account", Name="A"), row("Account", Name="B")]}
    *_, contact, city = composite(
        org,
        part("many", "POST", "/composite/sobjects", rows),
        part("acc", "GET", "/sobjects/Account/@{many[0].id}"),
        part("q", "GET", "/query?q=SELECT Id FROM Account WHERE Name = 'B'"),
        part("con", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{q.records[0].Id}"}),
        part("city", "PATCH", "/sobjects/Contact/@{con.id}", {"MailingCity": "@{acc.attributes.type}"}),
    )
    assert (contact["httpStatusCode"], city["httpStatusCode"]) == (201, 204)
    found = org.query("SELECT MailingCity, Account.Name FROM Contact")["records"][0]
    assert (found["MailingCity"], found["Account"]["Name"]) == ("Account", "B")


def test_in_nested_bodies(org: Client) -> None:
    rows = {"allOrNone": True, "records": [row("Contact", LastName="x", AccountId="@{acc.id}")]}
    made, many = composite(
        org,
        part("acc", "POST", "/sobjects/Account", {"Name": "A"}),
        part("many", "POST", "/composite/sobjects", rows),
    )
    assert many["body"][0]["success"] is True
    assert org.query("SELECT AccountId FROM Contact")["records"][0]["AccountId"] == made["body"]["id"]


def test_values_keep_their_type_and_urls_their_shape(org: Client) -> None:
    made = {"Name": "a&b = c+d/é", "NumberOfEmployees": 12}
    *_, copied, found = composite(
        org,
        part("acc", "POST", "/sobjects/Account", made),
        part("row", "GET", "/sobjects/Account/@{acc.id}"),
        part("copy", "POST", "/sobjects/Account", {"Name": "copy", "NumberOfEmployees": "@{row.NumberOfEmployees}"}),
        part("q", "GET", "/query?q=SELECT Id FROM Account WHERE Name = '@{row.Name}'"),
    )
    assert copied["httpStatusCode"] == 201
    assert found["body"]["totalSize"] == 1


def test_a_whole_url(org: Client) -> None:
    for start in range(0, 2200, 200):
        rows = [row("Account", Name=f"{start + one}") for one in range(200)]
        org.post(f"{V}/composite/sobjects", {"records": rows})
    _, more = composite(
        org,
        part("q", "GET", "/query?q=SELECT Id FROM Account"),
        {"method": "GET", "url": "@{q.nextRecordsUrl}", "referenceId": "more"},
    )
    assert (more["body"]["totalSize"], more["body"]["done"], len(more["body"]["records"])) == (2200, True, 200)


def test_what_is_not_there(org: Client) -> None:
    _, row_missing, unknown = composite(
        org,
        part("q", "GET", "/query?q=SELECT Id FROM Account"),
        part("con", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{q.records[0].Id}"}),
        part("other", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{nobody.id}"}),
    )
    path = "q.records[0].Id"
    text = f"Invalid reference specified. No value for {path} found in q. Provided referenceId ('{path}') {LONG}"
    assert row_missing["body"] == [{"errorCode": "PROCESSING_HALTED", "message": text}]
    text = "Invalid reference specified. No value for nobody.id found in nobody."
    assert unknown["body"] == [{"errorCode": "PROCESSING_HALTED", "message": text}]
    assert unknown["httpStatusCode"] == 400


def test_empty_fields_of_a_row(org: Client) -> None:
    one = org.create("Contact", LastName="Wong")
    parts = (
        part("row", "GET", f"/sobjects/Contact/{one}?fields=FirstName,LastName"),
        part("new", "POST", "/sobjects/Contact", {"FirstName": "@{row.FirstName}", "LastName": "@{row.LastName}"}),
    )
    assert composite(org, *parts)[1]["httpStatusCode"] == 201
    assert composite(org, *parts, version="51.0")[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_odd_reference_ids(org: Client) -> None:
    parts = [
        part("new[1]", "POST", "/sobjects/Account", {"Name": "x"}),
        part("con", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{new[1].id}"}),
    ]
    refused = org.post(f"{V}/composite", {"compositeRequest": parts})
    text = f"Provided referenceId ('new[1]') {LONG}"
    assert (refused.status_code, refused.json()) == (400, [{"message": text, "errorCode": "JSON_PARSER_ERROR"}])
    assert count(org, "Account") == 0
    made, halted = composite(org, *parts, version="51.0")
    assert (made["httpStatusCode"], made["referenceId"]) == (201, "new[1]")
    text = "Invalid reference specified. No value for new[1].id found in new."
    assert halted["body"] == [{"errorCode": "PROCESSING_HALTED", "message": text}]


def test_a_failure_halts_the_collections_beside_it(org: Client) -> None:
    rows = {"records": [row("Account", Name="x")]}
    many, bad = composite(
        org,
        part("many", "POST", "/composite/sobjects", rows),
        part("bad", "POST", "/sobjects/Account", {}),
        allOrNone=True,
    )
    assert (many["httpStatusCode"], many["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert count(org, "Account") == 0


def test_refused_before_anything_runs(org: Client) -> None:
    good = part("a", "POST", "/sobjects/Account", {"Name": "x"})
    for bad in (
        part("b", "get", "/limits"),
        part("b", "GET", "/limits", httpHeaders={"Accept": "application/json"}),
        {"method": "GET", "referenceId": "b"},
        part("a", "GET", "/limits"),
    ):
        assert org.post(f"{V}/composite", {"compositeRequest": [good, bad]}).status_code == 400
    assert count(org, "Account") == 0


def test_headers_of_a_subrequest(org: Client) -> None:
    parts = [
        part("on", "POST", "/sobjects/Case", {"Subject": "x"}, httpHeaders={"Sforce-Auto-Assign": "FALSE"}),
        part("row", "GET", "/sobjects/Case/@{on.id}?fields=OwnerId"),
    ]
    me = org.query("SELECT Id FROM User WHERE IsActive = true ORDER BY CreatedDate, Id LIMIT 1")["records"][0]["Id"]
    owner = composite(org, *parts)[1]["body"]["OwnerId"]
    assert owner == me


def test_headers_of_rows(org: Client) -> None:
    one = org.create("Account", Name="x")
    whole, part_ = composite(
        org, part("a", "GET", f"/sobjects/Account/{one}"), part("b", "GET", f"/sobjects/Account/{one}?fields=Name")
    )
    assert set(whole["httpHeaders"]) == {"ETag", "Last-Modified"}
    assert part_["httpHeaders"] == {}


def test_the_resources(org: Client) -> None:
    assert set(org.get(f"{V}/composite").json()) == {"tree", "batch", "sobjects", "graph"}


def test_setup_objects_and_others_do_not_mix_in_one_transaction(org: Client) -> None:
    queue = {"Name": "Late", "DeveloperName": "Late", "Type": "Queue"}
    parts = [part("g", "POST", "/sobjects/Group", queue), part("a", "POST", "/sobjects/Account", {"Name": "x"})]
    first, second = composite(org, *parts, allOrNone=True)
    assert (first["httpStatusCode"], second["body"][0]["errorCode"]) == (400, "MIXED_DML_OPERATION")
    assert [one["httpStatusCode"] for one in composite(org, *parts)] == [201, 201]
