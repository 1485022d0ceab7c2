"""An org with the two tables that jsforce's suite expects, and the clients to try on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from sfsync.rehearsal.serve import Ready, running
from tests.clients import shop

V = "/services/data/v60.0"
_FORCE_APP = Path(__file__).parent / "force-app"


class Org:
    """The served org, with what a test of a client needs to prepare it."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self._headers = {"Authorization": f"Bearer {ready.access_token}"}

    def post(self, path: str, body: object) -> object:
        answer = requests.post(self.ready.instance_url + path, json=body, headers=self._headers, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def rows(self, name: str, *rows: Mapping[str, object]) -> None:
        """Creates rows, 200 at a time."""
        for start in range(0, len(rows), 200):
            part = [{"attributes": {"type": name}, **row} for row in rows[start : start + 200]]
            self.post(f"{V}/composite/sobjects", {"allOrNone": True, "records": part})

    def query(self, soql: str) -> list[dict[str, object]]:
        url = f"{self.ready.instance_url}{V}/query"
        answer = requests.get(url, params={"q": soql}, headers=self._headers, timeout=60)
        found: list[dict[str, object]] = answer.json()["records"]
        return found

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a client: our authority trusted, the org's ways in, no home of the person's own."""
        ready = self.ready
        given = {
            "NODE_EXTRA_CA_CERTS": ready.ca_file or "",
            "REQUESTS_CA_BUNDLE": ready.ca_file or "",
            "SF_LOGIN_URL": ready.instance_url,
            "SF_USERNAME": ready.username,
            "SF_PASSWORD": ready.password + ready.security_token,
            "SF_ACCESS_TOKEN": ready.access_token,
        }
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | given | more


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    with running(tmp_path_factory.mktemp("org"), https_port=0, force_app=_FORCE_APP) as ready:
        yield Org(ready)


def bought(get: object) -> Path:
    """What the shop gives, or a skip that says why it cannot."""
    try:
        folder = get()  # type: ignore[operator]
    except shop.NotHere as why:
        pytest.skip(f"the client is not to be had: {why}")
    assert isinstance(folder, Path)
    return folder


def run(
    command: list[str], folder: Path, env: Mapping[str, str], seconds: int = 120
) -> subprocess.CompletedProcess[str]:
    """Runs a client to its end."""
    return subprocess.run(
        command, cwd=folder, env=dict(env), capture_output=True, text=True, timeout=seconds, check=False
    )
