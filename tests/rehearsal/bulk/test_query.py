"""Bulk 2.0 query: slices in parallel, formats, what it refuses, versions."""

from __future__ import annotations

import pytest

from tests.rehearsal.http.conftest import Client, V

QUERY = f"{V}/jobs/query"
AGGREGATE = "Aggregate Relationships not supported in Bulk Query"


def filled(org: Client, rows: int) -> None:
    csv = "LastName\n" + "".join(f"L{number:04d}\n" for number in range(rows))
    org.ingest(csv, object="Contact", operation="insert")


def test_pages_are_links_that_need_nothing_else(org: Client) -> None:
    filled(org, 700)
    job = org.bulk_query("SELECT LastName FROM Contact ORDER BY LastName")
    page = org.get(f"{QUERY}/{job['id']}/resultPages?maxRecords=100").json()
    urls = [one["resultUrl"] for one in page["resultPages"]]
    assert page["nextRecordsUrl"].startswith(f"{QUERY}/{job['id']}/resultpages?locator=")
    rest = org.get(page["nextRecordsUrl"]).json()
    urls += [one["resultUrl"] for one in rest["resultPages"]]
    assert (len(urls), rest["done"], "nextRecordsUrl" in rest) == (7, True, False)
    names: list[str] = []
    for url in reversed(urls):
        lines = org.get(url).text.splitlines()
        assert (lines[0], len(lines)) == ('"LastName"', 101)
        names = lines[1:] + names
    assert names == [f'"L{number:04d}"' for number in range(700)]


def test_one_page_is_all(org: Client) -> None:
    job = org.bulk_query("SELECT Id FROM Contact")
    page = org.get(f"{QUERY}/{job['id']}/resultPages").json()
    assert (len(page["resultPages"]), page["done"]) == (1, True)


def test_format(org: Client) -> None:
    org.create("Account", Name="A;b", Phone="1")
    job = org.bulk_query("SELECT Name, Phone FROM Account", columnDelimiter="SEMICOLON", lineEnding="CRLF")
    assert org.get(f"{QUERY}/{job['id']}/results").content == b'"Name";"Phone"\r\n"A;b";"1"\r\n'
    assert (job["lineEnding"], job["columnDelimiter"]) == ("CRLF", "SEMICOLON")


@pytest.mark.parametrize(("version", "head"), [("49.0", '"Name","Phone"'), ("50.0", '"Phone","Name"')])
def test_columns_came_by_the_alphabet_once(org: Client, version: str, head: str) -> None:
    org.create("Account", Name="A")
    base = QUERY.replace("60.0", version)
    job = org.post(base, {"operation": "query", "query": "SELECT Phone, Name FROM Account"}).json()
    org.wait(f"{base}/{job['id']}")
    assert org.get(f"{base}/{job['id']}/results").text.splitlines()[0] == head


def test_what_is_not_there_yet(org: Client) -> None:
    old = QUERY.replace("v60.0", "v46.0")
    assert org.post(old, {"operation": "query", "query": "SELECT Id FROM Account"}).status_code == 404
    base = QUERY.replace("v60.0", "v57.0")
    job = org.post(base, {"operation": "query", "query": "SELECT Id FROM Account"}).json()
    org.wait(f"{base}/{job['id']}")
    assert org.get(f"{base}/{job['id']}/resultPages").status_code == 404


@pytest.mark.parametrize(
    ("soql", "text"),
    [
        ("SELECT Id, BillingAddress FROM Account", "Selecting compound data not supported in Bulk Query"),
        ("SELECT COUNT(Id) FROM Account", "Aggregate Relationships not supported in Bulk Query"),
        (
            "SELECT TYPEOF Owner WHEN User THEN Name END FROM Case",
            "Aggregate Relationships not supported in Bulk Query",
        ),
    ],
)
def test_refused(org: Client, soql: str, text: str) -> None:
    answer = org.post(QUERY, {"operation": "query", "query": soql})
    assert (answer.status_code, answer.json()) == (400, [{"errorCode": "API_ERROR", "message": text}])


def test_abort_and_delete(org: Client) -> None:
    org.control("jobs", {"finish": "looks", "n": 1000})
    filled_job = org.post(QUERY, {"operation": "query", "query": "SELECT Id FROM Account"}).json()
    url = f"{QUERY}/{filled_job['id']}"
    while org.get(url).json()["state"] == "UploadComplete":
        pass
    refused = org.delete(url)
    text = "Error encountered when deleting the job because the job is not terminated"
    assert refused.json() == [{"errorCode": "API_ERROR", "message": text}]
    org.control("jobs", {"finish": "now"})
    job = org.bulk_query("SELECT Id FROM Account")
    late = org.patch(f"{QUERY}/{job['id']}", {"state": "Aborted"})
    text = "Aborting already Completed Job not allowed"
    assert (late.status_code, late.json()) == (400, [{"errorCode": "INVALIDJOBSTATE", "message": text}])
    assert org.delete(f"{QUERY}/{job['id']}").status_code == 204
    assert org.get(f"{QUERY}/{job['id']}").status_code == 404


def test_listing(org: Client) -> None:
    org.bulk_query("SELECT Id FROM Account")
    (row,) = org.get(f"{QUERY}?jobType=V2Query&concurrencyMode=parallel").json()["records"]
    assert (row["jobType"], row["state"], row["columnDelimiter"]) == ("V2Query", "JobComplete", "COMMA")
    assert org.get(f"{QUERY}?jobType=Classic").json()["records"] == []


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("DailyBulkV2QueryJobs", "Max bulk v2 query jobs (10000) per 24 hrs has been reached"),
        (
            "DailyBulkV2QueryFileStorageMB",
            "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded",
        ),
    ],
)
def test_quotas(org: Client, limit: str, text: str) -> None:
    org.control("limits", {limit: {"Remaining": 0}})
    answer = org.post(QUERY, {"operation": "query", "query": "SELECT Id FROM Account"})
    assert (answer.status_code, answer.json()) == (400, [{"errorCode": "EXCEEDEDQUOTA", "message": text}])


def test_words_in_strings_do_no_harm(org: Client) -> None:
    org.create("Account", Name="x OFFSET y")
    assert org.bulk_query("SELECT Id FROM Account WHERE Name = 'x OFFSET y'")["numberRecordsProcessed"] == 1


@pytest.mark.parametrize("name", ["CaseStatus", "RecentlyViewed"])
def test_objects_without_bulk(org: Client, name: str) -> None:
    text = f"Entity '{name}' is not supported by the Bulk API."
    asked = org.post(QUERY, {"operation": "query", "query": f"SELECT Id FROM {name}"})
    assert (asked.status_code, asked.json()) == (400, [{"errorCode": "INVALIDENTITY", "message": text}])
    loaded = org.post(f"{V}/jobs/ingest", {"operation": "insert", "object": name})
    assert (loaded.status_code, loaded.json()) == (400, [{"errorCode": "INVALIDENTITY", "message": text}])
