"""Reads a CustomField that is a formula: it has no column, its value is computed when it is read."""

from __future__ import annotations

from types import MappingProxyType

from sfsync.rehearsal.metadata.component import Component
from sfsync.rehearsal.schema.automation_source import formula
from sfsync.rehearsal.schema.model import Field
from sfsync.rehearsal.xml import text

TYPES = MappingProxyType(
    {
        "Text": "string",
        "Number": "double",
        "Currency": "currency",
        "Percent": "percent",
        "Checkbox": "boolean",
        "Date": "date",
        "DateTime": "datetime",
        "Time": "time",
    }
)
TEXT_LENGTH = 1300
_NUMBERS = frozenset({"double", "currency", "percent"})


def read(component: Component) -> Field:
    """The field. Raises SourceError for a type that formulas do not give, or a function that is not known."""
    root, kind = component.root, text(component.root, "type")
    if kind not in TYPES:
        raise component.refuse(f"Formulas cannot give fields of type {kind or '(none)'}")
    source = formula(component, root, "formula")
    if not source:
        raise component.refuse("Required field is missing: formula")
    number = TYPES[kind] in _NUMBERS
    return Field(
        name=component.short,
        type=TYPES[kind],
        label=text(root, "label"),
        length=TEXT_LENGTH if kind == "Text" else 0,
        precision=int(text(root, "precision") or 18) if number else 0,
        scale=int(text(root, "scale") or 0) if number else 0,
        nillable=kind != "Checkbox",
        default=False if kind == "Checkbox" else None,
        sortable=True,
        custom=True,
        inline_help=text(root, "inlineHelpText") or None,
        html=any(f"{name}(" in source.upper() for name in ("HYPERLINK", "IMAGE")),
        formula=source,
        blank_as_zero=text(root, "formulaTreatBlanksAs") == "BlankAsZero",
    )
