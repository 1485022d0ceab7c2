"""Reads the standard objects from our data file.

``flags`` in the file: c createable, u updateable, n nillable, x externalId, i idLookup, f filterable, g groupable,
s sortable, d defaultedOnCreate, U unique, R restricted picklist, N name field, A auto number.
"""

from __future__ import annotations

import json
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


def load() -> tuple[list[SObject], dict[str, Any]]:
    """The standard objects and the org's settings."""
    text = files("sfsync.rehearsal.schema").joinpath("standard.json").read_text("utf-8")
    document = json.loads(text)
    names = tuple(document["objects"])
    objects = [_object(name, data, names) for name, data in document["objects"].items()]
    return objects, document["settings"]


def _object(name: str, data: dict[str, Any], names: tuple[str, ...]) -> SObject:
    return SObject(
        name=name,
        label=data["label"],
        plural=data["plural"],
        prefix=data["prefix"],
        calls=data["calls"],
        fields=tuple(_field(one, names) for one in data["fields"]),
        setup=data["setup"],
    )


def _field(data: dict[str, Any], names: tuple[str, ...]) -> Field:
    flags: dict[str, Any] = {word: letter in data["flags"] for letter, word in _FLAGS.items()}
    values = names if data.get("values_from") == "objects" else tuple(data.get("values", ()))
    return Field(
        name=data["name"],
        type=data["type"],
        label=data["label"],
        length=data.get("length", 0),
        precision=data.get("precision", 0),
        scale=data.get("scale", 0),
        digits=data.get("digits", 9 if data["type"] == "int" else 0),
        values=values,
        value_labels=values,
        default=data.get("default"),
        reference_to=tuple(data.get("ref", ())),
        relationship_name=data.get("rel"),
        child_name=data.get("child"),
        on_delete=data.get("on_delete", ""),
        compound=data.get("compound"),
        person=data.get("person", False),
        mirror=data.get("mirror"),
        **flags,
    )
