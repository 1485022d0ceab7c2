"""Passwords set through the API, kept as salted digests. The integration user begins with the one of the ready line."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

_KIND = "password"
_ROUNDS = 100_000
_LEAST = 8


def _digest(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), _ROUNDS).hex()


def strong(password: str) -> bool:
    """The vendor's usual policy: eight characters, letters and numbers."""
    return len(password) >= _LEAST and bool(re.search("[A-Za-z]", password) and re.search("[0-9]", password))


def put(org: Org, user_id: str, password: str, *, expired: bool = False) -> None:
    """Sets a user's password."""
    salt = secrets.token_hex(16)
    org.state_put(_KIND, user_id, {"salt": salt, "digest": _digest(password, salt), "expired": expired})


def reset(org: Org, user_id: str) -> str:
    """Sets and returns a password that only serves to be changed."""
    made = f"{secrets.token_urlsafe(9)}a1"
    put(org, user_id, made, expired=True)
    return made


def expired(org: Org, user_id: str) -> bool:
    return bool((org.state_get(_KIND, user_id) or {}).get("expired", False))


def fits(org: Org, user_id: str, password: str, first: str | None, token: str = "") -> bool:
    """Compares in constant time. ``first`` holds until one is set; ``token`` may follow the password."""
    kept = org.state_get(_KIND, user_id)
    tried = {password, password.removesuffix(token)} if token else {password}
    if kept is None:
        return first is not None and _is_one(tried, first)
    return _is_one({_digest(one, kept["salt"]) for one in tried}, kept["digest"])


def _is_one(given: set[str], known: str) -> bool:
    """All are compared, so that the time taken tells nothing."""
    return sum(hmac.compare_digest(one.encode(), known.encode()) for one in given) > 0
