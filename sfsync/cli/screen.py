"""What people and machines are told: one JSON document on stdout, lines with a mark on stderr.

stdout carries the answer (a table or one JSON document), stderr everything else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

TOGETHER = 1_000  # elements of a long sequence that are written at once
LEVELS = {"error": "red", "warning": "yellow", "info": "blue", "ok": "green"}
MARKS = {"error": "✖", "warning": "▲", "info": "·", "ok": "✔"}


def emit(document: Any) -> None:
    """The one JSON document of ``--json``."""
    click.echo(_json(document))


def emit_pieces(document: Any) -> None:
    """The same, written piece by piece; a long sequence in it is asked for a thousand elements at a time."""
    for piece in _pieces(document):
        click.echo(piece, nl=False)
    click.echo()


def _json(document: Any) -> str:
    readable = (sys.stdout.encoding or "utf-8").lower().replace("-", "").startswith("utf")
    return json.dumps(document, ensure_ascii=not readable, default=str)


def _pieces(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield "{"
        for number, (name, value) in enumerate(document.items()):
            yield f"{', ' if number else ''}{_json(name)}: "
            yield from _pieces(value)
        yield "}"
    elif isinstance(document, list):
        yield "["
        for number, value in enumerate(document):
            yield ", " if number else ""
            yield from _pieces(value)
        yield "]"
    elif isinstance(document, Sequence) and not isinstance(document, str):
        yield "["
        for start in range(0, len(document), TOGETHER):
            yield (", " if start else "") + _json(list(document[start : start + TOGETHER]))[1:-1]
        yield "]"
    else:
        yield _json(document)


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
