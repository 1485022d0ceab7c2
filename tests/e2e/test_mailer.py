"""Whom a message, and the password of the mail server, is given to."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from pydantic import SecretStr

from sfsync.errors import ConfigError
from sfsync.rehearsal.tls import Certificate, ensure
from sfsync.runs.mailer import Mailer, NotLeft
from sfsync.settings import Messages
from tests.e2e.postbox import opened


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return ensure(tmp_path_factory.mktemp("tls"))


def letter() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "pdv@operator.example", "shop@shops.example", "test"
    mail.set_content("test")
    return mail


def messages(url: str) -> Messages:
    return Messages(send="smtp", smtp_url=url, smtp_password=SecretStr("test-only"))


def test_a_server_nobody_vouches_for_gets_neither_password_nor_message(certificate: Certificate) -> None:
    with opened(certificate) as postbox, Mailer(messages(f"smtps://user@localhost:{postbox.port}")) as mailer:
        with pytest.raises(NotLeft, match="SSLCertVerificationError"):
            mailer.send(letter())
        assert (postbox.got, postbox.secret) == ([], b"")


def test_a_server_that_is_vouched_for_gets_both(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_file))
    with opened(certificate) as postbox, Mailer(messages(f"smtps://user@localhost:{postbox.port}")) as mailer:
        mailer.send(letter())
        assert len(postbox.got) == 1
        assert postbox.secret.startswith(b"AUTH PLAIN")


def test_on_this_machine_a_password_needs_no_tls() -> None:
    with opened() as postbox, Mailer(messages(f"smtp://user@127.0.0.1:{postbox.port}")) as mailer:
        mailer.send(letter())
        assert postbox.secret


def test_elsewhere_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfsync.runs.mailer.is_loopback", lambda host: False)  # nothing else can be reached in a test
    with opened() as postbox, Mailer(messages(f"smtp://user@127.0.0.1:{postbox.port}")) as mailer:
        with pytest.raises(ConfigError) as caught:
            mailer.send(letter())
        assert (caught.value.code, postbox.got, postbox.secret) == ("SMTP_CLEAR", [], b"")
