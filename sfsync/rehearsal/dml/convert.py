"""Values in: from JSON or CSV text to what the store keeps, a whole column at a time.

Rules: wire reference section 5 (value handling). A value that does not fit becomes an error of its row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import ABSENT, Absent, Batch
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18
from sfsync.rehearsal.schema.describe import MASTER_ID
from sfsync.rehearsal.schema.model import Field

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+\.[^\s@.,;:<>()\[\]\\\"]{2,}\Z")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3})\d*)?)?Z?\Z")
_ZONED = re.compile(r"[Tt ]\d\d:\d\d.*(?:[Zz]|[+-]\d\d:?\d\d)\Z")
_END = re.compile(r"__(?:s|pc)\Z")
_COORDINATES = {"Latitude": 90, "Longitude": 180}  # degrees
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_SOAP = {"double": "double", "currency": "double", "percent": "double", "datetime": "dateTime", "reference": "ID"}

# Types among which equal values are the same value (True == 1 == 1.0 are not).
_PLAIN = frozenset({str, type(None), Absent})

_Convert = Callable[[Field, Any], Any]


class _WrongType(Exception):
    """The value cannot be read as the field's type at all."""


def convert(batch: Batch) -> None:
    """Converts every column of the batch in place."""
    for name, values in batch.columns.items():
        field = batch.obj.find(name)
        assert field is not None
        batch.columns[name] = _column(batch, field, values)


def _column(batch: Batch, field: Field, values: list[Any]) -> list[Any]:
    """Converts each different value once; columns repeat themselves a lot."""
    if not _PLAIN.issuperset(map(type, values)):
        return [_single(batch, field, row, value) for row, value in enumerate(values)]
    one = _CONVERTERS[field.type]
    done: dict[Any, Any] = {ABSENT: ABSENT}
    bad: dict[Any, OrgError] = {}
    for value in set(values) - {ABSENT}:
        try:
            done[value] = one(field, value)
        except _WrongType:
            bad[value] = _wrong_type(batch, field, value)
        except OrgError as wrong:
            bad[value] = wrong
    if bad:
        for row, value in enumerate(values):
            if value in bad:
                batch.fail(row, bad[value])
    return [done.get(value) for value in values]


def _single(batch: Batch, field: Field, row: int, value: Any) -> Any:
    if value is ABSENT:
        return ABSENT
    try:
        if isinstance(value, list | dict):
            token = "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
            raise errors.json_parser(f"Cannot deserialize instance of {_soap(field)} from {token} value")
        return _CONVERTERS[field.type](field, value)
    except _WrongType:
        batch.fail(row, _wrong_type(batch, field, value))
    except OrgError as wrong:
        batch.fail(row, wrong)
    return None


def _soap(field: Field) -> str:
    return _SOAP.get(field.type, field.type if field.type in ("boolean", "int", "date", "time") else "string")


def _wrong_type(batch: Batch, field: Field, value: Any) -> OrgError:
    position = batch.csv_columns.get(field.name)
    if position is not None:
        return errors.bad_csv_value(field.name, position, str(value), f"xsd:{_soap(field)}")
    return errors.bad_value(_soap(field).lower(), _shown(value))


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(field: Field, value: Any) -> str | None:
    if value is None:
        return None
    text = (value if isinstance(value, str) else _shown(value)).strip()
    if not text:
        return None
    if not text.isascii() and _HALF_PAIR.search(text):
        raise errors.unsupported_characters(field.label, field.name)
    if field.length and len(text) > field.length:
        raise errors.value_too_long(field.label, field.name, text, field.length)
    return text


