"""The edge: HTTP requests to Calls, Outcomes to HTTP answers, connections broken on order.

Handlers block (SQLite), so they run in the thread pool; bodies are spooled to disk beyond a megabyte.
"""

from __future__ import annotations

import asyncio
import gzip
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import IO, Any, cast
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from sfsync.rehearsal.call import JSON_MEDIA, Body, Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.formats import settle
from sfsync.rehearsal.gate import Outcome, answer
from sfsync.rehearsal.headers import encode, prettify, standard
from sfsync.rehearsal.limits import FLUSH_SECONDS

URI_MOST_BYTES = 16_384
SPOOL_BYTES = 1 << 20
GZIP_LEAST_BYTES = 512
_GZIP_LEVEL = 1  # the other end is on the same machine
Break = Callable[[tuple[str, int] | None, bool], None]


def build_app(context: Context, break_connection: Break) -> Starlette:
    """The ASGI app of an org. ``break_connection(client, flush)`` closes a client's connection."""
    return Starlette(routes=[Mount("/", app=Edge(context, break_connection))], lifespan=_life(context))


def _life(context: Context) -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        context.jobs.start()
        flushing = asyncio.create_task(_flush_for_ever(context))
        yield
        flushing.cancel()
        await run_in_threadpool(context.jobs.stop)
        await run_in_threadpool(_flush, context)

    return life


async def _flush_for_ever(context: Context) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await run_in_threadpool(_flush, context)


def _flush(context: Context) -> None:
    context.limits.flush()
    context.recent.flush()


class BadEncodingError(Exception):
    """A gzip body that is none."""


class Edge:
    """The ASGI callable behind every path."""

    def __init__(self, context: Context, break_connection: Break) -> None:
        self._context = context
        self._break = break_connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        too_long = _too_long(scope)
        if too_long:
            await too_long(scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            body = cast(IO[bytes], spool)
            try:
                await _spool(request, body)
            except BadEncodingError:
                await Response("Bad gzip body", 400, media_type="text/plain")(scope, receive, send)
                return
            call, subject = _call(request, body)
            outcome = await run_in_threadpool(answer, self._context, call, subject)
            await self._send(outcome, request, receive, send)

    async def _send(self, outcome: Outcome, request: Request, receive: Receive, send: Send) -> None:
        if outcome.breaks == "drop":
            await self._drop(request, receive, flush=False)
            return
        response = await run_in_threadpool(respond, outcome, request, self._context.org.clock.now())
        if outcome.breaks == "truncate":
            await self._send_half(response, request, receive, send)
            return
        await response(request.scope, receive, send)

    async def _drop(self, request: Request, receive: Receive, *, flush: bool) -> None:
        """Closes the connection and waits until it is gone, so that the server does not answer in its place."""
        client = request.scope.get("client")
        self._break(tuple(client) if client else None, flush)
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _send_half(self, response: Response, request: Request, receive: Receive, send: Send) -> None:
        """Promises the whole body, sends half of it and closes."""
        body = await _whole(response)
        headers = [(k, v) for k, v in response.raw_headers if k not in {b"content-length", b"transfer-encoding"}]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await self._drop(request, receive, flush=True)


async def _whole(response: Response) -> bytes:
    if not isinstance(response, StreamingResponse):
        return bytes(response.body)
    return b"".join([bytes(cast(bytes, part)) async for part in response.body_iterator])


def _too_long(scope: Scope) -> Response | None:
    """414 and 431 come as HTML from the vendor's edge, before anything looks at the session."""
    uri = len(scope["raw_path"]) + len(scope["query_string"])
    if uri > URI_MOST_BYTES:
        return _bad_message(414, "URI Too Long")
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return _bad_message(431, "Request Header Fields Too Large") if uri + headers > URI_MOST_BYTES else None


def _bad_message(status: int, reason: str) -> Response:
    html = f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>"
    return Response(html, status, media_type="text/html")


async def _spool(request: Request, body: IO[bytes]) -> None:
    """The request body to a spooled file, unpacked if it came as gzip."""
    packed = "gzip" in request.headers.get("content-encoding", "")
    unpacker = zlib.decompressobj(wbits=31) if packed else None
    try:
        async for chunk in request.stream():
            body.write(unpacker.decompress(chunk) if unpacker else chunk)
    except zlib.error as error:
        raise BadEncodingError from error
    if unpacker:
        body.write(unpacker.flush())


def _call(request: Request, body: IO[bytes]) -> tuple[Call, str]:
    raw = request.scope["raw_path"].decode("latin-1")
    text = request.scope["query_string"].decode("latin-1")
    headers = dict(request.headers)
    path, form = settle(raw, headers.get("accept", ""))
    call = Call(
        method=request.method,
        path=path,
        params=dict(parse_qsl(text, keep_blank_values=True)) if text else {},
        headers=headers,
        body=Body(body),
        secure=request.scope["scheme"] == "https",
        format=form,
    )
    return call, f"{request.method} {raw}?{text}" if text else f"{request.method} {raw}"


# -- answers ----------------------------------------------------------------------------------------------


def respond(outcome: Outcome, request: Request, now: datetime) -> Response:
    """The HTTP answer: standard headers (``Date`` by the org's clock), the reply's own; gzip and pretty as asked."""
    reply = outcome.reply
    headers = {**standard(outcome.usage, now), **reply.headers}
    packed = "gzip" in request.headers.get("accept-encoding", "")
    if reply.empty:
        return Response(status_code=reply.status, headers=headers)
    if "Content-Type" not in reply.headers:
        headers["Content-Type"] = reply.media
    if reply.parts is not None:
        return _streamed(reply, headers, packed)
    return _plain(reply, headers, packed, pretty=request.headers.get("x-prettyprint") == "1")


def _plain(reply: Reply, headers: dict[str, str], packed: bool, *, pretty: bool) -> Response:
    text = reply.text if reply.text is not None else encode(reply.value)
    if pretty and reply.media == JSON_MEDIA:
        text = prettify(text)
    if packed and len(text) >= GZIP_LEAST_BYTES:
        text = gzip.compress(text, _GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if "ETag" in headers:
            headers["ETag"] = f'{headers["ETag"][:-1]}--gzip"'
    return Response(text, reply.status, headers)


def _streamed(reply: Reply, headers: dict[str, str], packed: bool) -> Response:
    if packed:
        headers["Content-Encoding"] = "gzip"
    return StreamingResponse(_packed(reply.chunks()) if packed else reply.chunks(), reply.status, headers)


def _packed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_GZIP_LEVEL, wbits=31)
    for chunk in chunks:
        if data := packer.compress(chunk):
            yield data
    yield packer.flush()
