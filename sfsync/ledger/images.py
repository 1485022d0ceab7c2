"""Before-images: what the records looked like before they were written, so that ``undo`` has a way back.

The only place where the ledger holds values. Each image is a Parquet file, encrypted (AES-256-GCM, key derived from
the ledger's key) and bound to its run, mapping, side and number, readable by its owner only, and deleted when it
expires. It is on disk before the write it belongs to leaves.
"""

from __future__ import annotations

import io
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sfsync import faultpoints
from sfsync.errors import Defect, LedgerError
from sfsync.ledger import database
from sfsync.ledger.keys import derive
from sfsync.ledger.store import Ledger
from sfsync.ledger.tables import image

_NONCE = 12


@dataclass(frozen=True)
class Image:
    """One before-image: ``table`` as it was given to ``save``."""

    mapping: str
    side: str
    number: int
    table: pa.Table


def save(ledger: Ledger, run_id: str, mapping: str, side: str, number: int, table: pa.Table) -> Path:
    """Write and sync the file, then commit its row; returns the file. ``number`` counts within the run."""
    name = f"{number:06d}-{side}-{mapping}.image"
    if not re.fullmatch(r"[\w.-]+", run_id) or not re.fullmatch(r"[\w.-]+", name):
        raise Defect("names of runs and mappings become file names", "IMAGE_NAME", name)
    relative = Path("before") / run_id / name
    body = _sealed(ledger, f"{run_id}/{mapping}/{side}/{number}", table)
    _write(ledger.folder / relative, body)
    faultpoints.hit("ledger.image.written")
    _note(
        ledger, {"run_id": run_id, "mapping": mapping, "side": side, "number": number}, relative, body, table.num_rows
    )
    faultpoints.hit("ledger.image.saved")
    return ledger.folder / relative


def _note(ledger: Ledger, which: dict[str, Any], file: Path, body: bytes, rows: int) -> None:
    with ledger.writing() as connection:
        expires = database.clock(connection) + timedelta(days=ledger.keep_days)
        row = which | {"file": file.as_posix(), "sha256": sha256(body).hexdigest(), "rows": rows}
        row["expires_at"] = database.text_of(expires)
        database.upsert(connection, image, {n: [v] for n, v in row.items()})


def load(ledger: Ledger, run_id: str) -> Iterator[Image]:
    """The images of a run, the last one first (the way back); nothing if it wrote nothing or they expired.

    Raises ``LedgerError``: IMAGE_MISSING, IMAGE_CHANGED (the file is not the one that was written), IMAGE_KEY.
    """
    query = (
        sa.select(image).where(image.c.run_id == run_id).order_by(image.c.number.desc(), image.c.mapping, image.c.side)
    )
    with ledger.reading() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        body = _checked(ledger.folder / row.file, row.sha256)
        table = _unsealed(ledger, f"{run_id}/{row.mapping}/{row.side}/{row.number}", body, row.file)
        yield Image(row.mapping, row.side, row.number, table)


def _key(ledger: Ledger) -> AESGCM:
    return AESGCM(derive(ledger.key, "before-images"))


def _sealed(ledger: Ledger, name: str, table: pa.Table) -> bytes:
    plain = io.BytesIO()
    pq.write_table(table, plain, compression="zstd", use_dictionary=False, write_statistics=False)
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _key(ledger).encrypt(nonce, plain.getbuffer(), name.encode())


def _unsealed(ledger: Ledger, name: str, body: bytes, file: str) -> pa.Table:
    try:
        plain = _key(ledger).decrypt(body[:_NONCE], body[_NONCE:], name.encode())
    except (InvalidTag, ValueError):
        step = "Bring back the key the ledger was made with; the file is as it was written."
        raise LedgerError("the before-image cannot be decrypted", "IMAGE_KEY", file, step) from None
    return pq.read_table(pa.BufferReader(plain))


def _checked(path: Path, digest: str) -> bytes:
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        step = "Restore the folder of the ledger from a backup; without it this run cannot be undone."
        raise LedgerError("a before-image is missing", "IMAGE_MISSING", str(path), step) from None
    if sha256(body).hexdigest() != digest:
        step = "Restore the file from a backup; a changed image must not be written back."
        raise LedgerError("a before-image was changed after it was written", "IMAGE_CHANGED", str(path), step)
    return body


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all, and on disk: file and folder are synced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
