"""A rehearsal org in a thread, its control plane, and a side that talks to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from sfsync import settings
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.rehearsal.serve import Ready, running
from sfsync.sides.salesforce.jobs import Pace
from sfsync.sides.salesforce.session import Patience
from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import TEXT, Outcomes, Records, Window, Write, concat

ROOT = Path(__file__).parents[3]
QUICK = Patience(attempts=4, first_s=0.01, most_s=0.05)


@dataclass
class World:
    """One org: its ready line, the control plane and the sides made for it."""

    ready: Ready
    cache: Path
    sides: list[SalesforceSide] = field(default_factory=list)

    def control(self, path: str, **order: Any) -> Any:
        """POST an order to the control plane."""
        return self._control("POST", path, data=json.dumps(order))

    def stats(self) -> dict[str, Any]:
        """API calls since the last reset, as the org counts them."""
        return dict(self._control("GET", "stats"))

    def _control(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.ready.access_token}"}
        answer = requests.request(
            method, f"{self.ready.instance_url}/rehearsal/{path}", headers=headers, timeout=30, **kwargs
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def config(self, **changes: Any) -> settings.Salesforce:
        """Settings that reach this org with its access token."""
        known = {"auth": "session", "instance_url": self.ready.instance_url, "access_token": self.ready.access_token}
        return settings.Salesforce.model_validate({**known, "username": self.ready.username, **changes})

    def side(self, shares: settings.Budget | None = None, ways: Ways | None = None, **changes: Any) -> SalesforceSide:
        """A new side on this org."""
        made = SalesforceSide(
            self.config(**changes),
            shares or settings.Budget(per_run=1, org_wide_stop=1),
            cache=self.cache,
            patience=QUICK,
            pace=Pace(first_s=0.05, most_s=0.2, limit_s=60),
            ways=ways,
        )
        self.sides.append(made)
        return made


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    with running(tmp_path_factory.mktemp("org"), seed="operator", force_app=ROOT / "force-app") as ready:
        yield ready


@pytest.fixture
def world(served: Ready, tmp_path: Path) -> Iterator[World]:
    made = World(served, tmp_path / "cache")
    made.control("reset")
    made.control("jobs", finish="now")
    yield made
    for side in made.sides:
        side.close()


@pytest.fixture(scope="session")
def mappings() -> dict[str, Mapping]:
    return load(ROOT / "mappings")


def write_of(
    mapping: Mapping, kind: str, rows: dict[str, dict[str, str | None]], ids: list[str | None] | None = None
) -> Write:
    """A write of literal rows; a field a row does not name is not touched."""
    values = pd.DataFrame({c: [r.get(c) for r in rows.values()] for c in mapping.columns}, dtype=TEXT)
    touched = np.array([[c in r for c in mapping.columns] for r in rows.values()]).reshape(len(rows), -1)
    keys = pd.Index(list(rows), dtype=TEXT, name="key")
    return Write(kind, keys, pd.Series(ids or [None] * len(rows), dtype=TEXT), values.set_axis(keys), touched)


def outcomes(found: Iterator[Outcomes]) -> pd.DataFrame:
    """All outcomes of a write; fails if a row has two."""
    table = pd.concat([o.rows for o in found])
    assert table.index.is_unique
    return table


def everything(side: SalesforceSide, mapping: Mapping, window: Window | None = None, **kwargs: Any) -> Records:
    """All records of a read."""
    return concat(mapping, list(side.changes(mapping, window or side.window(mapping, None), **kwargs)))


def companies(count: int, start: int = 0) -> dict[str, dict[str, str | None]]:
    """Literal companies, the simplest objects of the mapping."""
    return {f"C-{n:05}": {"legal_name": f"Azienda {n}", "state": "active"} for n in range(start, start + count)}
