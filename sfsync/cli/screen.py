"""What people and machines are told: one JSON document on stdout, lines with a mark on stderr.

stdout carries the answer (a table or one JSON document), stderr everything else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import click

LEVELS = {"error": "red", "warning": "yellow", "info": "blue", "ok": "green"}
MARKS = {"error": "✖", "warning": "▲", "info": "·", "ok": "✔"}


def emit(document: Any) -> None:
    """The one JSON document of ``--json``."""
    readable = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    click.echo(json.dumps(document, ensure_ascii=not readable, default=str))


def paint(text: str, colour: str, *, bold: bool = False) -> str:
    """Coloured text; plain where ``NO_COLOR`` is set (click itself only looks whether this is a terminal)."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour, bold=bold or None)


def say(text: str, level: str = "info") -> None:
    """One line on stderr."""
    mark = paint(MARKS.get(level, "·"), LEVELS.get(level, "white"))
    click.echo(f"{mark} {text}", err=True)


def step(text: str) -> None:
    """What to do next, below a line of ``say``."""
    click.echo(f"    → {text}", err=True)


def findings(found: Iterable[Any]) -> None:
    """Findings with their next step, on stderr."""
    for finding in found:
        where = f"{finding.mapping}: " if finding.mapping else ""
        say(f"{where}{finding.message} [{finding.code}]", finding.level)
        if finding.next_step:
            step(finding.next_step)
