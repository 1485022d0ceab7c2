"""Where a request is: the pure life of requests, type by type, without any side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfsync.planners.requests.life.marks import needed
from sfsync.planners.requests.life.ops import ops, plan_hash
from sfsync.planners.requests.life.standing import standing
from sfsync.planners.requests.life.windows import next_payment
from sfsync.planners.requests.life.words import Facts, Mark, Request, Standing, State, Trail
from sfsync.planners.requests.steps import Book, load

BOOK = load(Path(__file__).parents[3] / "mappings")
T0 = datetime(2026, 5, 12, 8, tzinfo=UTC)
SHOP = {
    "shop_code": "0042",
    "shop_kind": "negozio",
    "company": "C-1",
    "company_code": "C-1",
    "vat_number": "12345678903",
    "credit_limit": 1_000_000,
    "guarantee": 2_000_000,
    "overdue": False,
}
CASE = {"number": "00001", "status": "New", "hold": False, "phone": "p", "phone_at_receipt": "p"}
OPERATORS = {"OP-1": {"role": "owner", "status": "active"}, "OP-2": {"role": "cashier", "status": "active"}}
FACTS = Facts(shop=SHOP, company=SHOP, case=CASE, operators=OPERATORS)


def ask(code: str, **fields: str) -> Request:
    return Request("k" * 64, code, "0042", "OP-1", "T-1", "OP-1", "importer", T0, fields)


def stands(
    request: Request,
    facts: Facts = FACTS,
    trail: Trail | None = None,
    after: timedelta = timedelta(0),
    *,
    book: Book = BOOK,
) -> Standing:
    trail = trail or Trail()
    asked = ops(book, request, facts)
    made = trail.plan_hash or plan_hash(book, request, facts, asked, b"key")
    return standing(book, request, facts, trail, asked, made, executor="robot@x", as_of=T0 + after)


def waits(found: Standing) -> set[str]:
    return {w.text().partition(" ")[0] for w in found.waits}


def approved(request: Request, *marks: str, by: str = "{}@x", facts: Facts = FACTS) -> Trail:
    made = plan_hash(BOOK, request, facts, ops(BOOK, request, facts), b"key")
    given = tuple(Mark(m, by.format(m.lower()), True, made, "") for m in marks)
    return Trail(marks=given, gates={"typed": {"plan_hash": made}})


@pytest.mark.parametrize(
    ("code", "fields", "marks"),
    [
        ("RP-06", {"amount": "10000000"}, ["FIN"]),
        ("RP-06", {"amount": "10000001"}, ["COM", "FIN"]),
        ("RP-04", {"item": "rotoli", "quantity": "50"}, []),
        ("RP-04", {"item": "rotoli", "quantity": "51"}, ["AM"]),
        ("RP-13", {"field_name": "telefono"}, []),
        ("RP-13", {"field_name": "PEC"}, ["AM"]),
        ("RP-16", {"role": "cashier"}, ["AM"]),
        ("RP-16", {"role": "representative"}, ["AM", "LEG"]),
        ("RP-19", {"amount": "1000000"}, []),
        ("RP-19", {"amount": "1000001"}, ["AM", "FIN"]),
        ("RP-20", {"expected": "100000", "paid": "20000"}, ["FIN"]),
        ("RP-23", {"item": "vetrofania"}, ["AM"]),
        ("RP-23", {"item": "gadget"}, ["AM", "COM"]),
        ("RP-25", {"from_on": "2026-06-01", "to_on": "2026-07-01"}, ["AM"]),
        ("RP-25", {"from_on": "2026-06-01", "to_on": "2026-07-02"}, ["AM", "LEG"]),
        ("RP-26", {}, ["AM", "FIN", "LEG"]),
        ("RP-27", {}, ["AM", "COM", "FIN", "LEG"]),
    ],
)
def test_who_has_to_approve(code: str, fields: dict[str, str], marks: list[str]) -> None:
    assert needed(BOOK.lives[code], ask(code, **fields), FACTS) == marks


def test_material_at_a_top_up_point_is_outside_the_list() -> None:
    pvr = replace(FACTS, shop={**SHOP, "shop_kind": "pvr"})
    assert needed(BOOK.lives["RP-23"], ask("RP-23", item="vetrofania"), pvr) == ["AM", "COM"]


@pytest.mark.parametrize(("seconds", "state"), [(180, State.WAITING), (181, State.REFUSED)])
def test_a_ticket_is_cancelled_within_180_seconds(seconds: int, state: State) -> None:
    accepted = T0 - timedelta(minutes=10)
    later = (accepted + timedelta(seconds=seconds)).isoformat()
    found = stands(ask("RP-07", ticket_id="AB12", accepted_at=accepted.isoformat(), requested_at=later))
    assert found.state is state
    assert found.reason == ("LATE" if state is State.REFUSED else "")


@pytest.mark.parametrize(("event", "state"), [("2026-02-11", State.WAITING), ("2026-02-10", State.REFUSED)])
def test_a_win_is_paid_within_90_civil_days(event: str, state: State) -> None:
    assert stands(ask("RP-06", ticket_id="AB12", event_date=event, amount="5000")).state is state


def test_days_are_counted_in_the_operators_zone() -> None:
    """T0 shortly before midnight in UTC is the next day in Italy."""
    late = replace(
        ask("RP-06", event_date="2026-02-11", amount="1"), received_at=datetime(2026, 5, 12, 22, 30, tzinfo=UTC)
    )
    assert stands(late).state is State.REFUSED


@pytest.mark.parametrize(("at", "state"), [("2026-05-11T22:00:00Z", "waiting"), ("2026-05-11T21:59:59Z", "refused")])
def test_a_top_up_is_reversed_on_its_day_in_italy(at: str, state: str) -> None:
    found = stands(ask("RP-10", player_account="GA-1", amount="5000", transaction_ref="T", occurred_at=at))
    assert found.state == state


def test_a_win_of_2000_needs_the_player_identified() -> None:
    assert stands(ask("RP-06", event_date="2026-05-01", amount="199999")).state is State.WAITING
    assert stands(ask("RP-06", event_date="2026-05-01", amount="200000")).state is State.BLOCKED
    named = stands(ask("RP-06", event_date="2026-05-01", amount="200000", identified="yes"))
    assert named.state is State.WAITING


def test_a_top_up_point_pays_nothing() -> None:
    pvr = replace(FACTS, shop={**SHOP, "shop_kind": "pvr"})
    assert stands(ask("RP-06", event_date="2026-05-01", amount="1"), pvr).reason == "PVR"
    assert stands(ask("RP-06P")).state is State.PROHIBITED


def test_the_last_owner_stays() -> None:
    assert stands(ask("RP-17", operator_code="OP-1", effective_at="2026-05-20")).reason == "LAST_OWNER"
    assert stands(ask("RP-17", operator_code="OP-2", effective_at="2026-05-20")).state is State.READY


def test_cooling_ends_to_the_second() -> None:
    request = ask("RP-12", iban="x")
    trail = replace(approved(request, "FIN"), gates={"call_back": {"phone": "p"}})
    assert waits(stands(request, trail=trail, after=timedelta(hours=24, seconds=-1))) == {"until:cooling"}
    assert stands(request, trail=trail, after=timedelta(hours=24)).state is State.READY


def test_one_person_gives_one_mark_and_never_who_asks_or_executes() -> None:
    request = ask("RP-19", amount="1500000")
    assert stands(request, trail=approved(request, "AM", "FIN")).state is State.READY
    assert waits(stands(request, trail=approved(request, "AM", "FIN", by="one@x"))) == {"mark:FIN"}
    assert waits(stands(request, trail=approved(request, "AM", "FIN", by="op-1"))) == {"mark:AM", "mark:FIN"}
    assert waits(stands(request, trail=approved(request, "AM", "FIN", by="ROBOT@x"))) == {"mark:AM", "mark:FIN"}


@pytest.mark.parametrize("change", [{"credit_limit": 900_000}, {"guarantee": 2_500_000}])
def test_an_approval_binds_to_what_was_seen(change: Mapping[str, Any]) -> None:
    request = ask("RP-19", amount="1500000")
    other = replace(FACTS, shop={**SHOP, **change})
    found = stands(request, other, trail=approved(request, "AM", "FIN"))
    assert waits(found) == {"mark:AM", "mark:FIN", "void:AM", "void:FIN"}


def test_a_typed_number_binds_to_the_plan_too() -> None:
    request = ask("RP-26", last_day="2026-06-30", reason="x")
    trail = approved(request, "AM", "FIN", "LEG")
    assert stands(request, trail=trail).state is State.READY
    assert waits(stands(request, trail=replace(trail, gates={"typed": {"plan_hash": "old"}}))) == {"typed"}


def test_compliance_hold_stops_everything() -> None:
    held = replace(FACTS, case={**CASE, "hold": True})
    assert waits(stands(ask("RP-01"), held)) == {"hold"}


def test_what_people_closed_is_left_alone() -> None:
    closed = replace(FACTS, case={**CASE, "status": "Closed"})
    assert stands(ask("RP-01"), closed).state is State.WITHDRAWN


def test_the_hash_does_not_show_what_it_hashes() -> None:
    request = ask("RP-12", iban="IT60X0542811101000000123456")
    asked = ops(BOOK, request, FACTS)
    assert plan_hash(BOOK, request, FACTS, asked, b"one") != plan_hash(BOOK, request, FACTS, asked, b"two")


@pytest.mark.parametrize(
    ("after", "run"),
    [
        ("2026-05-12T10:00:00+00:00", "2026-05-16T04:00:00+00:00"),
        ("2026-05-16T03:59:59+00:00", "2026-05-16T04:00:00+00:00"),
        ("2026-05-16T04:00:00+00:00", "2026-06-01T04:00:00+00:00"),
        ("2026-12-20T10:00:00+00:00", "2027-01-01T05:00:00+00:00"),
    ],
)
def test_payment_runs_are_at_six_in_rome(after: str, run: str) -> None:
    steps = BOOK.steps
    assert next_payment(steps.payment_runs, steps.zone, datetime.fromisoformat(after)).isoformat() == run
