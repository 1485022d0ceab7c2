"""Drift: what a mapping needs and an end does not have."""

from __future__ import annotations

from typing import Any

from sfsync.mapping.model import Mapping
from sfsync.sides.side import Finding


def check_platform(mapping: Mapping, columns: dict[str, str]) -> list[Finding]:
    """Findings about the platform's table; ``columns`` are its column names with their SQL type names."""
    raise NotImplementedError


def check_salesforce(mapping: Mapping, describe: dict[str, Any], related: dict[str, dict[str, Any]]) -> list[Finding]:
    """Findings about the object; ``describe`` is its REST describe, ``related`` those of referenced objects."""
    raise NotImplementedError
