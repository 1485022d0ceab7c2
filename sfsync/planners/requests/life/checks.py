"""The checks before a request's first step, by name; each says what to wait for, or why the request is refused. Pure.

Sources: domain requests D.2 (validations), service levels C.7.5 and C.7.7, model B.3 (top-up points pay nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sfsync.mapping.transforms import addresses
from sfsync.planners.requests.life.words import Facts, Request, Trail, Wait
from sfsync.planners.requests.steps import Before, Book

REASON, GATE, NEED = "reason", "gate", "need"


def look(book: Book, request: Request, facts: Facts, trail: Trail, as_of: datetime) -> Iterator[tuple[Before, Wait]]:
    """Every check that does not hold, with what to wait for."""
    for check in book.before(book.lives[request.code]):
        for wait in _CHECKS[check.check](_Look(book, check, request, facts, trail, as_of)):
            yield check, wait


@dataclass(frozen=True)
class _Look:
    """What one check looks at."""

    book: Book
    check: Before
    request: Request
    facts: Facts
    trail: Trail
    as_of: datetime

    def instant(self, name: str) -> datetime | None:
        """A field of the request, or T0, as an instant; a date is its midnight. None if it is empty."""
        zone = ZoneInfo(self.book.steps.zone)
        if name == "received_at":
            return self.request.received_at.astimezone(zone)
        text = self.request.fields.get(name)
        if not text:
            return None
        found = datetime.fromisoformat(text)
        return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)

    def fails(self, kind: str = REASON, until: datetime | None = None) -> Iterator[Wait]:
        """This check does not hold."""
        yield Wait(kind, self.check.reason, until)

    def asks(self) -> Iterator[Wait]:
        """The check's gates that nobody recorded."""
        yield from (Wait(GATE, g) for g in self.check.given("gates", ()) if g not in self.trail.gates)


def _within_days(look: _Look) -> Iterator[Wait]:
    """Civil days of the operator's zone: the day of the event is day 0."""
    first, last = look.instant(look.check.given("first")), look.instant(look.check.given("last"))
    if first and last and (last.date() - first.date()).days > look.check.given("days"):
        yield from look.fails()


def _within_seconds(look: _Look) -> Iterator[Wait]:
    first, last = look.instant(look.check.given("first")), look.instant(look.check.given("last"))
    if (
        first is None
        or last is None
        or last.astimezone(UTC) - first.astimezone(UTC) > timedelta(seconds=look.check.given("seconds"))
    ):
        yield from look.fails()


def _shop_is_not(look: _Look) -> Iterator[Wait]:
    if look.facts.shop.get("shop_kind") == look.check.given("kind"):
        yield from look.fails()


def _identification(look: _Look) -> Iterator[Wait]:
    """From the threshold on, the player must have been identified: a yes, never the document."""
    fields = look.request.fields
    if int(fields.get("amount") or 0) >= int(look.check.given("from")) and not fields.get("identified"):
        yield Wait(NEED, "IDENTIFICATION")


def _cash_cap(look: _Look) -> Iterator[Wait]:
    steps, cap = look.book.steps, look.book.steps.pvr_cash_cap_eur * 100
    pvr = look.facts.shop.get("shop_kind") == "pvr"
    if steps.pvr_cash_cap_enforced and pvr and int(look.request.fields.get("amount") or 0) > cap:
        yield from look.fails()


def _recorded(look: _Look) -> Iterator[Wait]:
    yield from look.asks()


def _codes(look: _Look) -> Iterator[Wait]:
    """What intake said of the row: some codes need another answer of the partner, some a person's look."""
    said = {c.partition(":")[0] for c in look.request.codes}
    if said & set(look.check.given("blocking", ())):
        yield from look.fails(NEED)
    if said & set(look.check.given("asking", ())):
        yield from look.asks()


