"""Two answers side by side: status, headers that matter, keys, types and texts.

Ids, instants, host names and counters differ by nature and are compared by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FORMS = (
    ("id", re.compile(r"[a-zA-Z0-9]{12}\d*[a-zA-Z0-9]{0,6}\Z")),
    ("instant", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000\Z")),
    ("instant Z", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z\Z")),
)
_ID = re.compile(r"\b[a-zA-Z0-9]{3}[a-zA-Z0-9]{12}(?:[a-zA-Z0-9]{3})?\b")
_HOST = re.compile(r"https?://[^/\s\"]+")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?(?:Z|\+0000)")
_VERSION = re.compile(r"/v\d\d\.0/")
_TOKEN = re.compile(r"00D\w+![\w.-]+")
_TIMES = re.compile(r"(Time>)\d+(</)")
_ASYNC = re.compile(r"(/Soap/[umc]/|async/)\d\d\.0")
HEADERS = ("content-type", "location", "etag", "last-modified", "sforce-limit-info", "sforce-locator",
           "sforce-numberofrecords")  # fmt: skip
COUNTERS = frozenset({"Remaining", "Max", "commitNumber", "commitTimestamp", "totalProcessingTime",
                      "apiActiveProcessingTime", "apexProcessingTime"})  # fmt: skip


_STATE = frozenset({"ETag", "Last-Modified"})
_ERROR_ID = re.compile(r"ErrorId if you contact support: [-\d ()]+")


@dataclass(frozen=True)
class Difference:
    """``where`` is a path into the answer; ``recorded`` and ``ours`` are shown as they are."""

    where: str
    recorded: str
    ours: str

    def __str__(self) -> str:
        return f"{self.where}: recorded {self.recorded}, ours {self.ours}"


def plain(text: str) -> str:
    """The text without what differs by nature."""
    text = _STAMP.sub(lambda m: "<instant Z>" if m[0].endswith("Z") else "<instant>", _HOST.sub("<host>", text))
    text = _TIMES.sub(r"\1n\2", _TOKEN.sub("<token>", text))
    text = _ERROR_ID.sub("<error id>", text)
    text = _ASYNC.sub(r"\1<version>", _VERSION.sub("/<version>/", text))
    return _ID.sub(lambda m: "<id>" if any(c.isdigit() for c in m[0]) else m[0], text)


def bodies(recorded: Any, ours: Any, where: str = "") -> Iterator[Difference]:
    """Walks both; lists of rows are compared place by place."""
    if where.rpartition(".")[2] in _STATE:
        return
    if isinstance(recorded, dict) and isinstance(ours, dict):
        yield from _objects(recorded, ours, where)
    elif isinstance(recorded, list) and isinstance(ours, list):
        yield from _lists(recorded, ours, where)
    elif isinstance(recorded, str) and isinstance(ours, str):
        if plain(recorded) != plain(ours):
            yield Difference(where, repr(recorded)[:300], repr(ours)[:300])
    elif type(recorded) is not type(ours):
        yield Difference(
            where, f"{type(recorded).__name__} {str(recorded)[:80]}", f"{type(ours).__name__} {str(ours)[:80]}"
        )
    elif recorded != ours and where.rpartition(".")[2] not in COUNTERS:
        yield Difference(where, repr(recorded), repr(ours))


def _objects(recorded: dict[str, Any], ours: dict[str, Any], where: str) -> Iterator[Difference]:
    missing, more = [k for k in recorded if k not in ours], [k for k in ours if k not in recorded]
    if missing:
        yield Difference(f"{where}{{}}", f"has keys {missing}", "has them not")
    if more:
        yield Difference(f"{where}{{}}", "has them not", f"has keys {more}")
    if not missing and not more and list(recorded) != list(ours):
        yield Difference(f"{where}{{}}", f"order {list(recorded)}", f"order {list(ours)}")
    for key in recorded:
        if key in ours:
            yield from bodies(recorded[key], ours[key], f"{where}.{key}")


def _lists(recorded: list[Any], ours: list[Any], where: str) -> Iterator[Difference]:
    # The recorders kept the first rows of long lists only.
    trimmed = where.endswith(".records") and 0 < len(recorded) < len(ours)
    if len(recorded) != len(ours) and not trimmed:
        yield Difference(f"{where}[]", f"{len(recorded)} items", f"{len(ours)} items")
    for number, (one, other) in enumerate(zip(recorded, ours, strict=False)):
        yield from bodies(one, other, f"{where}[{number}]")


def headers(recorded: dict[str, str], ours: dict[str, str]) -> Iterator[Difference]:
    """The headers that matter and were recorded, by form."""
    for name in HEADERS:
        if name in recorded:
            found = ours.get(name)
            if found is None or _form(name, recorded[name]) != _form(name, found):
                yield Difference(f"header {name}", recorded[name], str(found))


def _form(name: str, value: str) -> str:
    if name == "content-type":
        return value.replace(" ", "").lower()
    if name == "location":
        return plain(value)
    if name == "sforce-limit-info":
        return re.sub(r"\d+", "n", value)
    return "given" if name in ("etag", "last-modified") else value
