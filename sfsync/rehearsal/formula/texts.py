"""Text and picklist functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from sfsync.rehearsal.formula.function import FIELD, NUMBER, PICKLIST, RULE, TEXT, Function
from sfsync.rehearsal.formula.values import Failure, Value, shown
from sfsync.rehearsal.ids import is_valid, to18

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")
_SHOWABLE = frozenset({"number", "date", "datetime", "time", "picklist", "boolean"})
_MULTI = frozenset({"multipicklist"})


def _begins(text: Value, start: Value) -> Value:
    if start is None:
        return True
    return None if text is None else str(text).startswith(str(start))


def _contains(text: Value, part: Value) -> bool:
    return str(part or "") in str(text or "")


def _find(part: Value, text: Value, start: Value = Decimal(1)) -> Value:
    if not part or not text or start is None:
        return Decimal(0)
    return Decimal(str(text).find(str(part), max(int(str(start).split(".")[0]) - 1, 0)) + 1)


def _left(text: str, count: Decimal) -> Value:
    return text[: max(int(count), 0)] or None


def _right(text: str, count: Decimal) -> Value:
    return text[max(len(text) - max(int(count), 0), 0) :] or None


def _mid(text: str, start: Decimal, count: Decimal) -> Value:
    first = max(int(start), 1) - 1
    return text[first : first + max(int(count), 0)] or None


def _pad(text: str, length: Decimal, filler: Value = " ", *, left: bool) -> Value:
    missing = int(length) - len(text)
    if missing <= 0 or not filler:
        return text[: max(int(length), 0)] or None
    padding = (str(filler) * missing)[:missing]
    return padding + text if left else text + padding


def _substitute(text: Value, old: Value, new: Value) -> Value:
    if text is None or not old:
        return text
    return str(text).replace(str(old), str(new or "")) or None


def _value(text: str) -> Value:
    if _NUMBER.match(text) is None:
        return Failure("Incorrect argument type for function 'VALUE()'.")
    try:
        return Decimal(text)
    except InvalidOperation:
        return Failure("Incorrect argument type for function 'VALUE()'.")


def _regex(text: Value, pattern: Value) -> Value:
    try:
        return re.fullmatch(str(pattern or ""), str(text or "")) is not None
    except re.error:
        return Failure("Incorrect argument for function 'REGEX()'.")


def _includes(chosen: Value, literal: Value) -> bool:
    return str(literal or "").casefold() in {one.casefold() for one in str(chosen or "").split(";") if one}


def _is_picklist_value(chosen: Value, literal: Value) -> bool:
    return str(chosen or "").casefold() == str(literal or "").casefold()


def _case_safe(record_id: str) -> Value:
    return to18(record_id) if is_valid(record_id) else record_id


def _hyperlink(url: Value, name: Value, target: Value = "_blank") -> Value:
    return f'<a href="{url or ""}" target="{target}">{name or ""}</a>'


def _image(url: Value, alt: Value, height: Value = None, width: Value = None) -> Value:
    sizes = (("height", height), ("width", width))
    style = ";".join(f"{name}:{shown(one)}px" for name, one in sizes if one is not None)
    return f'<img src="{url or ""}" alt="{alt or ""}"' + (f' style="{style};"' if style else "") + ' border="0"/>'


def functions() -> Sequence[Function]:
    return (
        Function("BEGINS", (TEXT, TEXT), "boolean", _begins, aware=True),
        Function("BR", (), "text", lambda: "<br>"),
        Function("CASESAFEID", (TEXT,), "text", _case_safe),
        Function("CONTAINS", (TEXT, TEXT), "boolean", _contains, aware=True),
        Function("FIND", (TEXT, TEXT, NUMBER), "number", _find, low=2, aware=True),
        Function("HYPERLINK", (TEXT, TEXT, TEXT), "text", _hyperlink, low=2, aware=True, where=FIELD),
        Function("IMAGE", (TEXT, TEXT, NUMBER, NUMBER), "text", _image, low=2, aware=True, where=FIELD),
        Function("INCLUDES", (_MULTI, TEXT), "boolean", _includes, aware=True),
        Function("ISNUMBER", (TEXT,), "boolean", lambda one: bool(one and _NUMBER.match(one)), aware=True),
        Function("ISPICKVAL", (PICKLIST, TEXT), "boolean", _is_picklist_value, aware=True),
        Function("LEFT", (TEXT, NUMBER), "text", _left),
        Function("LEN", (TEXT,), "number", lambda one: Decimal(len(one or "")), aware=True),
        Function("LOWER", (TEXT, TEXT), "text", lambda one, _=None: one.lower(), low=1),
        Function("LPAD", (TEXT, NUMBER, TEXT), "text", lambda *given: _pad(*given, left=True), low=2),
        Function("MID", (TEXT, NUMBER, NUMBER), "text", _mid),
        Function("REGEX", (TEXT, TEXT), "boolean", _regex, aware=True, where=RULE),
        Function("RIGHT", (TEXT, NUMBER), "text", _right),
        Function("RPAD", (TEXT, NUMBER, TEXT), "text", lambda *given: _pad(*given, left=False), low=2),
        Function("SUBSTITUTE", (TEXT, TEXT, TEXT), "text", _substitute, aware=True),
        Function("TEXT", (_SHOWABLE,), "text", shown),
        Function("TRIM", (TEXT,), "text", lambda one: one.strip() or None),
        Function("UPPER", (TEXT, TEXT), "text", lambda one, _=None: one.upper(), low=1),
        Function("VALUE", (TEXT,), "number", _value),
    )
