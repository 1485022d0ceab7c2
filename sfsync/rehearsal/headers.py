"""Response headers, and how a JSON body is written (wire reference 1)."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from email.utils import format_datetime
from typing import Any

_NO_CACHE = "no-cache,must-revalidate,max-age=0,no-store,private"
# An indented encoder is many times slower than the plain one; long bodies stay plain, nobody reads those by eye.
PRETTY_MOST_BYTES = 1 << 16


def standard(usage: str | None, now: datetime) -> dict[str, str]:
    """Headers of every answer; ``usage`` goes to Sforce-Limit-Info."""
    request_id = secrets.token_hex(16)
    made = {
        "Date": format_datetime(now, usegmt=True),
        "Cache-Control": _NO_CACHE,
        "Vary": "Accept-Encoding",
        "Server": "sfdcedge",
        "X-Request-Id": request_id,
        "X-SFDC-Request-Id": request_id,
        "X-SFDC-Edge-Cache": "none",
        "X-Robots-Tag": "none",
        "X-Content-Type-Options": "nosniff",
    }
    if usage is not None:
        made["Sforce-Limit-Info"] = usage
    return made


def encode(value: Any) -> bytes:
    """A JSON value as bytes, without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def prettify(text: bytes) -> bytes:
    """X-PrettyPrint: 1, with blanks on both sides of the colon as the vendor writes it."""
    if len(text) > PRETTY_MOST_BYTES:
        return text
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2, separators=(",", " : ")).encode()
