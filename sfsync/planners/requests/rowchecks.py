"""The validations a type may name in the catalogue, over whole columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import as_mask, flat
from sfsync.planners.requests import books as book
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Check, fold
from sfsync.planners.requests.provinces import agrees

if TYPE_CHECKING:
    from sfsync.planners.requests.validate import Judged, Rules


@dataclass(frozen=True)
class Scene:
    """The rows (bool n) of one type, and the check they must pass."""

    found: Judged
    rules: Rules
    books: Books
    check: Check
    rows: np.ndarray

    def values(self, name: str = "") -> pa.Array:
        """A field of all rows; without a name, the check's own."""
        return self.found.fields[name or self.check.field]

    def say(self, code: str, wrong: np.ndarray) -> None:
        """The code for rows of this type that are wrong."""
        self.found.marks.add(code, self.rows & wrong)

    def lacks(self, name: str, rows: np.ndarray) -> None:
        """These rows still need the field."""
        known = self.found.lacking.get(name, np.zeros(len(self.rows), bool))
        if (self.rows & rows).any():
            self.found.lacking[name] = known | (self.rows & rows)


def terminal_of_shop(s: Scene) -> None:
    """The terminal is one of the row's shop, and not retired."""
    asked = as_mask(pc.is_valid(s.values("terminal_id")))
    places = book.find(flat(s.books.terminals["terminal_id"]), s.values("terminal_id"))
    own = as_mask(pc.equal(book.at(s.books.terminals, "shop_code", places), s.values("shop_code")))
    retired = as_mask(pc.equal(book.at(s.books.terminals, "state", places), "retired"))
    s.say("E-TERMINAL-SHOP", asked & (s.found.shop >= 0) & (~own | retired))


def of_other_shop(found: Judged, books: Books) -> np.ndarray:
    """bool n: the row names a terminal that stands in another shop, whatever it asks for."""
    places = book.find(flat(books.terminals["terminal_id"]), found.fields["terminal_id"])
    own = as_mask(pc.equal(book.at(books.terminals, "shop_code", places), found.fields["shop_code"]))
    return (places >= 0) & (found.shop >= 0) & ~own


def of_person(s: Scene) -> None:
    """A fiscal code of sixteen characters: eleven digits are a company's."""
    s.say("E-CF", as_mask(pc.equal(pc.utf8_length(s.values()), 11)))


def one_of(s: Scene) -> None:
    """A word of a list; another word is as good as none."""
    known = {fold(str(v)) for v in s.check.parameter("values") or ()}
    words = [v is not None and fold(v) not in known for v in s.values().to_pylist()]
    s.lacks(s.check.field, np.array(words, bool))


def payout_term(s: Scene) -> None:
    """Winnings are paid up to so many days after the event; later the case is closed at once."""
    last = np.datetime64(s.rules.clock.today) - np.timedelta64(s.rules.catalogue.intake.payout_term_days, "D")
    s.found.late |= s.rows & as_mask(pc.less(s.values(), str(last)))


def cancel_term(s: Scene) -> None:
    """A ticket is cancelled within so many seconds of its acceptance, by stamps of a system, not of a person."""
    accepted, asked = _seconds(s.values("accepted_at")), _seconds(s.values("requested_at"))
    known = ~np.isnat(accepted) & ~np.isnat(asked)
    s.say("E-TIME-ORDER", known & (asked < accepted))
    systems = {fold(str(v)) for v in s.check.parameter("stamped_by") or ()}
    stamped = np.array([v is not None and fold(v) in systems for v in s.values("stamped_by").to_pylist()], bool)
    term = np.timedelta64(s.rules.catalogue.intake.cancel_term_seconds, "s")
    s.found.late |= s.rows & ~(known & stamped & (asked - accepted <= term))


def _seconds(instants: pa.Array) -> np.ndarray:
    return np.array(
        [np.datetime64("NaT") if v is None else np.datetime64(v[:-1]) for v in instants.to_pylist()], "datetime64[s]"
    )


def positive(s: Scene) -> None:
    """An amount above zero."""
    s.say("E-NUM", as_mask(pc.equal(s.values(), "0")))


def not_before_today(s: Scene) -> None:
    """A date that is to come."""
    s.say("E-TIME-ORDER", as_mask(pc.less(s.values(), s.rules.clock.today.isoformat())))


def not_future(s: Scene) -> None:
    """A date that has been (whatever the field is otherwise allowed)."""
    s.say("E-TIME-FUTURE", as_mask(pc.greater(s.values(), s.rules.clock.today.isoformat())))


def in_order(s: Scene) -> None:
    """The first of two dates is not behind the last."""
    first, last = s.values(s.check.parameter("first")), s.values(s.check.parameter("last"))
    s.say("E-TIME-ORDER", as_mask(pc.greater(first, last)))


def at_most(s: Scene) -> None:
    """A number up to a limit."""
    numbers = pc.cast(s.values(), pa.int64())
    s.say("E-NUM", as_mask(pc.greater(numbers, int(s.check.parameter("most")))))


def cap_province(s: Scene) -> None:
    """The postal code lies in the province."""
    pairs = zip(s.values("cap").to_pylist(), s.values("province").to_pylist(), strict=True)
    s.say("E-NUM", np.array([c is not None and p is not None and not agrees(c, p) for c, p in pairs], bool))


def at_the_step(_: Scene) -> None:
    """Looked at when the request is worked: it needs more than the row and the books."""


CHECKS: dict[str, Callable[[Scene], None]] = {
    "terminal_of_shop": terminal_of_shop,
    "one_of": one_of,
    "monthly_cap": at_the_step,
    "not_pvr": at_the_step,
    "payout_term": payout_term,
    "cancel_term": cancel_term,
    "positive": positive,
    "not_before_today": not_before_today,
    "same_company": at_the_step,
    "cap_province": cap_province,
    "not_future": not_future,
    "at_most": at_most,
    "in_order": in_order,
    "of_person": of_person,
}
