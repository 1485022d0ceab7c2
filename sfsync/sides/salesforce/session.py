"""One conversation with the org: everything that leaves for Salesforce leaves through ``Session.call``.

So session refresh, retries, budget, gzip and the org's clock are written once, also for Bulk. simple-salesforce's own
retry drops the caller's headers and its Bulk handlers never refresh (wire reference 16); headers are therefore built
here, per attempt.

A reply can be lost after the org has done the work. Calls that may be repeated without harm (reads, absolute values
by key or id) are sent again; others (``resend=False``) raise ``ReplyLost`` at once, and the caller reads back.
"""

from __future__ import annotations

import gzip
import json
import logging
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import urlsplit

import requests
import tenacity

from sfsync.errors import BudgetReached, Unreachable
from sfsync.settings import Salesforce
from sfsync.sides.salesforce import budget as budgets
from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce.connection import Connection, Http
from sfsync.sides.salesforce.login import Grant, login
from sfsync.sides.salesforce.refusals import session_ended

log = logging.getLogger("sfsync.salesforce")
GZIP_FROM = 8_192  # bytes of a JSON body; smaller ones do not gain
AWAY = frozenset({420, 429, 500, 502, 503, 504})  # no route, maintenance, internal error: the same call later


@dataclass(frozen=True)
class Patience:
    """How often and how long a call is tried again (exponential with full jitter)."""

    attempts: int = 6
    first_s: float = 0.5
    most_s: float = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, and the parsed JSON (None for an empty or a streamed body)."""

    status: int
    headers: Mapping[str, str]
    data: Any = None


class ReplyLost(Unreachable):
    """The call left, no answer came: the org may or may not have done it."""


class _Again(Exception):
    """This attempt failed in a way that time may cure; ``error`` is raised if it does not."""

    def __init__(self, error: Exception, *, sent: bool) -> None:
        super().__init__(str(error))
        self.error, self.sent = error, sent


@dataclass
class _Call:
    """One call and what its attempts have in common."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]
    into: IO[bytes] | None
    accept: Collection[int]
    resend: bool
    closing: bool
    counted: bool
    refreshed: bool = False
    sent: bool = False


