"""Errors of the connection: what happened, what to do next, and never a password."""

from __future__ import annotations

import traceback
from pathlib import Path

import pandas as pd
import pytest
from pydantic import SecretStr

from sfsync.errors import ConfigError, LoginRefused, SfsyncError, SideError, Unreachable
from sfsync.sides.platform import PlatformSide
from tests.sides.platform.conftest import LOOSE, NOW

PASSWORD = "hunter2-hunter2"


def use(url: SecretStr | str) -> None:
    side = PlatformSide(url, as_of=NOW, hash_key=b"k" * 32)
    try:
        side.fetch(LOOSE, pd.Index(["K1"]))
    finally:
        side.close()


def complaint(url: str, kind: type[SfsyncError]) -> SfsyncError:
    """The error of using this URL; proves that its whole traceback holds no password."""
    with pytest.raises(kind) as caught:
        use(SecretStr(url))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert PASSWORD not in told
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite//x", f"nodialect://u:{PASSWORD}@h/d", f"postgresql://u:{PASSWORD}@h:port/d"]
)
def test_a_url_that_cannot_be_understood(url: str) -> None:
    assert complaint(url, ConfigError).code == "PLATFORM_URL"


def test_a_database_we_do_not_support() -> None:
    assert "mysql" in complaint(f"mysql://u:{PASSWORD}@h/d", ConfigError).message


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    error = complaint(f"sqlite:///{tmp_path}/nowhere.db", SideError)
    assert error.code == "PLATFORM_FILE"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database at all, it is a text of some length" * 20)
    assert complaint(f"sqlite:///{tmp_path}/x.db", SideError).code == "PLATFORM_FILE"


def test_nobody_listens() -> None:
    error = complaint(f"postgresql://u:{PASSWORD}@127.0.0.1:1/d?connect_timeout=2", Unreachable)
    assert error.code == "PLATFORM_UNREACHABLE"
    assert "127.0.0.1:1/d" in error.where


def test_a_login_that_is_refused(postgres_url: str) -> None:
    url = postgres_url.replace("//postgres:", f"//nobody:{PASSWORD}", 1)
    assert complaint(url, LoginRefused).code == "PLATFORM_LOGIN"


def test_a_database_that_does_not_exist(postgres_url: str) -> None:
    url = postgres_url.replace("//postgres:", f"//postgres:{PASSWORD}", 1).replace("/t_", "/gone_")
    assert complaint(url, SideError).code == "PLATFORM_DATABASE"


def test_identity_is_of_the_place_not_of_the_login(tmp_path: Path) -> None:
    def identity(url: str) -> str:
        side = PlatformSide(url, as_of=NOW, hash_key=b"k" * 32)
        return side.identity()

    same = {
        identity(u)
        for u in (
            "postgresql://a:x@db.example/crm",
            "postgres://b@DB.example:5432/crm",
            "postgresql+psycopg://db.example/crm?connect_timeout=3",
        )
    }
    assert len(same) == 1
    assert identity("postgresql://a@db.example/other") not in same
    assert identity(f"sqlite:///{tmp_path}/a.db") == identity(f"sqlite:///{tmp_path}/x/../a.db")
    assert identity(f"sqlite:///{tmp_path}/a.db") != identity(f"sqlite:///{tmp_path}/b.db")
