"""A project folder made by ``init``, an org in a thread, an operator's database, and the command line around them."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from sfsync.cli import main
from sfsync.demo import operator, schema
from sfsync.rehearsal.serve import Ready

ROOT = Path(__file__).parents[2]


@dataclass
class Done:
    """How a command ended and what it said."""

    exit: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails if there is more or less than one."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything a person or a log may have seen, table borders and line breaks taken out."""
        return re.sub(r"\s+", " ", self.out + self.err)


@contextmanager
def environment(changes: dict[str, str]) -> Iterator[None]:
    """The environment without any SFSYNC_ variable but these."""
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith("SFSYNC_")]:
        del os.environ[name]
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(folder: Path, *arguments: str, **env: str) -> Done:
    """The command line in this process, in ``folder``."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder), environment(env), redirect_stdout(out), redirect_stderr(err):
        status = main(list(arguments))
    return Done(status, out.getvalue(), err.getvalue())


def process(folder: Path, *arguments: str, **env: str) -> Done:
    """The command line in a process of its own, which may die."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("SFSYNC_")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *arguments],
        cwd=folder,
        env=kept | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass
class Project:
    """One project; ``env`` holds what its commands find in the environment."""

    folder: Path
    ready: Ready
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.env = {"SFSYNC_SALESFORCE__ACCESS_TOKEN": self.ready.access_token, **self.env}

    @property
    def database(self) -> Path:
        """The operator's SQLite file."""
        return self.folder / "platform.db"

    @property
    def mapping_folder(self) -> Path:
        """The project's own mappings."""
        return self.folder / "mappings"

    def run(self, *arguments: str, **env: str) -> Done:
        """A command of this project."""
        return run(self.folder, *arguments, **{**self.env, **env})

    def process(self, *arguments: str, **env: str) -> Done:
        """A command of this project in a process of its own."""
        return process(self.folder, *arguments, **{**self.env, **env})

    def control(self, path: str, method: str = "POST", **order: Any) -> Any:
        """An order to the org's control plane."""
        answer = requests.request(
            method,
            f"{self.ready.instance_url}/rehearsal/{path}",
            headers={"Authorization": f"Bearer {self.ready.access_token}"},
            data=json.dumps(order),
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """A statement on the operator's database."""
        engine = sa.create_engine(f"sqlite:///{self.database}")
        with engine.begin() as connection:
            answer = connection.execute(sa.text(statement), values)
            rows = list(answer) if answer.returns_rows else []
        engine.dispose()
        return rows

    def edit_mapping(self, name: str, old: str, new: str) -> None:
        """Change a mapping file; fails if the text is not there."""
        path = self.mapping_folder / f"{name}.yaml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    def clear_cache(self) -> None:
        """Forget describes: what they say is about to change."""
        for path in (self.folder / ".sfsync/cache").glob("*"):
            path.unlink()


def seed(database: Path, *, players: int, shops: int, cases: int) -> None:
    """A small made-up operator."""
    url = f"sqlite:///{database}"
    schema.create(url)
    operator.generate(url, players=players, shops=shops, cases=cases, seed=7, as_of=datetime.now(UTC))
