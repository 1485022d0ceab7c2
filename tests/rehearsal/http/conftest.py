"""A real rehearsal org on an ephemeral port, emptied before every test, and plain clients for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sfsync.rehearsal.serve import Ready, running

FORCE_APP = Path(__file__).parents[3] / "force-app"
V = "/services/data/v60.0"


class Client:
    """requests with a base address and a token; answers are left as they come."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {ready.access_token}"

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        url = path if path.startswith("http") else self.ready.instance_url + path
        return self.session.request(method, url, timeout=30, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.call("POST", path, json=body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.call("PATCH", path, json=body, **more)

    def delete(self, path: str, **more: Any) -> requests.Response:
        return self.call("DELETE", path, **more)

    def query(self, soql: str, path: str = f"{V}/query") -> dict[str, Any]:
        answer = self.get(path, params={"q": soql})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def create(self, name: str, **fields: Any) -> str:
        answer = self.post(f"{V}/sobjects/{name}", fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def control(self, path: str, body: Any = None) -> Any:
        answer = self.post(f"/rehearsal/{path}", body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/rehearsal/stats").json()
        return found

    # -- Bulk -----------------------------------------------------------------------------------------------

    def ingest(self, csv: str, **order: Any) -> dict[str, Any]:
        """Creates, fills, closes and awaits a job; returns its last state."""
        job = self.post(f"{V}/jobs/ingest", {"contentType": "CSV", **order}).json()
        up = self.call("PUT", f"/{job['contentUrl']}", data=csv.encode(), headers={"Content-Type": "text/csv"})
        assert up.status_code == 201, up.text
        assert self.patch(f"{V}/jobs/ingest/{job['id']}", {"state": "UploadComplete"}).status_code == 200
        return self.wait(f"{V}/jobs/ingest/{job['id']}")

    def bulk_query(self, soql: str, **order: Any) -> dict[str, Any]:
        answer = self.post(f"{V}/jobs/query", {"operation": "query", "query": soql, **order})
        assert answer.status_code == 200, answer.text
        return self.wait(f"{V}/jobs/query/{answer.json()['id']}")

    def wait(self, path: str, seconds: float = 30) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job: dict[str, Any] = self.get(path).json()
            if job["state"] in {"JobComplete", "Failed", "Aborted"}:
                return job
            time.sleep(0.02)
        raise AssertionError(f"{path} did not finish")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    with running(tmp_path_factory.mktemp("org"), force_app=FORCE_APP) as ready:
        yield ready


@pytest.fixture
def org(served: Ready) -> Iterator[Client]:
    client = Client(served)
    client.control("reset")
    yield client
    client.session.close()
