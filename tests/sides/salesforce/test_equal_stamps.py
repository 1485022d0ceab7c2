"""A bulk load gives fifty thousand records one stamp; a page has two thousand. Every way of reading passes them."""

from __future__ import annotations

import pytest

from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.ways import Ways
from tests.sides.salesforce.conftest import World, companies, everything, outcomes, write_of

EQUAL = 50_000


def test_fifty_thousand_equal_stamps_pass(world: World, mappings: dict[str, Mapping]) -> None:
    """Big, because the number is the point: by keyset, in ranges and as a Bulk query, each record once."""
    company = mappings["company"]
    world.control("clock", freeze=True)
    rows = companies(EQUAL)
    found = outcomes(world.side().write(company, write_of(company, "create", rows)))
    assert (found["result"] == "created").all()
    world.control("clock", freeze=False)
    huge = 10 * EQUAL
    bulk = everything(world.side(), company)
    assert bulk.meta["stamp"].nunique() == 1
    bounds = sorted(zip(bulk.meta["stamp"], bulk.meta["id"], strict=True))
    ways = {
        "keyset": everything(world.side(ways=Ways(bulk_from=huge)), company),
        "ranges": everything(world.side(ways=Ways(bulk_from=huge)), company, bounds=bounds),
        "bulk": bulk,
    }
    for name, records in ways.items():
        assert records.values.index.is_unique, name
        assert set(records.values.index) == set(rows), name


@pytest.mark.parametrize("page_edge", [1_999, 2_000, 2_001, 4_000])
def test_equal_stamps_that_end_with_a_page(world: World, mappings: dict[str, Mapping], page_edge: int) -> None:
    company = mappings["company"]
    world.control("clock", freeze=True)
    outcomes(world.side().write(company, write_of(company, "create", companies(page_edge))))
    world.control("clock", freeze=False)
    assert len(everything(world.side(), company)) == page_edge
