"""Orgs with metadata of their own, given as the elements of metadata files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sfsync.rehearsal.metadata.component import Component, parse
from sfsync.rehearsal.org import Org
from sfsync.rehearsal.schema import automation_source
from sfsync.rehearsal.schema.automation_model import AutomationSource

Piece = tuple[str, str, str]


def component(kind: str, name: str, inside: str) -> Component:
    return Component(kind, name, parse("test.xml", f"<{kind}>{inside}</{kind}>".encode()), "test.xml")


def source(*pieces: Piece) -> AutomationSource:
    """``pieces``: (metadata type, full name, what stands inside its element)."""
    return automation_source.join(automation_source.read(component(*one)) for one in pieces)


@contextmanager
def org_with(folder: Path, *pieces: Piece) -> Iterator[Org]:
    org = Org(folder, [component(*one) for one in pieces])
    try:
        yield org
    finally:
        org.close()


def validation_rule(name: str, formula: str, message: str, *, field: str = "", active: bool = True) -> Piece:
    display = f"<errorDisplayField>{field}</errorDisplayField>" if field else ""
    inside = (
        f"<active>{str(active).lower()}</active><errorConditionFormula><![CDATA[{formula}]]></errorConditionFormula>"
        f"{display}<errorMessage>{message}</errorMessage>"
    )
    return ("ValidationRule", name, inside)


def codes(deed: Any) -> list[str]:
    return [one.code for one in deed.errors]
