"""Records all cassettes again: against a fresh rehearsal org, or with ``--live`` against a sandbox.

Without ``--live`` the cassettes come out the same every time, unless sfsync or the rehearsal org changed; so the list
of differences at the end is the news.
"""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import requests
from vcr.patch import force_reset

from sfsync import settings
from sfsync.demo.agent import Agent
from sfsync.mapping.load import load
from sfsync.rehearsal.serve import Ready, running
from sfsync.sides.salesforce.side import SalesforceSide
from tests.cassettes.paths import PATHS
from tests.cassettes.paths import Path as Scene
from tests.cassettes.scrub import GONE, ORG, ORG18, TOKEN, USERNAME, Scrubber
from tests.cassettes.stage import AS_OF, ROOT, Reel, Stage
from tests.cassettes.tape import FOLDER

HELD = ("Account", "Contact", "Case", "Asset")
SECRETS = ("access_token", "consumer_key", "consumer_secret", "password", "security_token")


@dataclass
class Living:
    """People at work in an org that is there; ``rehearsal``: it has a control plane and a clock to set."""

    agent: Agent
    scrubber: Scrubber
    rehearsal: bool

    def change(self, kind: str, key_field: str, key: str, **fields: Any) -> None:
        """Somebody edits a record."""
        self.scrubber.invent(fields.values())
        with force_reset():
            self.agent.change(kind, key_field, key, **fields)

    def create(self, kind: str, *, record_type: str, **fields: Any) -> None:
        """Somebody makes a record."""
        self.scrubber.invent(fields.values())
        with force_reset():
            self.agent.create(kind, RecordTypeId=self.agent.record_type(kind, record_type), **fields)

    def revoke(self, token: str) -> None:
        """An administrator ends a session."""
        with force_reset():
            url = f"{self.agent.url}/services/oauth2/revoke"
            requests.post(url, data={"token": token}, timeout=30).raise_for_status()

    def control(self, path: str, **order: Any) -> None:
        """An order to the rehearsal org."""
        with force_reset():
            headers = {"Authorization": f"Bearer {self.agent.token}"}
            url = f"{self.agent.url}/rehearsal/{path}"
            requests.post(url, json=order, headers=headers, timeout=30).raise_for_status()

    def later(self, seconds: int) -> None:
        """Time passes; in a sandbox nobody can make it pass."""
        if self.rehearsal:
            self.control("clock", advance_s=seconds)

    def afresh(self) -> None:
        """An empty rehearsal org whose clock stands still."""
        if self.rehearsal:
            self.control("reset")
            self.control("clock", now=AS_OF.isoformat(), freeze=True)
            self.control("jobs", finish="looks", n=1)  # the first look finds a job under way


@dataclass
class Recorder:
    """Records paths of one org into a folder."""

    ways: dict[str, dict[str, Any]]
    scrubber: Scrubber
    office: Living

    def record(self, scene: Scene, cassettes: Path, work: Path) -> dict[str, Reel]:
        """Plays the path against the org; nothing if the org lacks what it needs."""
        if scene.way not in self.ways or (scene.control and not self.office.rehearsal):
            return {}
        self.office.afresh()
        stage = Stage(work / scene.cassettes[0], cassettes, self.ways, self.scrubber, self.office, record=True)
        scene.play(stage)
        return stage.reels


# -- orgs ---------------------------------------------------------------------------------------------------


@contextmanager
def rehearsal_org(work: Path) -> Iterator[Recorder]:
    """A rehearsal org made for this recording."""
    with running(work / "org", seed="operator", force_app=ROOT / "force-app") as ready:
        scrubber = _scrubber(ready.instance_url, "", _secrets(ready))
        agent = Agent(ready.instance_url, ready.access_token)
        yield Recorder(_ways(ready), scrubber, Living(agent, scrubber, rehearsal=True))


def _ways(ready: Ready) -> dict[str, dict[str, Any]]:
    here = {"instance_url": ready.instance_url, "username": ready.username}
    app = {"consumer_key": ready.consumer_key}
    return {
        "session": here | {"access_token": ready.access_token},
        "jwt": here | app | {"private_key_file": ready.private_key_file},
        "client-credentials": here | app | {"consumer_secret": ready.consumer_secret},
        "password": here | {"password": ready.password, "security_token": ready.security_token},
    }


