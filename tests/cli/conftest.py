"""Projects on a real org and a real database; the org of a process is emptied before every test that uses it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.rehearsal.serve import Ready, running
from tests.cli.project import ROOT, Project, run, seed


@pytest.fixture(scope="session")
def org_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the org keeps its records."""
    return tmp_path_factory.mktemp("cli-org")


@pytest.fixture(scope="session")
def served(org_folder: Path) -> Iterator[Ready]:
    with running(org_folder, seed="operator", force_app=ROOT / "force-app") as ready:
        yield ready


@pytest.fixture(scope="session")
def small_operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a very small operator."""
    path = tmp_path_factory.mktemp("cli-operator") / "platform.db"
    seed(path, players=12, shops=3, cases=8)
    return path


@pytest.fixture(scope="session")
def fresh_folder(served: Ready, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``init`` makes."""
    parent = tmp_path_factory.mktemp("cli-project")
    done = run(parent, "init", "fresh", "--instance-url", served.instance_url, "--auth", "session")
    assert done.exit == 0, done.err
    return parent / "fresh"


@pytest.fixture
def project(served: Ready, fresh_folder: Path, small_operator: Path, tmp_path: Path) -> Project:
    """A project that has not run yet."""
    folder = tmp_path / "project"
    shutil.copytree(fresh_folder, folder)
    shutil.copy(small_operator, folder / "platform.db")
    made = Project(folder, served)
    made.control("reset")
    return made
