"""A world of shops: a platform by its own schema, an org on a port, and the real command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planners.requests.shopworld import Desk, opened


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One org for a module; each test gets its own ledger and platform (see ``desk``)."""
    with opened(tmp_path_factory.mktemp("requests")) as made:
        yield made


@pytest.fixture
def desk(place: Desk, tmp_path: Path) -> Desk:
    """The desk with an empty ledger and a platform as it was."""
    return place.fresh(tmp_path)
