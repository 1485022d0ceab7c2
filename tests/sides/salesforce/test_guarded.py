"""Conditional updates and the org's clock, against a small server whose answers are the test's words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pandas as pd
import pytest

from sfsync import settings
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.budget import Budget
from sfsync.sides.salesforce.frames import View
from sfsync.sides.salesforce.guarded import Guarded
from sfsync.sides.salesforce.metadata import ObjectInfo
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.salesforce.session import Session
from sfsync.sides.side import TEXT
from tests.sides.salesforce.conftest import QUICK, outcomes, write_of

OLD, NEW = "2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z"
HTTP_DATE = {OLD: "Sun, 22 Nov 2026 10:00:00 GMT"}


@dataclass
class Rows:
    """Rows by id with their stamps; answers /composite as an org would, or drops the line after doing so."""

    stamps: dict[str, str]
    date: str = "Sun, 22 Nov 2026 10:06:00 GMT"
    drops: bool = False
    patched: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def part(self, request: dict[str, Any]) -> dict[str, Any]:
        record_id = request["url"].partition("?")[0].rpartition("/")[2]
        stamp, headers = self.stamps.get(record_id), request.get("httpHeaders", {})
        if stamp is None:
            return {"httpStatusCode": 404, "body": [{"errorCode": "NOT_FOUND", "message": "x"}], "httpHeaders": {}}
        if request["method"] == "GET":
            body = {"Id": record_id, "SystemModstamp": stamp.replace("Z", ".000+0000")}
            return {"httpStatusCode": 200, "body": body, "httpHeaders": {"ETag": f'"tag-{stamp}"'}}
        fresh = (
            headers.get("If-Unmodified-Since") == HTTP_DATE.get(stamp) or headers.get("If-Match") == f'"tag-{stamp}"'
        )
        if not fresh:
            return {"httpStatusCode": 412, "body": None, "httpHeaders": {}}
        self.patched.append(request)
        return {"httpStatusCode": 204, "body": None, "httpHeaders": {}}


@pytest.fixture
def rows() -> Iterator[Rows]:
    world = Rows({"500a": OLD, "500b": NEW, "001a": OLD, "001b": NEW})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["compositeRequest"]
            body = json.dumps({"compositeResponse": [world.part(r) for r in asked]}).encode()
            if world.drops:
                return
            self.send_response_only(200)
            self.send_header("Date", world.date)
            self.send_header("Content-Type", "application/json;charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield world
    server.shutdown()
    thread.join()
    server.server_close()


def session(rows: Rows) -> Session:
    config = settings.Salesforce.model_validate({"auth": "session", "instance_url": rows.url, "access_token": "00D!x"})
    return Session(config, Budget(settings.Budget()), QUICK)


def mapping(name: str) -> Mapping:
    return Mapping.model_validate(
        {
            "mapping": "m",
            "platform": {"table": "t", "key": "k"},
            "salesforce": {"object": name, "key": "Key__c"},
            "fields": {"note": {"platform": "note", "salesforce": "Note__c", "guard": "strict", "owner": "newest"}},
        }
    )


def update(rows: Rows, name: str, ids: dict[str, str], stamps: list[str]) -> pd.DataFrame:
    spec = mapping(name)
    payload = Payload(
        View(spec, ObjectInfo(name, {}), {}),
        write_of(spec, "update", {k: {"note": "mine"} for k in ids}, list(ids.values())),
    )
    live = session(rows)
    try:
        return outcomes(Guarded(live).write(payload, pd.Series(stamps, dtype=TEXT)))
    finally:
        live.close()


@pytest.mark.parametrize(("name", "prefix"), [("Case", "500"), ("Account", "001")])
def test_only_the_record_that_stood_still_is_written(rows: Rows, name: str, prefix: str) -> None:
    found = update(rows, name, {"k1": f"{prefix}a", "k2": f"{prefix}b"}, [OLD, OLD])
    assert found["result"].tolist() == ["updated", "moved"]
    (request,) = rows.patched
    assert request["body"] == {"Note__c": "mine"}
    assert request["httpHeaders"]["Sforce-Auto-Assign"] == "FALSE"


def test_a_row_that_is_gone_fails_or_moved(rows: Rows) -> None:
    assert update(rows, "Case", {"k1": "500z"}, [OLD])["code"].tolist() == ["NOT_FOUND"]
    assert update(rows, "Account", {"k1": "001z"}, [OLD])["result"].tolist() == ["moved"]


def test_a_lost_reply_is_not_repeated_because_it_would_look_moved(rows: Rows) -> None:
    rows.drops = True
    assert update(rows, "Case", {"k1": "500a"}, [OLD])["result"].tolist() == ["unknown"]
    assert len(rows.patched) == 1


def test_more_than_a_call_holds(rows: Rows) -> None:
    ids = {f"k{n}": f"500{n:04}" for n in range(60)}
    rows.stamps = dict.fromkeys(ids.values(), OLD)
    assert update(rows, "Case", ids, [OLD] * 60)["result"].tolist() == ["updated"] * 60


def test_the_orgs_clock_is_read_from_its_answers(rows: Rows) -> None:
    live = session(rows)
    live.call("POST", "composite", json_body={"compositeRequest": []})
    assert live.clock() == datetime(2026, 11, 22, 10, 6, tzinfo=UTC)
    live.close()
