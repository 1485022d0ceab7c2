"""The project's own mappings and small ways to build a mapping and raw rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping

ROOT = Path(__file__).parents[2]
AS_OF = datetime(2026, 11, 22, 10, tzinfo=UTC)
HASH_KEY = b"a key for tests"


@pytest.fixture(scope="session")
def mappings() -> dict[str, Mapping]:
    return load(ROOT / "mappings")


@pytest.fixture
def one_field():
    """A mapping of one field, made like a file would make it."""

    def build(**field) -> Mapping:
        return Mapping.model_validate(
            {
                "mapping": "thing",
                "platform": {"table": "things", "key": "id"},
                "salesforce": {"object": "Case", "key": "SFS_Thing__c"},
                "fields": {"f": {"platform": "f", "salesforce": "SFS_F__c", **field}},
            }
        )

    return build


@pytest.fixture
def raw():
    """A raw frame with keys K0, K1, … and the columns given as lists."""

    def build(**columns) -> pd.DataFrame:
        count = len(next(iter(columns.values())))
        return pd.DataFrame({n: pd.Series(v, dtype=object) for n, v in columns.items()}).set_axis(
            pd.Index([f"K{i}" for i in range(count)])
        )

    return build


@pytest.fixture
def told():
    """Problems as a set of (key, field, code)."""

    def read(canonical) -> set[tuple[str, str, str]]:
        return set(canonical.problems.itertuples(index=False, name=None))

    return read
