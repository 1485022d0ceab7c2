"""Reads rows in pages that survive a lost connection: all rows by ranges of the key, a window's rows by their keys.

Every page is one short transaction: no cursor stays open for a writer to wait on. A key is given out once: a range ends
with all rows of its last key. A row that changes meanwhile is read as it is when its page is; its stamp is then after
the window's end, so the next window has it again.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sfsync.sides.platform import joining, windows
from sfsync.sides.platform.connect import SQLITE, is_busy, is_disconnect, translate
from sfsync.sides.platform.page import Page
from sfsync.sides.platform.tables import Table

FIRST_ROWS, MOST_ROWS, LEAST_ROWS = 2_000, 16_000, 100
PAGE_BYTES = 8 << 20
IN_LIST = 5_000
ATTEMPTS = 3
Keys: TypeAlias = "pa.Array | list[str]"


def next_rows(rows: int, page: Page) -> int:
    """How many rows the next page should have, so that its text is about PAGE_BYTES."""
    fitting = PAGE_BYTES * max(len(page), 1) // max(page.size, 1)
    return max(LEAST_ROWS, min(MOST_ROWS, 8 * rows, fitting))


@dataclass(frozen=True)
class Reading:
    """Reads one table; errors name ``where``."""

    engine: sa.Engine
    table: Table
    columns: Sequence[str]
    where: str

    def everything(self) -> Iterator[Page]:
        """All rows with a key, in the order of the keys; rows of one key are in one page."""
        rows, after = FIRST_ROWS, None
        while True:
            page, after = self._short(partial(self._range, after=after, rows=rows))
            if len(page):
                yield page
            if after is None:
                return
            rows = next_rows(rows, page)

    def these(self, keys: Keys) -> Iterator[Page]:
        """The rows with these keys (as the table holds them), as they are now."""
        rows, start = FIRST_ROWS, 0
        while start < len(keys):
            some = _listed(keys[start : start + rows])
            page = self._short(partial(self._with_keys, keys=some))
            if len(page):
                yield page
            start, rows = start + rows, next_rows(rows, page)

    def window(self, since: datetime) -> tuple[Keys, int]:
        """Keys of the rows of a window, each once, sorted; and how many of its rows have no key."""
        found: tuple[Keys, int] = self._short(lambda c: self._window(c, since))
        return found

    def keyless(self) -> int:
        """How many rows have no key."""
        query = sa.select(sa.func.count()).select_from(self.table.clause).where(no_key(self.table))
        return int(self._short(lambda c: c.scalar(query)) or 0)

    def _short(self, work: Callable[[sa.Connection], Any]) -> Any:
        return trying(self.engine, self.where, work)

    def _range(self, connection: sa.Connection, after: Any, rows: int) -> tuple[Page, Any]:
        key = self.table.key
        beyond = sa.true() if after is None else key > _bound(after)
        last = connection.scalar(sa.select(key).where(beyond, key.is_not(None)).order_by(key).offset(rows - 1).limit(1))
        upto = sa.true() if last is None else key <= _bound(last)
        where = sa.and_(usable_key(self.table), beyond, upto)
        return joining.read(connection, self.table, self.columns, where, ordered=True), last

    def _with_keys(self, connection: sa.Connection, keys: Sequence[str]) -> Page:
        page = joining.read(connection, self.table, self.columns, key_in(self.table, keys), ordered=False)
        if len(page) < len(keys) and self.table.dialect == SQLITE:
            blobs = sa.and_(self.table.key >= sa.literal_column("x''"), _among(self.table.key_text, keys))
            page = page.and_(joining.read(connection, self.table, self.columns, blobs, ordered=False))
        return page.sorted()

    def _window(self, connection: sa.Connection, since: datetime) -> tuple[Keys, int]:
        wheres = windows.conditions(connection, self.table, since)
        parts = [found for where in wheres if len(found := joining.keys(connection, self.table, where))]
        if not parts:
            return [], 0
        if any(isinstance(p, list) for p in parts):
            every = [k for p in parts for k in _listed(p)]
            keys = [k for k in every if k and k.strip(" ")]
            return sorted(set(keys)), len(every) - len(keys)
        whole = pa.concat_arrays(parts)
        kept = whole.filter(pc.fill_null(pc.not_equal(pc.utf8_trim(whole, " "), ""), False))
        unique = pc.unique(kept)
        return unique.take(pc.sort_indices(unique)), len(whole) - len(kept)


def _listed(keys: Keys) -> list[str]:
    return keys if isinstance(keys, list) else keys.to_pylist()


def _bound(key: Any) -> Any:
    """A key as a bound value; text that is not UTF-8 goes as its bytes."""
    if not isinstance(key, str) or _is_unicode(key):
        return key
    return sa.cast(sa.literal(key.encode("utf-8", "surrogateescape"), sa.LargeBinary), sa.Text)


def _is_unicode(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def usable_key(table: Table) -> sa.ColumnElement[bool]:
    """Rows that have a key at all."""
    return sa.and_(table.key.is_not(None), sa.func.trim(table.key_text) != "")


def no_key(table: Table) -> sa.ColumnElement[bool]:
    """The others; on SQLite in a form that the key's index can answer."""
    blank = sa.func.trim(table.key_text) == ""
    if table.dialect != SQLITE:
        return sa.or_(table.key.is_(None), blank)
    text = sa.and_(table.key >= sa.literal_column("''"), table.key < sa.literal_column("'!'"), blank)
    blob = sa.and_(table.key >= sa.literal_column("x''"), blank)
    return sa.or_(table.key.is_(None), text, blob)


