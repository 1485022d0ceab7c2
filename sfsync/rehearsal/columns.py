"""The field types behind a query's flat column names, by walking the describes along the path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

LONG_TEXT = 255


def fields_of(org: Org, columns: list[str], object_name: str) -> list[dict[str, Any] | None]:
    """The describe entry of each column, ``Account.Owner.Name`` style; None where there is none (aggregates)."""
    cache: dict[str, dict[str, dict[str, Any]]] = {}
    return [_walk(org, column.split("."), object_name, cache) for column in columns]


def _fields(org: Org, name: str, cache: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    if name not in cache:
        cache[name] = {}
        for field in org.describe(name)["fields"]:
            cache[name][field["name"].lower()] = field
            if field["relationshipName"]:
                cache[name].setdefault(f"{field['relationshipName'].lower()}.", field)
    return cache[name]


def _walk(org: Org, path: list[str], name: str, cache: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any] | None:
    for step in path[:-1]:
        link = _fields(org, name, cache).get(f"{step.lower()}.")
        if link is None or not link["referenceTo"]:
            return None
        name = link["referenceTo"][0]
    return _fields(org, name, cache).get(path[-1].lower())


def is_long_text(field: dict[str, Any] | None) -> bool:
    return field is not None and field["type"] == "textarea" and field["length"] > LONG_TEXT
