"""The certificate of the https listener: made at the first start, for this machine's loopback and nothing else.

Some clients of Salesforce know only https. They are told to trust ``ca.pem`` (``REQUESTS_CA_BUNDLE``,
``NODE_EXTRA_CA_CERTS``, ``SSL_CERT_FILE``) and then run unchanged. The authority signs one certificate and its key is
thrown away, so trusting it lets nobody sign another; beyond that it is constrained to loopback names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sfsync.rehearsal.entry.credentials import write_private

_LIFE, _RENEW_BEFORE = timedelta(days=800), timedelta(days=30)  # longer-lived ones are refused by some systems
_NAMES = (x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1")), x509.IPAddress(IPv6Address("::1")))
_WITHIN = (
    x509.DNSName("localhost"),
    x509.IPAddress(IPv4Network("127.0.0.0/8")),
    x509.IPAddress(IPv6Network("::1/128")),
)
_Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Certificate:
    """Where the parts lie: the authority to trust, the server's certificate, its key (0600)."""

    ca_file: Path
    certificate_file: Path
    key_file: Path


def ensure(folder: Path) -> Certificate:
    """The certificate kept in ``folder``; a new one if there is none, or the old one runs out within a month."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if not _good(found):
        _make(found)
    return found


def _good(found: Certificate) -> bool:
    """The key is written last: where it is, the rest is whole."""
    if not all(one.exists() for one in (found.ca_file, found.certificate_file, found.key_file)):
        return False
    until = x509.load_pem_x509_certificate(found.certificate_file.read_bytes()).not_valid_after_utc
    return until - datetime.now(UTC) > _RENEW_BEFORE


def _make(target: Certificate) -> None:
    target.key_file.unlink(missing_ok=True)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key)
    leaf = _leaf(key, authority, authority_key)
    write_private(target.ca_file, authority.public_bytes(serialization.Encoding.PEM))
    write_private(target.certificate_file, leaf.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(target.key_file, key.private_bytes(*form))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(subject: x509.Name, issuer: x509.Name, key: _Key) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority(key: _Key) -> x509.Certificate:
    name = _name("Rehearsal org authority, this machine only")
    return (
        _begun(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_WITHIN, excluded_subtrees=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _leaf(key: _Key, authority: x509.Certificate, authority_key: _Key) -> x509.Certificate:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _begun(_name("Rehearsal org"), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
