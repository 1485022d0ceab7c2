"""A client of Bulk 1.0 beside the one for REST; both on the served org."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from sfsync.rehearsal.serve import Ready
from tests.rehearsal.http.conftest import Client, org, served

__all__ = ["org", "served"]
ASYNC = "/services/async/60.0/job"
NS = "{http://www.force.com/2009/06/asyncapi/dataload}"
MEDIA = {"CSV": "text/csv", "JSON": "application/json", "XML": "application/xml"}
Info = dict[str, str]


class Classic:
    """requests with the session header of Bulk 1.0."""

    def __init__(self, ready: Ready) -> None:
        self.url = ready.instance_url
        self.session = requests.Session()
        self.session.headers["X-SFDC-Session"] = ready.access_token

    def call(self, method: str, path: str = "", body: Any = None, media: str = "", **more: Any) -> requests.Response:
        headers = {**({"Content-Type": media} if media else {}), **more.pop("headers", {})}
        return self.session.request(method, self.url + ASYNC + path, data=body, headers=headers, timeout=30, **more)

    def job(
        self, operation: str, object: str, content: str = "CSV", headers: Any = None, **more: str
    ) -> dict[str, str]:
        """Creates a job by XML, gives its elements."""
        elements = {"operation": operation, "object": object, **more, "contentType": content}
        body = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
        text = f'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">{body}</jobInfo>'
        made = self.call("POST", body=text, media="application/xml; charset=UTF-8", headers=headers or {})
        assert made.status_code == 201, made.text
        return elements_of(made.text)

    def add(self, job: str, body: str, content: str = "CSV") -> requests.Response:
        return self.call("POST", f"/{job}/batch", body.encode(), MEDIA[content])

    def turn(self, job: str, state: str) -> requests.Response:
        return self.call("POST", f"/{job}", f"<jobInfo><state>{state}</state></jobInfo>", "application/xml")

    def wait(self, job: str, batch: str) -> dict[str, str]:
        for _ in range(500):
            answer = self.call("GET", f"/{job}/batch/{batch}")
            info = answer.json() if "json" in answer.headers["Content-Type"] else elements_of(answer.text)
            if info["state"] not in ("Queued", "InProgress"):
                return info
            time.sleep(0.01)
        raise AssertionError("the batch did not finish")

    def load(self, job: str, body: str, content: str = "CSV") -> tuple[dict[str, str], requests.Response]:
        """Adds a batch and awaits it: its last state, and its result."""
        made = self.add(job, body, content)
        assert made.status_code == 201, made.text
        batch = made.json()["id"] if content == "JSON" else elements_of(made.text)["id"]
        info = self.wait(job, batch)
        return info, self.call("GET", f"/{job}/batch/{batch}/result")


def elements_of(text: str) -> dict[str, str]:
    return {child.tag.removeprefix(NS): child.text or "" for child in ElementTree.fromstring(text)}


@pytest.fixture
def classic(served: Ready, org: Client) -> Iterator[Classic]:
    client = Classic(served)
    yield client
    client.session.close()