def _email(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    if text is None:
        return None
    if _EMAIL.match(text) is None or ".." in text:
        raise errors.invalid_email(field.label, field.name, text)
    return text.lower()


def _picklist(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    if text is not None and field.restricted and text not in field.values:
        raise errors.bad_picklist_value(field.label, field.name, text)
    return text


def _multipicklist(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    if text is None:
        return None
    chosen = [one.strip() for one in text.split(";") if one.strip()]
    for one in chosen:
        if field.restricted and one not in field.values:
            raise errors.bad_picklist_value(field.label, field.name, one)
    known = [one for one in field.values if one in chosen]
    return ";".join(known + [one for one in dict.fromkeys(chosen) if one not in field.values]) or None


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if value is None:
        raise errors.wrong_type(field.label, field.name, "null")
    if text not in _TRUE and text not in _FALSE:
        raise _WrongType
    return text in _TRUE


@lru_cache(maxsize=4096)
def _most_degrees(name: str) -> int | None:
    """The largest value of a latitude or longitude; None for other fields."""
    plain = _END.sub("", name)
    return next((most for word, most in _COORDINATES.items() if plain.endswith(word)), None)


def _number(field: Field, value: Any) -> float | None:
    number = _float(value)
    if number is None:
        return None
    most = _most_degrees(field.name)
    if most and abs(number) > most:
        raise errors.number_out_of_range(field.label, field.name, str(value))
    if field.precision and abs(number) >= 10.0 ** (field.precision - field.scale):
        raise errors.number_out_of_range(field.label, field.name, str(value))
    # Digits beyond the scale are dropped, not rounded (describe, "scale"); repr avoids binary crumbs.
    whole, dot, fraction = repr(number).partition(".")
    if dot and "e" not in fraction and len(fraction) > field.scale and field.precision:
        return float(f"{whole}.{fraction[: field.scale] or 0}")
    return number


def _int(field: Field, value: Any) -> int | None:
    number = _float(value)
    if number is None:
        return None
    if not number.is_integer():
        raise _WrongType
    if abs(number) >= 2**31:
        raise errors.number_out_of_range(field.label, field.name, str(value))
    return int(number)


def _float(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        raise _WrongType
    try:
        number = float(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError) as wrong:
        raise _WrongType from wrong
    if not math.isfinite(number) or "_" in str(value):
        raise _WrongType
    return number


def _date(field: Field, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _WrongType
    text = value.strip()
    if _ZONED.search(text):
        text = text[:10]
    if _DATE.match(text) is None:
        raise _WrongType
    _check_year(field, text)
    try:
        datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as wrong:
        raise _WrongType from wrong
    return text


def _datetime(field: Field, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _WrongType
    text = value.strip()
    if _DATE.match(text):
        text += "T00:00:00Z"
    if _ZONED.search(text) is None:
        raise _WrongType
    try:
        moment = datetime.fromisoformat(text.upper())
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise _WrongType from wrong
    stored = f"{utc.year:04d}-{utc:%m-%dT%H:%M:%S}.000+0000"
    _check_year(field, stored)
    return stored


def _check_year(field: Field, text: str) -> None:
    if not "1700" <= text[:4] <= "4000":
        raise errors.invalid_date(field.label, field.name, text)


def _time(field: Field, value: Any) -> str | None:
    if value is None or value == "":
        return None
    found = _TIME.match(str(value).strip())
    if found is None:
        raise _WrongType
    hour, minute, second, fraction = found.groups()
    return f"{hour}:{minute}:{second or '00'}.{(fraction or '0'):0<3}Z"


def _id(field: Field, value: Any) -> str | None:
    text = None if value is None else str(value).strip()
    if not text:
        return None
    if not is_valid(text):
        raise errors.malformed_id(field.label, field.name, text)
    known = to18(text)
    return None if known == MASTER_ID and field.name == "RecordTypeId" else known


_CONVERTERS: dict[str, _Convert] = {
    "string": _text,
    "textarea": _text,
    "phone": _text,
    "url": _text,
    "combobox": _text,
    "encryptedstring": _text,
    "base64": _text,
    "anyType": _text,
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _multipicklist,
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _int,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "id": _id,
    "reference": _id,
}
