"""Canonical values: both sides' raw values as the same text, so that equal things are equal bytes.

Text per type (domain model B.1): text, code, phone, picklist trimmed and in NFC with LF line ends; email lower-cased
(Salesforce lower-cases addresses on save); multipicklist sorted ``A;B``; boolean ``true``/``false``; integer ``42``;
money in minor units ``5000``; date ``2026-01-31``; instant ``2026-01-31T09:00:00Z``; reference the parent's key;
user a username or a queue's name. Empty text is null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from sfsync.mapping.model import FieldSpec, FieldType, Mapping


@dataclass(frozen=True)
class Canonical:
    """Canonical values of one side.

    values    frame indexed by key with columns ``mapping.columns``, ``string[pyarrow]``
    problems  frame ``key``, ``field`` (empty: the whole record), ``code``
    """

    values: pd.DataFrame
    problems: pd.DataFrame


# Objects whose owner may be a queue: there ``Owner`` is polymorphic and has ``Type``.
QUEUE_OWNED = ("Case", "Lead")


def platform_columns(mapping: Mapping) -> list[str]:
    """Platform columns to read for the synced fields, their change times and the refuse rules; the key excluded."""
    wanted = [c for f in mapping.synced for c in (*f.columns, *f.given, *([f.changed_at] if f.changed_at else []))]
    wanted += [c for r in mapping.refuse for c in r.columns]
    return [c for c in dict.fromkeys(wanted) if c != mapping.platform.key]


def salesforce_paths(mapping: Mapping) -> list[str]:
    """API paths to select for the synced fields, the key excluded."""
    wanted = [p for f in mapping.synced for p in field_paths(mapping, f)]
    return [p for p in dict.fromkeys(wanted) if p != mapping.salesforce.key]


def field_paths(mapping: Mapping, field: FieldSpec) -> list[str]:
    """API paths one field is read from: its own, ``also`` of booleans, ``fallback``, and the owner's name and type."""
    paths = [field.salesforce] if field.salesforce else []
    if field.type is FieldType.BOOLEAN:
        paths += field.also  # of other types ``also`` is a copy that is only written
    if field.fallback:
        paths.append(field.fallback)
    queues = mapping.salesforce.object in QUEUE_OWNED or mapping.salesforce.object.endswith("__c")
    if field.type is FieldType.USER and field.salesforce and queues:
        lookup = field.salesforce.rsplit(".", 1)[0]
        paths += [f"{lookup}.Name", f"{lookup}.Type"]
    return paths


def from_platform(mapping: Mapping, raw: pd.DataFrame, *, as_of: datetime, hash_key: bytes) -> Canonical:
    """Canonical values of platform rows; raw is indexed by key with the columns of ``platform_columns``."""
    raise NotImplementedError


def from_salesforce(mapping: Mapping, raw: pd.DataFrame, *, me: str = "") -> Canonical:
    """Canonical values of Salesforce records; raw is indexed by key with the columns of ``salesforce_paths``."""
    raise NotImplementedError


def to_platform(mapping: Mapping, values: pd.DataFrame) -> dict[str, list[Any]]:
    """Canonical values as Python values for the platform's columns."""
    raise NotImplementedError


def to_salesforce(field: FieldSpec, series: pd.Series) -> list[Any]:
    """Canonical values as JSON values for Salesforce."""
    raise NotImplementedError


def to_csv(field: FieldSpec, series: pd.Series) -> pd.Series:
    """Canonical values as text for a Bulk CSV, null as NA."""
    raise NotImplementedError
