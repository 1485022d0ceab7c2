"""A disk without room is nobody's defect: it is said, with what to do, whichever file met it."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from sfsync.cli.edge import guarded

FULL = Path("/dev/full")  # every write to it fails as on a full disk


@click.group()
def command() -> None:
    """A program."""


@command.command()
@click.option("--json", "as_json", is_flag=True)
def write(as_json: bool) -> None:
    """Writes a file."""
    FULL.write_text("a row")


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_disk_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(command, ["write", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["code"] == "DISK_FULL"
    assert "Make room" in said.err
    assert "DEFECT" not in said.err
