"""The edge: HTTP requests to Calls, Outcomes to HTTP answers, connections broken on order.

An ASGI app without a framework between: every request goes through here, and a tool that asks ten thousand times waits
ten thousand times. Handlers block (SQLite), so a call and the writing of its answer share one turn in a worker thread;
bodies are spooled to disk beyond a megabyte.
"""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, Any, cast
from urllib.parse import parse_qsl

from sfsync.rehearsal.answers import Answer, bad_message, plain_text, respond
from sfsync.rehearsal.call import Body, Call
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.formats import settle
from sfsync.rehearsal.gate import answer
from sfsync.rehearsal.limits import FLUSH_SECONDS

URI_MOST_BYTES = 16_384
SPOOL_BYTES = 1 << 20
THREADS = 40
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Break = Callable[[tuple[str, int] | None, bool], None]


class BadEncodingError(Exception):
    """A gzip body that is none."""


class Edge:
    """The ASGI app of an org. ``break_connection(client, flush)`` closes a client's connection."""

    def __init__(self, context: Context, break_connection: Break) -> None:
        self._context = context
        self._break = break_connection
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rehearsal")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        found = _too_long(scope)
        if found is None:
            found = await self._handled(scope, receive)
        await self._deliver(found, scope, receive, send)

    def close(self) -> None:
        """Ends the worker threads; no server must be asking any more."""
        self._threads.shutdown()

    async def _run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def _handled(self, scope: Scope, receive: Receive) -> Answer:
        with BytesIO() as small:
            body: IO[bytes] = small
            try:
                headers = _headers(scope)
                body = await _spooled(receive, small, "gzip" in headers.get("content-encoding", ""))
                call, subject = _call(scope, headers, body)
                return cast(Answer, await self._run(self._answered, call, subject))
            except BadEncodingError:
                return plain_text(400, b"Bad gzip body")
            finally:
                body.close()

    def _answered(self, call: Call, subject: str) -> Answer:
        outcome = answer(self._context, call, subject)
        return respond(outcome, call, self._context.org.clock.now())

    # -- sending ------------------------------------------------------------------------------------------

    async def _deliver(self, found: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        if found.breaks == "drop":
            await self._drop(scope, receive, flush=False)
        elif found.breaks == "truncate":
            await self._send_half(found, scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": found.status, "headers": found.headers})
            if found.chunks is not None:
                await self._stream(found, send)
            else:
                await send({"type": "http.response.body", "body": found.body})

    async def _stream(self, found: Answer, send: Send) -> None:
        while (chunk := await self._run(next, found.chunks, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _drop(self, scope: Scope, receive: Receive, *, flush: bool) -> None:
        """Closes the connection and waits until it is gone, so that the server does not answer in its place."""
        client = scope.get("client")
        self._break(tuple(client) if client else None, flush)
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _send_half(self, found: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        """Promises the whole body, sends half of it and closes."""
        body = found.body if found.chunks is None else await self._run(b"".join, found.chunks)
        headers = [(name, value) for name, value in found.headers if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await self._drop(scope, receive, flush=True)

    # -- life ---------------------------------------------------------------------------------------------

    async def _live(self, receive: Receive, send: Send) -> None:
        """Job workers and meters run from the server's start to its end."""
        await receive()
        self._context.jobs.start()
        flushing = asyncio.create_task(self._flush_for_ever())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        flushing.cancel()
        await self._run(self._context.jobs.stop)
        await self._run(self._flush)
        await send({"type": "lifespan.shutdown.complete"})

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._run(self._flush)

    def _flush(self) -> None:
        self._context.limits.flush()
        self._context.recent.flush()


def _too_long(scope: Scope) -> Answer | None:
    """414 and 431 come as HTML from the vendor's edge, before anything looks at the session."""
    uri = len(scope["raw_path"]) + len(scope["query_string"])
    if uri > URI_MOST_BYTES:
        return bad_message(414, "URI Too Long")
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return bad_message(431, "Request Header Fields Too Large") if uri + headers > URI_MOST_BYTES else None


def _headers(scope: Scope) -> dict[str, str]:
    """Names come in lower case; of a header sent twice the first counts."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return found


async def _spooled(receive: Receive, small: BytesIO, packed: bool) -> IO[bytes]:
    """The request body, unpacked if it came as gzip: in ``small``, or on disk when it is not."""
    unpacker = zlib.decompressobj(wbits=31) if packed else None
    body: IO[bytes] = small
    more = True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        try:
            data = unpacker.decompress(chunk) if unpacker and chunk else chunk
        except zlib.error as error:
            raise BadEncodingError from error
        if body is small and body.tell() + len(data) > SPOOL_BYTES:
            body = cast(IO[bytes], tempfile.TemporaryFile())  # noqa: SIM115 - closed by who asked
            body.write(small.getvalue())
        body.write(data)
    if unpacker:
        body.write(unpacker.flush())
        if body.tell() and not unpacker.eof:
            raise BadEncodingError
    return body


def _call(scope: Scope, headers: dict[str, str], body: IO[bytes]) -> tuple[Call, str]:
    raw = scope["raw_path"].decode("latin-1")
    text = scope["query_string"].decode("latin-1")
    path, form = settle(raw, headers.get("accept", ""))
    method = scope["method"]
    call = Call(
        method=method,
        path=path,
        params=dict(parse_qsl(text, keep_blank_values=True)) if text else {},
        headers=headers,
        body=Body(body),
        secure=scope["scheme"] == "https",
        format=form,
    )
    return call, f"{method} {raw}?{text}" if text else f"{method} {raw}"
