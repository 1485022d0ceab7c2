"""A proxy between sfsync and the org that misbehaves at the socket: it knows requests and answers, not what they say.

drop        hang up before the request reached the org
lose        hang up after the org has answered; nobody hears the answer
cut         hang up in the middle of the request or of the answer
delay       wait before the request, or in the middle of the answer
duplicate   deliver the request twice; the client gets the first or the second answer
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

KINDS = ("drop", "lose", "cut request", "cut answer", "delay", "duplicate")
MOST_DELAY_S = 0.3


@dataclass
class Weather:
    """What strikes, and how often: ``chance`` per request, at most ``times`` in all, after ``after`` requests."""

    kinds: tuple[str, ...] = ()
    chance: float = 0.0
    times: int = 0
    after: int = 0
    dice: random.Random = field(default_factory=random.Random)


class Proxy:
    """Listens on a loopback port of its own and serves ``upstream`` (host, port)."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream, self.struck = upstream, Counter[str]()
        self._weather, self._lock = Weather(), threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def arm(self, weather: Weather) -> Counter[str]:
        """From now on this weather; ``Weather()`` is calm. Says how often the last one struck."""
        with self._lock:
            struck, self.struck, self._weather = self.struck, Counter[str](), weather
        return struck

    def close(self) -> None:
        """No new connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _strike(self) -> tuple[str, random.Random]:
        """What happens to this request: a kind, or nothing."""
        with self._lock:
            now = self._weather
            now.after -= 1
            if now.after >= 0 or now.times <= 0 or now.dice.random() >= now.chance:
                return "", now.dice
            now.times -= 1
            kind = now.dice.choice(now.kinds)
            self.struck[kind] += 1
            return kind, random.Random(now.dice.random())

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            reading = client.makefile("rb")
            while request := message(reading, request=True):
                if not self._pass(client, request):
                    return

    def _pass(self, client: socket.socket, request: bytes) -> bool:
        """One request; False if the client has to be hung up on."""
        kind, dice = self._strike()
        if kind == "drop":
            return False
        if kind == "delay" and dice.random() < 0.5:
            time.sleep(dice.uniform(0, MOST_DELAY_S))
        if kind == "cut request":
            self._ask(request[: dice.randrange(len(request))])
            return False
        answer = self._ask(request)
        if kind == "duplicate":
            second = self._ask(request)
            answer = dice.choice([answer, second])
        if kind == "lose" or not answer:
            return False
        return self._answer(client, answer, kind, dice)

    def _answer(self, client: socket.socket, answer: bytes, kind: str, dice: random.Random) -> bool:
        if kind not in ("cut answer", "delay"):
            client.sendall(answer)
            return whole(answer)  # the org hung up in the middle: so does a proxy
        place = dice.randrange(len(answer))
        client.sendall(answer[:place])
        if kind == "cut answer":
            return False
        time.sleep(dice.uniform(0, MOST_DELAY_S))
        client.sendall(answer[place:])
        return True

    def _ask(self, request: bytes) -> bytes:
        """The org's whole answer, by a connection of its own; empty if there is none."""
        with suppress(OSError), socket.create_connection(self.upstream, timeout=60) as server:
            server.sendall(request)
            server.shutdown(socket.SHUT_WR) if not whole(request) else None
            return message(server.makefile("rb"), request=False)
        return b""


def whole(message: bytes) -> bool:
    """True if the message is complete."""
    head, mark, body = message.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    return bool(mark) and len(body) >= _length(head)


def message(stream: object, *, request: bool) -> bytes:
    """One HTTP message as it came: head, and a body by its length, in chunks, or until the end. Empty at the end."""
    read, line = stream.read, stream.readline  # type: ignore[attr-defined]
    head = b""
    while piece := line():
        head += piece
        if piece == b"\r\n":
            break
    if not head.endswith(b"\r\n\r\n"):
        return b""
    if b"transfer-encoding: chunked" in head.lower():
        return head + _chunks(read, line)
    status = head.split(None, 2)[1:2]
    if not request and b"content-length:" not in head.lower() and status not in ([b"204"], [b"304"]):
        return head + bytes(read())
    return head + bytes(read(_length(head)))


def _chunks(read: object, line: object) -> bytes:
    found = b""
    while size := line():  # type: ignore[operator]
        found += size + read(int(size.split(b";")[0], 16) + 2)  # type: ignore[operator]
        if int(size.split(b";")[0], 16) == 0:
            break
    return found


def _length(head: bytes) -> int:
    for one in head.split(b"\r\n"):
        name, _, value = one.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
