"""Keys for one purpose each from the ledger's one key. Apart from ``digest``, so that looking needs no frames."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(key: bytes, purpose: str) -> bytes:
    """A key for one purpose from the ledger's key (HKDF-SHA-256, 32 bytes)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sfsync {purpose}".encode()).derive(key)
