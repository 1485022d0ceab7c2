"""A folder of files only this ledger's key opens (AES-256-GCM), each bound to its name, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


@dataclass(frozen=True)
class Vault:
    """``key``: 32 bytes."""

    folder: Path
    key: bytes = field(repr=False)

    def put(self, name: str, content: bytes) -> Path:
        """Writes a file, whole or not at all; one of this name is replaced."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        nonce = secrets.token_bytes(_NONCE)
        draft = self.path(name).with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(nonce + AESGCM(self.key).encrypt(nonce, content, name.encode()))
            out.flush()
            os.fsync(out.fileno())
        return draft.replace(self.path(name))

    def get(self, name: str) -> bytes | None:
        """A file's content; None if there is none. Raises ``InvalidTag`` if it was sealed under another key."""
        try:
            body = self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        return AESGCM(self.key).decrypt(body[:_NONCE], body[_NONCE:], name.encode())

    def drop(self, name: str) -> None:
        """Deletes a file, if it is there."""
        self.path(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Where a file of this name stands."""
        return self.folder / f"{name}.sealed"
