"""Reading back what was just written: all of it, by one query, whatever was written around it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pandas as pd
import pytest

from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import Outcomes, Span
from tests.sides.salesforce.conftest import World, companies, write_of

ONE_QUERY = Ways(small_rows=20, settle_from=40)


@pytest.fixture
def company(mappings: dict[str, Mapping]) -> Mapping:
    return mappings["company"]


def loaded(world: World, company: Mapping, start: int) -> tuple[pd.Series, Span]:
    """Sixty companies as a job made them: ids by key, and when it was at work."""
    side = world.side(ways=ONE_QUERY)
    parts: list[Outcomes] = list(side.write(company, write_of(company, "create", companies(60, start))))
    spans = [p.during for p in parts if p.during]
    return pd.concat(p.rows["id"] for p in parts), (min(s for s, _ in spans), max(u for _, u in spans))


def queries(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The ways of the reads: ``jobs/query`` made, ``query`` otherwise."""
    seen = [(getattr(r, "method", ""), getattr(r, "path", "")) for r in caplog.records]
    return [p for m, p in seen if (m == "POST" and p.endswith("jobs/query")) or "query?" in p or "queryAll?" in p]


def test_a_load_is_read_back_whole_by_one_query(
    world: World, company: Mapping, caplog: pytest.LogCaptureFixture
) -> None:
    loaded(world, company, 1000)
    ids, during = loaded(world, company, 2000)
    loaded(world, company, 3000)
    side = world.side(ways=ONE_QUERY)
    with caplog.at_level(logging.DEBUG, "sfsync.salesforce"):
        found = side.settled(company, ids, during)
    assert sorted(found.values.index) == sorted(ids.index)
    assert found.meta["id"].to_dict() == ids.to_dict()
    assert len(queries(caplog)) == 1


def test_a_record_outside_the_span_is_looked_up(world: World, company: Mapping) -> None:
    """Our idea of the org's time may be wrong by more than the margin: nothing is taken for gone."""
    ids, (since, until) = loaded(world, company, 4000)
    hour = timedelta(hours=1)
    found = world.side(ways=ONE_QUERY).settled(company, ids, (since + hour, until + hour))
    assert sorted(found.values.index) == sorted(ids.index)