def key_in(table: Table, keys: Sequence[str]) -> sa.ColumnElement[bool]:
    """The rows with these keys; one bound value however many they are."""
    if table.dialect == SQLITE:
        return _among(table.key, keys)
    kind = table.types[table.key_name]
    if isinstance(kind, sa.Integer):
        numbers = [int(k) for k in keys if k.lstrip("-").isdecimal()]
        return table.key == sa.any_(sa.bindparam(None, numbers, type_=sa.ARRAY(sa.BigInteger)))
    if isinstance(kind, sa.Uuid):
        known = [k for k in keys if _is_uuid(k)]
        return table.key == sa.any_(sa.cast(sa.bindparam(None, known, type_=sa.ARRAY(sa.Text)), sa.ARRAY(sa.Uuid)))
    same = table.key if isinstance(kind, sa.String) else table.key_text
    return same == sa.any_(sa.bindparam(None, list(keys), type_=sa.ARRAY(sa.Text)))


def _among(key: sa.ColumnElement[Any], keys: Sequence[str]) -> sa.ColumnElement[bool]:
    """SQLite takes many values as one JSON text; text that is not UTF-8 has no JSON."""
    plain = list(keys) if _is_unicode("".join(keys)) else [k for k in keys if _is_unicode(k)]
    listed = sa.func.json_each(json.dumps(plain)).table_valued("value")
    among = key.in_(sa.select(listed.c.value))
    return among if len(plain) == len(keys) else sa.or_(among, key.in_([_bound(k) for k in set(keys) - set(plain)]))


def _is_uuid(key: str) -> bool:
    try:
        return str(uuid.UUID(key)) == key.lower()
    except ValueError:
        return False


def chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Slices of at most ``size``."""
    return (items[i : i + size] for i in range(0, len(items), size))


def trying(engine: sa.Engine, where: str, work: Callable[[sa.Connection], Any]) -> Any:
    """Do a short read, again on a new connection if the old one was lost; raises our errors only."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                return work(connection)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not is_disconnect(error) or is_busy(error):
                raise translate(error, where) from None
            time.sleep(0.3 * attempt)
    raise AssertionError("unreachable")
