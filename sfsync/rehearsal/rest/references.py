"""References between subrequests: ``@{ref.path}`` in a url or a body (wire reference 8).

``.`` steps into an object, ``[n]`` into a list, both as deep as the answer goes; names are case-sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from sfsync.rehearsal import digits

Look = Callable[[str], Any]
_REFERENCE = re.compile(r"@\{([^}]*)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def filled(value: Any, look: Look) -> Any:
    """A body with every reference replaced; a text that is one reference takes the type of what it points at."""
    if isinstance(value, dict):
        return {key: filled(item, look) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, look) for item in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    return look(whole.group(1)) if whole else _REFERENCE.sub(lambda found: _text(look(found.group(1))), value)


def filled_url(url: str, look: Look) -> str:
    """A url with its references replaced and encoded; one at its very start is a path by itself (nextRecordsUrl)."""

    def put(found: re.Match[str]) -> str:
        text = _text(look(found.group(1)))
        return text if found.start() == 0 else quote(text, safe="")

    return _REFERENCE.sub(put, url)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def steps(path: str) -> list[str | int]:
    """``ref[0].id`` as ``["ref", 0, "id"]``; the first is the referenceId."""
    return [digits.number(index) if index else name for name, index in _STEP.findall(path)] or [path]


def roots(value: Any) -> Iterator[str]:
    """The referenceIds a url or a body leans on."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from roots(item)
    elif isinstance(value, str):
        yield from (str(steps(path)[0]) for path in _REFERENCE.findall(value))
