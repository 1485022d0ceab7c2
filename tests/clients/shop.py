"""Gets clients from their registries into a folder of the checkout, once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".clients"
_MINUTES = 8
_BRIEFLY = ("--fetch-retries=1", "--fetch-timeout=30000")  # a machine without a registry soon says so


class NotHere(Exception):
    """The client cannot be had on this machine; the text says why."""


def node(name: str, packages: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> Path:
    """Installs npm packages (name -> exact version) and returns the folder that holds node_modules."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotHere("this machine has no Node.js")
    manifest = {"name": name, "private": True, "dependencies": dict(packages), "overrides": dict(overrides or {})}
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *_BRIEFLY]
    return _made(name, json.dumps(manifest), lambda folder: _npm(folder, manifest, install))


def _npm(folder: Path, manifest: object, install: list[str]) -> None:
    (folder / "package.json").write_text(json.dumps(manifest))
    _run(install, folder)


def python(name: str, *requirements: str) -> Path:
    """Installs Python packages into an environment of their own and returns the environment's python."""

    def make(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        _run([str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", *requirements], folder)

    return _made(name, "\n".join(requirements), make) / "venv/bin/python"


def _made(name: str, wanted: str, make: object) -> Path:
    """Makes the folder unless it is there; only one process of a parallel test run does."""
    if os.environ.get("SFSYNC_TEST_CLIENTS") == "0":
        raise NotHere("SFSYNC_TEST_CLIENTS is 0")
    FOLDER.mkdir(exist_ok=True)
    folder = FOLDER / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:8]}"
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)  # type: ignore[operator]
            (folder / "complete").touch()
    return folder


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_MINUTES * 60, check=False)
    except subprocess.TimeoutExpired as late:
        raise NotHere(f"{command[0]} took more than {_MINUTES} minutes") from late
    if done.returncode:
        raise NotHere(f"{Path(command[0]).name} could not install it: {done.stderr.strip()[-300:]}")
