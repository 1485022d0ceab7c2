"""A project of its own: a platform full of players, an empty org in its own process, a ledger."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from scripts.benches.org_process import ROOT, Server, running
from scripts.benches.sync import measure
from scripts.benches.sync.measure import BenchError, Cost

V = "/services/data/v60.0"
KEY = "SFS_Player_Id__c"
_NOT_KEPT = "PYTHONDONTWRITEBYTECODE"  # with it, every start compiles
SFSYNC = (sys.executable, "-m", "sfsync")


@dataclass(frozen=True)
class World:
    """One org, one platform database, one project folder."""

    folder: Path
    server: Server

    @property
    def database(self) -> Path:
        """The platform."""
        return self.folder / "platform.db"

    @property
    def env(self) -> dict[str, str]:
        """The environment of every measured program: nothing of ours but the session and the code.

        Modules are compiled once, as those of an installed program are.
        """
        ours = {k: v for k, v in os.environ.items() if not k.startswith("SFSYNC_") and k != _NOT_KEPT}
        return ours | {"SFSYNC_SALESFORCE__ACCESS_TOKEN": self.server.token, "PYTHONPATH": str(ROOT)}

    def sfsync(self, *words: str, ends: int = 0) -> Cost:
        """Our command, measured."""
        return measure.run([*SFSYNC, *words], self.folder, self.env, self.server.pid, ends)

    def sync(self, *words: str) -> Cost:
        """``sfsync sync player``, measured; BenchError if a sum does not close."""
        done = self.sfsync("sync", "player", "--json", *words)
        if "SUM_OPEN" in done.out:
            raise BenchError("a sum of the run does not close")
        return done

    def count(self, where: str = f"{KEY} != null") -> int:
        """Players the org holds."""
        return int(self.query(f"SELECT COUNT() FROM Account WHERE {where}")["totalSize"])  # noqa: S608 - SOQL

    def query(self, soql: str) -> dict[str, Any]:
        """The parsed first page of a query."""
        return self._org("GET", f"{V}/query", params={"q": soql})

    def update(self, rows: Sequence[dict[str, Any]]) -> None:
        """Somebody edits accounts in the org, 200 to a call."""
        for start in range(0, len(rows), 200):
            some = [{"attributes": {"type": "Account"}, **row} for row in rows[start : start + 200]]
            done = self._org("PATCH", f"{V}/composite/sobjects", json={"allOrNone": True, "records": some})
            if not all(one["success"] for one in done):
                raise BenchError(f"the org refused an edit: {done[0]}")

    def control(self, path: str, order: dict[str, Any]) -> Any:
        """An order to the org's control plane."""
        return self._org("POST", f"/rehearsal/{path}", json=order)

    def calls(self) -> int:
        """API calls since they were last asked for."""
        found = int(self._org("GET", "/rehearsal/stats")["api_calls"])
        self.control("stats/reset", {})
        return found

    def _org(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.server.token}"}
        answer = requests.request(method, self.server.url + path, headers=headers, timeout=600, **more)
        if answer.status_code >= 300:
            raise BenchError(f"{path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()


@contextmanager
def opened(folder: Path, players: Path, *, https: bool = False, seed: str = "empty") -> Iterator[World]:
    """A new world in an empty folder, with a copy of the database ``players``; its org stops at the end."""
    folder.mkdir(parents=True)
    shutil.copyfile(players, folder / "platform.db")
    with running(folder, https=https, seed=seed) as server:
        (folder / "sfsync.toml").write_text(
            f"mappings = {json.dumps(str(ROOT / 'mappings'))}\n"
            '[platform]\nurl = "sqlite:///platform.db"\n'
            f'[salesforce]\nauth = "session"\ninstance_url = "{server.url}"\n'
            "[budget]\nper_run = 1.0\norg_wide_stop = 1.0\n",
            "utf-8",
        )
        yield World(folder, server)
    shutil.rmtree(folder)
