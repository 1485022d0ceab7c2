"""Number functions and arithmetic, dates included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Any

from sfsync.rehearsal.formula.function import NUMBER, Act, Function
from sfsync.rehearsal.formula.values import DIVISION_BY_ZERO, NUMBERS, Failure, Value

_DAY = timedelta(days=1)
_SUMMABLE = frozenset({"number", "text", "date", "datetime", "time"})
_ONE = Decimal(1)
_LARGEST_POWER = Decimal(10) ** 64


def _whole(mode: str) -> Act:
    return lambda one: one.to_integral_value(mode)


def _rounded(mode: str) -> Act:
    def act(value: Decimal, digits: Decimal = Decimal(0)) -> Value:
        return value.quantize(_ONE.scaleb(-int(digits)), mode, NUMBERS)

    return act


def _mod(value: Decimal, divisor: Decimal) -> Value:
    return value if divisor == 0 else NUMBERS.remainder(value, divisor)


def _divided(value: Decimal, divisor: Decimal) -> Value:
    return DIVISION_BY_ZERO if divisor == 0 else NUMBERS.divide(value, divisor)


def _power(base: Decimal, exponent: Decimal) -> Value:
    if exponent != exponent.to_integral_value():
        return Failure("Exponent must be an integer")
    if base == 0:
        return DIVISION_BY_ZERO if exponent < 0 else Decimal(0 if exponent else 1)
    found = NUMBERS.power(base, exponent)
    return Failure("Number too large") if abs(found) > _LARGEST_POWER else found


def _root(value: Decimal) -> Value:
    return Failure("Square root of a negative number") if value < 0 else Decimal(repr(float(value) ** 0.5))


def _joined(left: Value, right: Value) -> Value:
    return f"{left or ''}{right or ''}" or None


def _sum(kinds: Sequence[str]) -> Act:
    if "text" in kinds:
        return _joined
    if kinds[0] == "number" and kinds[1] in ("date", "datetime", "time"):
        return lambda count, moment: None if count is None or moment is None else _moved(moment, count)
    if kinds[0] in ("date", "datetime", "time"):
        return lambda moment, count: None if count is None or moment is None else _moved(moment, count)
    return lambda left, right: None if left is None or right is None else NUMBERS.add(left, right)


def _difference(kinds: Sequence[str]) -> Act:
    if kinds[0] in ("date", "datetime", "time"):
        if kinds[1] == kinds[0]:
            return _between
        return lambda moment, count: _moved(moment, -count)
    return NUMBERS.subtract


def _moved(moment: Any, count: Decimal) -> Value:
    """Dates by whole days, instants by parts of a day, times by milliseconds around the clock."""
    try:
        if isinstance(moment, datetime):
            return moment + timedelta(milliseconds=int(count * 86_400_000))
        if isinstance(moment, date):
            return moment + _DAY * int(count)
        since = timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
        passed = since + timedelta(microseconds=moment.microsecond, milliseconds=int(count))
        if passed < timedelta(0):
            return Failure("Invalid time")
        return (datetime.combine(date.min, time()) + passed % _DAY).time()
    except OverflowError:
        return Failure("Date out of range")


def _between(later: Any, earlier: Any) -> Value:
    if isinstance(later, time):
        today = date.min
        gap = datetime.combine(today, later) - datetime.combine(today, earlier)
        return Decimal((gap % _DAY) // timedelta(milliseconds=1))
    if isinstance(later, datetime):
        return NUMBERS.divide(Decimal((later - earlier) // timedelta(milliseconds=1)), Decimal(86_400_000))
    return Decimal((later - earlier).days)


def _sum_kind(kinds: Sequence[str]) -> str:
    for one in ("text", "datetime", "date", "time"):
        if one in kinds:
            return one
    return "number"


def _difference_kind(kinds: Sequence[str]) -> str:
    return "number" if kinds[0] == kinds[1] else _sum_kind(kinds)


def functions() -> Sequence[Function]:
    text = frozenset({"text"})
    moments = _SUMMABLE - {"text"}
    return (
        Function("ABS", (NUMBER,), "number", abs),
        Function("CEILING", (NUMBER,), "number", _whole(ROUND_UP)),
        Function("FLOOR", (NUMBER,), "number", _whole(ROUND_DOWN)),
        Function("MAX", (NUMBER,), "number", lambda *given: max(given), high=None),
        Function("MCEILING", (NUMBER,), "number", _whole(ROUND_CEILING)),
        Function("MFLOOR", (NUMBER,), "number", _whole(ROUND_FLOOR)),
        Function("MIN", (NUMBER,), "number", lambda *given: min(given), high=None),
        Function("MOD", (NUMBER, NUMBER), "number", _mod),
        Function("ROUND", (NUMBER, NUMBER), "number", _rounded(ROUND_HALF_UP)),
        Function("SQRT", (NUMBER,), "number", _root),
        Function("TRUNC", (NUMBER, NUMBER), "number", _rounded(ROUND_DOWN), low=1),
        Function("neg", (NUMBER,), "number", lambda one: -one),
        Function("+", (_SUMMABLE, _SUMMABLE), _sum_kind, choose=_sum, aware=True),
        Function("-", (moments, moments), _difference_kind, choose=_difference),
        Function("*", (NUMBER, NUMBER), "number", NUMBERS.multiply),
        Function("/", (NUMBER, NUMBER), "number", _divided),
        Function("^", (NUMBER, NUMBER), "number", _power),
        Function("&", (text, text), "text", _joined, aware=True),
    )
