"""Markdown from values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(v) for v in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(value: str) -> str:
    """One line, fit for a table."""
    return re.sub(r"\s+", " ", value).replace("|", "\\|").strip()


def code(value: object) -> str:
    """In code type; nothing for nothing."""
    return f"`{value}`" if value not in (None, "") else ""


def sentence(value: str) -> str:
    """With a capital first, where the first word is a word and not a name."""
    return value[:1].upper() + value[1:] if re.match(r"(?!sf )[a-z]+[ ,;:(]", value) else value
