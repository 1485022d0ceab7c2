"""The configuration: where values come from, who wins, and what is refused, always without showing a secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sfsync import settings
from sfsync.errors import ConfigError


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of ours, an empty folder, and a keyring that holds nothing."""
    import os

    for name in [n for n in os.environ if n.startswith("SFSYNC_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str, mode: int = 0o600, path: str = "sfsync.toml") -> Path:
    """A configuration file in this folder."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file


def refused(code: str) -> ConfigError:
    """What ``load`` raises."""
    with pytest.raises(ConfigError) as caught:
        settings.load()
    assert caught.value.code == code, caught.value
    assert caught.value.next_step
    return caught.value


def test_defaults(tmp_path: Path) -> None:
    found = settings.load()
    assert found.platform.url.get_secret_value() == f"sqlite:///{tmp_path}/platform.db"
    assert found.ledger.url.get_secret_value() == f"sqlite:///{tmp_path}/.sfsync/ledger.db"
    assert found.mappings == tmp_path / "mappings"
    assert (found.budget.per_run, found.budget.org_wide_stop, found.salesforce.auth) == (0.25, 0.80, "jwt")


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[salesforce]\nauth = "session"\nusername = "file@example.com"\n[budget]\nper_run = 0.5')
    monkeypatch.setenv("SFSYNC_SALESFORCE__USERNAME", "env@example.com")
    monkeypatch.setenv("SFSYNC_BUDGET__PER_RUN", "0.1")
    found = settings.load()
    assert (found.salesforce.username, found.salesforce.auth, found.budget.per_run) == (
        "env@example.com",
        "session",
        0.1,
    )


def test_paths_belong_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write('mappings = "m"\n[salesforce]\nprivate_key_file = "k"\n[ledger]\nfolder = "f"', path="deep/conf.toml")
    monkeypatch.setenv("SFSYNC_CONFIG", "deep/conf.toml")
    monkeypatch.setenv("SFSYNC_ROOT", "/elsewhere")  # no setting of ours
    found = settings.load()
    assert found.root == tmp_path / "deep"
    assert (found.mappings, found.ledger.folder) == (tmp_path / "deep/m", tmp_path / "deep/f")
    assert found.salesforce.private_key_file == tmp_path / "deep/k"
    assert found.ledger.url.get_secret_value() == f"sqlite:///{tmp_path}/deep/.sfsync/ledger.db"


@pytest.mark.parametrize("url", ["sqlite:////abs/x.db", "sqlite:///:memory:", "postgresql://u@h/d"])
def test_other_urls_are_left_alone(url: str) -> None:
    write(f'[platform]\nurl = "{url}"')
    assert settings.load().platform.url.get_secret_value() == url


SECRETS = {
    "salesforce": ["access_token", "password", "security_token", "consumer_secret"],
    "ledger": ["key"],
    "privacy": ["hash_key"],
}


@pytest.mark.parametrize(("section", "key"), [(s, k) for s, keys in SECRETS.items() for k in keys])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_in_a_file_of_others(section: str, key: str, mode: int) -> None:
    text = f'[{section}]\n{key} = "hush-hush-hush-hush-hush-hush-hush-hush"'
    write(text, mode)
    error = refused("SECRET_EXPOSED")
    assert f"{section}.{key}" in str(error)
    assert "hush" not in str(error) + error.next_step
    write(text, 0o600)
    assert getattr(getattr(settings.load(), section), key).get_secret_value().startswith("hush")


@pytest.mark.parametrize("section", ["platform", "ledger"])
@pytest.mark.parametrize(
    "url", ["postgresql://u:hush@h/d", "postgresql://h/d?password=hush", "postgresql://:hu:sh@h/d"]
)
def test_a_password_in_a_url_is_a_secret(section: str, url: str) -> None:
    write(f'[{section}]\nurl = "{url}"', 0o644)
    error = refused("SECRET_EXPOSED")
    assert f"{section}.url" in str(error)
    assert "hush" not in str(error) + error.next_step
    write(f'[{section}]\nurl = "{url}"', 0o600)
    settings.load()


@pytest.mark.parametrize("url", ["postgresql://user@h:5432/d", "sqlite:///a:b@c.db", "postgresql:///d?host=/run"])
def test_a_url_without_a_password_is_none(url: str) -> None:
    write(f'[platform]\nurl = "{url}"', 0o644)
    settings.load()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x = 1", "x"),
        ("[salesforce]\nauht = 'jwt'", "salesforce.auht"),
        ("[salesforce]\nauth = 'hush'", "salesforce.auth"),
        ("[salesforce]\napi_version = '62'", "salesforce.api_version"),
        ("[salesforce]\ntimeout_s = 0", "salesforce.timeout_s"),
        ("[salesforce]\ninstance_url = 'http://hush.example.com'", "salesforce.instance_url"),
        ("[salesforce]\nlogin_url = 'ftp://hush'", "salesforce.login_url"),
        ("[budget]\norg_wide_stop = 0", "budget.org_wide_stop"),
        ("[ledger]\nkeep_days = -1", "ledger.keep_days"),
        ("platform = 'hush'", "platform"),
        ("root = 'hush'", "root"),
        ("[[ledger]]\nkey = 'hush'", "ledger"),
    ],
)
def test_what_does_not_fit_is_named_without_its_value(text: str, word: str) -> None:
    write(text)
    error = refused("CONFIG_INVALID")
    assert any(line.startswith(f"{word}:") for line in error.details), error.details
    assert "hush" not in str(error) + error.next_step
    assert "SFSYNC_" in error.next_step


def test_every_fault_is_told_at_once() -> None:
    write("x = 1\n[budget]\nper_run = 9\n[ledger]\nkeep_days = 0")
    assert len(refused("CONFIG_INVALID").details) == 3


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "https://x.my.salesforce.com/"]
)
def test_http_is_for_loopback(url: str) -> None:
    assert settings.Salesforce(instance_url=url).instance_url == url.rstrip("/")


@pytest.mark.parametrize("name", ["SFSYNC_LEDGER__KEEPDAYS", "SFSYNC_SALESFROCE__AUTH", "SFSYNC_MAPPINGS__X"])
def test_a_misspelt_variable_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hush")
    error = refused("CONFIG_UNKNOWN")
    assert error.where == name
    assert "hush" not in str(error)


def test_no_repr_shows_a_secret() -> None:
    names = {"access_token": "hush", "password": "hush", "consumer_key": "hush", "security_token": "hush"}
    write(
        "[platform]\nurl = 'postgresql://u:hush@h/d'\n[salesforce]\n"
        + "\n".join(f"{k} = '{v}'" for k, v in names.items())
    )
    found = settings.load()
    assert "hush" not in f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"


def test_keys_are_made_once_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "deep/ledger.key"
    made = settings.secret_bytes(None, path)
    assert len(made) == 64
    assert settings.secret_bytes(None, path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="read by others"):
        settings.secret_bytes(None, path)


def test_the_keyring_is_asked_for_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a real backend of the keyring library that keeps its entries in memory."""
    import keyring
    from keyring.backend import KeyringBackend

    class InMemory(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return {("sfsync", "salesforce.access_token"): "from the ring"}.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    try:
        write('[salesforce]\nauth = "session"')
        token = settings.load().salesforce.access_token
        assert token is not None
        assert token.get_secret_value() == "from the ring"
        monkeypatch.setenv("SFSYNC_SALESFORCE__ACCESS_TOKEN", "mine")
        token = settings.load().salesforce.access_token
        assert token is not None
        assert token.get_secret_value() == "mine"
    finally:
        keyring.set_keyring(before)


def test_secret_files(tmp_path: Path) -> None:
    path = tmp_path / "server.key"
    for content, mode, code in ((b"x", 0o644, "SECRET_EXPOSED"), (b"\xff", 0o600, "SECRET_UNREADABLE")):
        path.write_bytes(content)
        path.chmod(mode)
        with pytest.raises(ConfigError) as caught:
            settings.secret_file(path, "the private key")
        assert caught.value.code == code
    with pytest.raises(ConfigError) as caught:
        settings.secret_file(tmp_path / "none", "the private key")
    assert caught.value.code == "SECRET_MISSING"
