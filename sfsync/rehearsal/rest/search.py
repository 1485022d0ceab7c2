"""Searching by words: SOSL, and the same without its grammar (REST guide, Search and Parameterized Search)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sfsync.rehearsal import digits, errors
from sfsync.rehearsal.call import Call, Reply
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.schema.model import Schema, SObject
from sfsync.rehearsal.soql.sosl import MOST, SCOPES, Search, Wanted, malformed, matcher, parse

_ALL_TYPES = frozenset({"string", "textarea", "email", "phone", "url"})
_TYPES = {"EMAIL": frozenset({"email"}), "PHONE": frozenset({"phone"})}
_NAMES = frozenset({"firstname", "lastname", "name", "subject", "title"})
_BATCH = 500

Record = dict[str, Any]


def search(context: Context, call: Call) -> Reply:
    """GET search?q=FIND {…} …"""
    return _answer(context, call, parse(call.params.get("q", "")))


def parameterized(context: Context, call: Call) -> Reply:
    """GET parameterizedSearch?q=…&sobject=X&X.fields=…, or POST with the same as JSON."""
    return _answer(
        context, call, _from_body(call.body.object()) if call.method == "POST" else _from_params(call.params)
    )


def _from_params(params: Mapping[str, str]) -> Search:
    names = [one.strip() for one in params.get("sobject", "").split(",") if one.strip()]
    shared = params.get("fields", "")
    wanted = tuple(
        Wanted(name, _names(params.get(f"{name}.fields", shared)), _rest({"limit": params.get(f"{name}.limit")}))
        for name in names
    )
    return _search(params.get("q", ""), params.get("in", "ALL"), wanted, params.get("overallLimit"))


def _from_body(body: Mapping[str, Any]) -> Search:
    shared = _list_of(str, body, "fields")
    wanted = tuple(
        Wanted(
            str(one.get("name", "")),
            tuple(_list_of(str, one, "fields") or shared),
            _rest({"limit": body.get("defaultLimit"), **one}),
        )
        for one in _list_of(dict, body, "sobjects")
    )
    return _search(str(body.get("q", "")), str(body.get("in", "ALL")), wanted, body.get("overallLimit"))


def _list_of(kind: type, body: Mapping[str, Any], name: str) -> list[Any]:
    """A list in the body; none is an empty one. OrgError JSON_PARSER_ERROR for anything else."""
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
        raise errors.json_parser(f"{name} must be a list at [line:1, column:1]")
    return found


def _search(words: str, scope: str, wanted: tuple[Wanted, ...], limit: Any) -> Search:
    if scope.upper() not in SCOPES:
        raise malformed(f"unexpected token: {scope}")
    most = min(digits.number(str(limit)), MOST) if str(limit or "").isdecimal() else MOST
    return Search(words, scope.upper(), wanted or None, most)


def _names(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _rest(parts: Mapping[str, Any]) -> str:
    clauses = (("where", "WHERE"), ("orderBy", "ORDER BY"), ("limit", "LIMIT"), ("offset", "OFFSET"))
    return " ".join(f"{word} {parts[key]}" for key, word in clauses if parts.get(key))


# -- the work ---------------------------------------------------------------------------------------------


def _answer(context: Context, call: Call, asked: Search) -> Reply:
    found: list[Record] = []
    for wanted in asked.wanted or _everything(context.org.seen):
        obj = context.org.seen.find(wanted.name)
        if obj is None or not obj.stored:
            raise errors.OrgError("INVALID_TYPE", errors.not_supported(wanted.name))
        if "S" not in obj.calls:
            raise errors.OrgError("INVALID_TYPE", f"entity type {obj.name} does not support search")
        ids = _ids(context, call, obj, asked)
        found += _records(context, call, wanted, ids)
        if len(found) >= asked.limit:
            break
    return Reply(200, {"searchRecords": found[: asked.limit]})


def _everything(schema: Schema) -> list[Wanted]:
    objects = (one for one in schema.objects.values() if "S" in one.calls and "Q" in one.calls and one.stored)
    return [Wanted(one.name) for one in sorted(objects, key=lambda one: one.name)]


def _ids(context: Context, call: Call, obj: SObject, asked: Search) -> list[str]:
    """The rows in which the words stand, each field read on its own."""
    words = matcher(asked.words)
    fields = _fields(obj, asked.scope)
    if not fields:
        return []
    soql = f"SELECT {', '.join(['Id', *(one for one in fields if one != 'Id')])} FROM {obj.name} ORDER BY Id"  # noqa: S608
    found: list[str] = []
    for row in context.org.query(soql, version=call.version).records:
        text = "\n".join(str(row[name]) for name in fields if row[name] is not None)
        if text and words.matches(text):
            found.append(row["Id"])
            if len(found) >= MOST:
                break
    return found


def _fields(obj: SObject, scope: str) -> list[str]:
    if scope == "NAME":
        return [one.name for one in obj.fields if one.name_field or one.name.lower() in _NAMES]
    types = _TYPES.get(scope, _ALL_TYPES)
    return [one.name for one in obj.fields if one.type in types]


def _records(context: Context, call: Call, wanted: Wanted, ids: Sequence[str]) -> Iterator[Record]:
    """The found rows as asked; a query of their own sorts, filters and limits them."""
    names = ", ".join(wanted.fields) or "Id"
    if not ids:
        # What is wrong with the order is said even where nothing is found.
        context.org.query(f"SELECT {names} FROM {wanted.name} {_among(wanted.rest, ['000000000000000AAA'])}")  # noqa: S608
        return
    for start in range(0, len(ids), _BATCH if not wanted.rest else len(ids)):
        chosen = ids[start : start + (_BATCH if not wanted.rest else len(ids))]
        soql = f"SELECT {names} FROM {wanted.name} {_among(wanted.rest, chosen)}"  # noqa: S608 - SOQL, not SQL
        yield from context.org.query(soql, version=call.version).records


def _among(rest: str, ids: Sequence[str]) -> str:
    """The clauses of RETURNING with the rows found as a condition more."""
    listed = f"Id IN ({', '.join(repr(one) for one in ids)})"
    words = rest.split(None, 1)
    if not words or words[0].upper() != "WHERE":
        return f"WHERE {listed} {rest}"
    condition, tail = _condition(words[1] if len(words) > 1 else "")
    return f"WHERE ({condition}) AND {listed} {tail}"


def _condition(text: str) -> tuple[str, str]:
    """The condition of WHERE and the clauses after it; words inside quotes are no clauses."""
    quoted = False
    for place, char in enumerate(text):
        if char == "'" and text[place - 1 : place] != "\\":
            quoted = not quoted
        begins = not quoted and (place == 0 or text[place - 1].isspace())
        if begins and text[place:].upper().startswith(("ORDER BY ", "LIMIT ", "OFFSET ")):
            return text[:place], text[place:]
    return text, ""
