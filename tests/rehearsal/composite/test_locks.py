"""A writer that does not come to an end: everything that wants to be whole says so, item by item."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sfsync.rehearsal import table
from sfsync.rehearsal.call import Body, Call
from sfsync.rehearsal.org import Org
from sfsync.rehearsal.rest import collections, composite, graph
from tests.rehearsal.composite.conftest import part, row
from tests.rehearsal.http.conftest import V


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What the handlers need of a context, with an org that another thread is writing to."""
    org = Org.open(tmp_path)
    monkeypatch.setattr("sfsync.rehearsal.org.base.WAIT_S", 0.01)
    begun, over = threading.Event(), threading.Event()

    def hold() -> None:
        with org.transaction():
            begun.set()
            over.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    begun.wait(10)
    yield SimpleNamespace(org=org, table=table.build())
    over.set()
    other.join()
    org.close()


def call(body: dict[str, Any]) -> Call:
    return Call("POST", V, body=Body(value=body), args={"version": "60.0"})


@pytest.mark.parametrize("whole", [True, False])
def test_collections(busy: Any, whole: bool) -> None:
    items = collections.create(busy, call({"allOrNone": whole, "records": [row("Account", Name="x")] * 2})).value
    assert [one["errors"][0]["statusCode"] for one in items] == ["UNABLE_TO_LOCK_ROW"] * 2


def test_composite_and_graph(busy: Any) -> None:
    parts = [part("a", "POST", "/sobjects/Account", {"Name": "x"})]
    answer = composite.composite(busy, call({"allOrNone": True, "compositeRequest": parts})).value
    (shown,) = answer["compositeResponse"]
    assert (shown["httpStatusCode"], shown["body"][0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    answer = graph.graph(busy, call({"graphs": [{"graphId": "1", "compositeRequest": parts}]})).value
    assert answer["graphs"][0]["isSuccessful"] is False
