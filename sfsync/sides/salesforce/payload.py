"""What a write looks like on the wire: JSON rows for collections, Arrow columns for Bulk.

References are written by external id inside the same request; fields that share one lookup (a case's player and shop
both are its Account) write the one that is set and clear the lookup only if none is. Owners are users by username, or
queues by their id, as far as the view knows it. A checkbox has no null. Source: wire reference 5, 7, 11 "CSV rules".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping import canon
from sfsync.mapping.model import FieldSpec, FieldType, Mapping
from sfsync.sides.salesforce.frames import View, made_by_template
from sfsync.sides.salesforce.lanes import NO_PARENT
from sfsync.sides.salesforce.tables import NULL
from sfsync.sides.side import TEXT, Write


@dataclass(frozen=True)
class Link:
    """Reference fields of the mapping that are stored in one lookup field."""

    lookup: str  # API name of the lookup field, e.g. AccountId
    relationship: str  # e.g. Account
    fields: tuple[FieldSpec, ...]


@dataclass(frozen=True)
class Payload:
    """One ``Write`` of a view, turned into rows or columns; positions are those of ``write.keys``."""

    view: View
    write: Write

    @cached_property
    def touched(self) -> dict[str, np.ndarray]:
        """Field name -> which rows set it."""
        return {str(name): self.write.touched[:, n] for n, name in enumerate(self.write.values.columns)}

    @cached_property
    def _fields(self) -> list[FieldSpec]:
        specs = self.view.mapping.fields
        return [specs[str(n)] for n in self.write.values.columns if specs[str(n)].salesforce]

    @cached_property
    def plain(self) -> list[FieldSpec]:
        """Fields written under their own API name."""
        return [f for f in self._fields if "." not in str(f.salesforce)]

    @cached_property
    def owners(self) -> list[FieldSpec]:
        """Fields that name a user."""
        return [f for f in self._fields if f.type is FieldType.USER and "." in str(f.salesforce)]

    @cached_property
    def links(self) -> list[Link]:
        """References, those of one lookup together."""
        groups: dict[str, list[FieldSpec]] = {}
        for f in self._fields:
            if "." in str(f.salesforce) and f.type is not FieldType.USER:
                groups.setdefault(str(f.salesforce).split(".")[0], []).append(f)
        return [Link(self._lookup(name), name, tuple(fields)) for name, fields in groups.items()]

    def _lookup(self, relationship: str) -> str:
        found = self.view.info.lookup(relationship)
        if found is not None:
            return str(found["name"])
        return relationship.removesuffix("__r") + "__c" if relationship.endswith("__r") else relationship + "Id"

    @property
    def creates(self) -> bool:
        """True for an upsert by key."""
        return self.write.kind == "create"

    def choice(self, link: Link) -> np.ndarray:
        """Per row: the number of the link's field to write, ``len(fields)`` to clear the lookup, -1 to leave it.

        A new record has nothing to clear.
        """
        chosen = np.full(len(self.write), -1)
        for number, field in reversed(list(enumerate(link.fields))):
            touched = self.touched[field.name]
            filled = touched & self.write.values[field.name].notna().to_numpy(bool)
            if not self.creates:
                chosen[touched & (chosen == -1)] = len(link.fields)
            chosen[filled] = number
        return chosen

    @cached_property
    def record_type_ids(self) -> pd.Series | None:
        """Per row the record type id of a new record (NA: the mapping has none for it), None if there is no rule."""
        rule = self.view.mapping.salesforce.record_type
        if rule is None or not self.creates:
            return None
        ids = self.view.info.record_types()
        if isinstance(rule, str):
            return pd.Series([ids.get(rule)] * len(self.write), dtype=TEXT)
        named = {value: ids.get(name) for value, name in rule.items() if value != "by"}
        if rule["by"] not in self.write.values:
            return pd.Series([pd.NA] * len(self.write), dtype=TEXT)
        by = self.write.values[rule["by"]].reset_index(drop=True)
        return by.map(named, na_action="ignore").astype(TEXT)

    @cached_property
    def unfit(self) -> np.ndarray:
        """Rows that cannot be sent: no record type for them."""
        ids = self.record_type_ids
        return np.zeros(len(self.write), bool) if ids is None else ids.isna().to_numpy()

    @cached_property
    def sets_key(self) -> np.ndarray:
        """Rows whose key field is written: new ones, ones born in Salesforce (their key was made by template), and
        updates that touch no other cell: known records that lack their key.
        """
        if self.creates:
            return np.ones(len(self.write), bool)
        by_template = made_by_template(self.view.mapping.salesforce.born, self.write.keys).to_numpy(bool)
        return np.asarray(by_template | ~np.asarray(self.write.touched, bool).any(axis=1))

    def locks(self) -> np.ndarray:
        """Per row the records its lookups name (int n x k, equal numbers are one record, ``NO_PARENT`` for none).

        A save locks them all; where a mapping refers to itself, a row's own record counts too. Deletes name none.
        """
        keys = self._named() if self.write.kind != "delete" else {}
        if self.view.mapping.name in keys:
            keys[self.view.mapping.name].append(pa.array(self.write.keys, pa.large_string()))
        found, first = [np.full((len(self.write), 0), NO_PARENT)], 0
        for columns in keys.values():
            codes = pa.chunked_array(columns).combine_chunks().dictionary_encode()
            numbers = pc.fill_null(codes.indices, NO_PARENT).to_numpy(zero_copy_only=False).astype(np.int64)
            found.append(np.where(numbers >= 0, numbers + first, NO_PARENT).reshape(len(columns), -1).T)
            first += len(codes.dictionary)
        return np.column_stack(found)

    def _named(self) -> dict[str, list[pa.Array]]:
        """The columns of parents' keys, by the mapping they refer to; empty columns are left out."""
        named: dict[str, list[pa.Array]] = {}
        for field in (f for link in self.links for f in link.fields):
            column = self._text(field)
            if column.null_count < len(column):
                named.setdefault(str(field.references), []).append(column.cast(pa.large_string()))
        return named

    def _text(self, field: FieldSpec) -> pa.Array:
        return _flat(pa.array(self.write.values[field.name], from_pandas=True))

    # -- JSON -------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """JSON rows with ``attributes`` and, for updates, ``id``."""
        kind = self.view.info.name
        rows: list[dict[str, Any]] = [{"attributes": {"type": kind}} for _ in range(len(self.write))]
        if not self.creates:
            for row, record_id in zip(rows, self.write.ids.tolist(), strict=True):
                row["id"] = record_id
        self._put(rows, self.view.mapping.salesforce.key, self.sets_key, self.write.keys.tolist())
        if self.record_type_ids is not None:
            self._put(rows, "RecordTypeId", ~self.unfit, self.record_type_ids.tolist())
        for field in self.plain:
            values = self._json_values(field)
            for path in (str(field.salesforce), *field.also):
                self._put(rows, path, self.touched[field.name], values)
        for link in self.links:
            self._put_link(rows, link)
        for field in self.owners:
            self._put_owner(rows, field)
        return rows

    def _json_values(self, field: FieldSpec) -> list[Any]:
        values = canon.to_salesforce(field, self.write.values[field.name])
        if field.type is FieldType.BOOLEAN:
            return [False if v is None else v for v in values]
        return values

    @staticmethod
    def _put(rows: list[dict[str, Any]], name: str, where: np.ndarray, values: list[Any]) -> None:
        for n in np.flatnonzero(where):
            rows[n][name] = values[n]

    def _put_link(self, rows: list[dict[str, Any]], link: Link) -> None:
        chosen = self.choice(link)
        for number, field in enumerate(link.fields):
            external = str(field.salesforce).split(".", 1)[1]
            values = self.write.values[field.name].tolist()
            for n in np.flatnonzero(chosen == number):
                rows[n][link.relationship] = {external: values[n]}
        for n in np.flatnonzero(chosen == len(link.fields)):
            rows[n][link.lookup] = None

    def _put_owner(self, rows: list[dict[str, Any]], field: FieldSpec) -> None:
        relationship, column = str(field.salesforce).split(".", 1)
        values = self.write.values[field.name].tolist()
        for n in np.flatnonzero(self.owned(field)):
            rows[n][relationship] = {"attributes": {"type": "User"}, column: values[n]}
        for n in np.flatnonzero(self.queued(field)):
            rows[n][self._lookup(relationship)] = self.view.queues[values[n]]

    def owned(self, field: FieldSpec) -> np.ndarray:
        """Rows whose owner is written: a username, not a queue's name and not null."""
        names = self.write.values[field.name].astype(TEXT)
        return self.touched[field.name] & names.str.contains("@", regex=False).fillna(False).to_numpy(bool)

    def queued(self, field: FieldSpec) -> np.ndarray:
        """Rows that are given to a queue whose id is known."""
        names = self.write.values[field.name].isin(list(self.view.queues)).to_numpy(bool)
        return np.asarray(self.touched[field.name] & names)

    # -- CSV --------------------------------------------------------------------------------------------

    def columns(self) -> dict[str, pa.Array]:
        """The CSV columns of all rows by header, references left out (see ``link_column``)."""
        made: dict[str, pa.Array] = {}
        if not self.creates:
            made["Id"] = _flat(pa.array(self.write.ids.astype(TEXT), from_pandas=True))
        if self.sets_key.any():
            keys = _flat(pa.array(self.write.keys.astype(TEXT), from_pandas=True))
            made[self.view.mapping.salesforce.key] = _only(keys, self.sets_key)
        if self.record_type_ids is not None:
            made["RecordTypeId"] = _flat(pa.array(self.record_type_ids, from_pandas=True))
        for field in self.plain:
            text = self._csv_text(field)
            made |= dict.fromkeys((str(field.salesforce), *field.also), text)
        for field in self.owners:
            made[self._owner_column(field)] = _only(self._text(field), self.owned(field))
            if self.queued(field).any():
                ids = self.write.values[field.name].map(self.view.queues).astype(TEXT)
                made[self._lookup(str(field.salesforce).split(".")[0])] = _only(
                    _flat(pa.array(ids, from_pandas=True)), self.queued(field)
                )
        return made

    def _csv_text(self, field: FieldSpec) -> pa.Array:
        text = _flat(pa.array(canon.to_csv(field, self.write.values[field.name]), from_pandas=True))
        if text.null_count:
            text = pc.fill_null(text, "false" if field.type is FieldType.BOOLEAN else NULL)
        return _only(text, self.touched[field.name])

    def _owner_column(self, field: FieldSpec) -> str:
        path = str(field.salesforce)
        lookup = self.view.info.lookup(path.split(".")[0]) or {}
        return f"User:{path}" if len(lookup.get("referenceTo") or ()) > 1 else path

    def link_column(self, link: Link, number: int) -> tuple[str, pa.Array]:
        """The CSV column (header, cells) that writes field ``number`` of a link, or clears its lookup."""
        chosen = self.choice(link) == number
        if number == len(link.fields):
            return link.lookup, _only(pa.repeat(NULL, len(self.write)), chosen)
        field = link.fields[number]
        return str(field.salesforce), _only(self._text(field), chosen)

    def says_null(self) -> np.ndarray:
        """Rows with a text that Bulk would take for null."""
        hit = np.zeros(len(self.write), bool)
        for field in self._fields:
            same = pc.fill_null(pc.equal(self._text(field), NULL), False)
            if pc.any(same).as_py():
                hit |= self.touched[field.name] & same.to_numpy(zero_copy_only=False)
        return hit


def gives_to_queues(mapping: Mapping, write: Write) -> bool:
    """Does a row of the write name an owner that is no user?"""
    for number, name in enumerate(write.values.columns):
        field = mapping.fields[str(name)]
        if field.type is FieldType.USER and write.touched[:, number].any():
            named = write.values[name].astype(TEXT)[write.touched[:, number]]
            if (~named.str.contains("@", regex=False).fillna(True)).any():
                return True
    return False


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _only(column: pa.Array, where: np.ndarray) -> pa.Array:
    """The column's cells where ``where`` (bool, n) holds, null elsewhere."""
    return column if where.all() else pc.if_else(pa.array(where), column, pa.scalar(None, column.type))


def part(write: Write, rows: np.ndarray) -> Write:
    """The rows at these positions as a Write of their own."""
    return Write(
        write.kind,
        write.keys[rows],
        write.ids.iloc[rows],
        write.values.iloc[rows],
        write.touched[rows],
        write.lane,
    )
