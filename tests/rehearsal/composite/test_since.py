"""Each composite resource came with a version; a client pinned to an earlier one must not find it here either."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.http.conftest import Client

_PART = {"method": "GET", "url": "/services/data/v34.0/limits", "referenceId": "a"}
_BATCH = {"batchRequests": [{"method": "GET", "url": "v34.0/limits"}]}
_TREE = {"records": [{"attributes": {"type": "Account", "referenceId": "a"}, "Name": "x"}]}
_ROWS = {"records": [{"attributes": {"type": "Account"}, "Name": "x"}]}
_KEYED = {"records": [{"attributes": {"type": "Account"}, "Name": "x", "Id": None}]}
_GRAPH_PART = {
    "method": "POST",
    "url": "/services/data/v50.0/sobjects/Account",
    "referenceId": "a",
    "body": {"Name": "x"},
}
_GRAPH = {"graphs": [{"graphId": "1", "compositeRequest": [_GRAPH_PART]}]}


@pytest.mark.parametrize(
    ("first", "method", "path", "body"),
    [
        (34, "POST", "batch", _BATCH),
        (34, "POST", "tree/Account", _TREE),
        (38, "POST", "", {"compositeRequest": [_PART]}),
        (42, "POST", "sobjects", _ROWS),
        (42, "POST", "sobjects/Account", {"ids": ["001000000000001AAA"], "fields": ["Name"]}),
        (46, "PATCH", "sobjects/Account/Id", _KEYED),
        (50, "POST", "graph", _GRAPH),
    ],
)
def test_first_version(org: Client, first: int, method: str, path: str, body: dict[str, Any]) -> None:
    def status(version: int) -> int:
        return org.call(method, f"/services/data/v{version}.0/composite/{path}", json=body).status_code

    assert status(first - 1) == 404
    assert status(first) in (200, 201)
