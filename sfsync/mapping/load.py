"""Reads mapping files: YAML with line numbers, checked models, parents first."""

from __future__ import annotations

from pathlib import Path

from sfsync.mapping.model import Mapping


def load(folder: Path) -> dict[str, Mapping]:
    """All mappings of a folder by name, parents before children; raises ``MappingError`` with file and line."""
    raise NotImplementedError
