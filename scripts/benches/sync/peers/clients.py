"""The programs beside which we are measured: how each is got, prepared and called, as its own documentation says."""

from __future__ import annotations

import csv
import itertools
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.sync import measure
from scripts.benches.sync.measure import Cost
from scripts.benches.sync.world import KEY, World
from tests.clients import shop
from tests.clients.test_sf_cli import OLDER, QUIET, VERSION

HERE = Path(__file__).parent
SFDMU = {"sfdmu": "3.7.19"}


@dataclass(frozen=True)
class Client:
    """A peer. ``run`` loads the files into a world's empty org; it raises ``shop.NotHere`` if it cannot be had."""

    name: str
    run: Callable[[World, Sequence[Path]], Cost]
    https: bool = False
    note: str = ""


def curl(world: World, files: Sequence[Path]) -> Cost:
    """The floor."""
    server = world.server
    return _run(
        world, ["bash", str(HERE / "curl_floor.sh"), server.url, server.token, "Account", KEY, *map(str, files)]
    )


def simple_salesforce(world: World, files: Sequence[Path]) -> Cost:
    """In our own environment: it is one of our requirements."""
    script, server = HERE / "simple_salesforce_bulk2.py", world.server
    return _run(world, [sys.executable, str(script), server.url, server.token, KEY, *map(str, files)])


def sf_cli(world: World, files: Sequence[Path]) -> Cost:
    """``sf data upsert bulk``, a call per file; logged in before. Its costs are added up."""
    program, env = _sf(world, shop.node("sf", VERSION, OLDER))
    order = [program, "data", "upsert", "bulk", "--sobject", "Account", "--external-id", KEY, "--wait", "60", "--file"]
    costs = [_run(world, [*order, str(file)], env) for file in files]
    wall, cpu, org = (sum(getattr(c, n) for c in costs) for n in ("wall", "cpu", "org_cpu"))
    return Cost(wall, cpu, max(c.peak_mb for c in costs), org)


def cumulusci(world: World, files: Sequence[Path]) -> Cost:
    """``load_dataset`` from SQLite; the making of the database is not counted."""
    python = shop.python("cumulusci", "cumulusci==4.10.1")
    database, server = world.folder / "rows.db", world.server
    _database(database, files)
    env = {
        "PATH": world.env["PATH"],
        "HOME": str(world.folder),
        "REQUESTS_CA_BUNDLE": server.ca_file,
        "LANG": "C.UTF-8",
    }
    words = [server.https_url, server.token, server.username, KEY, str(database)]
    return _run(world, [str(python), str(HERE / "cumulusci_load.py"), *words], env)


def sfdmu(world: World, files: Sequence[Path]) -> Cost:
    """``sfdmu:run`` from one CSV file to the org, by Bulk 2.0."""
    program, env = _sf(world, shop.node("sf", VERSION, OLDER))
    plugin = shop.node("sfdmu", SFDMU) / "node_modules" / "sfdmu"
    measure.run([program, "plugins", "link", "--no-install", str(plugin)], world.folder, env)
    columns, rows = _plain(files)
    with (world.folder / "Account.csv").open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(itertools.chain([columns], rows))
    step = {"query": f"SELECT {', '.join(columns)} FROM Account", "operation": "Upsert", "externalId": KEY}  # noqa: S608
    server = world.server
    org = {"name": server.username, "orgUserName": server.username}
    org |= {"instanceUrl": server.url, "accessToken": server.token}
    export = {"bulkApiVersion": "2.0", "allOrNone": False, "orgs": [org], "objects": [step]}
    (world.folder / "export.json").write_text(json.dumps(export), "utf-8")
    order = [program, "sfdmu", "run", "--sourceusername", "csvfile", "--targetusername", server.username]
    return _run(world, [*order, "--path", str(world.folder), "--noprompt"], env)


ALL = (
    Client("curl (the floor)", curl, note="looks at the job every 0.1 s"),
    Client("simple-salesforce bulk2", simple_salesforce, note="its Bulk address made http; its own waits of 5 s"),
    Client("Salesforce CLI", sf_cli, note="data upsert bulk; its own waits"),
    Client(
        "CumulusCI",
        cumulusci,
        https=True,
        note="load_dataset from SQLite, Bulk 1.0, over https, without the record type",
    ),
    Client("SFDMU", sfdmu, note="csvfile to org, Bulk 2.0, without the record type"),
)


def _run(world: World, command: Sequence[str], env: dict[str, str] | None = None) -> Cost:
    return measure.run(command, world.folder, env or world.env, world.server.pid)


def _sf(world: World, folder: Path) -> tuple[str, dict[str, str]]:
    """The CLI with a home of its own, logged in."""
    program, home = folder / "node_modules" / ".bin" / "sf", world.folder / "home"
    home.mkdir(exist_ok=True)
    env = {"HOME": str(home), "LANG": "C.UTF-8", "SF_ACCESS_TOKEN": world.server.token, **QUIET}
    env["PATH"] = f"{program.parent}:{world.env['PATH']}"
    login = ["org", "login", "access-token", "--instance-url", world.server.url, "--no-prompt", "--set-default"]
    measure.run([str(program), *login], world.folder, env)
    return str(program), env


def _database(database: Path, files: Sequence[Path]) -> None:
    """A table ``players`` with a number for each row, as CumulusCI's own extracts have it."""
    columns, rows = _plain(files)
    with sqlite3.connect(database) as opened:
        fields, marks = ", ".join(f'"{name}" TEXT' for name in columns), ", ".join("?" * len(columns))
        opened.execute(f"CREATE TABLE players (id INTEGER PRIMARY KEY, {fields})")
        order = f"INSERT INTO players ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of our own plan
        opened.executemany(order, ([cell or None for cell in row] for row in rows))


def _plain(files: Sequence[Path]) -> tuple[list[str], Iterator[list[str]]]:
    """Columns and rows without the record type: CumulusCI and SFDMU want it by name, in tables of their own."""
    with files[0].open(encoding="utf-8", newline="") as lines:
        names = next(csv.reader(lines))
    kept = [at for at, name in enumerate(names) if name != "RecordTypeId"]
    return [names[at] for at in kept], ([row[at] for at in kept] for row in _rows(files))


def _rows(files: Sequence[Path]) -> Iterator[list[str]]:
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            next(rows)
            yield from rows
