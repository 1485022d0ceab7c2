"""From an Outcome to the bytes and headers that go out: gzip and pretty print as asked, cookies, lengths."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sfsync.rehearsal.call import JSON_MEDIA
from sfsync.rehearsal.headers import cookies, encode, prettify, standard

if TYPE_CHECKING:
    from sfsync.rehearsal.call import Call, Reply
    from sfsync.rehearsal.gate import Outcome

GZIP_LEAST_BYTES = 512
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q\s*=\s*0(\.0*)?\s*(,|$))")
_GZIP_LEVEL = 1  # the other end is on the same machine
_WITHOUT_LENGTH = frozenset({204, 304})


@dataclass
class Answer:
    """What the edge sends: ``chunks`` if the body is streamed, else ``body``. ``breaks`` as in Outcome."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    chunks: Iterator[bytes] | None = None
    breaks: str | None = None


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def plain_text(status: int, text: bytes, media: str = "text/plain; charset=utf-8") -> Answer:
    """An answer of the edge's own, without the org's headers."""
    return Answer(status, _raw({"Content-Type": media, "Content-Length": str(len(text))}), text)


def bad_message(status: int, reason: str) -> Answer:
    """The vendor's HTML for what never got to an org."""
    html = f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>"
    return plain_text(status, html.encode(), "text/html; charset=utf-8")


def respond(outcome: Outcome, call: Call, now: datetime) -> Answer:
    """The HTTP answer: standard headers (``Date`` by the org's clock), the reply's own; gzip and pretty as asked."""
    reply = outcome.reply
    headers = {**standard(outcome.usage, now, secure=call.secure), **reply.headers}
    packed = _GZIP.search(call.headers.get("accept-encoding", "")) is not None
    chunks, body = None, b""
    if reply.parts is not None:
        chunks = _packed(reply.chunks()) if packed else reply.chunks()
        if packed:
            headers["Content-Encoding"] = "gzip"
    elif not reply.empty:
        body = _body(reply, headers, packed, pretty=call.headers.get("x-prettyprint") == "1")
    if not reply.empty:
        headers.setdefault("Content-Type", reply.media)
    if chunks is None and reply.status not in _WITHOUT_LENGTH:
        headers["Content-Length"] = str(len(body))
    raw = _raw(headers)
    raw += [(b"set-cookie", one.encode()) for one in cookies(now)]
    return Answer(reply.status, raw, body, chunks, outcome.breaks)


def _body(reply: Reply, headers: dict[str, str], packed: bool, *, pretty: bool) -> bytes:
    text = reply.text if reply.text is not None else encode(reply.value)
    if pretty and reply.media == JSON_MEDIA:
        text = prettify(text)
    if packed and len(text) >= GZIP_LEAST_BYTES:
        text = gzip.compress(text, _GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if "ETag" in headers:
            headers["ETag"] = f'{headers["ETag"][:-1]}--gzip"'
    return text


def _packed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=31)
    for chunk in chunks:
        if data := packer.compress(chunk):
            yield data
    yield packer.flush()
