"""The rules of single types before their steps, and what the platform's answers make of them; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sfsync.planners.requests.life import messages
from sfsync.planners.requests.life.marks import needed
from sfsync.planners.requests.life.ops import ops
from sfsync.planners.requests.life.words import Facts, Request, Sent, Standing, State, Trail, Wait
from tests.planners.requests.test_standing import BOOK, FACTS, SHOP, T0, approved, ask, stands, waits

PVR = replace(FACTS, shop={**SHOP, "shop_kind": "pvr"})


def said(request: Request, standing: Standing, trail: Trail | None = None, facts: Facts = FACTS) -> list[str]:
    return [d.code for d in messages.due(BOOK, request, facts, trail or Trail(), standing, T0)]


# ── what people do is approved too


@pytest.mark.parametrize(
    ("code", "fields", "marks"),
    [
        ("RP-23", {"item": "vetrofania", "quantity": "2"}, ("AM",)),
        ("RP-04", {"item": "rotoli", "quantity": "51"}, ("AM",)),
        ("RP-29", {"amount": "250000"}, ("COM",)),
        ("RP-30", {"authority": "GdF"}, ("COM",)),
    ],
)
def test_steps_of_people_wait_for_their_approval(code: str, fields: dict[str, str], marks: tuple[str, ...]) -> None:
    request = ask(code, **fields)
    before = stands(request)
    assert (before.state, before.marks()) == (State.WAITING, marks)
    assert stands(request, trail=approved(request, *marks)).state is State.OPEN


def test_an_order_is_confirmed_when_it_is_approved() -> None:
    request = ask("RP-23", item="vetrofania", quantity="2")
    assert "M-ORDER" not in said(request, stands(request))
    assert "M-ORDER" in said(request, stands(request, trail=approved(request, "AM")))


def test_the_cap_of_a_month_counts_what_was_ordered_before() -> None:
    request = ask("RP-04", item="rotoli", quantity="20")
    assert needed(BOOK.lives["RP-04"], request, replace(FACTS, of_month=30)) == []
    assert needed(BOOK.lives["RP-04"], request, replace(FACTS, of_month=31)) == ["AM"]


def test_a_top_up_point_shows_its_plate_and_nothing_else() -> None:
    assert stands(ask("RP-23", item="Targa iscrizione albo"), PVR).marks() == ("AM",)
    banner = ask("RP-23", item="vetrofania")
    refused = stands(banner, PVR)
    assert (refused.state, refused.reason) == (State.REFUSED, "NOT_ALLOWED")
    assert "M-PROMO-NO" in said(banner, refused, facts=PVR)


def test_the_law_is_not_blamed_for_what_it_allows() -> None:
    request = ask("RP-23", item="vetrofania")
    assert said(request, Standing(State.REFUSED, reason="APPROVER")) == ["TELL_PARTNER"]
    gadget = ask("RP-23", item="gadget")
    assert said(gadget, Standing(State.REFUSED, reason="APPROVER")) == ["M-PROMO-NO"]


# ── who approves, by what was written


@pytest.mark.parametrize("field", ["P.E.C.", "indirizzo PEC", "posta elettronica certificata", "Pec"])
def test_a_certified_address_is_known_by_its_other_names(field: str) -> None:
    assert needed(BOOK.lives["RP-13"], ask("RP-13", field_name=field), FACTS) == ["AM"]


def test_other_addresses_are_not_certified() -> None:
    assert needed(BOOK.lives["RP-13"], ask("RP-13", field_name="specifica telefono"), FACTS) == []


@pytest.mark.parametrize("facts", [{"overdue": True}, {"guarantee": 0}])
def test_a_lower_limit_is_never_refused(facts: dict[str, Any]) -> None:
    now = replace(FACTS, shop={**SHOP, **facts})
    assert stands(ask("RP-19", amount="900000", valid_to="2027-01-01"), now).state is State.READY
    assert stands(ask("RP-19", amount="1100000", valid_to="2027-01-01"), now).state is State.REFUSED


@pytest.mark.parametrize(("word", "known"), [("sì", True), ("SI", True), ("yes 12/05/2026", True), ("no", False)])
def test_only_a_yes_says_that_somebody_was_identified(word: str, known: bool) -> None:
    request = ask("RP-06", event_date="2026-05-01", amount="200000", identified=word)
    found = stands(request)
    assert (found.state is State.WAITING) is known
    assert ("M-NEED" in said(request, found)) is not known


@pytest.mark.parametrize(
    ("amount", "payer", "text"),
    [
        ("300000", "shop", None),
        ("300001", "concession_holder", "M-PAY-14"),
        ("10000000", "concession_holder", "M-PAY-14"),
        ("10000001", "concession_holder", "M-PAY-21"),
    ],
)
def test_large_wins_are_paid_by_the_concession_holder(amount: str, payer: str, text: str | None) -> None:
    request = ask("RP-06", event_date="2026-05-01", amount=amount, ticket_id="AB12")
    [asked] = ops(BOOK, request, FACTS)
    assert asked.payload["paid_by"] == payer
    begun = said(request, Standing(State.RUNNING), Trail(plan_hash="h"))
    assert [c for c in begun if c.startswith("M-PAY")] == ([text] if text else [])


# ── RP-02: what a contract allows


RUNS = {"state": "active", "contract_state": "active", "contract_start": "2026-01-01", "contract_end": "2026-12-31"}


@pytest.mark.parametrize(
    ("shop", "kind", "waiting"),
    [
        (RUNS, "pos", set()),
        ({**RUNS, "contract_end": "2026-05-12"}, "pos", set()),
        ({**RUNS, "contract_end": "2026-05-11"}, "pos", {"reason:CONTRACT_NOT_RUNNING"}),
        ({**RUNS, "contract_start": "2026-05-13"}, "pos", {"reason:CONTRACT_NOT_RUNNING"}),
        ({**RUNS, "contract_state": "terminated"}, "pos", {"reason:CONTRACT_NOT_RUNNING"}),
        ({**RUNS, "contract_state": None}, "pos", {"reason:CONTRACT_NOT_RUNNING"}),
        ({**RUNS, "state": "closing"}, "pos", {"reason:CONTRACT_NOT_RUNNING"}),
        ({**RUNS, "shop_kind": "pvr"}, "SSBT", {"reason:CONTRACT_LIMIT"}),
        ({**RUNS, "shop_kind": "pvr"}, "pos", set()),
    ],
)
def test_a_terminal_is_added_under_a_contract_that_allows_it(
    shop: dict[str, Any], kind: str, waiting: set[str]
) -> None:
    facts = replace(FACTS, shop={**SHOP, **shop})
    found = waits(stands(ask("RP-02", action="add", kind=kind, quantity="1"), facts))
    assert {w for w in found if "CONTRACT" in w} == waiting
    taken = waits(stands(ask("RP-02", action="ritiro", kind=kind, quantity="1"), facts))
    assert not {w for w in taken if "CONTRACT" in w}


def test_terminals_are_counted_against_the_contract() -> None:
    steps = BOOK.steps.model_copy(update={"contract_terminals": {"negozio": {"pos": 2}}})
    book = replace(BOOK, steps=steps)
    have = {"T-1": {"kind": "pos", "state": "active"}, "T-2": {"kind": "pos", "state": "retired"}}
    facts = replace(FACTS, shop={**SHOP, **RUNS}, terminals=have)
    for quantity, over in (("1", False), ("2", True)):
        found = stands(ask("RP-02", action="add", kind="pos", quantity=quantity), facts, book=book)
        assert ("reason:CONTRACT_LIMIT" in waits(found)) is over


# ── RP-11, RP-12, RP-14 to RP-18, RP-20, RP-22, RP-28


def test_another_vat_number_is_a_change_of_hands() -> None:
    assert stands(ask("RP-11", what="x", vat_number="01234567897")).reason == "OTHER_COMPANY"
    assert stands(ask("RP-11", what="x", vat_number="12345678903")).state is State.WAITING


@pytest.mark.parametrize(
    ("holder", "known"),
    [
        ("Bianchi Giochi S.r.l.", True),
        ("BIANCHI GIOCHI SRL", True),
        ("Giochi Bianchi", True),
        ("Bianchi Giochi S.R.L", True),
        ("Rossi Mario", False),
        ("", False),
    ],
)
def test_the_holder_of_an_account_is_the_company(holder: str, known: bool) -> None:
    facts = replace(FACTS, company={**SHOP, "legal_name": "Bianchi Giochi S.r.l."})
    found = stands(ask("RP-12", iban="x", holder=holder), facts)
    assert ("gate:holder_checked" in waits(found)) is not known


def test_the_authority_is_waited_for_when_the_papers_are_there() -> None:
    request = ask("RP-14", address="Via Roma 1")
    assert "gate:new_licence" in waits(stands(request))
    assert said(request, stands(request)) == ["M-DOCS"]
    done = {g: {"by": "x"} for g in ("documents", "distance_rule", "new_licence")}
    assert said(request, stands(request, trail=Trail(gates=done))) == ["M-DOCS", "M-AUTH"]


def test_a_licence_goes_to_the_platform_and_is_minded() -> None:
    request = ask("RP-15", doc_kind="art. 88", number="L-1", issued_on="2026-05-01", expiry="2027-05-31")
    trail = approved(request, "LEG")
    papers = replace(trail, gates={**trail.gates, "documents": {"by": "x"}})
    assert stands(request, trail=papers).state is State.READY
    [minded] = [
        d for d in messages.due(BOOK, request, FACTS, Trail(), Standing(State.DONE), T0) if d.code == "LICENCE_EXPIRES"
    ]
    assert minded.day == "2027-04-01"


def test_a_representative_was_approved_by_the_authority() -> None:
    asked = {"role": "rappresentante", "last_name": "Neri"}
    assert stands(ask("RP-16", **asked)).state is State.BLOCKED
    assert stands(ask("RP-16", **asked, birth_approval_on="2026-05-01")).marks() == ("AM", "LEG")


@pytest.mark.parametrize("code", ["RP-17", "RP-18"])
def test_operators_of_other_shops_are_left_alone(code: str) -> None:
    assert stands(ask(code, operator_code="OP-9", effective_at="2026-05-12")).reason == "OTHER_OPERATOR"


@pytest.mark.parametrize(("period", "state"), [("04/2026", State.WAITING), ("2026-05", State.WAITING)])
def test_a_month_is_disputed_when_it_is_over(period: str, state: State) -> None:
    found = stands(ask("RP-20", period=period, expected="2", paid="1"))
    assert found.state is state
    assert ("reason:PERIOD_OPEN" in waits(found)) is (period == "2026-05")


def test_a_plan_begins_with_a_month_and_is_one_there_is() -> None:
    facts = replace(FACTS, plans=frozenset({"PLUS"}))
    assert stands(ask("RP-22", plan="plus", effective_on="2026-06-02"), facts).state is State.BLOCKED
    assert waits(stands(ask("RP-22", plan="plus", effective_on="2026-06-01"), facts)) == {"mark:AM", "mark:FIN"}
    assert "gate:plan_checked" in waits(stands(ask("RP-22", plan="GOLD", effective_on="2026-06-01"), facts))


def test_a_shop_that_may_be_there_already_is_looked_at() -> None:
    assert "gate:duplicate_checked" in waits(stands(ask("RP-28"), replace(FACTS, alike=("0001",))))
    assert "gate:duplicate_checked" not in waits(stands(ask("RP-28")))


def test_identifications_have_a_day_and_inspections_a_manager() -> None:
    request = ask("RP-29", operation_date="2026-05-10", amount="250000", identified="yes")
    days = {d.code: d.day for d in messages.due(BOOK, request, FACTS, Trail(), stands(request), T0)}
    assert days["REPORT_DUE"] == "2026-05-20"
    notice = ask("RP-30", authority="GdF")
    assert said(notice, stands(notice)) == ["M-INSPECT", "INFORM_MANAGER"]


def test_a_guide_is_a_link_and_never_what_was_asked() -> None:
    request = ask("RP-31", topic="Come stampo lo scontrino?")
    assert said(request, stands(request)) == []
    link = "https://guide.example/scontrino"
    book = replace(BOOK, steps=BOOK.steps.model_copy(update={"guides": {"scontrino": link}}))
    [due] = list(messages.due(book, request, FACTS, Trail(), stands(request), T0))
    assert messages.text(book, due, request, FACTS, stands(request), T0) == f"Guida: {link}."


def test_that_a_transfer_is_not_automatic_is_said_at_once() -> None:
    request = ask("RP-27", new_vat="01234567897")
    assert said(request, stands(request)) == ["M-DOCS", "M-TRANSFER"]


# ── what the platform answers


def sent(number: int, step: str, state: str, answer: str = "", reads: bool = False) -> Sent:
    return Sent(number, step, f"k{number}", step, "t", state, reads, answer=answer)


@pytest.mark.parametrize(
    ("code", "read", "change"), [("RP-08", "voucher_state", "voucher_block"), ("RP-09", "transaction_read", "credit")]
)
@pytest.mark.parametrize(
    ("state", "answer", "ended"),
    [
        ("refused", "", True),
        ("done", '{"state": "paid"}', True),
        ("done", '{"state": "open"}', False),
        ("done", "", False),
    ],
)
def test_nothing_is_paid_twice(code: str, read: str, change: str, state: str, answer: str, ended: bool) -> None:
    answer = answer.replace("paid", "credited") if code == "RP-09" else answer
    last = 2 if code == "RP-09" else 1
    trail = Trail(
        plan_hash="h", sent=(sent(0, read, state, answer, True), sent(last, change, "waiting")), mirrored=frozenset({1})
    )
    found = stands(ask(code, amount="1"), trail=trail)
    assert (found.state is State.REFUSED) is ended
    assert found.next == (() if ended else (last,))


def test_a_status_that_is_only_asked_for_ends_nothing() -> None:
    trail = Trail(plan_hash="h", sent=(sent(2, "status_ping", "refused", reads=True),), mirrored=frozenset({1}))
    assert stands(ask("RP-01"), trail=trail).state is State.DONE


def test_what_was_done_in_part_goes_on_and_is_looked_at() -> None:
    asked = (sent(0, "shop_close", "done"), sent(1, "operators_off", "refused"))
    found = stands(ask("RP-26"), trail=Trail(plan_hash="h", sent=asked))
    assert (found.state, found.next) == (State.RUNNING, (2,))
    ended = stands(ask("RP-26"), trail=Trail(plan_hash="h", sent=asked, mirrored=frozenset({2, 3, 4})))
    assert (ended.state, ended.reason) == (State.DONE, "PARTLY")
    assert "PARTLY" in said(ask("RP-26"), ended)


def test_who_is_refused_without_a_text_is_told_by_a_person() -> None:
    assert "TELL_PARTNER" in said(ask("RP-16"), Standing(State.REFUSED, reason="APPROVER"))
    assert "TELL_PARTNER" not in said(ask("RP-10"), Standing(State.REFUSED, reason="PLATFORM"))


def test_a_second_answer_that_is_not_enough_is_asked_about_again() -> None:
    blocked = Standing(State.BLOCKED, (Wait("need", "IBAN_WRONG"),))
    keys = {d.key for n in (0, 1) for d in messages.due(BOOK, ask("RP-12"), FACTS, Trail(revised=n), blocked, T0)}
    assert len(keys) == 3  # what is always said, and the question twice
