"""The served org and its client, and the words of a composite call."""

from __future__ import annotations

from typing import Any

from tests.rehearsal.http.conftest import Client, V
from tests.rehearsal.http.conftest import org as org
from tests.rehearsal.http.conftest import served as served


def row(name: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": name}, **fields}


def part(reference: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    made = {"method": method, "url": f"{V}{path}", "referenceId": reference, **more}
    return made if body is None else {**made, "body": body}


def composite(org: Client, *parts: dict[str, Any], version: str = "60.0", **more: Any) -> list[dict[str, Any]]:
    answer = org.post(f"/services/data/v{version}/composite", {"compositeRequest": list(parts), **more})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return found


def count(org: Client, name: str) -> int:
    return int(org.query(f"SELECT COUNT() FROM {name}")["totalSize"])