def _secrets(ready: Ready) -> list[str]:
    return [getattr(ready, n) for n in (*SECRETS, "refresh_token")]


@contextmanager
def sandbox(config: settings.Salesforce) -> Iterator[Recorder]:
    """The sandbox of the configuration; refused unless it is one and holds no records."""
    with tempfile.TemporaryDirectory() as cache:
        side = SalesforceSide(config, settings.Budget(per_run=1, org_wide_stop=1), cache=Path(cache))
        connection = side.session.connect()
        _refuse_unfit(side)
        org, token, url = side.identity(), str(connection.session_id), connection.base_url.partition("/services")[0]
        here = {"instance_url": url, "username": side.username()}
        side.close()
    secrets = [token, *(getattr(config, n).get_secret_value() for n in SECRETS if getattr(config, n))]
    ids = {org: ORG18, org[:15]: ORG, here["username"]: USERNAME}
    scrubber = _scrubber(url, config.login_url, secrets, ids)
    known = config.model_dump(exclude={"auth"}, exclude_unset=True)
    ways = {config.auth: known | here, "session": here | {"access_token": token}}
    yield Recorder(ways, scrubber, Living(Agent(url, token), scrubber, rehearsal=False))


def _refuse_unfit(side: SalesforceSide) -> None:
    org = side.query("SELECT IsSandbox, OrganizationType FROM Organization")[0]
    if not org["IsSandbox"] and org["OrganizationType"] != "Developer Edition":
        raise click.ClickException("this org is no sandbox; nothing was written to it")
    for name in HELD:
        if side.session.call("GET", f"queryAll?q=SELECT+COUNT()+FROM+{name}").data["totalSize"]:
            raise click.ClickException(f"the org holds {name} records (or deleted ones); take a new scratch org")


def _scrubber(url: str, login: str, secrets: list[str], more: dict[str, str] | None = None) -> Scrubber:
    hosts = {urlsplit(u).netloc for u in (url, login) if u}
    literals = {s: TOKEN if "!" in s else GONE for s in secrets} | (more or {})
    return Scrubber(hosts, literals, load(ROOT / "mappings").values())


# -- the command --------------------------------------------------------------------------------------------


def news(before: Path, after: Path) -> list[str]:
    """What differs between two cassettes, in a few lines."""
    old = before.read_text("utf-8").splitlines() if before.exists() else []
    new = after.read_text("utf-8").splitlines()
    found = [line for line in difflib.unified_diff(old, new, lineterm="", n=0) if line[:2] not in ("--", "++", "@@")]
    added, gone = (sum(line[0] == sign for line in found) for sign in "+-")
    return [f"{added} lines new, {gone} gone", *(line[:150] for line in found[:8])] if found else []


@click.command()
@click.option("--live", is_flag=True, help="Record with a sandbox: SFSYNC_SALESFORCE__… say which and how to enter it.")
@click.option("--out", type=click.Path(path_type=Path), default=FOLDER, help="Folder of the cassettes.")
def main(live: bool, out: Path) -> None:
    """Record all cassettes again and say what changed."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = sandbox(settings.load().salesforce) if live else rehearsal_org(work)
        with source as recorder:
            for scene in PATHS:
                _replace(recorder, scene, work / "cassettes", work, out)


def _replace(recorder: Recorder, scene: Scene, fresh: Path, work: Path, out: Path) -> None:
    reels = recorder.record(scene, fresh, work)
    for name in scene.cassettes:
        if name not in reels:
            click.secho(f"  {name}: kept (this org cannot play it)", fg="yellow")
            continue
        lines = news(out / f"{name}.yaml", fresh / f"{name}.yaml")
        click.echo(f"  {name}: {reels[name].api_calls} API calls, {reels[name].outcome}")
        for line in lines:
            click.secho(f"      {line}", fg="cyan")
        out.mkdir(exist_ok=True)
        shutil.copyfile(fresh / f"{name}.yaml", out / f"{name}.yaml")


if __name__ == "__main__":
    main()
