"""Every key of ``sfsync.toml``, from the pydantic models; the sentences stand here, one per key, none missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from scripts.reference_pages.text import code, table
from sfsync.settings import SECRETS, Section, Settings

SENTENCES = {
    "mappings": "Folder with the mapping files, relative to the configuration file.",
    "platform.url": "The operator's database as a SQLAlchemy URL: `sqlite:///platform.db` or "
    "`postgresql://user@host/database`. Put a password into the environment twin, not into the file.",
    "salesforce.auth": "The way into the org.",
    "salesforce.instance_url": "The org's My Domain, as `https://example.my.salesforce.com`; http for loopback only.",
    "salesforce.login_url": "Where tokens are asked for, if not at the instance: `https://login.salesforce.com`, or "
    "`https://test.salesforce.com` for a sandbox.",
    "salesforce.api_version": "REST API version.",
    "salesforce.username": "The integration user (jwt, password).",
    "salesforce.consumer_key": "Consumer key of the connected app or external client app "
    "(jwt, client-credentials; password with OAuth).",
    "salesforce.consumer_secret": "Its secret (client-credentials; password with OAuth).",
    "salesforce.private_key_file": "The RSA key in PEM form whose certificate the app has (jwt); mode 0600.",
    "salesforce.access_token": "A session or access token made elsewhere (session).",
    "salesforce.password": "The user's password (password).",
    "salesforce.security_token": "The user's security token, unless the machine's address is trusted (password).",
    "salesforce.target_org": "Alias or username known to the `sf` command (sf-cli); empty: its default org.",
    "salesforce.timeout_s": "Seconds until a call without an answer is given up.",
    "ledger.url": "The ledger's database: SQLite, or `postgresql+psycopg://…`.",
    "ledger.folder": "Folder for keys, before-images and plans under way, relative to the configuration file.",
    "ledger.key": "Secret that keys digests, before-images and audit trail, at least 32 characters; without it one is "
    "made once in `ledger.key` of the folder. Lost means: base and images cannot be read any more.",
    "ledger.keep_days": "How long before-images and write history are kept at least; so long a run can be undone.",
    "budget.per_run": "Share of the org's daily API calls one run may use.",
    "budget.org_wide_stop": "sfsync stops when everybody together has used this share of the daily calls.",
    "budget.reserve_for_people": "Share of the daily calls kept for people; only compliance flags may use it.",
    "budget.compliance_late": "Minutes after which a compliance change that is not in Salesforce is late.",
    "privacy.hash_key": "Secret with which identifiers are hashed before they leave (`leaves: hash`), at least 32 "
    "characters; without it one is made once in `hash.key` of the ledger's folder. Another key makes other hashes.",
    "messages.send": "How messages to retail partners leave: a file each (`outbox`), `smtp`, or Salesforce's own "
    "e-mail action (`salesforce`).",
    "messages.outbox": "Folder of the files, relative to the configuration file.",
    "messages.sender": "The address messages come from (outbox, smtp).",
    "messages.smtp_url": "The mail server: `smtp://user@host:587` (STARTTLS where it offers it) or `smtps://user@host`.",
    "messages.smtp_password": "Its password (smtp).",
}
OTHERS = (
    ("SFSYNC_CONFIG", "The configuration file; default `sfsync.toml` in the working folder."),
    ("SFSYNC_DEBUG", "`1` shows the full traceback of a defect. It may quote values: on test data only."),
    ("SFSYNC_FAULTPOINT", "Kills the process at a [fault point](fault-points.md); for tests."),
    ("SFSYNC_TEST_CLIENTS", "`0`: the tests do not fetch clients of others, and skip what needs them."),
    ("NO_COLOR", "Any value: no colours."),
)


def listed() -> list[tuple[str, FieldInfo]]:
    """(dotted key, field) of every setting, in the order of the model."""
    found: list[tuple[str, FieldInfo]] = []
    for name, field in Settings.model_fields.items():
        if name == "root":
            continue
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            found += [(f"{name}.{inner}", spec) for inner, spec in model.model_fields.items()]
        else:
            found.append((name, field))
    return found


def twin(dotted: str) -> str:
    """The environment variable of a setting."""
    return "SFSYNC_" + dotted.upper().replace(".", "__")


def page() -> str:
    """The page of all settings."""
    unknown = {k for k, _ in listed()} ^ set(SENTENCES)
    assert not unknown, f"settings without a sentence, or sentences without a setting: {sorted(unknown)}"
    parts = ["# Settings\n", _intro()]
    parts.append(table(("key", "environment", "values", "default", "meaning"), [_row(k, f) for k, f in listed()]))
    parts.append("## Other variables\n")
    parts.append(table(("variable", "meaning"), [(code(n), m) for n, m in OTHERS]))
    return "\n".join(parts)


def _intro() -> str:
    secret = ", ".join(code(f"{s}.{k}") for s, names in SECRETS.items() for k in names)
    return (
        "`sfsync.toml` in the working folder, or the file named by `--config` or `SFSYNC_CONFIG`. A key `b` of the "
        "table `[a]` has the environment twin `SFSYNC_A__B`, which wins. An unknown key or twin is an error. Relative "
        f"paths start at the file's folder.\n\nSecrets ({secret}) come from the environment, or stand in a "
        "configuration file with mode 0600; sfsync refuses to read them from a file that others can read. Those of "
        "`[salesforce]` may also lie in the system's keyring: service `sfsync`, name as the key here.\n"
    )


def _row(dotted: str, field: FieldInfo) -> tuple[str, ...]:
    return code(dotted), code(twin(dotted)), kind(field.annotation), code(_default(field)), SENTENCES[dotted]


def _default(field: FieldInfo) -> Any:
    value = field.default
    return value.get_secret_value() if isinstance(value, SecretStr) else value


NAMES: dict[Any, str] = {
    SecretStr: "text",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true, false",
    Path: "path",
}


def kind(annotation: Any) -> str:
    """A type in words: the allowed words, or what kind of value."""
    if get_origin(annotation) is Literal:
        return ", ".join(code(v) for v in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {kind(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        return "keys with values"
    inner = [a for a in get_args(annotation) if a is not type(None)]
    if get_origin(annotation) is Union or inner:
        return " or ".join(dict.fromkeys(kind(a) for a in inner))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "keys, see below"
    return NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())
