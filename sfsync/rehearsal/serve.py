"""Starts and stops a rehearsal org: in this process until SIGTERM (``serve``), or in a thread (``running``)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import uvicorn

from sfsync.errors import ConfigError
from sfsync.rehearsal import faults as fault_orders
from sfsync.rehearsal import seeds, table, tls
from sfsync.rehearsal.app import Edge
from sfsync.rehearsal.bulk import load as bulk_load
from sfsync.rehearsal.bulk import query as bulk_query
from sfsync.rehearsal.bulk.classic import work as classic_work
from sfsync.rehearsal.bulk.job import BATCH, INGEST, QUERY
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import credentials
from sfsync.rehearsal.entry.credentials import write_private
from sfsync.rehearsal.entry.sessions import Sessions
from sfsync.rehearsal.faults import Faults
from sfsync.rehearsal.limits import Limits
from sfsync.rehearsal.locators import Locators
from sfsync.rehearsal.org import Org
from sfsync.rehearsal.rest.recent import Recent

HOST = "127.0.0.1"
_MOST_REQUEST_HEAD = 1 << 20  # beyond the vendor's 16 KB, so that we, not the server, say 414
_START_SECONDS, _STOP_SECONDS, _LOOK_SECONDS = 60, 5, 0.005
_KEEP_ALIVE_SECONDS = 75  # clients poll jobs every five seconds: a connection closed just then looks like a failure


class ServeError(ConfigError):
    """The org cannot be started."""


@dataclass(frozen=True)
class Ready:
    """The ready line: where the org is and the ways in; ``ca_file`` is what makes ``https_url`` trusted."""

    instance_url: str
    access_token: str
    username: str
    password: str
    pid: int
    security_token: str
    consumer_key: str
    consumer_secret: str
    refresh_token: str
    private_key_file: str
    https_url: str | None = None
    ca_file: str | None = None

    def line(self) -> str:
        return json.dumps(asdict(self))


# -- putting an org together ------------------------------------------------------------------------------


def open_context(
    data: Path,
    instance_url: str,
    *,
    seed: str = "empty",
    force_app: Path | None = None,
    https_url: str | None = None,
) -> Context:
    """Opens the org in a data folder with all its parts, ready to be served."""
    org = Org.open(data, force_app=force_app)
    known = credentials.load_or_create(data, org.org_id, org.username)
    sessions, faults, limits = Sessions(org), Faults(org), Limits(org)
    jobs = Jobs(org, faults, {INGEST: bulk_load.work, QUERY: bulk_query.work, BATCH: classic_work.work})

    recent = Recent(org)

    def restore() -> None:
        recent.load()
        sessions.stand(known.access_token, org.user_id)
        if org.state_get("seed", seed) is None:
            _seed(org, seed)
            org.state_put("seed", seed, {"loaded": True})

    restore()
    return Context(
        org=org,
        table=table.build(),
        sessions=sessions,
        credentials=known,
        limits=limits,
        faults=faults,
        locators=Locators(org),
        jobs=jobs,
        instance_url=instance_url,
        restore=restore,
        recent=recent,
        https_url=https_url,
    )


def _seed(org: Org, name: str) -> None:
    try:
        seeds.load(org, name)
    except seeds.SeedError as error:
        raise ServeError(str(error), "SEED_REFUSED", next_step="give another --seed") from error


def _ready(context: Context, certificate: tls.Certificate | None) -> Ready:
    known = context.credentials
    return Ready(
        instance_url=context.instance_url,
        access_token=known.access_token,
        username=known.username,
        password=known.password,
        pid=os.getpid(),
        security_token=known.security_token,
        consumer_key=known.consumer_key,
        consumer_secret=known.consumer_secret,
        refresh_token=known.refresh_token,
        private_key_file=known.private_key_file,
        https_url=context.https_url,
        ca_file=str(certificate.ca_file.resolve()) if certificate else None,
    )


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Holds the data folder for one process. ServeError while another has it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a") as file:
        _take(file, data)
        yield


def _take(file: IO[str], data: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        text = f"a rehearsal org is already running on {data}"
        raise ServeError(text, "ORG_IN_USE", next_step="stop it, or give another folder with --data") from error


def _listen(port: int, option: str = "--port") -> socket.socket:
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


@dataclass
class _Listener:
    """A bound socket, and the certificate of the one that speaks TLS."""

    sock: socket.socket
    certificate: tls.Certificate | None = None

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{HOST}:{self.sock.getsockname()[1]}"


class _Service:
    """One app behind all listeners, in one event loop. The first server starts and ends the app's own tasks."""

    def __init__(self, context: Context, listeners: list[_Listener], on_ready: Callable[[], None]) -> None:
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


