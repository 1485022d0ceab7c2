"""The only reader of configuration and environment.

``sfsync.toml`` in the working folder (or the file named by ``SFSYNC_CONFIG``); every key has the environment twin
``SFSYNC_<SECTION>__<KEY>``, which wins. Secrets come from the environment, from files with mode 0600, or from the
keyring; they are ``SecretStr`` so that no repr, log or traceback shows them.
"""

from __future__ import annotations

import os
import secrets
import stat
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from sfsync.errors import ConfigError

CONFIG_FILE = "sfsync.toml"
KEYRING_SERVICE = "sfsync"


class Section(BaseModel):
    """A table of the file; an unknown key is an error, because a misspelt one would be silently ignored."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Platform(Section):
    """The operator's database, as a SQLAlchemy URL."""

    url: SecretStr = SecretStr("sqlite:///platform.db")


class Salesforce(Section):
    """How to reach and enter the org."""

    auth: Literal["jwt", "client-credentials", "session", "password", "sf-cli"] = "jwt"
    instance_url: str = ""
    login_url: str = ""  # where tokens are asked for; default: the instance, or login.salesforce.com for passwords
    api_version: str = Field(default="62.0", pattern=r"^\d{2}\.0$")
    username: str = ""
    consumer_key: SecretStr | None = None
    consumer_secret: SecretStr | None = None
    private_key_file: Path | None = None
    access_token: SecretStr | None = None
    password: SecretStr | None = None
    security_token: SecretStr | None = None
    target_org: str = ""  # alias or username known to the sf CLI
    timeout_s: float = Field(default=120, gt=0)

    @field_validator("instance_url", "login_url")
    @classmethod
    def _https_or_loopback(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            return url.rstrip("/")
        if parts.scheme == "http" and is_loopback(parts.hostname or ""):
            return url.rstrip("/")
        raise ValueError("must be an https URL (http is accepted for loopback addresses only)")


class Ledger(Section):
    """Where the base, the audit trail and the before-images live."""

    url: SecretStr = SecretStr("sqlite:///.sfsync/ledger.db")
    folder: Path = Path(".sfsync")
    key: SecretStr | None = None  # 32 bytes, base64 or hex; otherwise made once in <folder>/ledger.key
    keep_days: int = Field(default=90, gt=0)  # before-images and write history


class Budget(Section):
    """Shares of the org's daily API calls.

    per_run             what one run may use
    org_wide_stop       stop when everybody together has used so much
    reserve_for_people  kept for people at work, whatever ``org_wide_stop`` says; only compliance flags may go there
    compliance_late     minutes after which a compliance change that is not in Salesforce is late
    """

    per_run: float = Field(default=0.25, gt=0, le=1)
    org_wide_stop: float = Field(default=0.80, gt=0, le=1)
    reserve_for_people: float = Field(default=0.10, ge=0, lt=1)
    compliance_late: int = Field(default=15, gt=0)


class Privacy(Section):
    """The secret with which identifiers are hashed before they leave; the same key must be kept for years."""

    hash_key: SecretStr | None = None  # otherwise made once in <ledger.folder>/hash.key


class Messages(Section):
    """How messages to partners leave.

    send      outbox (one file per message), smtp, or salesforce (its e-mail action)
    smtp_url  smtp://user@host:587 or smtps://user@host
    """

    send: Literal["outbox", "smtp", "salesforce"] = "outbox"
    outbox: Path = Path("outbox")
    sender: str = "noreply@localhost"
    smtp_url: str = ""
    smtp_password: SecretStr | None = None


class Settings(BaseSettings):
    """The whole configuration. Paths are relative to the folder of the configuration file."""

    model_config = SettingsConfigDict(
        env_prefix="SFSYNC_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    mappings: Path = Path("mappings")
    platform: Platform = Platform()
    salesforce: Salesforce = Salesforce()
    ledger: Ledger = Ledger()
    budget: Budget = Budget()
    privacy: Privacy = Privacy()
    messages: Messages = Messages()
    _root: Path = PrivateAttr(default=Path())

    @property
    def root(self) -> Path:
        """The folder of the configuration file."""
        return self._root

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file (the file arrives as init values)."""
        return env_settings, init_settings


def config_file(given: Path | None = None) -> Path:
    """The configuration file that counts: the one given, else ``SFSYNC_CONFIG``, else ``sfsync.toml`` here."""
    return given or Path(os.environ.get("SFSYNC_CONFIG", CONFIG_FILE))


def load(config: Path | None = None) -> Settings:
    """Read the configuration; raises ``ConfigError`` with the key that is wrong, never with its value."""
    path = config_file(config)
    data = _read_toml(path) if path.exists() else _nothing(path, asked_for=config is not None)
    _refuse_secrets_in_file(path, data)
    _refuse_unknown_twins([name for name in os.environ if name.startswith("SFSYNC_")])
    try:
        settings = Settings(**data)
    except ValidationError as error:
        raise _as_config_error(path, error) from None
    except SettingsError:  # a whole section in one variable; the text would quote it
        step = "Set single keys, as SFSYNC_PLATFORM__URL; a whole section (SFSYNC_PLATFORM) must be JSON."
        raise ConfigError("a variable of the environment cannot be read", "CONFIG_INVALID", "SFSYNC_…", step) from None
    settings._root = path.parent.resolve()
    return _with_keyring(_anchored(settings))


def _nothing(path: Path, *, asked_for: bool) -> dict[str, Any]:
    if asked_for or "SFSYNC_CONFIG" in os.environ:
        raise ConfigError(
            "the configuration file does not exist",
            "CONFIG_MISSING",
            str(path),
            "Name another file, or run: sfsync init .",
        )
    return {}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the file is not valid TOML ({error})", "CONFIG_SYNTAX", str(path), "Correct that line and run again."
        ) from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read ({error.strerror})", "CONFIG_UNREADABLE", str(path)) from None


SECRETS = {
    "salesforce": ("consumer_secret", "access_token", "password", "security_token"),
    "ledger": ("key",),
    "privacy": ("hash_key",),
    "messages": ("smtp_password",),
}


def _refuse_secrets_in_file(path: Path, data: dict[str, Any]) -> None:
    """Secrets may stand in the file only if nobody else can read it."""
    tables = {s: data[s] for s in (*SECRETS, "platform") if isinstance(data.get(s), dict)}
    found = [f"{s}.{k}" for s, keys in SECRETS.items() for k in keys if k in tables.get(s, {})]
    found += [f"{s}.url" for s in ("platform", "ledger") if _has_password(tables.get(s, {}).get("url"))]
    if found and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"{', '.join(found)} stands in a file that others can read",
            "SECRET_EXPOSED",
            str(path),
            f"Run: chmod 600 {path}   or use the environment ({_twin(found[0])}).",
        )


def _has_password(url: object) -> bool:
    """A password before the host, or in the query (libpq takes it there too)."""
    if not isinstance(url, str) or url.startswith("sqlite"):
        return False
    head, _, query = url.partition("?")
    login = head.partition("://")[2].rpartition("@")[0]
    return ":" in login or "password=" in query.lower()


def _twin(dotted: str) -> str:
    return "SFSYNC_" + dotted.upper().replace(".", "__")


def _as_config_error(path: Path, error: ValidationError) -> ConfigError:
    lines = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors(include_input=False)]
    first = ".".join(str(p) for p in error.errors(include_input=False)[0]["loc"])
    return ConfigError(
        "the configuration does not fit", "CONFIG_INVALID", str(path), f"Correct it there or in {_twin(first)}.", lines
    )


def _refuse_unknown_twins(names: list[str]) -> None:
    """A misspelt SFSYNC_<SECTION>__<KEY> would otherwise be ignored without a word."""
    sections = {n: f.annotation for n, f in Settings.model_fields.items()}
    for name in names:
        section, _, key = name.removeprefix("SFSYNC_").lower().partition("__")
        model = sections.get(section)
        if key and not (isinstance(model, type) and issubclass(model, Section) and key in model.model_fields):
            step = "Correct the name (sfsync init writes a file with all of them), or unset it."
            raise ConfigError("there is no such setting", "CONFIG_UNKNOWN", name, step)


def _anchored(settings: Settings) -> Settings:
    root = settings.root
    settings.mappings = root / settings.mappings
    settings.ledger.folder = root / settings.ledger.folder
    settings.messages.outbox = root / settings.messages.outbox
    settings.ledger.url = SecretStr(_anchored_url(settings.ledger.url.get_secret_value(), root))
    settings.platform.url = SecretStr(_anchored_url(settings.platform.url.get_secret_value(), root))
    if settings.salesforce.private_key_file:
        settings.salesforce.private_key_file = root / settings.salesforce.private_key_file
    return settings


def _anchored_url(url: str, root: Path) -> str:
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/") and ":memory:" not in url:
        return prefix + str(root / url.removeprefix(prefix))
    return url


# What each way in needs and may find in the keyring; the keyring is asked only for what is not set otherwise.
_KEYRING = {
    "jwt": ("consumer_key",),
    "client-credentials": ("consumer_key", "consumer_secret"),
    "session": ("access_token",),
    "password": ("password", "security_token"),
}


def _with_keyring(settings: Settings) -> Settings:
    org = settings.salesforce
    for name in _KEYRING.get(org.auth, ()):
        if getattr(org, name) is None:
            setattr(org, name, from_keyring(f"salesforce.{name}"))
    return settings


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def secret_bytes(value: SecretStr | None, path: Path) -> bytes:
    """A 32-byte key: from the setting, else from ``path`` (made once, mode 0600)."""
    if value is not None:
        text = value.get_secret_value()
        if len(text) < 32:
            step = "Set one of at least 32 characters; without it, one is made in a file of this project."
            raise ConfigError("a key must have at least 32 characters", "KEY_TOO_SHORT", f"{path.stem} key", step)
        return text.encode()
    if not path.exists():
        _make_key(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError("the key file can be read by others", "SECRET_EXPOSED", str(path), f"Run: chmod 600 {path}")
    return path.read_bytes().strip()


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process was faster; its key is the key
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_hex(32).encode())


def secret_file(path: Path, what: str) -> str:
    """The text of a secret file that only its owner may read."""
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{what} can be read by others", "SECRET_EXPOSED", str(path), f"Run: chmod 600 {path}")
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{what} cannot be read ({error.strerror})", "SECRET_MISSING", str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what} is not a text file (PEM)", "SECRET_UNREADABLE", str(path)) from None


def from_keyring(name: str) -> SecretStr | None:
    """A secret from the system's keyring, or None where there is none."""
    import keyring
    from keyring.errors import KeyringError

    try:
        value = keyring.get_password(KEYRING_SERVICE, name)
    except (KeyringError, RuntimeError, OSError):  # no keyring on this machine, or it is locked
        return None
    return SecretStr(value) if value else None
