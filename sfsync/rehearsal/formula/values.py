"""The values formulas work on, and how they come from the store and are shown.

text str · number Decimal · boolean bool · date date · datetime datetime in UTC · time time · blank None. There is no
empty text apart from blank. ``Failure`` is a value too: ``#Error!``, which every function hands on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

NUMBERS = Context(prec=39, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Failure:
    """A value that could not be computed, with the reason as Salesforce words it."""

    reason: str


Value = str | Decimal | bool | date | datetime | time | Failure | None

DIVISION_BY_ZERO = Failure("Division by zero")

KINDS = {
    "id": "text",
    "reference": "text",
    "boolean": "boolean",
    "int": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "picklist": "picklist",
    "combobox": "picklist",
    "multipicklist": "multipicklist",
}


def reader(field_type: str) -> Callable[[Any], Value]:
    """Turns what the store keeps of a field into a formula's value."""
    return _READERS.get(field_type, _text)


def _text(stored: Any) -> Value:
    return None if stored is None or stored == "" else str(stored)


def _short_id(stored: Any) -> Value:
    """Formulas see ids with 15 characters; CASESAFEID makes them 18."""
    return str(stored)[:15] if stored else None


def number(stored: Any) -> Value:
    return None if stored is None else Decimal(repr(stored) if isinstance(stored, float) else str(stored))


def _percent(stored: Any) -> Value:
    found = number(stored)
    return found / 100 if isinstance(found, Decimal) else found


def moment(stored: Any) -> datetime | None:
    """``2022-10-20T16:46:32.000+0000`` or with ``Z``."""
    return None if not stored else datetime.fromisoformat(str(stored)).astimezone(UTC)


def _date(stored: Any) -> Value:
    return date.fromisoformat(stored) if stored else None


def _time(stored: Any) -> Value:
    return time.fromisoformat(str(stored).removesuffix("Z")) if stored else None


def _boolean(stored: Any) -> Value:
    return bool(stored)


_READERS: dict[str, Callable[[Any], Value]] = {
    "id": _short_id,
    "reference": _short_id,
    "boolean": _boolean,
    "int": number,
    "double": number,
    "currency": number,
    "percent": _percent,
    "date": _date,
    "datetime": moment,
    "time": _time,
}


def shown(value: Value) -> str:
    """TEXT(): numbers without trailing zeros and without the zero before the point, instants in GMT."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        text = plain(value)
        return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, time):
        return value.isoformat("milliseconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def plain(value: Decimal) -> str:
    """A number in full, never with an exponent."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
