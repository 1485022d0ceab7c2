"""Checks the assertion of a JWT bearer login, with no help from the library that clients make it with."""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

# The longest the vendor lets an assertion live; a later exp is refused like a past one.
LONGEST_SECONDS = 300
# An exp beyond this is in milliseconds: the vendor's own command line sends so the moment of sending and is let in.
_MILLISECONDS = 1e11
# What clocks may differ by (vendor, JWT bearer flow).
_SKEW_SECONDS = 180


class Refused(Exception):
    """Why an assertion is no good: ``reason`` is the error_description to send."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def claims(assertion: str, key: RSAPublicKey) -> dict[str, Any]:
    """The claims of a correctly signed RS256 assertion. Refused otherwise."""
    try:
        head, payload, signature = assertion.split(".")
        header, found = _part(head), _part(payload)
        if header.get("alg") != "RS256":
            raise Refused("invalid assertion")
        key.verify(_bytes(signature), f"{head}.{payload}".encode(), PKCS1v15(), SHA256())
    except (ValueError, binascii.Error, InvalidSignature) as error:
        raise Refused("invalid assertion") from error
    return found


def check_times(found: dict[str, Any]) -> None:
    """``exp`` may be a number or a string of one; it must lie ahead, but not far."""
    try:
        expires = float(found["exp"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("invalid assertion") from error
    if expires > _MILLISECONDS:
        expires = expires / 1000 + _SKEW_SECONDS
    ahead = expires - time.time()
    if not 0 < ahead <= LONGEST_SECONDS:
        raise Refused("expired authorization code")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _part(text: str) -> dict[str, Any]:
    value = json.loads(_bytes(text))
    if not isinstance(value, dict):
        raise Refused("invalid assertion")
    return value
