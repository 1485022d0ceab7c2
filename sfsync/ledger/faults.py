"""Database errors in our words: what happened to the ledger, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from sfsync.errors import LedgerError, Unreachable

_RESTORE = "Move the file away and restore a backup, or start a new ledger and look first: sfsync plan --full"
_DISK = "Check room and health of the disk, then run again."
_WAIT = "Wait for the other run to end, then run again."
_RIGHTS = "Check owner and mode of the file, or the rights of the database user."
_RULES = (  # (pattern in the driver's text, code, message, next step)
    (r"not a database|malformed|disk image|encrypted", "LEDGER_DAMAGED", "the ledger is damaged or not one", _RESTORE),
    (r"locked|busy", "LEDGER_BUSY", "another process keeps the ledger locked", _WAIT),
    (r"is full|no space|could not extend", "LEDGER_FULL", "the ledger's disk is full", "Make room, then run again."),
    (r"disk i/o", "LEDGER_IO", "the ledger's disk refused to read or write", _DISK),
    (r"read-?only|permission denied", "LEDGER_DENIED", "the ledger may not be written by this user", _RIGHTS),
    (r"password auth|no pg_hba|role .* does not", "LEDGER_DENIED", "the ledger's database refused the login", _RIGHTS),
    (r"unable to open|does not exist", "LEDGER_UNREADABLE", "the ledger cannot be opened", "Check ledger.url."),
)
_LOST = (
    r"connection (refused|failed|is bad|timeout|reset|to server|is closed)|timed? ?out|could not (connect|translate)"
    r"|server closed|terminating|name or service"
)


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Database errors as ``LedgerError`` or ``Unreachable``; what can only be a mistake of ours passes unchanged."""
    try:
        yield
    except DBAPIError as error:
        known = _known(engine, str(error.orig).lower(), lost=error.connection_invalidated)
        if known is None:
            raise
        raise known from None


def _known(engine: Engine, text: str, *, lost: bool) -> LedgerError | Unreachable | None:
    where = place(engine)
    for pattern, code, message, step in _RULES:
        if re.search(pattern, text):
            return LedgerError(message, code, where, step)
    if engine.dialect.name == "postgresql" and (lost or re.search(_LOST, text)):
        step = "Check that the database runs and ledger.url is right, then run again; nothing was lost."
        return Unreachable("the ledger's database cannot be reached", "LEDGER_UNREACHABLE", where, step)
    return None


def place(engine: Engine) -> str:
    """Where the ledger is, without user and password."""
    url = engine.url
    return str(url.database) if url.get_backend_name() == "sqlite" else f"{url.host or 'local'}/{url.database}"
