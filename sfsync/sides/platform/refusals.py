"""Why the database refused a row, in words that hold no value of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sfsync.sides.platform.connect import is_busy, kind_of
from sfsync.sides.platform.tables import Table

DATA, PARENT, LOCK, PERMISSION, TRANSIENT, UNKNOWN = "data", "parent", "lock", "permission", "transient", "unknown"


@dataclass(frozen=True)
class Refusal:
    """The failure part of an outcome: ``code``, class of failure, column names and a sentence."""

    code: str
    kind: str
    reason: str
    fields: tuple[str, ...] = ()

    @property
    def everyones(self) -> bool:
        """True if every row of the statement would meet the same refusal."""
        return self.kind in (PERMISSION, LOCK, TRANSIENT)


NOT_NULL = ("NOT_NULL", DATA, "The platform's column needs a value.")
UNIQUE = ("UNIQUE", DATA, "Another row of the platform has the same value where it must be the only one.")
FOREIGN_KEY = ("FOREIGN_KEY", PARENT, "The platform does not have the row this one refers to.")
CHECK = ("CHECK", DATA, "A check of the platform's table refuses the value.")
TOO_LONG = ("TOO_LONG", DATA, "The value is longer than the platform's column.")
VALUE_RANGE = ("VALUE_RANGE", DATA, "The value is outside what the platform's column can hold.")
VALUE_TYPE = ("VALUE_TYPE", DATA, "The value does not fit the type of the platform's column.")
ENCODING = ("TEXT_ENCODING", DATA, "The text holds characters the platform's database cannot store.")
TRIGGER = ("TRIGGER", DATA, "A rule of the platform's own database refuses the row.")
NO_RIGHT = ("PERMISSION", PERMISSION, "The platform's database does not let this login write the table.")
BUSY = ("LOCK", LOCK, "Another transaction of the platform kept the row locked.")
CANCELLED = ("CANCELLED", TRANSIENT, "The platform's database cancelled the statement.")

POSTGRESQL_CODES = {
    "23502": NOT_NULL,
    "23505": UNIQUE,
    "23503": FOREIGN_KEY,
    "23514": CHECK,
    "23P01": CHECK,
    "22001": TOO_LONG,
    "22003": VALUE_RANGE,
    "22008": VALUE_RANGE,
    "22007": VALUE_TYPE,
    "22P02": VALUE_TYPE,
    "42804": VALUE_TYPE,
    "22021": ENCODING,
    "22P05": ENCODING,
    "P0001": TRIGGER,
    "42501": NO_RIGHT,
    "25006": NO_RIGHT,
    "57014": CANCELLED,
}
SQLITE_CODES = {
    "SQLITE_CONSTRAINT_NOTNULL": NOT_NULL,
    "SQLITE_CONSTRAINT_UNIQUE": UNIQUE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": UNIQUE,
    "SQLITE_CONSTRAINT_FOREIGNKEY": FOREIGN_KEY,
    "SQLITE_CONSTRAINT_CHECK": CHECK,
    "SQLITE_CONSTRAINT_TRIGGER": TRIGGER,
    "SQLITE_CONSTRAINT_DATATYPE": VALUE_TYPE,
    "SQLITE_MISMATCH": VALUE_TYPE,
    "SQLITE_TOOBIG": TOO_LONG,
    "SQLITE_READONLY": NO_RIGHT,
}
PYTHON_ERRORS = ((OverflowError, VALUE_RANGE), (UnicodeError, ENCODING))


def refusal(error: Exception, table: Table, row: dict[str, Any]) -> Refusal:
    """What to tell about a row the database did not take; ``row`` is looked at for lengths only."""
    orig = getattr(error, "orig", None) or error
    code, kind, reason = _known(error, orig)
    fields = table.too_long(row) if code == "TOO_LONG" else _columns(orig)
    return Refusal(code, kind, reason, tuple(fields))


def _known(error: Exception, orig: BaseException) -> tuple[str, str, str]:
    if is_busy(error):
        return BUSY
    for kind, answer in PYTHON_ERRORS:
        if isinstance(orig, kind):
            return answer
    state, name = getattr(orig, "sqlstate", None), getattr(orig, "sqlite_errorname", None)
    if state:
        return POSTGRESQL_CODES.get(state, _other(error))
    if name:
        return SQLITE_CODES.get(name, _other(error))
    if "NUL" in str(orig):
        return ENCODING
    return VALUE_TYPE if "not supported" in str(orig) else _other(error)


def _other(error: Exception) -> tuple[str, str, str]:
    return f"SQL_{kind_of(error).upper()}", UNKNOWN, "The platform's database refused the row."


def _columns(orig: BaseException) -> list[str]:
    """Column names of a refusal. Messages are searched for names only; what follows them may be a value."""
    diag = getattr(orig, "diag", None)
    if diag is not None:
        named = re.match(r"Key \(([\w\", ]+)\)=", diag.message_detail or "")
        return [diag.column_name] if diag.column_name else (named[1].replace('"', "").split(", ") if named else [])
    named = re.match(r"(?:NOT NULL|UNIQUE) constraint failed: ([\w., ]+)$", str(orig))
    return [c.rpartition(".")[2] for c in named[1].split(", ")] if named else []
