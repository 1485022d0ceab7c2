"""Tables: one line per record in a pipe; on a terminal as wide as it is, and never a number cut in two."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = """
from sfsync.cli.table import table
table("Sums", ("side", "read", "unchanged", "conflicts"), [("salesforce", 10_000, 9_999, 1)],
      right=("read", "unchanged", "conflicts"))
table("Failures", ("key", "code", "reason", "attempts"), [("P-1", "VALUE_FORMAT", "word " * 20, 7)],
      fold=("reason",), spare=("attempts",))
"""


def _environment() -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, "PYTHONPATH": str(ROOT), "TERM": "xterm"}


def _on_terminal(columns: int) -> list[str]:
    ours, theirs = pty.openpty()
    env = _environment() | {"COLUMNS": str(columns), "NO_COLOR": "1"}
    subprocess.run([sys.executable, "-c", CODE], stdout=theirs, env=env, check=True, timeout=60)
    os.close(theirs)
    text = os.read(ours, 65536).decode()
    os.close(ours)
    for mark in ("\x1b[1m", "\x1b[0m"):
        text = text.replace(mark, "")
    return text.splitlines()


def test_a_pipe_gets_one_line_per_record_and_no_trailing_blanks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=_environment(), check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert "P-1   VALUE_FORMAT   " + "word " * 20 + "   7" in done.stdout
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("columns", [120, 60, 40, 34])
def test_nothing_is_wider_than_the_terminal(columns: int) -> None:
    lines = _on_terminal(columns)
    assert max(map(len, lines)) <= columns
    assert any("10,000" in line and "9,999" in line for line in lines)
    assert sum(line.count("word") for line in lines) == 20


def test_a_narrow_terminal_does_without_spare_columns() -> None:
    assert any("attempts" in line for line in _on_terminal(60))
    assert not any("attempts" in line for line in _on_terminal(34))


def test_a_very_narrow_terminal_gets_a_line_per_value() -> None:
    lines = _on_terminal(20)
    assert "key       P-1" in lines
    assert "attempts  7" in lines
