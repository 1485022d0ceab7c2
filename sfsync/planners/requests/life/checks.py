"""The checks before a request's first step, by name; each says what to wait for, or why the request is refused. Pure.

Sources: domain requests D.2 (validations), service levels C.7.5 and C.7.7, model B.3 (top-up points pay nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sfsync.planners.requests.life import check_people as people
from sfsync.planners.requests.life import check_shops as shops
from sfsync.planners.requests.life import check_terms as terms
from sfsync.planners.requests.life.look import NEED, Look
from sfsync.planners.requests.life.words import Facts, Request, Trail, Wait
from sfsync.planners.requests.steps import Before, Book

__all__ = ["NEED", "look"]


def look(book: Book, request: Request, facts: Facts, trail: Trail, as_of: datetime) -> Iterator[tuple[Before, Wait]]:
    """Every check that does not hold, with what to wait for."""
    for check in book.before(book.lives[request.code]):
        for wait in _CHECKS[check.check](Look(book, check, request, facts, trail, as_of)):
            yield check, wait


_CHECKS: dict[str, Callable[[Look], Iterator[Wait]]] = {
    "within_days": terms.within_days,
    "within_seconds": terms.within_seconds,
    "none_other": terms.none_other,
    "at_most": terms.at_most,
    "first_of_period": terms.first_of_period,
    "period_ended": terms.period_ended,
    "identification": people.identification,
    "not_last_owner": people.not_last_owner,
    "self_or_owner": people.self_or_owner,
    "approval_date": people.approval_date,
    "of_this_shop": people.of_this_shop,
    "holder_is_company": people.holder_is_company,
    "recorded": people.recorded,
    "codes": people.codes,
    "only_one": people.only_one,
    "shop_is_not": shops.shop_is_not,
    "cash_cap": shops.cash_cap,
    "shop_flag": shops.shop_flag,
    "at_most_guarantee": shops.at_most_guarantee,
    "no_open": shops.no_open,
    "other_company": shops.other_company,
    "same_company": shops.same_company,
    "public_ips": shops.public_ips,
    "ips_free": shops.ips_free,
    "asset_free": shops.asset_free,
    "contract_allows": shops.contract_allows,
    "may_be_ordered": shops.may_be_ordered,
    "plan_known": shops.plan_known,
    "none_alike": shops.none_alike,
}
