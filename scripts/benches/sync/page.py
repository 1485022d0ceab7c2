"""Puts tables between the markers of a page, and leaves every other word of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

START, END = "<!-- {}: made by scripts/bench sync --page -->", "<!-- end of {} -->"


class NoMarkersError(Exception):
    """The page has no place for a part."""


def fill(page: Path, parts: Mapping[str, str]) -> None:
    """Replaces what stands between the markers of each part; a part that was not measured keeps its old figures."""
    text = page.read_text("utf-8")
    for name, body in parts.items():
        start, end = START.format(name), END.format(name)
        if text.count(start) != 1 or text.count(end) != 1:
            raise NoMarkersError(f"{page} lacks the lines “{start}” and “{end}”")
        head, rest = text.split(start)
        text = f"{head}{start}\n\n{body}\n\n{end}{rest.split(end)[1]}"
    page.write_text(text, "utf-8")
