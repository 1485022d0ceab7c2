"""Checks of terms and of how often something may be asked. Source: domain requests D.2, service levels C.7.5. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sfsync.planners.requests.life.look import NEED, Look
from sfsync.planners.requests.life.words import Wait


def within_days(look: Look) -> Iterator[Wait]:
    """Civil days of the operator's zone: the day of the event is day 0."""
    first, last = look.instant(look.check.given("first")), look.instant(look.check.given("last"))
    if first and last and (last.date() - first.date()).days > look.check.given("days"):
        yield from look.fails()


def within_seconds(look: Look) -> Iterator[Wait]:
    """So many seconds at most between two instants; one that is not known is too late."""
    first, last = look.instant(look.check.given("first")), look.instant(look.check.given("last"))
    if (
        first is None
        or last is None
        or last.astimezone(UTC) - first.astimezone(UTC) > timedelta(seconds=look.check.given("seconds"))
    ):
        yield from look.fails()


def none_other(look: Look) -> Iterator[Wait]:
    """No other change of the kind for this company within the days; it opens again when they are over."""
    span = timedelta(days=look.check.given("days"))
    recent = [t for t in _times(look, str(look.facts.company.get("company_code"))) if look.as_of - t < span]
    if recent:
        yield from look.fails(until=max(recent) + span)


def _times(look: Look, target: str) -> list[datetime]:
    """When the kind was asked for this target, what was refused left out."""
    kind = look.check.given("kind")
    same = [e for e in look.facts.earlier if (e["kind"], e["target_key"]) == (kind, target)]
    return sorted(e["requested_at"] for e in same if e["state"] != "refused")


def at_most(look: Look) -> Iterator[Wait]:
    """So many requests of the kind for this operator within the hours."""
    span, most = timedelta(hours=look.check.given("hours")), int(look.check.given("count"))
    recent = [t for t in _times(look, look.request.fields.get("operator_code", "")) if look.as_of - t < span]
    if len(recent) >= most:
        yield from look.fails(until=recent[-most] + span)


def first_of_period(look: Look) -> Iterator[Wait]:
    """A commission plan begins with a period: on the first day of a month."""
    if look.request.fields.get("effective_on", "")[8:10] != "01":
        yield from look.fails(NEED)


def period_ended(look: Look) -> Iterator[Wait]:
    """Commissions can be disputed once their month is over."""
    found = re.search(r"(\d{4})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{4})", look.request.fields.get("period", ""))
    if not found:
        return
    year, month = int(found[1] or found[4]), int(found[2] or found[3])
    today = look.as_of.astimezone(ZoneInfo(look.book.steps.zone)).date()
    if (year, month) >= (today.year, today.month):
        yield from look.fails()
