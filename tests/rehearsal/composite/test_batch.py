"""composite/batch: independent parts, each counting as a call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.composite.conftest import count
from tests.rehearsal.http.conftest import Client, V

URL = f"{V}/composite/batch"


def run(org: Client, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = org.post(URL, {"batchRequests": list(parts), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_update_then_read(org: Client) -> None:
    one = org.create("Account", Name="Old")
    body = run(
        org,
        {"method": "PATCH", "url": f"v60.0/sobjects/account/{one}", "richInput": {"Name": "New"}},
        {"method": "GET", "url": f"v34.0/sobjects/account/{one}?fields=Name"},
    )
    assert body["hasErrors"] is False
    assert body["results"][0] == {"statusCode": 204, "result": None}
    assert (list(body["results"][1]), body["results"][1]["result"]["Name"]) == (["statusCode", "result"], "New")


def test_a_failure_undoes_nothing(org: Client) -> None:
    make = {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "x"}}
    body = run(org, make, {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {}}, make)
    assert [one["statusCode"] for one in body["results"]] == [201, 400, 201]
    assert (body["hasErrors"], count(org, "Account")) == (True, 2)


@pytest.mark.parametrize("version", ["33.0", "61.0"])
def test_versions_of_the_parts(org: Client, version: str) -> None:
    body = run(org, {"method": "GET", "url": f"v{version}/limits"})
    assert body["results"][0]["statusCode"] == 400


@pytest.mark.parametrize(
    "bad",
    [
        {"method": "get", "url": "v60.0/limits"},
        {"method": "GET", "url": "limits"},
        {"method": "GET"},
        {"method": "POST", "url": "v60.0/sobjects/Document", "binaryPartName": "b", "binaryPartNameAlias": "Body"},
    ],
)
def test_what_cannot_be_read_refuses_the_call(org: Client, bad: dict[str, Any]) -> None:
    make = {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "x"}}
    answer = org.post(URL, {"batchRequests": [make, bad]})
    assert answer.status_code == 400
    assert count(org, "Account") == 0


def test_more_than_25(org: Client) -> None:
    answer = org.post(URL, {"batchRequests": [{"method": "GET", "url": "v60.0/limits"}] * 26})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")


def test_not_collections(org: Client) -> None:
    body = run(org, {"method": "GET", "url": "v60.0/composite/sobjects/Account?ids=1&fields=Id"})
    assert body["results"][0]["statusCode"] == 404
