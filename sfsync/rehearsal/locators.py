"""Query cursors: the rows behind ``nextRecordsUrl``, kept for two days and across restarts (wire reference 9).

A result longer than a page is remembered by its ids, in order, as they were when the query ran: rows that come or
move later do not shift the pages, rows deleted since still show, only rows deleted for good are missing. A page's
values are read when the page is.

The ids of a long result are not read before somebody asks for a second page: until then, or for a few seconds, its
snapshot is held open. Where that could not be (the process died, or too many were held), the query is run again and
what the first page has shown is left out of the rest.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from os import SEEK_END
from pathlib import Path
from threading import RLock, Timer
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.soql.run import Family, Nest, Reading

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

LIFE = timedelta(days=2)
PAGE, PAGE_MIN = 2000, 200
_BY_LONG_TEXTS = (PAGE, 1000, PAGE_MIN)  # none, one, several selected
WIDTH = 18  # bytes of an id
AT_ONCE = 10_000  # results up to this size are written down before the first page leaves
HELD, HOLD_S = 2, 5.0  # snapshots held open at a time, and for how long
CHUNK = 10_000
_KIND = "locator"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Record = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A query as a cursor remembers it. ``path`` leads to the children of a parent, for a nested cursor."""

    soql: str
    all_rows: bool = False
    version: str = "60.0"
    user_id: str | None = None
    size: int = PAGE
    path: tuple[str, ...] = ()
    parent: str = ""

    @staticmethod
    def of(state: dict[str, Any]) -> Asked:
        return Asked(**{**state["asked"], "path": tuple(state["asked"]["path"])})

    def kept(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Page:
    """Rows, the size of the whole result, and the locator of what follows."""

    records: list[Record]
    total: int
    following: str | None


def _weight(record: Record) -> int:
    """Rows of child subqueries count toward the page."""
    children = (value for value in record.values() if isinstance(value, dict) and "totalSize" in value)
    return 1 + sum(_weight(row) for child in children for row in child.get("records") or ())


def _page(records: Iterable[Record], size: int, *, families: bool) -> list[Record]:
    if not families:
        return list(islice(records, size))
    found, weight = [], 0
    for record in records:
        found.append(record)
        weight += _weight(record)
        if weight >= size:
            break
    return found


class Locators:
    """All cursors of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._folder = org.files_dir / "locators"
        self._held: dict[str, Reading] = {}  # in order of age
        self._lock = RLock()

    # -- asking -------------------------------------------------------------------------------------------

    def first(self, asked: Asked) -> Page:
        """Runs a query and gives its first page. Raises OrgError for everything wrong with it."""
        reading = self._org.read(asked.soql, all_rows=asked.all_rows, version=asked.version, user_id=asked.user_id)
        kept = False
        try:
            size = min(asked.size, _BY_LONG_TEXTS[min(reading.level.long_texts, 2)])
            page, kept = self._first(reading, replace(asked, size=size))
            return page
        finally:
            if not kept:
                reading.close()

    def _first(self, reading: Reading, asked: Asked) -> tuple[Page, bool]:
        """The page, and whether the reading is held for those that follow."""
        level = reading.level
        if level.count_only:
            return Page([], reading.count(), None), False
        cursor = reading.rows()
        if level.aggregate:
            return _groups(list(reading.records(iter(cursor.fetchmany(PAGE + 1))))), False
        ahead = cursor.fetchmany(asked.size + 1)
        whole = len(ahead) <= asked.size
        total = len(ahead) if whole else reading.count()
        records = _page(
            reading.records(iter(ahead), self._nest(reading, asked)), asked.size, families=bool(level.children)
        )
        if len(records) >= total:
            return Page(records, total, None), False
        ids = [row[level.id_place] for row in ahead]
        if whole or total <= AT_ONCE or reading.joined:
            name = self._keep(asked, total, ids if whole else reading.ids())
        else:
            name = self._hold(reading, asked, total, ids[: len(records)])
        return Page(records, total, f"{name}-{len(records)}"), name in self._held

    def more(self, locator: str, user_id: str | None = None) -> Page:
        """A later page, for the user who asked for the first: it shows what that user may see.

        OrgError INVALID_QUERY_LOCATOR when the cursor is unknown, somebody else's or older than two days.
        """
        name, _, offset = locator.partition("-")
        state = self._org.state_get(_KIND, name)
        if state is None or not re.fullmatch(r"\d{1,9}", offset, re.ASCII) or self._old(state):
            raise errors.invalid_query_locator()
        asked, begin = Asked.of(state), int(offset)
        if asked.user_id != user_id:
            raise errors.invalid_query_locator()
        with self._org.read(
            asked.soql, all_rows=asked.all_rows, version=asked.version, user_id=asked.user_id
        ) as reading:
            self._settle(name, reading, asked)
            ids, size = self._ids(name, begin, asked.size)
            if not ids:
                raise errors.invalid_query_locator()
            found = reading.some(ids, self._nest(reading, asked), asked.path)
            records = _page(found, asked.size, families=bool(reading.level.children))
            used = len(ids) if len(records) == len(ids) else _used(ids, records)
        end = begin + used
        return Page(records, state["total"], f"{name}-{end}" if end < size else None)

    def _nest(self, reading: Reading, asked: Asked) -> Nest:
        def more(family: Family) -> str:
            inner = replace(asked, path=family.path, parent=family.parent)
            name = self._keep(inner, family.total, reading.ids(family.level, family.parent))
            return f"/services/data/v{asked.version}/query/{name}-{asked.size}"

        return Nest(asked.size, more)

    # -- writing ids down ---------------------------------------------------------------------------------

    def _new(self, asked: Asked, total: int) -> str:
        self._forget_old()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = "0r8" + "".join(secrets.choice(_ALPHABET) for _ in range(15))
        state = {"total": total, "asked": asked.kept(), "born": self._org.clock.now().isoformat()}
        self._org.state_put(_KIND, name, state)
        return name

    def _keep(self, asked: Asked, total: int, ids: Iterable[str]) -> str:
        """A cursor whose ids are at hand."""
        name = self._new(asked, total)
        self._write(self._path(name), ids)
        return name

    def _hold(self, reading: Reading, asked: Asked, total: int, shown: list[str]) -> str:
        """A cursor whose ids will be read in the query's own snapshot, when they are wanted."""
        name = self._new(asked, total)
        self._write(self._path(name, ".first"), shown)
        with self._lock:
            self._held[name] = reading
            if len(self._held) > HELD:
                self._held.pop(next(iter(self._held))).close()
        timer = Timer(HOLD_S, self._after_a_while, (name,))
        timer.daemon = True
        timer.start()
        return name

    def _after_a_while(self, name: str) -> None:
        with suppress(OSError):  # the org was reset meanwhile: nobody will come for this cursor
            self._settle(name)

    def _settle(self, name: str, reading: Reading | None = None, asked: Asked | None = None) -> None:
        """Writes the ids of a cursor down, from its own snapshot if that is held, else from ``reading``."""
        with self._lock:
            held = self._held.pop(name, None)
            if held is not None:
                with held:
                    self._write(self._path(name), held.all_ids())
            elif reading is not None and asked is not None and not self._path(name).exists():
                self._write(self._path(name), self._read_again(name, asked, reading))
            self._path(name, ".first").unlink(missing_ok=True)

    def _read_again(self, name: str, asked: Asked, reading: Reading) -> Iterator[str]:
        """What the first page has shown, then everything else the query finds now."""
        level = reading.level
        for part in asked.path:
            level = dict(level.children)[part]
        first = self._path(name, ".first")
        shown = _read_ids(first.read_bytes()) if first.exists() else []
        known = set(shown)
        yield from shown
        ids = reading.ids(level, asked.parent) if asked.path else reading.ids()
        yield from (one for one in ids if one not in known)

    def _write(self, path: Path, ids: Iterable[str]) -> None:
        """Under its name only when complete."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        source = iter(ids)
        with part.open("wb") as file:
            while chunk := list(islice(source, CHUNK)):
                file.write("".join(chunk).encode("ascii"))
        part.replace(path)

    def _ids(self, name: str, begin: int, count: int) -> tuple[list[str], int]:
        """The ids from ``begin`` on, a page of them, and how many there are in all."""
        with self._path(name).open("rb") as file:
            size = file.seek(0, SEEK_END) // WIDTH
            file.seek(begin * WIDTH)
            return _read_ids(file.read(count * WIDTH)), size

    # -- housekeeping -------------------------------------------------------------------------------------

    def _old(self, state: dict[str, Any]) -> bool:
        return bool(self._org.clock.now() - datetime.fromisoformat(state["born"]) > LIFE)

    def _forget_old(self) -> None:
        for name, state in dict(self._org.state_list(_KIND)).items():
            if self._old(state):
                self._remove(name)

    def _remove(self, name: str) -> None:
        self._org.state_delete(_KIND, name)
        with self._lock:
            held = self._held.pop(name, None)
        if held is not None:
            held.close()
        self._path(name).unlink(missing_ok=True)
        self._path(name, ".first").unlink(missing_ok=True)

    def clear(self) -> None:
        while self._held:
            self._held.pop(next(iter(self._held))).close()
        for name in dict(self._org.state_list(_KIND)):
            self._remove(name)

    def _path(self, name: str, suffix: str = ".ids") -> Path:
        return self._folder / f"{name}{suffix}"


def _groups(records: list[Record]) -> Page:
    """More than 2,000 groups cannot be paged and are refused before anything is sent."""
    if len(records) > PAGE:
        raise errors.too_many_groups()
    return Page(records, len(records), None)


def _used(ids: list[str], records: list[Record]) -> int:
    """How far in ``ids`` the page has come; rows deleted for good have left gaps."""
    last = records[-1]["attributes"]["url"].rpartition("/")[2] if records else ""
    return ids.index(last) + 1 if last in ids else len(ids)


def _read_ids(data: bytes) -> list[str]:
    text = data.decode("ascii")
    return [text[place : place + WIDTH] for place in range(0, len(text), WIDTH)]
