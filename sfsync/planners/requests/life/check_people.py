"""Checks of who asks, whom a request is about, and what a person has looked at. Source: domain requests D.2. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sfsync.planners.requests.catalogue import fold
from sfsync.planners.requests.life.look import NEED, Look
from sfsync.planners.requests.life.words import Wait

_YES = ("si", "sì", "s", "yes", "y", "true", "vero", "1", "x")
_COMPANY_KINDS = ("srl", "srls", "spa", "snc", "sas", "sapa", "ss", "scarl", "ditta", "di", "e", "c", "individuale")


def identification(look: Look) -> Iterator[Wait]:
    """From the threshold on, the player must have been identified: a yes (a day may follow), never the document."""
    fields = look.request.fields
    known = fields.get("identified", "").replace(",", " ").partition(" ")[0].casefold() in _YES
    if int(fields.get("amount") or 0) >= int(look.check.given("from")) and not known:
        yield Wait(NEED, "IDENTIFICATION")


def not_last_owner(look: Look) -> Iterator[Wait]:
    """The last active owner of a shop stays."""
    target = look.request.fields.get("operator_code", "")
    owners = [c for c, row in look.facts.operators.items() if row["role"] == "owner" and row["status"] == "active"]
    if owners == [target]:
        yield from look.fails()


def self_or_owner(look: Look) -> Iterator[Wait]:
    """The operator himself, or an owner of the shop; for who asks without a code, the call-back finds out."""
    asker = look.request.requester
    if asker == f"shop {look.request.shop}":
        return
    row = look.facts.operators.get(asker)
    itself = asker == look.request.fields.get("operator_code")
    if row is None or row["status"] != "active" or not (itself or row["role"] == "owner"):
        yield from look.fails()


def approval_date(look: Look) -> Iterator[Wait]:
    """Who stands in for the licensee is approved by the authority first (model B.3)."""
    words = {fold(w) for w in look.request.fields.get("role", "").split()}
    if words & set(look.check.given("roles")) and not look.request.fields.get("birth_approval_on"):
        yield from look.fails(NEED)


def of_this_shop(look: Look) -> Iterator[Wait]:
    """The operator the request is about works at the shop that asks."""
    if look.request.fields.get("operator_code") not in look.facts.operators:
        yield from look.fails()


def holder_is_company(look: Look) -> Iterator[Wait]:
    """The account's holder is the company by its name, the kind of company left out; else a person looks."""
    if _bare(look.request.fields.get("holder", "")) != _bare(str(look.facts.company.get("legal_name") or "")):
        yield from look.asks()


def _bare(name: str) -> frozenset[str]:
    """The words of a company's name, folded."""
    words = (fold(w) for w in re.sub(r"(?<=\b\w)\.(?=\w\b)|(?<=\b\w)\.", "", name).replace("-", " ").split())
    return frozenset(w for w in words if w and w not in _COMPANY_KINDS)


def recorded(look: Look) -> Iterator[Wait]:
    """Somebody recorded these gates."""
    yield from look.asks()


def codes(look: Look) -> Iterator[Wait]:
    """What intake said of the row: some codes need another answer of the partner, some a person's look."""
    said = {c.partition(":")[0] for c in look.request.codes}
    if said & set(look.check.given("blocking", ())):
        yield from look.fails(NEED)
    if said & set(look.check.given("asking", ())):
        yield from look.asks()


def only_one(look: Look) -> Iterator[Wait]:
    """Several requests for one thing: a person looks first."""
    if look.facts.twins:
        yield from look.asks()
