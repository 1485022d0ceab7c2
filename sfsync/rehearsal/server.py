"""The sockets and the HTTP servers behind them: one app, http and https, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from sfsync.rehearsal import tls
from sfsync.rehearsal.app import Edge
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.opening import ServeError

HOST = "127.0.0.1"
_MOST_REQUEST_HEAD = 1 << 20  # beyond the vendor's 16 KB, so that we, not the server, say 414
_STOP_SECONDS, _LOOK_SECONDS = 5, 0.005
_KEEP_ALIVE_SECONDS = 75  # clients poll jobs every five seconds: a connection closed just then looks like a failure


# -- sockets ----------------------------------------------------------------------------------------------


@dataclass
class Listener:
    """A bound socket, and the certificate of the one that speaks TLS."""

    sock: socket.socket
    certificate: tls.Certificate | None = None

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{HOST}:{self.sock.getsockname()[1]}"


def listen(stack: ExitStack, data: Path, port: int, https_port: int | None) -> list[Listener]:
    """Sockets bound until the stack ends; the one for TLS, if any, is the last. ServeError for a port in use."""
    found = [Listener(stack.enter_context(contextlib.closing(_bound(port))))]
    if https_port is not None:
        sock = stack.enter_context(contextlib.closing(_bound(https_port, "--https-port")))
        found.append(Listener(sock, tls.ensure(data / "tls")))
    return found


def _bound(port: int, option: str = "--port") -> socket.socket:
    # The protocol must be named: asyncio sets TCP_NODELAY only then, and without it every answer waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sock.close()
        text = f"port {port} cannot be used: {error.strerror}"
        raise ServeError(text, "PORT_IN_USE", next_step=f"give another {option}; 0 takes a free one") from error
    return sock


# -- the server -------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """uvicorn with our own signals (a clean end is exit 0)."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Idle connections are cut: the polite end of TLS waits for clients who may not be listening."""
        for connection in list(self.server_state.connections):
            cycle, transport = getattr(connection, "cycle", None), getattr(connection, "transport", None)
            if transport is not None and (cycle is None or cycle.response_complete):
                transport.abort()
        await super().shutdown(sockets)


class _Breaker:
    """Breaks connections of servers that are made after the app that needs it."""

    def __init__(self) -> None:
        self.servers: list[_Server] = []

    def close(self, client: tuple[str, int] | None, flush: bool) -> None:
        """Closes one client's connection, after what is already written (``flush``) or at once."""
        for connection in [one for server in self.servers for one in server.server_state.connections]:
            transport = getattr(connection, "transport", None)
            if transport is not None and getattr(connection, "client", None) == client:
                transport.close() if flush else transport.abort()


class Service:
    """One app behind all listeners, in one event loop. The first server starts and ends the app's own tasks."""

    def __init__(self, context: Context, listeners: list[Listener], on_ready: Callable[[], None]) -> None:
        breaker = _Breaker()
        self._app = app = Edge(context, breaker.close)
        self._listeners = listeners
        self._servers = [_Server(_config(app, one, first=one is listeners[0])) for one in listeners]
        self._on_ready = on_ready
        breaker.servers = self._servers

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Asks for the end; also what SIGTERM and SIGINT do."""
        for server in self._servers:
            server.should_exit = True

    async def run(self) -> None:
        """Serves until ``stop``; the app outlives the servers that are only its doors."""
        tasks: list[asyncio.Task[None]] = []
        for server, listener in zip(self._servers, self._listeners, strict=True):
            tasks.append(asyncio.create_task(server.serve(sockets=[listener.sock])))
            while not server.started and not tasks[-1].done():
                await asyncio.sleep(_LOOK_SECONDS)
        if all(server.started for server in self._servers):
            self._on_ready()
        else:
            self.stop()
        await asyncio.gather(*tasks)
        self._app.close()


def _config(app: Edge, listener: Listener, *, first: bool) -> uvicorn.Config:
    certificate = listener.certificate
    return uvicorn.Config(
        app,
        ssl_certfile=certificate.certificate_file if certificate else None,
        ssl_keyfile=certificate.key_file if certificate else None,
        proxy_headers=False,  # nobody stands between; the caller's own address is needed to break its connection
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on" if first else "off",
        log_config=None,  # logging belongs to the process, which may be a test or a demo
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # the org's clock may be set; its Date must tell that time
        h11_max_incomplete_event_size=_MOST_REQUEST_HEAD,
        timeout_graceful_shutdown=_STOP_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
