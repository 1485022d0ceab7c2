"""Reads the standard objects from our data files, one file per area, one line per field.

``flags`` of a field: c createable, u updateable, n nillable, x externalId, i idLookup, f filterable, g groupable,
s sortable, d defaultedOnCreate, U unique, R restricted picklist, N name field, A auto number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

from sfsync.rehearsal.schema.model import Field, SObject

_FLAGS = {
    "c": "createable",
    "u": "updateable",
    "n": "nillable",
    "x": "external_id",
    "i": "id_lookup",
    "f": "filterable",
    "g": "groupable",
    "s": "sortable",
    "d": "defaulted",
    "U": "unique",
    "R": "restricted",
    "N": "name_field",
    "A": "auto_number",
}
# Keys of an address as REST shows it, with the end of the name of the field behind each.
_ADDRESS = (
    ("city", "City"),
    ("country", "Country"),
    ("countryCode", "CountryCode"),
    ("geocodeAccuracy", "GeocodeAccuracy"),
    ("latitude", "Latitude"),
    ("longitude", "Longitude"),
    ("postalCode", "PostalCode"),
    ("state", "State"),
    ("stateCode", "StateCode"),
    ("street", "Street"),
)
_SAME = ("length", "precision", "scale", "default", "compound", "person", "mirror", "shown", "on_delete", "controller")

Lists = Mapping[str, list[str]]  # values several picklists share


def load() -> tuple[list[SObject], dict[str, Any]]:
    """The standard objects and the org's settings. The objects are shared, the settings are the caller's own."""
    objects, settings = _read()
    return list(objects), deepcopy(settings)


@cache
def _read() -> tuple[tuple[SObject, ...], dict[str, Any]]:
    """Read once: the files are part of the package, the objects frozen."""
    folder = files("sfsync.rehearsal.schema") / "objects"
    settings: dict[str, Any] = json.loads((folder / "settings.json").read_text("utf-8"))
    areas: list[str] = settings.pop("areas")
    lists: Lists = settings.pop("lists")
    documents = [json.loads((folder / f"{area}.json").read_text("utf-8")) for area in areas]
    return tuple(_object(name, data, lists) for one in documents for name, data in one.items()), settings


def _object(name: str, data: dict[str, Any], lists: Lists) -> SObject:
    return SObject(
        name=name,
        label=data["label"],
        plural=data["plural"],
        prefix=data["prefix"],
        calls=data["calls"],
        fields=tuple(_field(one, data["fields"], lists) for one in data["fields"]),
        setup=data.get("setup", False),
        own_prefix=data.get("own_prefix", True),
        needs_filter=tuple(data.get("needs_filter", ())),
        associate=tuple(data["associate"]) if "associate" in data else None,
        scopes=tuple((key, label) for key, label in data.get("scopes", {}).items()),
        shown=data.get("shown"),
    )


def _field(data: Mapping[str, Any], all_fields: list[dict[str, Any]], lists: Lists) -> Field:
    flags: dict[str, Any] = {word: letter in data["flags"] for letter, word in _FLAGS.items()}
    values = tuple(lists[data["values_from"]] if "values_from" in data else data.get("values", ()))
    return Field(
        name=data["name"],
        type=data["type"],
        label=data["label"],
        digits=data.get("digits", 9 if data["type"] == "int" else 0),
        values=values,
        value_labels=tuple(data.get("labels", values)),
        reference_to=tuple(data.get("ref", ())),
        relationship_name=data.get("rel"),
        child_name=data.get("child"),
        display_format=data.get("format"),
        parts=_parts(data["name"], all_fields) if data["type"] == "address" else (),
        **{key: data[key] for key in _SAME if key in data},
        **flags,
    )


def _parts(address: str, fields: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Which field gives which key of an address."""
    start = address.removesuffix("Address")
    own = {one["name"] for one in fields if one.get("compound") == address}
    return tuple((key, start + end) for key, end in _ADDRESS if start + end in own)