@dataclass
class Session:
    """The session. Safe for threads: one login serves all, a refresh happens once for everybody."""

    config: Salesforce
    budget: budgets.Budget
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self._http = Http(self.config.timeout_s)
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._grant: Grant | None = None
        self._clock: tuple[datetime, float] | None = None

    # -- who we are -------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        """The simple-salesforce connection, logged in if it was not yet."""
        with self._lock:
            if self._connection is None:
                self._grant = login(self.config, self._http)
                self._connection = Connection(self._grant, self.config.api_version, self._http)
                log.info("salesforce.login", extra={"auth": self.config.auth})
            return self._connection

    @property
    def username(self) -> str:
        """Our own username as far as the login told it; empty where it did not."""
        self.connect()
        return self._grant.username if self._grant else ""

    @property
    def data_path(self) -> str:
        """``/services/data/vXX.X/``, the root of relative paths."""
        return f"/services/data/v{self.config.api_version}/"

    def clock(self, max_age_s: float = 60.0) -> datetime:
        """The org's time as it stood in the last answer; asks (uncounted) if there is none so fresh."""
        if self._clock is None or time.monotonic() - self._clock[1] > max_age_s:
            self.call("GET", "/services/data", counted=False)
        return self._clock[0] if self._clock else datetime.now(UTC)

    def now(self) -> datetime:
        """The org's time at this moment: its last answer's, and what has passed since."""
        told = self.clock()
        return told + timedelta(seconds=time.monotonic() - self._clock[1]) if self._clock else told

    def _refresh(self, stale: str) -> None:
        with self._lock:
            if self._connection is not None and self._connection.session_id != stale:
                return  # another thread was faster
            if self.config.auth == "session":
                raise session_ended(self.config)
            log.info("salesforce.refresh", extra={"auth": self.config.auth})
            self._connection = None
            self.connect()

    # -- calls ------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        json_body: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        into: IO[bytes] | None = None,
        accept: Collection[int] = (),
        resend: bool = True,
        closing: bool = False,
        counted: bool = True,
    ) -> Answer:
        """One API call, with everything that makes it dependable.

        ``path`` is absolute or below ``data_path``; ``into`` streams the body to a file instead of parsing it;
        ``accept`` lists statuses >= 300 to hand back instead of raising. Raises ``faults.Refused``,
        ``ReplyLost``, ``Unreachable``, ``LoginRefused`` or ``BudgetReached``.
        """
        sent_headers = dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body, ensure_ascii=False, separators=(",", ":")).encode()
            sent_headers["Content-Type"] = "application/json; charset=UTF-8"
            body = self._squeezed(body, sent_headers)
        call = _Call(method, path, body, sent_headers, into, accept, resend, closing, counted)
        try:
            for attempt in self._retrying(call):
                with attempt:
                    return self._attempt(call)
        except _Again as last:
            raise self._given_up(call, last) from None
        raise AssertionError("unreachable: the retry loop returns or raises")

    def _retrying(self, call: _Call) -> tenacity.Retrying:
        patience = self.patience
        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(patience.attempts),
            wait=tenacity.wait_random_exponential(multiplier=patience.first_s, max=patience.most_s),
            retry=tenacity.retry_if_exception(
                lambda e: isinstance(e, _Again) and (call.resend or not call.sent),
            ),
            reraise=True,
        )

    @staticmethod
    def _squeezed(body: bytes, headers: dict[str, str]) -> bytes:
        if len(body) < GZIP_FROM:
            return body
        headers["Content-Encoding"] = "gzip"
        return gzip.compress(body, 5, mtime=0)

    def _attempt(self, call: _Call) -> Answer:
        connection = self.connect()
        token = str(connection.session_id)
        url = self._url(connection, call.path)
        wanted = "identity" if url.startswith("http:") else "gzip"  # http is for loopback, where squeezing costs time
        headers = {"Accept-Encoding": wanted, "Authorization": f"Bearer {token}", **call.headers}
        self._count(call)
        started = time.monotonic()
        try:
            response = self._http.request(call.method, url, headers=headers, data=call.body, stream=True)
            with response:
                answer = self._read(call, response)
        except requests.RequestException as error:
            raise self._dropped(call, error) from None
        log.debug("salesforce.call", extra=_logged(call, answer.status, started))
        if response.status_code == 401 and 401 not in call.accept:
            return self._again_after_refresh(call, token)
        return answer

    def _count(self, call: _Call) -> None:
        """Take the call out of the budget; the repeat of a call that may have been done is a closing call."""
        if not call.counted:
            return
        try:
            self.budget.take(closing=call.closing or call.sent)
        except BudgetReached:
            if call.sent and call.method != "GET":
                raise _lost() from None
            raise

    def _again_after_refresh(self, call: _Call, token: str) -> Answer:
        if call.refreshed:
            raise session_ended(self.config)
        call.refreshed = True
        self._refresh(token)
        return self._attempt(call)

    def _url(self, connection: Connection, path: str) -> str:
        root = connection.base_url
        if path.startswith("/"):
            return f"{urlsplit(root).scheme}://{urlsplit(root).netloc}{path}"
        return root + path

    def _read(self, call: _Call, response: requests.Response) -> Answer:
        self._note(response)
        status = response.status_code
        if status == 401 and 401 not in call.accept:
            return Answer(status, response.headers)
        if status >= 300 and status not in call.accept:
            raise self._refusal(call, response)
        if call.into is not None:
            call.into.seek(0)
            call.into.truncate()
            for piece in response.iter_content(1 << 20):
                call.into.write(piece)
            call.into.seek(0)
            return Answer(status, response.headers)
        return Answer(status, response.headers, self._parsed(call, response))

    def _parsed(self, call: _Call, response: requests.Response) -> Any:
        content = response.content
        if not content or "json" not in response.headers.get("Content-Type", "json"):
            return None
        try:
            return json.loads(content)
        except ValueError:
            call.sent = True  # a cut answer: the org may have done it
            raise _Again(_away("Salesforce's answer was cut off", "ANSWER_CUT"), sent=True) from None

    def _note(self, response: requests.Response) -> None:
        self.budget.saw(response.headers.get("Sforce-Limit-Info"))
        try:
            stamp = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        with self._lock:
            self._clock = (stamp.astimezone(UTC), time.monotonic())

    def _refusal(self, call: _Call, response: requests.Response) -> Exception:
        """The error of an answer >= 300: to be tried again, or final."""
        found = _faults_of(response)
        first = found[0] if found else None
        if first and first.code == "REQUEST_LIMIT_EXCEEDED" and first.kind == faults.LIMIT:
            return _lost() if call.sent and call.method != "GET" else budgets.limit_hit()
        error = faults.Refused(response.status_code, found, f"{call.method} {_shown(call.path)}")
        if response.status_code in AWAY:
            call.sent = True  # it may have been done before the answer failed
            return _Again(error, sent=True)
        if first and first.kind in (faults.LOCK, faults.TRANSIENT):
            return _Again(error, sent=False)
        return error

    def _dropped(self, call: _Call, error: requests.RequestException) -> Exception:
        """A network error: was the request already on its way?"""
        if isinstance(error, requests.exceptions.SSLError):
            return _away("the certificate of the org is not trusted", "TLS_FAILED")
        never = isinstance(error, requests.exceptions.ConnectTimeout) or "NewConnectionError" in repr(error)
        call.sent = call.sent or not never
        message = f"the connection to Salesforce failed ({type(error).__name__})"
        return _Again(_away(message, "SALESFORCE_UNREACHABLE"), sent=not never)

    def _given_up(self, call: _Call, last: _Again) -> Exception:
        log.warning("salesforce.gave_up", extra={"path": _shown(call.path), "sent": call.sent})
        if call.sent and call.method != "GET":
            return _lost()
        return last.error

    def close(self) -> None:
        """Release connections; the session itself ends by its own time-out."""
        self._http.close()


def _lost() -> ReplyLost:
    step = "The next run reads back what was done."
    return ReplyLost("no answer came from Salesforce", "REPLY_LOST", "salesforce", step)


def _away(message: str, code: str) -> Unreachable:
    return Unreachable(message, code, "salesforce", "Check the network and status.salesforce.com, then run again.")


def _faults_of(response: requests.Response) -> list[faults.Fault]:
    try:
        data = response.json()
    except ValueError:  # an HTML page of the edge, or nothing
        return []
    items = data if isinstance(data, list) else [data]
    return [faults.of_item(i) for i in items if isinstance(i, dict)]


def _shown(path: str) -> str:
    return path.partition("?")[0]


def _logged(call: _Call, status: int, started: float) -> dict[str, Any]:
    took = round(time.monotonic() - started, 3)
    return {"method": call.method, "path": _shown(call.path), "status": status, "took_s": took}
