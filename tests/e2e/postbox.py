"""A mail server, just enough of one: what it got, how often it was called; addresses it does not know; TLS."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sfsync.rehearsal.tls import Certificate


class Postbox(socketserver.ThreadingTCPServer):
    """Listens on a port of loopback. ``secret``: what it was told as a login; ``unknown``: an address it refuses."""

    daemon_threads = True

    def __init__(self, certificate: Certificate | None) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.got: list[bytes] = []
        self.calls, self.unknown, self.hangs_up, self.secret = 0, b"", False, b""
        self.port = int(self.server_address[1])
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate_file, certificate.key_file)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that hang up are part of the tests."""


class _Call(socketserver.StreamRequestHandler):
    server: Postbox

    def handle(self) -> None:
        self.server.calls += 1
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self._take()
            if word == b"QUIT" or (word == b"DATA" and self.server.hangs_up):
                return
            if word != b"DATA":
                self.wfile.write(self._answer(word, line))

    def _take(self) -> None:
        self.wfile.write(b"354 go on\r\n")
        body = b""
        while (part := self.rfile.readline()) != b".\r\n":
            body += part
        self.server.got.append(body)
        self.wfile.write(b"250 ok\r\n")

    def _answer(self, word: bytes, line: bytes) -> bytes:
        if word == b"EHLO":
            return b"250-test\r\n250 AUTH PLAIN\r\n"
        if word == b"AUTH":
            self.server.secret = line
            return b"235 ok\r\n"
        if word == b"RCPT" and self.server.unknown and self.server.unknown in line:
            return b"550 no such user\r\n"
        return b"250 ok\r\n"


@contextmanager
def opened(certificate: Certificate | None = None) -> Iterator[Postbox]:
    """One that listens until the block ends."""
    with Postbox(certificate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
