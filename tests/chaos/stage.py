"""A world for chaos: an org in a process that may be killed, a proxy before it, a database, a ledger, and raw looks.

Nothing here asks the engine what is true: the platform is read with SQL, the org with simple-salesforce.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from sfsync.rehearsal.opening import Ready
from tests.chaos.model import ABSENT, Value
from tests.chaos.nursery import Child, Nursery
from tests.chaos.postgres import Gate
from tests.chaos.proxy import Proxy, Weather
from tests.chaos.watched import KINDS, Kind, plain
from tests.e2e.world import FORCE_APP, NOW, World, seeded


@dataclass
class Look:
    """Both sides as they are: ``cells[mapping, key][column]`` (platform, Salesforce), and everything around them."""

    cells: dict[tuple[str, str], dict[str, tuple[Value, Value]]] = field(default_factory=dict)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    stamps: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    rest: dict[tuple[str, str], dict[str, Value]] = field(default_factory=dict)  # columns nobody types in
    wrong: list[str] = field(default_factory=list)

    def later(self, record: tuple[str, str]) -> str | None:
        """Whose stamp is later, None if they are too close (or unknown)."""
        p, s = self.stamps.get(record, ("", ""))
        if not p or not s:
            return None
        apart = (datetime.fromisoformat(s[:19]) - datetime.fromisoformat(p[:19])).total_seconds()
        return None if abs(apart) < 2 else ("salesforce" if apart > 0 else "platform")


class Stage:
    """One world. ``place`` is where it lives (its ledger knows the database by its path)."""

    def __init__(self, place: Path, nursery: Nursery, *, seed: int, margins: bool = True, url: str = "") -> None:
        """``url``: an empty PostgreSQL database for the platform; a SQLite file otherwise."""
        self.place, self.nursery, self.margins = place, nursery, margins
        self.url = url or f"sqlite:///{place / 'platform.db'}"
        self.gate = Gate(url) if url else None
        self._port = _free_port()
        if not place.exists():
            place.mkdir(parents=True)
            seeded(self.url, players=10, shops=3, cases=6, seed=seed)
            mappings(place / "mappings", margins=margins)
        self.org = self._serve()
        self.proxy = Proxy(("127.0.0.1", self._port))
        self.world = World(place, self.ready, self.url)
        self.configure()

    # -- the org and its process

    @property
    def _ready_file(self) -> Path:
        return self.place / "ready.json"

    def _serve(self) -> Child:
        self._ready_file.unlink(missing_ok=True)
        told = ["org", "serve", "--no-https", "--port", str(self._port), "--data", str(self.place / "org")]
        told += ["--seed", "operator", "--force-app", str(FORCE_APP), "--ready-file", str(self._ready_file)]
        child = self.nursery.start(told, log="org")
        until = time.monotonic() + 60
        while not self._ready_file.exists():
            assert child.ended() is None and time.monotonic() < until, f"the org did not start: {child.err}"
            time.sleep(0.01)
        self.ready = Ready(**json.loads(self._ready_file.read_text()))
        return child

    def restart_org(self) -> None:
        """kill -9, and up again with the same data."""
        self.org.kill()
        self.org = self._serve()

    def configure(self) -> None:
        """sfsync enters by the proxy, with a login it can repeat; a locked platform is given up soon."""
        parts = urlsplit(self.ready.instance_url)
        known = {"consumer_key": self.ready.consumer_key, "consumer_secret": self.ready.consumer_secret}
        self.world.ready = self.ready
        self.world.url = self.gate.url if self.gate else f"{self.url}?timeout=1"
        way = {"auth": "client-credentials", "login_url": self.proxy.url, **known}
        self.world.configure(mappings=self.place / "mappings", instance_url=self.proxy.url, **way)
        self.world.url = self.url
        assert parts.port == self._port

    def calm(self) -> Counter[str]:
        """All bad weather ends; says how often it struck."""
        struck = Counter({f"socket {k}": n for k, n in self.proxy.arm(Weather()).items()})
        if self.gate is not None:
            struck["platform cut"] += self.gate.struck
            self.gate.cut(random.Random(0), times=0)
        if self.org.ended() is not None:
            self.org = self._serve()
        for fault in self.control("GET", "faults")["faults"]:
            struck[f"org {fault['kind']}"] += int(fault.get("hits", 0))
        self.control("DELETE", "faults")
        return struck

    def control(self, method: str, path: str) -> Any:
        """The org's control plane, by the direct way."""
        headers = {"Authorization": f"Bearer {self.ready.access_token}"}
        answer = requests.request(method, f"{self.ready.instance_url}/rehearsal/{path}", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        """Ends org and proxy; the files stay."""
        self.org.kill()
        self.proxy.close()
        if self.gate is not None:
            self.gate.close()

    # -- raw looks

    def look(self) -> Look:
        """Both sides, now, by plain SQL and plain SOQL."""
        found = Look()
        for kind in KINDS:
            self._look_at(kind, found)
        return found

    def _look_at(self, kind: Kind, found: Look) -> None:
        ours = {str(r[kind.key]): r for r in self.rows(kind)}
        theirs, keyless = {}, 0
        for row in self._records(kind):
            key = row[kind.external_id]
            keyless += key is None
            if key in theirs:
                found.wrong.append(f"twins: {kind.mapping} {key}")
            theirs[key] = row
        if keyless:
            found.wrong.append(f"{keyless} {kind.mapping} in the org have no key")
        theirs.pop(None, None)
        for key in {*ours, *theirs}:
            mine, other = ours.get(key), theirs.get(key)
            record = (kind.mapping, key)
            ours_plain = {} if mine is None else self.platform_values(kind, mine)
            found.cells[record] = {
                f.column: (
                    ABSENT if mine is None else ours_plain[f.column],
                    ABSENT if other is None else _any([other[n] for n in (f.name, *f.also)]),
                )
                for f in kind.fields
            }
            if other is not None:
                found.ids[record] = other["Id"]
            if mine is not None:
                skip = {"updated_at", *kind.given, *(f.column for f in kind.fields)}
                found.rest[record] = {c: plain(v) for c, v in mine.items() if c not in skip}
            if mine is not None and other is not None:
                found.stamps[record] = (str(mine["updated_at"]), other["SystemModstamp"])

    @property
    def now(self) -> str:
        """The platform's clock, in SQL."""
        return "clock_timestamp() AT TIME ZONE 'UTC'" if self.gate else NOW

    def rows(self, kind: Kind) -> list[dict[str, Any]]:
        """A table's rows, raw."""
        return self.world.frame(kind.table).reset_index().to_dict("records")

    def platform_values(self, kind: Kind, row: dict[str, Any]) -> dict[str, Value]:
        """The watched cells of a platform row."""
        return {f.column: plain(_flag(row[f.column], f.values)) for f in kind.fields}

    def copy(self, kind: Kind, like: str, key: str, values: dict[str, Any]) -> None:
        """A new row like an existing one; its change stamp is the database's time."""
        [row] = [r for r in self.rows(kind) if r[kind.key] == like]
        row |= {kind.key: key, **values}
        row.pop("updated_at")
        marks = ", ".join(f":{c}" for c in row)
        self.world.sql(f"INSERT INTO {kind.table} ({', '.join(row)}, updated_at) VALUES ({marks}, {self.now})", **row)

    def cases_of_players(self) -> list[dict[str, Any]]:
        """The players cases belong to in Salesforce."""
        return self.world.rows("SELECT Account.SFS_Player_Id__c FROM Case WHERE Account.SFS_Player_Id__c != null")

    def _records(self, kind: Kind) -> list[dict[str, Any]]:
        fields = ["Id", "SystemModstamp", kind.external_id, *(n for f in kind.fields for n in (f.name, *f.also))]
        types = ", ".join(f"'{t}'" for t in kind.record_types)
        soql = f"SELECT {', '.join(fields)} FROM {kind.object} WHERE RecordType.DeveloperName IN ({types})"
        return self.world.rows(soql)


def _flag(value: Any, values: tuple[str | None, ...]) -> Any:
    return bool(value) if values == ("true", "false") and value is not None else value


def _any(values: list[Any]) -> Value:
    return plain(any(values)) if len(values) > 1 else plain(values[0])


def mappings(folder: Path, *, margins: bool) -> None:
    """Four small mappings with every owner; without ``margins`` windows end sharply."""
    shutil.copytree(Path(__file__).with_name("mappings"), folder)
    if not margins:
        for file in folder.glob("*.yaml"):
            _sharp(file)


def _sharp(file: Path) -> None:
    """Margins of a second, so that windows really move on within a round."""
    sharp = "settle: PT1S, overlap: PT2S"
    text = re.sub(r"^platform: \{", f"platform: {{{sharp}, ", file.read_text("utf-8"), flags=re.MULTILINE)
    text = re.sub(r"^salesforce: \{", f"salesforce: {{{sharp}, ", text, flags=re.MULTILINE)
    text = re.sub(r"^salesforce:\n", "salesforce:\n  settle: PT1S\n  overlap: PT2S\n", text, flags=re.MULTILINE)
    file.write_text(text, "utf-8")


def _free_port() -> int:
    with suppress(OSError), socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
    raise OSError("no port is free")
