"""A ledger on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sfsync.ledger import Ledger

KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger may live, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'deep' / 'ledger.db'}"
    new_postgres: Callable[[], str] = request.getfixturevalue("new_postgres")
    return new_postgres()


@pytest.fixture
def reopen(url: str, tmp_path: Path) -> Iterator[Callable[..., Ledger]]:
    """Opens the same ledger again, as another process would; takes ``key``, ``create`` and ``keep_days``."""
    opened: list[Ledger] = []

    def open_it(*, key: bytes = KEY, create: bool = True, keep_days: int = 90) -> Ledger:
        opened.append(Ledger.open(url, tmp_path / "folder", key, create=create, keep_days=keep_days))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


@pytest.fixture
def ledger(reopen: Callable[..., Ledger]) -> Ledger:
    """An empty ledger."""
    return reopen()
