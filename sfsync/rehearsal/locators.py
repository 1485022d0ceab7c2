"""Query cursors: the rows behind ``nextRecordsUrl``, kept on disk for two days and across restarts.

A result longer than a page is written down once, one JSON line per row; pages are cut out of that file without
parsing it. The cursor therefore shows the org as it was when the query ran.
"""

from __future__ import annotations

import json
import secrets
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

LIFE = timedelta(days=2)
_KIND = "locator"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Page:
    """Rows as JSON text, the size of the whole result, and the locator of what follows."""

    rows: list[bytes]
    total: int
    following: str | None


def _weight(row: dict[str, Any]) -> int:
    """Rows of child subqueries count toward the page."""
    children = (value for value in row.values() if isinstance(value, dict) and "totalSize" in value)
    return 1 + sum(len(child.get("records") or ()) for child in children)


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


class Locators:
    """All cursors of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._folder = org.files_dir / "locators"

    def first(self, records: Iterable[dict[str, Any]], total: int, size: int) -> Page:
        """The first page; what does not fit it is put on disk."""
        source = iter(records)
        rows, weight = [], 0
        for row in source:
            rows.append(row)
            weight += _weight(row)
            if weight >= size:
                break
        lines = [_line(row) for row in rows]
        ahead = list(islice(source, 1))
        if not ahead:
            return Page(lines, total, None)
        name = self._store(lines, chain(ahead, source), total, size)
        return Page(lines, total, f"{name}-{len(lines)}")

    def _store(self, lines: list[bytes], rest: Iterable[dict[str, Any]], total: int, size: int) -> str:
        self._forget_old()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = "0r8" + "".join(secrets.choice(_ALPHABET) for _ in range(15))
        starts, cuts, place, weight = array("Q"), [len(lines)], 0, 0
        with self._path(name).open("wb") as file:
            for line in lines:
                starts.append(place)
                place += file.write(line + b"\n")
            for row in rest:
                if weight >= size:
                    cuts.append(len(starts))
                    weight = 0
                starts.append(place)
                place += file.write(_line(row) + b"\n")
                weight += _weight(row)
        self._index(name).write_bytes(starts.tobytes())
        born = self._org.clock.now().isoformat()
        self._org.state_put(_KIND, name, {"total": total, "size": size, "cuts": cuts, "born": born})
        return name

    def more(self, locator: str) -> Page:
        """A later page. OrgError INVALID_QUERY_LOCATOR when the cursor is unknown or older than two days."""
        name, _, offset = locator.partition("-")
        state = self._org.state_get(_KIND, name)
        if state is None or not offset.isdecimal() or self._old(state):
            raise errors.invalid_query_locator()
        starts = array("Q", self._index(name).read_bytes())
        begin = int(offset)
        if begin >= len(starts):
            raise errors.invalid_query_locator()
        end = next((cut for cut in state["cuts"] if cut > begin), len(starts))
        end = min(end, begin + state["size"])
        following = f"{name}-{end}" if end < len(starts) else None
        return Page(self._rows(name, starts, begin, end), state["total"], following)

    def _rows(self, name: str, starts: array[int], begin: int, end: int) -> list[bytes]:
        with self._path(name).open("rb") as file:
            file.seek(starts[begin])
            return [file.readline().rstrip(b"\n") for _ in range(begin, end)]

    def _old(self, state: dict[str, Any]) -> bool:
        return bool(self._org.clock.now() - datetime.fromisoformat(state["born"]) > LIFE)

    def _forget_old(self) -> None:
        for name, state in dict(self._org.state_list(_KIND)).items():
            if self._old(state):
                self._remove(name)

    def _remove(self, name: str) -> None:
        self._org.state_delete(_KIND, name)
        self._path(name).unlink(missing_ok=True)
        self._index(name).unlink(missing_ok=True)

    def clear(self) -> None:
        for name in dict(self._org.state_list(_KIND)):
            self._remove(name)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    def _index(self, name: str) -> Path:
        return self._folder / f"{name}.idx"
