"""Values of partner requests, sealed with AES-256-GCM under a key derived from the ledger's and bound to their case."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sfsync.errors import LedgerError
from sfsync.ledger.keys import derive
from sfsync.ledger.store import Ledger

_NONCE = 12
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True)  # one for all rows


def seal(ledger: Ledger, case_key: str, values: Mapping[str, Any]) -> bytes:
    """Values as ciphertext that only this ledger's key opens, and only for this case."""
    return sealed(cipher_of(ledger), [(case_key, values)])[0]


def cipher_of(ledger: Ledger) -> AESGCM:
    """The ledger's cipher for requests; made once for many values."""
    return AESGCM(derive(ledger.key, "partner-requests"))


def sealed(cipher: AESGCM, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[bytes]:
    """Ciphertexts of values by case key; the system is asked for the nonces of all of them at once."""
    noise = secrets.token_bytes(_NONCE * len(rows))
    nonces = (noise[start : start + _NONCE] for start in range(0, len(noise), _NONCE))
    return [
        nonce + cipher.encrypt(nonce, _ENCODER.encode(dict(values)).encode(), case_key.encode())
        for nonce, (case_key, values) in zip(nonces, rows, strict=True)
    ]


def unseal(ledger: Ledger, case_key: str, body: bytes | None) -> dict[str, Any]:
    """Sealed values; empty if they were purged. Raises ``LedgerError`` REQUEST_SEALED if the key is another one."""
    return opened(cipher_of(ledger), case_key, body)


def opened(cipher: AESGCM, case_key: str, body: bytes | None) -> dict[str, Any]:
    """``unseal`` by a cipher that is there already."""
    if body is None:
        return {}
    try:
        plain = cipher.decrypt(body[:_NONCE], body[_NONCE:], case_key.encode())
    except InvalidTag:
        step = "Bring back the key the ledger was made with; the values are as they were written."
        raise LedgerError("the values of a request cannot be opened", "REQUEST_SEALED", case_key[:12], step) from None
    found: dict[str, Any] = json.loads(plain)
    return found
