"""What a client needs to enter the rehearsal org, kept beside its data so that a restart does not lock anyone out.

One JSON file and one RSA private key, both readable by their owner only.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

FILE = "credentials.json"
KEY_FILE = "server.key"


@dataclass(frozen=True)
class Credentials:
    """The integration user's ways in: a standing session, a password, a connected app with its key pair."""

    access_token: str
    refresh_token: str
    username: str
    password: str
    security_token: str
    consumer_key: str
    consumer_secret: str
    private_key_file: str

    def public_key(self) -> RSAPublicKey:
        """The connected app's certificate, as it were."""
        key = serialization.load_pem_private_key(Path(self.private_key_file).read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError(f"{KEY_FILE} holds no RSA key; remove it and start again to get a new one")
        return key.public_key()


def new_token(org_id: str) -> str:
    """An access token in the vendor's form: the 15-character org id, ``!``, then secret text."""
    return f"{org_id[:15]}!{secrets.token_urlsafe(72)}"


def load_or_create(folder: Path, org_id: str, username: str) -> Credentials:
    """The credentials of an org's data folder; made at its first start."""
    folder.mkdir(parents=True, exist_ok=True)
    key_file = folder / KEY_FILE
    if not key_file.exists():
        write_private(key_file, _new_key())
    file = folder / FILE
    if not file.exists():
        values = _new_secrets(org_id, username)
        write_private(file, json.dumps(values, indent=1).encode())
    return Credentials(private_key_file=str(key_file.resolve()), **json.loads(file.read_text("utf-8")))


def _new_secrets(org_id: str, username: str) -> dict[str, str]:
    made = Credentials(
        access_token=new_token(org_id),
        refresh_token="5Aep" + secrets.token_urlsafe(60),
        username=username,
        password=secrets.token_urlsafe(18),
        security_token=secrets.token_urlsafe(18)[:24],
        consumer_key="3MVG9" + secrets.token_urlsafe(60),
        consumer_secret=secrets.token_hex(32).upper(),
        private_key_file="",
    )
    values = asdict(made)
    values.pop("private_key_file")
    return values


def _new_key() -> bytes:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_private(path: Path, data: bytes) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
