"""A whole small world: a rehearsal org on a port, an operator's database, a configuration, and the real command line.

``World.run`` calls the command in this process, ``Zygote.run`` in one of its own, which may be killed.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import requests
import sqlalchemy as sa
from simple_salesforce import Salesforce

from sfsync.cli import main
from sfsync.demo import operator, schema
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.rehearsal.serve import Ready, running

ROOT = Path(__file__).parents[2]
FORCE_APP = ROOT / "force-app"
ZYGOTE = Path(__file__).with_name("zygote.py")
NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
SIDES = (("salesforce", "platform"), ("platform", "salesforce"))


@dataclass
class Ran:
    """One command: its exit status, and what it said."""

    exit: int
    out: str
    err: str

    @property
    def doc(self) -> dict[str, Any]:
        """The one JSON document of ``--json``; empty if the command ended with an error."""
        found: dict[str, Any] = json.loads(self.out) if self.out.strip() else {}
        return found

    def part(self, mapping: str, side: str) -> dict[str, int]:
        """The numbers that are not zero, of one mapping and side; ``unchanged`` is left out."""
        numbers = self.doc["mappings"][mapping][side]
        return {k: v for k, v in numbers.items() if v and k != "unchanged"}

    def written(self) -> dict[tuple[str, str], dict[str, int]]:
        """Everything a run wrote or could not write, by mapping and side."""
        found = {(m, s): self.part(m, s) for m in self.doc["mappings"] for s in ("salesforce", "platform")}
        return {k: v for k, v in found.items() if v}

    def assert_closed(self) -> Ran:
        """Every sum closes: what was read is what is accounted for."""
        for name, part in self.doc["mappings"].items():
            for side, source in SIDES:
                total = sum(part[side].values()) + part["conflicts"]
                assert total == part["read"][source], (name, side, part)
        assert "SUM_OPEN" not in self.out
        return self


@dataclass
class World:
    """One org, one database, one project folder."""

    folder: Path
    ready: Ready
    url: str
    said: list[Ran] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.configure()

    def configure(self, *, mappings: Path | None = None, **salesforce: str) -> None:
        """Writes ``sfsync.toml``, readable by its owner only, because it holds the token."""
        known = {"auth": "session", "instance_url": self.ready.instance_url, "access_token": self.ready.access_token}
        lines = [f'mappings = "{mappings or ROOT / "mappings"}"', "[platform]", f'url = "{self.url}"', "[salesforce]"]
        lines += [f'{k} = "{v}"' for k, v in {**known, **salesforce}.items()]
        lines += ["[budget]", "per_run = 1.0", "org_wide_stop = 1.0"]
        self.toml.unlink(missing_ok=True)
        self.toml.touch(mode=0o600)
        self.toml.write_text("\n".join(lines) + "\n", "utf-8")

    @property
    def toml(self) -> Path:
        """The configuration file."""
        return self.folder / "sfsync.toml"

    def run(self, *arguments: str) -> Ran:
        """The real command, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(["--config", str(self.toml), *arguments])
        self.said.append(Ran(status, out.getvalue(), err.getvalue()))
        return self.said[-1]

    def sync(self, *arguments: str, exit: int = 0) -> Ran:
        """``sync --json`` that ends as expected and whose sums close."""
        ran = self.run("sync", "--json", *arguments)
        assert ran.exit == exit, (ran.exit, ran.out, ran.err)
        return ran.assert_closed() if ran.out else ran

    # -- the operator's database

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """One statement on the operator's database; the rows it returns."""
        engine = sa.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:", 1))
        try:
            with engine.begin() as connection:
                answer = connection.execute(sa.text(statement), values)
                return [tuple(r) for r in answer] if answer.returns_rows else []
        finally:
            engine.dispose()

    def edit(self, table: str, key: str, **values: Any) -> None:
        """Somebody edits a row on the platform; its change stamp moves."""
        column = KEYS[table]
        now = "clock_timestamp() AT TIME ZONE 'UTC'" if self.url.startswith("postgres") else NOW
        cells = ", ".join(f"{c} = :{c}" for c in values)
        self.sql(f"UPDATE {table} SET {cells}, updated_at = {now} WHERE {column} = :key", key=key, **values)

    def copy_row(self, table: str, like: str, key: str, **values: Any) -> None:
        """A new row like an existing one, with another key."""
        [row] = self.frame(table).loc[[like]].reset_index().to_dict("records")
        row = {k: None if pd.isna(v) else v for k, v in row.items()}
        row |= {KEYS[table]: key, **values}
        row.pop("updated_at")
        names = ", ".join(row)
        marks = ", ".join(f":{c}" for c in row)
        self.sql(f"INSERT INTO {table} ({names}, updated_at) VALUES ({marks}, {NOW})", **row)

    def frame(self, table: str) -> pd.DataFrame:
        """A table of the operator's database, by key."""
        engine = sa.create_engine(self.url.replace("postgresql:", "postgresql+psycopg:", 1))
        try:
            found = pd.read_sql(f"SELECT * FROM {table}", engine, dtype=object).set_index(KEYS[table]).sort_index()
            return found.astype(object).where(found.notna(), None)
        finally:
            engine.dispose()

    # -- the org

    @property
    def org(self) -> Salesforce:
        """A plain client that knows nothing of us."""
        client = Salesforce(instance_url=self.ready.instance_url, session_id=self.ready.access_token, version="62.0")
        client.base_url = client.base_url.replace("https://", "http://", 1)
        return client

    def rows(self, soql: str) -> list[dict[str, Any]]:
        """All rows of a query."""
        found = self.org.query_all(soql)["records"]
        return [{k: v for k, v in row.items() if k != "attributes"} for row in found]

    def one(self, name: str, key_field: str, key: str, *fields: str) -> dict[str, Any]:
        """One record by its external id."""
        [row] = self.rows(f"SELECT Id, {', '.join(fields)} FROM {name} WHERE {key_field} = '{key}'")
        return row

    def change(self, name: str, key_field: str, key: str, **values: Any) -> None:
        """Somebody edits a record in Salesforce."""
        self.sobject(name).update(self.one(name, key_field, key, "SystemModstamp")["Id"], values)

    def sobject(self, name: str) -> Any:
        """create, update, delete … of one object."""
        found = getattr(self.org, name)
        found.base_url = found.base_url.replace("https://", "http://", 1)
        return found

    def control(self, path: str, **order: Any) -> Any:
        """An order to the org's control plane."""
        return self._control("POST", path, data=json.dumps(order))

    def stats(self) -> Any:
        """API calls as the org counts them."""
        return self._control("GET", "stats")

    def _control(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.ready.access_token}"}
        url = f"{self.ready.instance_url}/rehearsal/{path}"
        answer = requests.request(method, url, headers=headers, timeout=30, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def image(self) -> dict[str, Any]:
        """Both sides as they are, by key, without what no two runs share (ids, change stamps)."""
        return {"platform": self._platform_image(), "salesforce": self._org_image()}

    def _platform_image(self) -> dict[str, Any]:
        tables = {t: self.frame(t).drop(columns="updated_at").to_dict("index") for t in KEYS}
        return {t: {k: _texts(row) for k, row in rows.items()} for t, rows in tables.items()}

    def _org_image(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, mapping in mappings().items():
            target = mapping.salesforce
            fields = sorted({f.salesforce for f in mapping.synced if f.salesforce} | {"RecordType.DeveloperName"})
            fields = [f for f in fields if target.object != "Asset" or not f.startswith("RecordType")]
            soql = f"SELECT {target.key}, {', '.join(f for f in fields if f != target.key)} FROM {target.object}"
            rows = [_flat(r) for r in self.rows(f"{soql} WHERE {target.key} != null")]
            keys = [r[target.key] for r in rows]
            assert len(set(keys)) == len(keys), f"twins among {name}"
            found[name] = {r.pop(target.key): r for r in rows}
        return found


KEYS = {
    "companies": "company_code",
    "shops": "shop_code",
    "shop_operators": "operator_code",
    "terminals": "terminal_id",
    "players": "player_id",
    "cases": "source_key",
}


def mappings() -> dict[str, Mapping]:
    """The project's mappings, parents first."""
    return load(ROOT / "mappings")


def _texts(row: dict[str, Any]) -> dict[str, str | None]:
    return {name: None if pd.isna(value) else str(value) for name, value in row.items()}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{k}": v for k, v in value.items() if k != "attributes"}
        else:
            flat[name] = value
    return flat


def seeded(url: str, *, players: int = 24, shops: int = 5, cases: int = 12, seed: int = 7) -> None:
    """The operator's tables, filled with made-up rows."""
    schema.create(url)
    operator.generate(url, players=players, shops=shops, cases=cases, seed=seed, as_of=datetime.now(UTC))


@contextmanager
def opened(folder: Path, url: str | None = None) -> Iterator[World]:
    """The world in a folder, its org served by a thread."""
    url = url or f"sqlite:///{folder / 'platform.db'}"
    with running(folder / "org", seed="operator", force_app=FORCE_APP) as ready:
        yield World(folder, ready, url)


def emptied(place: Path) -> Path:
    """The place without the world that was there before."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return place


def restored(snapshot: Path, place: Path) -> Path:
    """A world's files once more, at the one ``place`` where its ledger belongs (it knows the database by its path)."""
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(snapshot, place))


class Zygote:
    """A process that has everything imported and forks one child per command: a real process, quickly made."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SFSYNC_")}
        self._process = subprocess.Popen(
            [sys.executable, str(ZYGOTE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
        )

    def run(
        self, world: World, arguments: Sequence[str], *, kill_after: float | None = None, **environment: str
    ) -> Ran:
        """One command in a child; ``exit`` is negative if a signal ended it. ``kill_after`` seconds: SIGKILL."""
        out, err = self.logs / "out", self.logs / "err"
        order = {
            "arguments": ["--config", str(world.toml), *arguments],
            "environment": environment,
            "out": str(out),
            "err": str(err),
            "kill_after": kill_after,
        }
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ran(int(self._process.stdout.readline()), out.read_text("utf-8"), err.read_text("utf-8"))

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)
