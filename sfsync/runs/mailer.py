"""SMTP: one connection for the messages of a run.

Whether a message left is known but for one case: the connection breaks after its text was handed over.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from sfsync.errors import ConfigError, Unreachable
from sfsync.settings import Messages, is_loopback

TOGETHER = 100  # messages over one connection; many servers take no more
_SECONDS = 30
_FOREVER = 500  # replies from here on say no for good


class NotLeft(Unreachable):
    """The message did not leave; the next run sends it."""


class Declined(Exception):
    """The server takes no message for this address, now or later."""


class Mailer:
    """Sends by ``messages.smtp_url``; connects when the first message leaves, and anew when the server hung up."""

    def __init__(self, settings: Messages) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def send(self, mail: EmailMessage) -> None:
        """One message.

        Raises ``NotLeft`` (it did not leave), ``Declined`` (its address is no good), ``Unreachable`` (nobody knows),
        ``ConfigError`` SMTP_URL, SMTP_CLEAR.
        """
        server = self._ready()
        try:
            server.send_message(mail)
            self._sent += 1
        except smtplib.SMTPRecipientsRefused as error:
            if all(code >= _FOREVER for code, _ in error.recipients.values()):
                raise Declined from None
            raise self._failed(NotLeft, error) from None
        except smtplib.SMTPResponseException as error:  # the server said no
            raise self._failed(NotLeft, error) from None
        except (OSError, smtplib.SMTPException) as error:  # it may have it
            raise self._failed(Unreachable, error) from None

    def _ready(self) -> smtplib.SMTP:
        if self._server is not None and (self._sent >= TOGETHER or not _alive(self._server)):
            self._hang_up()
        if self._server is None:
            self._server, self._sent = self._connected(), 0
        return self._server

    def _connected(self) -> smtplib.SMTP:
        parts = self._parts()
        host, port = str(parts.hostname), parts.port or 0
        trusted = ssl.create_default_context()  # without one, smtplib asks no server who it is
        try:
            if parts.scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=trusted)
            else:
                server = smtplib.SMTP(host, port, timeout=_SECONDS)
            try:
                self._greet(server, parts, trusted)
            except BaseException:
                server.close()
                raise
        except (OSError, smtplib.SMTPException) as error:
            raise self._failed(NotLeft, error) from None
        return server

    def _greet(self, server: smtplib.SMTP, parts: SplitResult, trusted: ssl.SSLContext) -> None:
        server.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=trusted)
        if parts.username and self._settings.smtp_password:
            if not isinstance(server.sock, ssl.SSLSocket) and not is_loopback(str(parts.hostname)):
                step = "Use smtps://, or a server that offers STARTTLS."
                raise ConfigError("the password would travel unprotected", "SMTP_CLEAR", "messages.smtp_url", step)
            server.login(parts.username, self._settings.smtp_password.get_secret_value())

    def _parts(self) -> SplitResult:
        parts = urlsplit(self._settings.smtp_url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            step = "Write messages.smtp_url like smtp://user@mail.example.com:587 (smtps:// for TLS from the start)."
            raise ConfigError("the mail server's URL cannot be understood", "SMTP_URL", "messages.smtp_url", step)
        return parts

    def _failed(self, kind: type[Unreachable], error: Exception) -> Unreachable:
        self._hang_up()
        step = "Check messages.smtp_url; what has left is listed by: sfsync partners explain"
        sentence = f"the mail server failed ({type(error).__name__})"
        return kind(sentence, "SMTP_FAILED", str(self._parts().hostname), step)

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def _alive(server: smtplib.SMTP) -> bool:
    """Asked before a message is handed over, so that one that is lost is known to be."""
    try:
        return bool(server.noop()[0] == 250)
    except (OSError, smtplib.SMTPException):
        return False