def _config(app: Edge, listener: _Listener, *, first: bool) -> uvicorn.Config:
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


def serve(
    data: Path,
    *,
    port: int = 0,
    https_port: int | None = None,
    seed: str = "empty",
    force_app: Path | None = None,
    faults_file: Path | None = None,
    ready_file: Path | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Serves until SIGTERM or SIGINT. ``say`` gets the ready line, ``ready_file`` has it written atomically.

    ``https_port`` None: http only; 0 takes a free port. The faults of ``faults_file`` replace what was armed before.
    """
    with locked(data), ExitStack() as open_sockets:
        listeners = _listeners(open_sockets, data, port, https_port)
        context = _open(data, listeners, seed, force_app)
        if faults_file is not None:
            _arm(context, faults_file)

        def announce() -> None:
            line = _ready(context, listeners[-1].certificate).line()
            if ready_file is not None:
                write_private(ready_file, line.encode() + b"\n")
            say(line)

        service = _Service(context, listeners, announce)
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, service.stop)
        asyncio.run(service.run())
        context.org.close()


def _arm(context: Context, file: Path) -> None:
    try:
        context.faults.replace(fault_orders.read(file))
    except (ValueError, TypeError, re.error) as error:
        text = f"the faults in {file} cannot be armed: {error}"
        step = "mend the file; docs/how-to/rehearse.md lists the kinds"
        raise ServeError(text, "FAULTS_REFUSED", next_step=step) from error


def _listeners(stack: ExitStack, data: Path, port: int, https_port: int | None) -> list[_Listener]:
    found = [_Listener(stack.enter_context(contextlib.closing(_listen(port))))]
    if https_port is not None:
        sock = stack.enter_context(contextlib.closing(_listen(https_port, "--https-port")))
        found.append(_Listener(sock, tls.ensure(data / "tls")))
    return found


def _open(data: Path, listeners: list[_Listener], seed: str, force_app: Path | None) -> Context:
    https_url = listeners[-1].url if listeners[-1].certificate else None
    return open_context(data, listeners[0].url, seed=seed, force_app=force_app, https_url=https_url)


@contextmanager
def running(
    data: Path,
    *,
    port: int = 0,
    https_port: int | None = None,
    seed: str = "empty",
    force_app: Path | None = None,
) -> Iterator[Ready]:
    """An org served by a thread of this process; for tests and demos. Stops, cleanly, at the end of the block."""
    with locked(data), ExitStack() as open_sockets:
        listeners = _listeners(open_sockets, data, port, https_port)
        context = _open(data, listeners, seed, force_app)
        up = threading.Event()
        service = _Service(context, listeners, up.set)
        thread = threading.Thread(target=asyncio.run, args=(service.run(),), name="rehearsal org")
        thread.start()
        try:
            if not up.wait(_START_SECONDS):
                raise ServeError("the rehearsal org did not start", "ORG_NOT_STARTED", next_step="see its log")
            yield _ready(context, listeners[-1].certificate)
        finally:
            service.stop()
            thread.join()
            context.org.close()


def reset(data: Path, *, force_app: Path | None = None) -> None:
    """Empties the org in a data folder; its credentials stay. ServeError while it is being served."""
    with locked(data):
        context = open_context(data, f"http://{HOST}", force_app=force_app)
        context.jobs.clear()
        context.locators.clear()
        context.org.reset()
        context.restore()
        context.org.close()
