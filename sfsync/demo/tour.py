"""The guided tour of ``scripts/demo``: a whole operator, a whole org, and everything a sync can meet.

Every step runs the real command line as a user would; what people do on the platform and in Salesforce in between
goes through SQL and through plain REST.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sfsync.cli.screen import paint
from sfsync.demo import edits, operator, schema
from sfsync.demo.agent import Agent

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """\
# Made by scripts/demo. The access token comes from the environment, as a secret should.
mappings = "{mappings}"

[platform]
url = "sqlite:///platform.db"

[salesforce]
auth = "session"
instance_url = "{url}"
"""


@dataclass
class Stage:
    """The tour's folder, its org and its numbers."""

    folder: Path
    agent: Agent
    env: dict[str, str]
    step: int = 0

    @property
    def platform(self) -> str:
        """The platform's SQLAlchemy URL."""
        return f"sqlite:///{self.folder / 'platform.db'}"

    def title(self, text: str) -> None:
        """Says what comes next."""
        self.step += 1
        click.echo("\n" + paint(f"{self.step}  {text}", "cyan", bold=True))

    def note(self, text: str) -> None:
        """Says what people did."""
        click.echo(f"   {text}")

    def run(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> int:
        """Runs a command in front of the audience; stops the tour if it ends in another way than expected."""
        click.echo(paint("   $ sfsync " + " ".join(arguments), "green"))
        sys.stdout.flush()
        code = subprocess.run(self._command(*arguments), cwd=self.folder, env=self.env, check=False).returncode  # noqa: S603
        if code not in expect:
            raise click.ClickException(f"the tour stopped: exit {code}, expected {expect}")
        return code

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a command, without showing it."""
        done = subprocess.run(  # noqa: S603
            self._command("--quiet", *arguments, "--json"),
            cwd=self.folder,
            env=self.env,
            check=False,
            capture_output=True,
        )
        return json.loads(done.stdout)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "sfsync", *arguments]


@click.command()
@click.option("--players", type=click.IntRange(100), default=10_000, show_default=True, help="How many players.")
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "demo", show_default="./demo")
def main(players: int, folder: Path) -> None:
    """The tour: first sync, second sync, edits on both sides, everything that can go wrong, and the way back."""
    started = time.monotonic()
    folder = folder.resolve()
    _clear(folder)
    with _stage(folder) as stage:
        _fill(stage, players)
        _in_step(stage)
        keys = _edits(stage)
        _third(stage)
        _look(stage, keys)
        _decide(stage)
        _back(stage)
        _end(stage, time.monotonic() - started)


def _clear(folder: Path) -> None:
    if folder.exists() and not (folder / "sfsync.toml").exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} holds something else; name another with --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


@contextmanager
def _stage(folder: Path) -> Iterator[Stage]:
    """Starts the rehearsal org as its own process, as a user would, and ends it by its id."""
    ready = folder / "org.json"
    command = [sys.executable, "-m", "sfsync", "org", "serve", "--data", str(folder / "org"), "--seed", "operator"]
    command += ["--force-app", str(ROOT / "force-app"), "--ready-file", str(ready)]
    with (folder / "org.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)  # noqa: S603
    try:
        org = _wait(process, ready)
        (folder / "sfsync.toml").write_text(CONFIG.format(mappings=ROOT / "mappings", url=org["instance_url"]))
        env = {k: v for k, v in os.environ.items() if not k.startswith("SFSYNC_")}
        env |= {"SFSYNC_SALESFORCE__ACCESS_TOKEN": org["access_token"], "PYTHONPATH": str(ROOT)}
        yield Stage(folder, Agent(org["instance_url"], org["access_token"]), env)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], ready: Path) -> dict[str, Any]:
    for _ in range(600):
        if ready.exists():
            return dict(json.loads(ready.read_text()))
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise click.ClickException(f"the rehearsal org did not start; see {ready.parent / 'org.log'}")


# --- the tour -----------------------------------------------------------------------------------------------------


def _fill(stage: Stage, players: int) -> None:
    stage.title("An operator and an org")
    schema.create(stage.platform)
    made = operator.generate(stage.platform, players=players)
    stage.note("platform (SQLite): " + ", ".join(f"{n:,} {t.replace('_', ' ')}" for t, n in made.items()))
    stage.note(f"rehearsal org: {stage.agent.url} (empty but for its users; fields from force-app/)")


def _in_step(stage: Stage) -> None:
    stage.title("First sync: everything is new")
    stage.run("sync")
    stage.title("Second sync: nothing to do")
    stage.run("--quiet", "sync")


def _edits(stage: Stage) -> dict[str, str]:
    stage.title("People work on both sides")
    changed = edits.change_emails(stage.platform, 25)
    stage.note(f"platform: {len(changed)} players have a new e-mail address")
    [excluded] = edits.self_exclude(stage.platform, changed[1])
    stage.note(f"platform: player {excluded} excludes himself; the flags must go first")
    [refused] = edits.refused_row(stage.platform, "format", changed[2])
    stage.note(f"platform: player {refused} gets an e-mail address that is none")
    [waiting] = edits.case_without_shop(stage.platform)
    stage.note(f"platform: case {waiting} names a shop that does not exist yet")
    player = changed[0]
    stage.agent.change("Account", "SFS_Player_Id__c", player, SFS_Pref_Quiet_Windows__c="22:00-08:00")
    stage.note(f"Salesforce: a host notes the quiet hours of player {player}")
    stage.agent.create(
        "Case",
        RecordTypeId=stage.agent.record_type("Case", "Player"),
        Account={"SFS_Player_Id__c": player},
        Subject="Chiede il limite di deposito",
        Origin="phone",
        Type="limits",
    )
    stage.note("Salesforce: an agent opens a case by phone; it has no key yet")
    gone = _operator_leaves(stage)
    stage.note(f"both: operator {gone} is deleted in Salesforce and edited on the platform: a true conflict")
    return {"player": player, "operator": gone}


def _operator_leaves(stage: Stage) -> str:
    key = edits.edit_operator(stage.platform)
    stage.agent.delete("Contact", "SFS_Operator_Code__c", key)
    return key


def _third(stage: Stage) -> None:
    stage.title("What would the next run do?")
    stage.run("--quiet", "plan", "--limit", "12")
    stage.title("Third sync: it does what can be done, and says what cannot")
    stage.run("--quiet", "sync", expect=(3,))


def _look(stage: Stage, keys: dict[str, str]) -> None:
    stage.title("Looking")
    stage.run("status")
    stage.run("failures")
    stage.run("holds")
    stage.run("conflicts")
    stage.run("explain", "player", keys["player"])


def _decide(stage: Stage) -> None:
    stage.title("A person decides the conflict: the platform is right, the operator stays")
    conflict = stage.ask("conflicts")[0]["conflict_id"]
    stage.run("conflicts", "resolve", conflict, "--take", "platform")
    stage.run("--quiet", "sync", expect=(3,))


def _back(stage: Stage) -> None:
    stage.title("The way back: undo of the last run")
    stage.run("--quiet", "undo", "last", "--yes")
    stage.run("audit", "--verify")


def _end(stage: Stage, seconds: float) -> None:
    port = stage.agent.url.rsplit(":", 1)[1]
    where = stage.folder.relative_to(Path.cwd()) if stage.folder.is_relative_to(Path.cwd()) else stage.folder
    click.echo("\n" + paint(f"✔ The tour is over after {seconds:.0f} s. Nothing was lost.", "green", bold=True))
    click.echo(f"  {where}/platform.db     the operator's database")
    click.echo(f"  {where}/.sfsync/        ledger, before-images, keys")
    click.echo(f"  {where}/org/            the org's records; start it again with")
    click.echo(f"    .venv/bin/sfsync org serve --port {port} --data {where}/org")
    click.echo(
        f"  then, in {where}, with SFSYNC_SALESFORCE__ACCESS_TOKEN from {where}/org.json: sfsync status, plan, sync"
    )


if __name__ == "__main__":
    main()
