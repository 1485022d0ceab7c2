"""Response headers, and how a JSON body is written (wire reference 1)."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

# An indented encoder is many times slower than the plain one; long bodies stay plain, nobody reads those by eye.
PRETTY_MOST_BYTES = 1 << 16
_YEAR_SECONDS = 31_536_000
_ALWAYS = {
    "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
    "Vary": "Accept-Encoding",
    "Server": "sfdcedge",
    "X-SFDC-Edge-Cache": "none",
    "X-Robots-Tag": "none",
    "X-Content-Type-Options": "nosniff",
}
# Over plain http it is heard by nobody. Over https a browser would keep it for all of localhost, so it is not said.
_STRICT = "max-age=63072000; includeSubDomains"


def standard(usage: str | None, now: datetime, *, secure: bool = False) -> dict[str, str]:
    """Headers of every answer, cookies apart; ``usage`` goes to Sforce-Limit-Info."""
    request_id = secrets.token_hex(16)
    made = {"Date": _date(now), **_ALWAYS, "X-Request-Id": request_id, "X-SFDC-Request-Id": request_id}
    if not secure:
        made["Strict-Transport-Security"] = _STRICT
    if usage is not None:
        made["Sforce-Limit-Info"] = usage
    return made


def cookies(now: datetime) -> list[str]:
    """The three cookies of every answer; they mean nothing here."""
    ends = f"expires={_date(now + timedelta(seconds=_YEAR_SECONDS))}; Max-Age={_YEAR_SECONDS}"
    return [
        f"CookieConsentPolicy=0:1; path=/; {ends}",
        f"LSKey-c$CookieConsentPolicy=0:1; path=/; {ends}",
        f"BrowserId={secrets.token_urlsafe(16)}; path=/; {ends}",
    ]


@lru_cache(maxsize=8)
def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def encode(value: Any) -> bytes:
    """A JSON value as bytes, without blanks; half a surrogate pair, which UTF-8 cannot carry, becomes ``?``."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def prettify(text: bytes) -> bytes:
    """X-PrettyPrint: 1, with blanks on both sides of the colon as the vendor writes it."""
    if len(text) > PRETTY_MOST_BYTES:
        return text
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2, separators=(",", " : ")).encode()
