"""Numbers in addresses, headers and queries with more digits than anybody needs."""

from __future__ import annotations

import pytest

from tests.rehearsal.http.conftest import Client, V

ENDLESS = "9" * 5000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/services/data/v{ENDLESS}.0/limits", 404),
        (f"{V}/recent?limit={ENDLESS}", 200),
        (f"{V}/jobs/ingest?queryLocator={ENDLESS}", 200),
        (f"{V}/parameterizedSearch?q=Acme&overallLimit={ENDLESS}", 200),
        (f"{V}/query?q=SELECT Id FROM Account LIMIT {ENDLESS}", 200),
        (f"{V}/query?q=SELECT Id FROM Account WHERE AnnualRevenue > {ENDLESS}", 200),
        (f"{V}/query?q=SELECT Id FROM Account WHERE NumberOfEmployees = {ENDLESS}", 400),
        (f"{V}/query?q=SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:{ENDLESS}", 200),
        (f"{V}/query?q=SELECT Id FROM Account WHERE CALENDAR_YEAR(CreatedDate) = {ENDLESS}", 400),
        (f"{V}/search?q=FIND {{Acme}} RETURNING Account(Id LIMIT {ENDLESS})", 200),
    ],
)
def test_endless_numbers_are_answered(org: Client, path: str, status: int) -> None:
    answer = org.get(path)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("kind", ["batch", "composite", "graph"])
def test_endless_numbers_in_subrequests(org: Client, kind: str) -> None:
    url = f"/services/data/v{ENDLESS}.0/sobjects/Account"
    node = {"method": "POST", "url": url, "referenceId": "a", "body": {"Name": "x"}}
    body = {
        "batch": {"batchRequests": [{"method": "GET", "url": f"v{ENDLESS}.0/limits"}]},
        "composite": {"compositeRequest": [node]},
        "graph": {"graphs": [{"graphId": "1", "compositeRequest": [node]}]},
    }[kind]
    answer = org.post(f"{V}/composite{'' if kind == 'composite' else '/' + kind}", body)
    assert "UNKNOWN_EXCEPTION" not in answer.text


def test_an_endless_place_in_a_reference(org: Client) -> None:
    rows = [
        {"method": "GET", "url": f"{V}/limits", "referenceId": "a"},
        {"method": "GET", "url": f"{V}/sobjects/Account/@{{a.x[{ENDLESS}]}}", "referenceId": "b"},
    ]
    answer = org.post(f"{V}/composite", {"compositeRequest": rows})
    assert [one["httpStatusCode"] for one in answer.json()["compositeResponse"]][1] == 400


def test_an_endless_batch_size(org: Client) -> None:
    answer = org.get(f"{V}/query?q=SELECT Id FROM Account", headers={"Sforce-Query-Options": f"batchSize={ENDLESS}"})
    assert answer.status_code == 200
