"""The audit trail: a chain of lines, each with a keyed hash over itself and the line before.

Who has the database but not the ledger's key cannot change, insert or drop a line and make the chain close again.
Lines cut from the end are found by the anchor: the newest line this folder has seen is noted in ``audit.head``.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from sfsync import faultpoints
from sfsync.ledger import database
from sfsync.ledger.keys import derive
from sfsync.ledger.tables import audit
from sfsync.sides.side import Finding

if TYPE_CHECKING:
    from sfsync.ledger.store import Ledger

START = "0" * 64
ANCHOR = "audit.head"


@dataclass(frozen=True)
class Verified:
    """Result of ``verify``: lines whose hash is right, and what is wrong (level error)."""

    lines: int
    findings: list[Finding]


def append(ledger: Ledger, action: str, details: Mapping[str, Any], *, run_id: str | None = None, actor: str) -> int:
    """Add a line and return its number. ``details`` holds keys, codes and counts only, never a personal value."""
    with ledger.writing() as connection:
        seq = append_in(ledger, connection, action, details, run_id=run_id, actor=actor)
    anchor(ledger)
    return seq


def append_in(
    ledger: Ledger, connection: Connection, action: str, details: Mapping[str, Any], *, run_id: str | None, actor: str
) -> int:
    """``append`` inside a transaction of the caller, so that a decision and its line stand or fall together."""
    database.exclusive(connection, "audit")
    last = connection.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    line: dict[str, Any] = {
        "seq": last.seq + 1 if last else 1,
        "at": database.text_of(database.clock(connection)),
        "run_id": run_id,
        "actor": actor,
        "action": action,
        "details": canonical(details),
        "prev_hash": last.hash if last else START,
    }
    connection.execute(audit.insert().values(**line, hash=_hash(ledger.key, line)))
    faultpoints.hit("ledger.audit.middle")
    return int(line["seq"])


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with one spelling only: sorted names, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _hash(key: bytes, line: Mapping[str, Any]) -> str:
    body = canonical({k: line[k] for k in ("seq", "at", "run_id", "actor", "action", "details", "prev_hash")})
    return hmac.new(derive(key, "audit"), body.encode(), sha256).hexdigest()


def lines(ledger: Ledger, *, after: int = 0, limit: int = 1_000) -> list[dict[str, Any]]:
    """Lines of the trail in order, ``details`` parsed."""
    query = sa.select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    with ledger.reading() as connection:
        rows = connection.execute(query).mappings().all()
    return [{**row, "details": json.loads(row["details"])} for row in rows]


def verify(ledger: Ledger) -> Verified:
    """Walk the whole chain; findings AUDIT_CHANGED, AUDIT_GAP and AUDIT_CUT name the first line that is wrong."""
    good, seq, prev, findings = 0, 0, START, list[Finding]()
    anchored, seen = _anchored(ledger), False
    with ledger.reading() as connection:
        for row in connection.execute(sa.select(audit).order_by(audit.c.seq)).yield_per(5_000):
            fault = _fault(ledger, row, seq, prev)
            findings += [fault] if fault else []
            good += fault is None
            seq, prev = row.seq, row.hash
            seen = seen or (row.seq, row.hash) == anchored
    if anchored and not seen:
        findings.append(_finding("AUDIT_CUT", f"line {anchored[0]}, which was there, is missing or another one", ""))
    return Verified(good, findings)


def _fault(ledger: Ledger, row: Row[Any], seq: int, prev: str) -> Finding | None:
    if row.seq != seq + 1 or row.prev_hash != prev:
        return _finding("AUDIT_GAP", f"line {row.seq} does not follow line {seq}", f"line {row.seq}")
    if not hmac.compare_digest(_hash(ledger.key, row._asdict()), row.hash):
        return _finding("AUDIT_CHANGED", f"line {row.seq} was changed after it was written", f"line {row.seq}")
    return None


def _finding(code: str, message: str, where: str) -> Finding:
    step = "Compare with a backup of the ledger; the lines before it are sound."
    return Finding(code, f"audit trail: {message}", "error", where=where, next_step=step)


def anchor(ledger: Ledger) -> None:
    """Note the newest line beside the ledger, outside the database."""
    with ledger.reading() as connection:
        last = connection.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    if last is None:
        return
    handle, name = tempfile.mkstemp(dir=ledger.folder, prefix=ANCHOR)
    with os.fdopen(handle, "w") as file:
        file.write(f"{last.seq} {last.hash}")
    Path(name).replace(ledger.folder / ANCHOR)


def _anchored(ledger: Ledger) -> tuple[int, str] | None:
    with contextlib.suppress(FileNotFoundError, ValueError):
        seq, digest = (ledger.folder / ANCHOR).read_text("ascii").split()
        return int(seq), digest
    return None
