"""A stage with nobody at the other end: the cassettes answer, and nothing leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from sfsync.rehearsal.entry.credentials import write_private
from tests.cassettes.scrub import GONE, TOKEN, URL, USERNAME, Scrubber
from tests.cassettes.stage import Nobody, Stage
from tests.cassettes.tape import FOLDER


def playing(work: Path, cassettes: Path = FOLDER) -> Stage:
    """A stage in a folder of its own that plays cassettes back."""
    return Stage(work / "stage", cassettes, _ways(work), Scrubber(), Nobody())


def _ways(work: Path) -> dict[str, dict[str, Any]]:
    here = {"instance_url": URL, "username": USERNAME}
    return {
        "session": here | {"access_token": TOKEN},
        "jwt": here | {"consumer_key": GONE, "private_key_file": _key(work / "server.key")},
        "client-credentials": here | {"consumer_key": GONE, "consumer_secret": GONE},
        "password": here | {"password": GONE, "security_token": GONE},
    }


def _key(path: Path) -> Path:
    """A key nobody knows: what is signed with it is scrubbed before it is compared."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    write_private(path, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return path
