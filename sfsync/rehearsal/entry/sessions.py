"""Sessions: who may call. Persisted, so a restart of the org ends nobody's session.

A session idles out after two hours of real time (wire reference 2.1); the standing one of the ready line
never does. Tokens are kept and compared as digests.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sfsync.rehearsal import errors
from sfsync.rehearsal.entry.credentials import new_token

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

IDLE_SECONDS = 7200.0
_KIND = "session"


@dataclass
class Session:
    """One session. ``idle_s`` None: it does not time out. ``used_at`` is epoch seconds of real time."""

    digest: str
    user_id: str
    origin: str
    idle_s: float | None
    used_at: float


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """All sessions of an org, safe to use from several threads."""

    def __init__(self, org: Org, now: Callable[[], float] = time.time) -> None:
        self._org = org
        self._now = now
        self._lock = threading.Lock()
        stored = dict(org.state_list(_KIND))
        self._live = {digest: Session(**value) for digest, value in stored.items()}
        for session in self._live.values():
            session.used_at = now()

    def open(self, user_id: str, origin: str) -> str:
        """Starts a session for a user and returns its access token."""
        token = new_token(self._org.org_id)
        self._keep(Session(_digest(token), user_id, origin, IDLE_SECONDS, self._now()))
        return token

    def stand(self, token: str, user_id: str) -> None:
        """Makes sure the standing session of the ready line exists."""
        self._keep(Session(_digest(token), user_id, "ready line", None, self._now()))

    def _keep(self, session: Session) -> None:
        with self._lock:
            self._live[session.digest] = session
        self._org.state_put(_KIND, session.digest, asdict(session))

    def check(self, token: str) -> Session:
        """The session of an access token, its idle time begun anew. OrgError INVALID_SESSION_ID (401)."""
        digest = _digest(token)
        with self._lock:
            session = self._live.get(digest)
            if session is None or not hmac.compare_digest(session.digest, digest):
                raise errors.session_expired()
            if not self._over(session) and self._org.is_active(session.user_id):
                session.used_at = self._now()
                return session
        self.end(session)
        raise errors.session_expired()

    def look(self, token: str) -> Session | None:
        """The live session of a token, its idle time left alone; None if there is none."""
        with self._lock:
            session = self._live.get(_digest(token))
        return None if session is None or self._over(session) else session

    def _over(self, session: Session) -> bool:
        return session.idle_s is not None and self._now() - session.used_at > session.idle_s

    def end(self, session: Session) -> None:
        with self._lock:
            self._live.pop(session.digest, None)
        self._org.state_delete(_KIND, session.digest)

    def revoke(self, token: str) -> bool:
        """Ends the session of a token; False if there is none."""
        with self._lock:
            session = self._live.get(_digest(token))
        if session is None:
            return False
        self.end(session)
        return True

    def clear(self) -> None:
        with self._lock:
            gone = list(self._live.values())
        for session in gone:
            self.end(session)


def bearer(header: str) -> str:
    """The token of an Authorization header, ``Bearer`` or ``OAuth``; empty if there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() in {"bearer", "oauth"} else ""
