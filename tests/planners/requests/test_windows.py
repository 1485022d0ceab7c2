"""Until when a request can be taken back, and what is one incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.planners.requests.life import windows
from sfsync.planners.requests.life.incidents import Fault, grouped
from sfsync.planners.requests.life.words import Facts, Request
from sfsync.planners.requests.steps import load

BOOK = load(Path(__file__).parents[3] / "mappings")
NOW = datetime(2026, 5, 12, 10, tzinfo=UTC)
PLACE = "province:RM"


def ask(code: str, terminal: str = "", **fields: str) -> Request:
    return Request("K", code, "0042", "", terminal, "shop 0042", "me", NOW, fields)


def over(code: str, facts: Facts, answers: list[dict[str, Any]], states: dict[str, str], request: Request) -> str:
    return windows.closed(BOOK.steps, BOOK.lives[code], request, facts, answers, states, NOW, NOW)


@pytest.mark.parametrize(
    ("action", "old", "new", "closed"),
    [
        ("add", "active", "planned", False),
        ("add", "active", "installed", True),
        ("sostituzione", "active", "planned", False),
        ("sostituzione", "active", "active", True),
        ("ritiro", "active", "planned", False),
        ("ritiro", "retired", "planned", True),
    ],
)
def test_a_terminal_until_it_is_installed_or_gone(action: str, old: str, new: str, closed: bool) -> None:
    facts = Facts(terminals={"T-1": {"state": old}, "T-2": {"state": new}})
    answers = [] if action == "ritiro" else [{"terminal_id": "T-2"}]
    request = ask("RP-02", "" if action == "add" else "T-1", action=action)
    assert bool(over("RP-02", facts, answers, {}, request)) == closed


@pytest.mark.parametrize(("state", "closed"), [("onboarding", False), ("prospect", False), ("active", True)])
def test_a_shop_until_it_is_active(state: str, closed: bool) -> None:
    assert bool(over("RP-28", Facts(), [{"shop_code": "0099"}], {"0099": state}, ask("RP-28"))) == closed


@pytest.mark.parametrize(
    ("begins", "now", "since"),
    [
        ("2026-06-01", "2026-05-12T10:00:00Z", "2026-06-01"),  # has not begun
        ("2026-05-01", "2026-05-12T10:00:00Z", "2026-06-01"),
        ("2026-12-01", "2026-12-31T10:00:00Z", "2027-01-01"),
        ("2026-06-01", "2026-05-31T22:30:00Z", "2026-07-01"),  # it is June in Rome
    ],
)
def test_a_commission_plan_goes_back_at_the_next_period(begins: str, now: str, since: str) -> None:
    life, request = BOOK.lives["RP-22"], ask("RP-22", effective_on=begins)
    assert windows.effective(life, request, "Europe/Rome", datetime.fromisoformat(now)) == since
    assert over("RP-22", Facts(), [], {}, request) == ""


def test_every_type_that_ends_says_what_to_do_then() -> None:
    ends = {t.undo_until for t in BOOK.lives.values()} - {"", "next_period"}
    assert ends == set(windows.NEXT)


# ── incidents


def faults(*minutes: int, place: str = PLACE, shop: str = "S") -> list[Fault]:
    return [Fault(f"{shop}{n}", f"{shop}{n}", NOW + timedelta(minutes=m), (place,)) for n, m in enumerate(minutes)]


def keys(some: list[Fault], known: dict[str, str] | None = None) -> dict[str, str]:
    return {k: i for k, (i, _) in grouped(some, known or {}, 5, timedelta(minutes=15)).items()}


@pytest.mark.parametrize(
    ("minutes", "members"),
    [
        ((0, 1, 2, 3), 0),
        ((0, 1, 2, 3, 15), 5),
        ((0, 1, 2, 3, 16), 0),
        ((0, 5, 10, 12, 15, 20, 40), 6),  # windows that overlap are one incident
        ((0, 1, 2, 3, 4, 100, 101, 102, 103, 104), 10),
    ],
)
def test_five_shops_within_fifteen_minutes(minutes: tuple[int, ...], members: int) -> None:
    found = keys(faults(*minutes))
    assert len(found) == members
    assert len(set(found.values())) == (2 if 100 in minutes else bool(members))


def test_five_faults_of_four_shops_are_none() -> None:
    some = faults(0, 1, 2, 3)
    assert keys([*some, Fault("X", some[0].shop, NOW, (PLACE,))]) == {}


def test_a_later_fault_joins_the_incident_there_is() -> None:
    first = keys(faults(0, 1, 2, 3, 4))
    earlier = Fault("A0", "A0", NOW - timedelta(minutes=3), (PLACE,))
    joined = keys([*faults(0, 1, 2, 3, 4), earlier], first)
    assert joined == {"A0": next(iter(first.values()))}


def test_a_provider_counts_where_the_provinces_differ() -> None:
    some = [Fault(f"K{n}", f"S{n}", NOW, (f"province:P{n}", "provider:acme")) for n in range(5)]
    assert {p for _, p in grouped(some, {}, 5, timedelta(minutes=15)).values()} == {"provider:acme"}