def _none_other(look: _Look) -> Iterator[Wait]:
    """No other change of the kind for this company within the days; it opens again when they are over."""
    span = timedelta(days=look.check.given("days"))
    recent = [t for t in _times(look, str(look.facts.company.get("company_code"))) if look.as_of - t < span]
    if recent:
        yield from look.fails(until=max(recent) + span)


def _times(look: _Look, target: str) -> list[datetime]:
    """When the kind was asked for this target, what was refused left out."""
    kind = look.check.given("kind")
    same = [e for e in look.facts.earlier if (e["kind"], e["target_key"]) == (kind, target)]
    return sorted(e["requested_at"] for e in same if e["state"] != "refused")


def _not_last_owner(look: _Look) -> Iterator[Wait]:
    target = look.request.fields.get("operator_code", "")
    owners = [c for c, row in look.facts.operators.items() if row["role"] == "owner" and row["status"] == "active"]
    if owners == [target]:
        yield from look.fails()


def _self_or_owner(look: _Look) -> Iterator[Wait]:
    """The operator himself, or an owner of the shop; for who asks without a code, the call-back finds out."""
    asker = look.request.requester
    if asker == f"shop {look.request.shop}":
        return
    row = look.facts.operators.get(asker)
    itself = asker == look.request.fields.get("operator_code")
    if row is None or row["status"] != "active" or not (itself or row["role"] == "owner"):
        yield from look.fails()


def _at_most(look: _Look) -> Iterator[Wait]:
    span, most = timedelta(hours=look.check.given("hours")), int(look.check.given("count"))
    recent = [t for t in _times(look, look.request.fields.get("operator_code", "")) if look.as_of - t < span]
    if len(recent) >= most:
        yield from look.fails(until=recent[-most] + span)


def _shop_flag(look: _Look) -> Iterator[Wait]:
    if look.facts.shop.get(look.check.given("flag")):
        yield from look.fails()


def _at_most_guarantee(look: _Look) -> Iterator[Wait]:
    if int(look.request.fields.get("amount") or 0) > int(look.facts.shop.get("guarantee") or 0):
        yield from look.fails()


def _no_open(look: _Look) -> Iterator[Wait]:
    if set(look.check.given("types")) & set(look.facts.open_types):
        yield from look.fails()


def _other_company(look: _Look) -> Iterator[Wait]:
    """A change of hands is another company, never a new name of the old one."""
    if look.request.fields.get("new_vat") == look.facts.company.get("vat_number"):
        yield from look.fails()


def _public_ips(look: _Look) -> Iterator[Wait]:
    """Every address is one, and a public one."""
    if not addresses(look.request.fields.get("public_ips", "")):
        yield from look.fails(NEED)


def _ips_free(look: _Look) -> Iterator[Wait]:
    if look.facts.ips_taken:
        yield from look.fails(NEED)


def _asset_free(look: _Look) -> Iterator[Wait]:
    """A terminal goes when nothing is open about it; a request that names none is about any of the shop's."""
    action = look.request.fields.get("action", "").strip().lower()
    named = {look.request.terminal} if look.request.terminal else set(look.facts.terminals)
    if action in look.check.given("actions") and named & look.facts.busy:
        yield from look.fails()


def _only_one(look: _Look) -> Iterator[Wait]:
    """Several requests for one thing: a person looks first."""
    if look.facts.twins:
        yield from look.asks()


_CHECKS: dict[str, Callable[[_Look], Iterator[Wait]]] = {
    "within_days": _within_days,
    "within_seconds": _within_seconds,
    "shop_is_not": _shop_is_not,
    "identification": _identification,
    "cash_cap": _cash_cap,
    "recorded": _recorded,
    "codes": _codes,
    "none_other": _none_other,
    "not_last_owner": _not_last_owner,
    "self_or_owner": _self_or_owner,
    "at_most": _at_most,
    "shop_flag": _shop_flag,
    "at_most_guarantee": _at_most_guarantee,
    "no_open": _no_open,
    "other_company": _other_company,
    "public_ips": _public_ips,
    "ips_free": _ips_free,
    "asset_free": _asset_free,
    "only_one": _only_one,
}
