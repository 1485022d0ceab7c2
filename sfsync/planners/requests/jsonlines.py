"""JSON lines: one object per line, its keys are the columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sfsync.planners.requests.decode import Text
from sfsync.planners.requests.refused import format_refused
from sfsync.planners.requests.sheet import Dialect, Knows, Record, Sheet, sheet


def read(text: Text, knows: Knows, most: int) -> Sheet:
    """The table of all objects; the columns are all keys, in the order in which they come."""
    objects = list(_objects(text.text))
    names = list(dict.fromkeys(name for _, one in objects for name in one))
    records: Iterator[Record] = ((line, [_text(one.get(n)) for n in names]) for line, one in objects)
    dialect = Dialect("jsonl", text.encoding, text.bom, newline="\n")
    return sheet(_headed(names, records), knows, dialect, text.codes, most)


def _headed(names: list[str], records: Iterator[Record]) -> Iterator[Record]:
    yield 0, names
    yield from records


def _objects(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line, parse_float=_italian, parse_int=str)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise format_refused(f"line {number} is not a JSON object", "Write one object per line.")
        yield number, found


def _italian(number: str) -> str:
    """A JSON number as the profile writes it; one with an exponent stays as it is, and is refused in a code."""
    return number.replace(".", ",") if "e" not in number.lower() else number


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "si" if value else "no"
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
