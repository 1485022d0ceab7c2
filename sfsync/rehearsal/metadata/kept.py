"""The metadata an org has: what it was opened with, and on top what has been deployed since, kept in its store.

A deployed component is a document of kind ``metadata``; one that was deleted is kept as gone, so that the folder the
org was opened with does not bring it back. The key prefix of a custom object is kept from its first day: ids last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sfsync.rehearsal.metadata.component import Component, Key, loaded, stored
from sfsync.rehearsal.schema.build import build
from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.store import state
from sfsync.rehearsal.store.database import Database

KIND = "metadata"
PREFIX = "metadata prefix"
_GONE = {"gone": True}


class Metadata:
    """The components of one org, by type and full name. Changes belong into a transaction of the store."""

    def __init__(self, database: Database, opened_with: Iterable[Component] = ()) -> None:
        self._database = database
        self._base = {one.key: one for one in opened_with}
        self.components = self._read()

    def _read(self) -> dict[Key, Component]:
        found = dict(self._base)
        for name, kept in state.listed(self._database, KIND):
            kind, _, full = name.partition(" ")
            if kept.get("gone"):
                found.pop((kind, full), None)
            else:
                found[(kind, full)] = loaded((kind, full), kept)
        return found

    def schema(self) -> Schema:
        """The schema they make; prefixes it needs are kept. Raises SourceError."""
        prefixes = {name: kept["prefix"] for name, kept in state.listed(self._database, PREFIX)}
        schema = build(self.components.values(), prefixes)
        for obj in schema.objects.values():
            if obj.custom and obj.name not in prefixes:
                state.put(self._database, PREFIX, obj.name, {"prefix": obj.prefix})
        return schema

    def put(self, changes: Mapping[Key, Component | None]) -> None:
        """Keeps components; None takes one away."""
        for (kind, name), component in changes.items():
            state.put(self._database, KIND, f"{kind} {name}", stored(component) if component else _GONE)
        self.components = self._read()

    def move_prefix(self, old: str, new: str) -> None:
        """A renamed object keeps its key prefix."""
        known = state.get(self._database, PREFIX, old)
        if known is not None:
            state.delete(self._database, PREFIX, old)
            state.put(self._database, PREFIX, new, known)

    def count(self) -> None:
        """Remembers that the schema has changed: describe's ETag and Last-Modified go by it."""
        state.put(self._database, "schema", "changes", {"count": self.changes + 1})

    @property
    def changes(self) -> int:
        """How often metadata has changed since the org was made."""
        known = state.get(self._database, "schema", "changes")
        return int(known["count"]) if known else 0

    def refresh(self) -> None:
        """Reads the components again, after a transaction that changed them was rolled back."""
        self.components = self._read()
