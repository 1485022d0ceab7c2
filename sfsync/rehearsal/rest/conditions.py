"""Conditional requests: validators of rows and what a request makes of them (vendor: Conditional Request Headers).

``ETag`` is for Account rows; the dates are for every row. A DELETE takes no notice of them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from sfsync.rehearsal import errors
from sfsync.rehearsal.call import Call

HEADERS = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")
_TAGS = re.compile(r'\s*(?:\*|(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*)\s*')
_TAG = re.compile(r'"([^"]*)"')
_GZIP = re.compile(r"--?gzip\Z")


@dataclass(frozen=True)
class Validators:
    """What a row is known by: when it last changed and, for some objects, a hash of its content."""

    changed: datetime | None
    tag: str | None = None

    def headers(self) -> dict[str, str]:
        """``ETag`` and ``Last-Modified`` of an answer, in the order in which composite answers show them."""
        found = {}
        if self.tag is not None:
            found["ETag"] = f'"{self.tag}"'
        if self.changed is not None:
            found["Last-Modified"] = http_date(self.changed)
        return found


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def tag_of(content: str) -> str:
    """An entity tag, without its quotes."""
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def asked(call: Call) -> bool:
    """Whether the call makes conditions at all."""
    return any(
        name in call.headers for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
    )


def not_modified(call: Call, row: Validators) -> bool:
    """True: answer 304 and do nothing. OrgError 412 when a precondition fails, 400 when a header makes no sense."""
    writing = call.method not in ("GET", "HEAD")
    if _fails(call, row, writing):
        raise errors.precondition_failed()
    if row.tag is not None and _listed(call, "If-None-Match", row.tag, writing):
        if writing:
            raise errors.precondition_failed()
        return True
    since = moment(call.header("If-Modified-Since"))
    weak = since is not None and row.changed is not None and not call.header("If-None-Match")
    return weak and _second(row.changed) <= since  # type: ignore[operator,arg-type]


def _fails(call: Call, row: Validators, writing: bool) -> bool:
    if row.tag is not None and call.header("If-Match") and not _listed(call, "If-Match", row.tag, writing):
        return True
    header = call.header("If-Unmodified-Since")
    until = moment(header)
    if header and until is None and writing:
        raise errors.bad_header("If-Unmodified-Since", header)
    return until is not None and row.changed is not None and _second(row.changed) > until


def _listed(call: Call, name: str, tag: str, writing: bool) -> bool:
    header = call.header(name)
    if not header:
        return False
    if not _TAGS.fullmatch(header):
        if writing:
            raise errors.bad_header(name, header)
        return False
    return header.strip() == "*" or same_tag(header, tag)


def same_tag(header: str, tag: str) -> bool:
    """Whether a list of entity tags, strong or weak, has this one; a packed answer's tag ends in ``--gzip``."""
    return any(_GZIP.sub("", one) == tag for one in _TAG.findall(header))


def moment(header: str) -> datetime | None:
    """An HTTP date; None for none, or for what is none."""
    try:
        found = parsedate_to_datetime(header) if header else None
    except (ValueError, TypeError, IndexError):
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
