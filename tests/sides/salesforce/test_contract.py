"""The Salesforce side keeps the contract of every side, by collections and by Bulk."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pytest

from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.salesforce.ways import Ways
from tests.sides.contract import COMPANY, SideContract
from tests.sides.salesforce import conftest


@dataclass
class Office:
    """A side under test, and a colleague who works in the same org with a session of their own."""

    side: SalesforceSide
    colleague: SalesforceSide

    def put(self, rows: Dict[str, dict[str, str | None]]) -> None:
        known = self.colleague.fetch(COMPANY, pd.Index(list(rows))).values.index
        new = {k: r for k, r in rows.items() if k not in known}
        made = [self.colleague.write(COMPANY, conftest.write_of(COMPANY, "create", new))] if new else []
        old = {k: r for k, r in rows.items() if k in known}
        made += [self.colleague.write(COMPANY, conftest.write_of(COMPANY, "update", old))] if old else []
        for found in made:
            assert conftest.outcomes(found)["result"].isin(["created", "updated"]).all()

    def remove(self, keys: Sequence[str]) -> None:
        gone = conftest.write_of(COMPANY, "delete", {k: {} for k in keys})
        assert (conftest.outcomes(self.colleague.write(COMPANY, gone))["result"] == "deleted").all()


class TestCollections(SideContract):
    @pytest.fixture
    def world(self, world: conftest.World) -> Office:
        return Office(world.side(), world.side())


class TestBulk(SideContract):
    """The same with every write a job and every read a Bulk query."""

    many = 120

    @pytest.fixture
    def world(self, world: conftest.World) -> Office:
        ways = Ways(small_rows=0, bulk_from=0)
        return Office(world.side(ways=ways), world.side(ways=ways))
