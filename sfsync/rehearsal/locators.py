"""Query cursors: the rows behind ``nextRecordsUrl``, kept for two days and across restarts (wire reference 9).

A result longer than a page is remembered by its ids, in order, as they were when the query ran: rows that come or
move later do not shift the pages, rows deleted since still show, only rows deleted for good are missing. A page's
values are read when the page is. Long results are written down while their first page is already on its way.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.soql.run import Family, Nest, Reading

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

LIFE = timedelta(days=2)
PAGE, PAGE_MIN = 2000, 200
_BY_LONG_TEXTS = (PAGE, 1000, PAGE_MIN)  # none, one, several selected
WIDTH = 18  # bytes of an id
AT_ONCE = 10_000  # results up to this size are written down before the first page leaves
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


def _page(records: Iterable[Record], size: int) -> list[Record]:
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
        self._writing: dict[str, Event] = {}

    # -- asking -------------------------------------------------------------------------------------------

    def first(self, asked: Asked) -> Page:
        """Runs a query and gives its first page. Raises OrgError for everything wrong with it."""
        reading = self._org.read(asked.soql, all_rows=asked.all_rows, version=asked.version, user_id=asked.user_id)
        try:
            size = min(asked.size, _BY_LONG_TEXTS[min(reading.level.long_texts, 2)])
            page, left = self._first(reading, replace(asked, size=size))
        except BaseException:
            reading.close()
            raise
        if not left:
            reading.close()
        return page

    def _first(self, reading: Reading, asked: Asked) -> tuple[Page, bool]:
        """The page, and whether the reading is still being read from."""
        level = reading.level
        if level.count_only:
            return Page([], reading.count(), None), False
        cursor = reading.rows()
        if level.aggregate:
            return _groups(list(reading.records(iter(cursor.fetchmany(PAGE + 1))))), False
        ahead = cursor.fetchmany(asked.size + 1)
        whole = len(ahead) <= asked.size
        total = len(ahead) if whole else reading.count()
        records = _page(reading.records(iter(ahead), self._nest(reading, asked)), asked.size)
        if len(records) >= total:
            return Page(records, total, None), False
        name, left = self._keep(reading, asked, total, [row[level.id_place] for row in ahead] if whole else None)
        return Page(records, total, f"{name}-{len(records)}"), left

    def more(self, locator: str) -> Page:
        """A later page. OrgError INVALID_QUERY_LOCATOR when the cursor is unknown or older than two days."""
        name, _, offset = locator.partition("-")
        state = self._org.state_get(_KIND, name)
        if state is None or not re.fullmatch(r"\d{1,9}", offset, re.ASCII) or self._old(state):
            raise errors.invalid_query_locator()
        asked, begin = Asked.of(state), int(offset)
        with self._org.read(
            asked.soql, all_rows=asked.all_rows, version=asked.version, user_id=asked.user_id
        ) as reading:
            ids = self._ids(name, asked, reading, begin)
            if not ids:
                raise errors.invalid_query_locator()
            records = _page(reading.some(ids, self._nest(reading, asked), asked.path), asked.size)
            used = len(ids) if len(records) == len(ids) else _used(ids, records)
        end = begin + used
        return Page(records, state["total"], f"{name}-{end}" if end < state["total"] else None)

    def _nest(self, reading: Reading, asked: Asked) -> Nest:
        def more(family: Family) -> str:
            inner = replace(asked, path=family.path, parent=family.parent)
            name, _ = self._keep(reading, inner, family.total, reading.ids(family.level, family.parent))
            return f"/services/data/v{asked.version}/query/{name}-{asked.size}"

        return Nest(asked.size, more)

    # -- writing ids down ---------------------------------------------------------------------------------

    def _keep(self, reading: Reading, asked: Asked, total: int, ids: Iterable[str] | None) -> tuple[str, bool]:
        """Makes a cursor; ids that are not at hand are read in the query's own snapshot, many of them on the side."""
        self._forget_old()
        self._folder.mkdir(parents=True, exist_ok=True)
        name = "0r8" + "".join(secrets.choice(_ALPHABET) for _ in range(15))
        state = {"total": total, "asked": asked.kept(), "born": self._org.clock.now().isoformat()}
        if ids is not None or total <= AT_ONCE or reading.joined:
            self._write(name, reading.ids() if ids is None else ids)
            self._org.state_put(_KIND, name, state)
            return name, False
        self._org.state_put(_KIND, name, state)
        self._writing[name] = Event()
        Thread(target=self._write_aside, args=(name, reading), daemon=True).start()
        return name, True

    def _write_aside(self, name: str, reading: Reading) -> None:
        try:
            with reading:
                self._write(name, reading.ids())
        except OSError:
            pass  # the org was reset meanwhile: nobody will come for this cursor
        finally:
            self._writing.pop(name).set()

    def _write(self, name: str, ids: Iterable[str]) -> None:
        """Under its name only when complete: a cursor whose file is missing is read again."""
        part = self._path(name).with_suffix(".part")
        source = iter(ids)
        with part.open("wb") as file:
            while chunk := list(islice(source, CHUNK)):
                file.write("".join(chunk).encode("ascii"))
        part.replace(self._path(name))

    def _ids(self, name: str, asked: Asked, reading: Reading, begin: int) -> list[str]:
        """The ids from ``begin`` on, a page of them."""
        pending = self._writing.get(name)
        if pending is not None:
            pending.wait()
        if not self._path(name).exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(name, self._read_again(asked, reading))
        with self._path(name).open("rb") as file:
            return list(_read_ids(file, begin, asked.size))

    def _read_again(self, asked: Asked, reading: Reading) -> Iterator[str]:
        """After a death in the middle of writing: the query as it stands now."""
        level = reading.level
        for part in asked.path:
            level = dict(level.children)[part]
        return reading.ids(level, asked.parent) if asked.path else reading.ids()

    # -- housekeeping -------------------------------------------------------------------------------------

    def _old(self, state: dict[str, Any]) -> bool:
        return bool(self._org.clock.now() - datetime.fromisoformat(state["born"]) > LIFE)

    def _forget_old(self) -> None:
        for name, state in dict(self._org.state_list(_KIND)).items():
            if self._old(state):
                self._remove(name)

    def _remove(self, name: str) -> None:
        self._org.state_delete(_KIND, name)
        self._path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        for name in dict(self._org.state_list(_KIND)):
            self._remove(name)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.ids"


def _groups(records: list[Record]) -> Page:
    """More than 2,000 groups cannot be paged and are refused before anything is sent."""
    if len(records) > PAGE:
        raise errors.too_many_groups()
    return Page(records, len(records), None)


def _used(ids: list[str], records: list[Record]) -> int:
    """How far in ``ids`` the page has come; rows deleted for good have left gaps."""
    last = records[-1]["attributes"]["url"].rpartition("/")[2] if records else ""
    return ids.index(last) + 1 if last in ids else len(ids)


def _read_ids(file: IO[bytes], begin: int, count: int) -> Iterator[str]:
    file.seek(begin * WIDTH)
    data = file.read(count * WIDTH).decode("ascii")
    return (data[place : place + WIDTH] for place in range(0, len(data), WIDTH))
