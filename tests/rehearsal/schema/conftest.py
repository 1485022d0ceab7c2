"""A plain org without metadata, and the served org."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.rehearsal.org import Org
from tests.rehearsal.http.conftest import org, served
from tests.rehearsal.metadata.conftest import to

__all__ = ["org", "plain", "served", "to"]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Org]:
    opened = Org.open(tmp_path / "org")
    yield opened
    opened.close()
