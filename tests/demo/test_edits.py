"""The edits of the guided tour do what the tour says, and a new window sees them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfsync.demo import edits, operator
from sfsync.errors import ConfigError
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.sides.platform import PlatformSide
from sfsync.sides.side import Records, Window, concat

AS_OF = datetime(2026, 11, 22, 10, tzinfo=UTC)
MAPPINGS = load(Path(__file__).parents[2] / "mappings")
PLAYER, CASE = MAPPINGS["player"], MAPPINGS["case"]


class Tour:
    """An operator whose rows are all old, so that only edits are in the window."""

    def __init__(self, url: str) -> None:
        self.url = url
        operator.generate(url, players=400, shops=20, cases=50, seed=3, as_of=datetime(2026, 1, 1, tzinfo=UTC))
        self.side = PlatformSide(url, as_of=AS_OF, hash_key=b"k" * 32)

    def changed(self, mapping: Mapping) -> Records:
        since = datetime(2026, 2, 1, tzinfo=UTC)
        return concat(mapping, list(self.side.changes(mapping, Window(since, since))))


@pytest.fixture
def tour(platform_url: str) -> Iterator[Tour]:
    tour = Tour(platform_url)
    yield tour
    tour.side.close()


def test_change_emails(tour: Tour) -> None:
    keys = edits.change_emails(tour.url, 3)
    found = tour.changed(PLAYER)
    assert sorted(found.values.index) == sorted(keys)
    assert found.values["email"].str.startswith("nuova.").all()
    assert len(found.problems) == 0


def test_self_exclusion_raises_both_flags_and_nothing_else(tour: Tour) -> None:
    before = tour.side.fetch(PLAYER, tour.changed(PLAYER).values.index.union(["P-0000007"])).values
    assert edits.self_exclude(tour.url, "P-0000007") == ["P-0000007"]
    found = tour.changed(PLAYER)
    assert found.values.index.tolist() == ["P-0000007"]
    after = found.values.iloc[0]
    changed = [n for n in after.index if str(after[n]) != str(before.iloc[0][n])]
    assert set(changed) <= {"contact_suppressed", "bonus_blocked"}
    assert after[["contact_suppressed", "bonus_blocked"]].tolist() == ["true", "true"]


def test_a_case_waits_for_its_shop(tour: Tour) -> None:
    keys = edits.case_without_shop(tour.url)
    found = tour.changed(CASE)
    assert found.values.index.tolist() == keys
    assert found.values["shop"].tolist() == [edits.NO_SUCH_SHOP]
    assert len(found.problems) == 0
    shops = tour.side.fetch(MAPPINGS["shop"], found.values["shop"].array)
    assert len(shops) == 0


@pytest.mark.parametrize(("kind", "code"), [("format", "VALUE_FORMAT"), ("length", "VALUE_TOO_LONG")])
def test_a_refused_row(tour: Tour, kind: str, code: str) -> None:
    keys = edits.refused_row(tour.url, kind)  # type: ignore[arg-type]
    assert tour.changed(PLAYER).problems.to_numpy().tolist() == [[keys[0], "email", code]]


def test_one_percent_changes(tour: Tour) -> None:
    keys = edits.change_percent(tour.url, 1.0)
    assert len(keys) == 4
    assert sorted(tour.changed(PLAYER).values.index) == sorted(keys)
    assert set(tour.changed(PLAYER).values["province"]) == {"NA"}


def test_an_empty_operator_cannot_be_edited(platform_url: str) -> None:
    with pytest.raises(ConfigError):
        edits.change_emails(platform_url, 1)
