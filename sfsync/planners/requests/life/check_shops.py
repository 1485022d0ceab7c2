"""Checks of the shop, its company, its contract and its terminals. Source: domain requests D.2, model B.3. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from sfsync.mapping.transforms import addresses
from sfsync.planners.requests.catalogue import fold
from sfsync.planners.requests.life.look import NEED, REASON, Look
from sfsync.planners.requests.life.marks import listed, lowered
from sfsync.planners.requests.life.words import Wait


def shop_is_not(look: Look) -> Iterator[Wait]:
    """The shop is not of this kind."""
    if look.facts.shop.get("shop_kind") == look.check.given("kind"):
        yield from look.fails()


def cash_cap(look: Look) -> Iterator[Wait]:
    """The weekly cash limit of a top-up point, where it is enforced."""
    steps, cap = look.book.steps, look.book.steps.pvr_cash_cap_eur * 100
    pvr = look.facts.shop.get("shop_kind") == "pvr"
    if steps.pvr_cash_cap_enforced and pvr and int(look.request.fields.get("amount") or 0) > cap:
        yield from look.fails()


def shop_flag(look: Look) -> Iterator[Wait]:
    """The platform's flag is not set."""
    if not _eased(look) and look.facts.shop.get(look.check.given("flag")):
        yield from look.fails()


def _eased(look: Look) -> bool:
    """A credit limit that goes down takes effect at once, whatever is overdue or guaranteed."""
    return bool(look.check.given("raises")) and lowered(look.request, look.facts)


def at_most_guarantee(look: Look) -> Iterator[Wait]:
    """A credit limit up to the guarantee."""
    if not _eased(look) and int(look.request.fields.get("amount") or 0) > int(look.facts.shop.get("guarantee") or 0):
        yield from look.fails()


def no_open(look: Look) -> Iterator[Wait]:
    """The shop has no open case of these types."""
    if set(look.check.given("types")) & set(look.facts.open_types):
        yield from look.fails()


def other_company(look: Look) -> Iterator[Wait]:
    """A change of hands is another company, never a new name of the old one."""
    if look.request.fields.get("new_vat") == look.facts.company.get("vat_number"):
        yield from look.fails()


def same_company(look: Look) -> Iterator[Wait]:
    """Another VAT number is another company: that is a change of hands."""
    vat = look.request.fields.get("vat_number")
    if vat and vat != look.facts.company.get("vat_number"):
        yield from look.fails()


def public_ips(look: Look) -> Iterator[Wait]:
    """Every address is one, and a public one."""
    if not addresses(look.request.fields.get("public_ips", "")):
        yield from look.fails(NEED)


def ips_free(look: Look) -> Iterator[Wait]:
    """No other shop uses one of the addresses."""
    if look.facts.ips_taken:
        yield from look.fails(NEED)


def asset_free(look: Look) -> Iterator[Wait]:
    """A terminal goes when nothing is open about it; a request that names none is about any of the shop's."""
    action = look.request.fields.get("action", "").strip().lower()
    named = {look.request.terminal} if look.request.terminal else set(look.facts.terminals)
    if action in look.check.given("actions") and named & look.facts.busy:
        yield from look.fails()


def contract_allows(look: Look) -> Iterator[Wait]:
    """Another terminal needs a shop that works under a contract that runs, and room for it in the contract."""
    if look.request.fields.get("action", "").strip().lower() not in look.check.given("actions"):
        return
    shop, today = look.facts.shop, look.as_of.astimezone(ZoneInfo(look.book.steps.zone)).date().isoformat()
    begins, ends = str(shop.get("contract_start") or today)[:10], str(shop.get("contract_end") or today)[:10]
    if shop.get("state") != "active" or shop.get("contract_state") != "active" or not begins <= today <= ends:
        yield Wait(REASON, "CONTRACT_NOT_RUNNING")
    kind = fold(look.request.fields.get("kind", ""))
    most = look.book.steps.contract_terminals.get(str(shop.get("shop_kind")), {}).get(kind)
    have = sum(fold(str(t["kind"])) == kind and t["state"] != "retired" for t in look.facts.terminals.values())
    if most is not None and have + int(look.request.fields.get("quantity") or 1) > most:
        yield Wait(REASON, "CONTRACT_LIMIT")


def may_be_ordered(look: Look) -> Iterator[Wait]:
    """At a top-up point nothing may be shown but its register plate (domain requests D.2, RP-23)."""
    life = look.book.lives[look.request.code]
    if look.facts.shop.get("shop_kind") == "pvr" and not listed(life, look.request, look.facts):
        yield from look.fails()


def plan_known(look: Look) -> Iterator[Wait]:
    """A plan that no shop of this kind has: a person looks whether there is one."""
    if look.request.fields.get("plan", "").strip().upper() not in look.facts.plans:
        yield from look.asks()


def none_alike(look: Look) -> Iterator[Wait]:
    """A shop with this VAT number or address is there already: a person looks."""
    if look.facts.alike:
        yield from look.asks()
