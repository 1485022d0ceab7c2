"""Rows of Salesforce as ``Records``: which fields can be seen, raw columns, keys, meta.

A field the user cannot see is not selected and not in ``observed``: it can never look like a change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from sfsync.mapping import canon
from sfsync.mapping.cells import as_text
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.metadata import ObjectInfo
from sfsync.sides.side import TEXT, Records

_TEMPLATE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class View:
    """What of a mapping the user can see in the org: its object and the objects its dotted paths lead to."""

    mapping: Mapping
    info: ObjectInfo
    related: dict[str, ObjectInfo]
    queues: dict[str, str] = field(default_factory=dict)  # ids by name, of a write that gives records to queues

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Paths that must not be selected."""
        return frozenset(p for p in canon.salesforce_paths(self.mapping) if not self._seen(p))

    @cached_property
    def observed(self) -> frozenset[str]:
        """Names of the fields all of whose paths can be read (a missing fallback does not matter)."""
        seen = {f.name: set(canon.field_paths(self.mapping, f)) - {f.fallback} for f in self.mapping.synced}
        return frozenset(name for name, paths in seen.items() if not paths & self.hidden)

    @cached_property
    def paths(self) -> list[str]:
        """The paths to select for the synced fields."""
        return [p for p in canon.salesforce_paths(self.mapping) if p not in self.hidden]

    @cached_property
    def merges(self) -> bool:
        """True if records of the object can be merged into another."""
        return self.info.field("MasterRecordId") is not None

    @cached_property
    def selected(self) -> list[str]:
        """Everything a read selects, system fields first."""
        spec = self.mapping.salesforce
        system = ["Id", spec.key, "SystemModstamp", "IsDeleted", "CreatedDate"]
        system += ["MasterRecordId"] if self.merges else []
        return list(dict.fromkeys([*system, *template_fields(spec.born), *self.paths]))

    def _seen(self, path: str) -> bool:
        if not self.info.visible(path):
            return False
        head, dot, rest = path.partition(".")
        lookup = self.info.lookup(head) if dot else None
        targets = (lookup or {}).get("referenceTo") or []
        parent = self.related.get(targets[0]) if len(targets) == 1 else None
        return parent is None or not parent.raw or parent.visible(rest)


def template_fields(template: str | None) -> list[str]:
    """The API names in a key template such as ``SF-{CaseNumber}``."""
    return _TEMPLATE.findall(template or "")


def made_by_template(template: str | None, keys: pd.Index) -> pd.Series:
    """Which keys look like ones the template makes (bool, positional)."""
    if not template:
        return pd.Series(False, index=range(len(keys)))
    parts = _TEMPLATE.split(template)
    pattern = "".join(".+" if n % 2 else re.escape(p) for n, p in enumerate(parts))
    return pd.Series(keys, dtype=TEXT).str.fullmatch(pattern).fillna(False).astype(bool)


def from_json(rows: Sequence[dict[str, Any]], paths: Sequence[str]) -> pd.DataFrame:
    """Raw columns of REST rows, one per path, values as JSON gave them (None = null)."""
    return pd.DataFrame({p: pd.Series(_column(rows, p), dtype=object) for p in paths})


def _column(rows: Sequence[dict[str, Any]], path: str) -> list[Any]:
    head, dot, rest = path.partition(".")
    values = [row.get(head) for row in rows]
    while dot:
        head, dot, rest = rest.partition(".")
        values = [None if v is None else v.get(head) for v in values]
    return values


def to_records(view: View, raw: pd.DataFrame, me: str, keys: pd.Series | None = None) -> tuple[Records, int]:
    """Records of raw rows, and how many were left out because they have no key.

    ``raw`` has the columns ``view.selected``; ``keys`` (same length) names the records as the caller knows them,
    otherwise the key field, or the template for records born in Salesforce, does.
    """
    own = _text(raw[view.mapping.salesforce.key]).str.strip()
    own = own.mask(own == "")
    keyless = own.isna()
    if keys is None:
        keys = own.fillna(_by_template(view.mapping.salesforce.born, raw))
    kept = keys.notna()
    if not kept.all():
        raw, keys, keyless = raw[kept], keys[kept], keyless[kept]
    index = pd.Index(keys.astype(TEXT), name="key")
    columns = {p: as_text(raw[p]) for p in view.paths if p in raw}
    canonical = canon.from_salesforce(view.mapping, canon.Raw(as_text(keys).values, columns), me=me)
    meta = _meta(raw, keyless).set_axis(index)
    return Records(canonical.values, meta, view.observed, canonical.problems), int((~kept).sum())


def _by_template(template: str | None, raw: pd.DataFrame) -> pd.Series:
    if not template:
        return pd.Series(pd.NA, index=raw.index, dtype=TEXT)
    parts = _TEMPLATE.split(template)
    made = pd.Series(parts[0], index=raw.index, dtype=TEXT)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        made = made + _text(raw[name]) + text
    return made


def _meta(raw: pd.DataFrame, keyless: pd.Series) -> pd.DataFrame:
    survivor = raw["MasterRecordId"] if "MasterRecordId" in raw else pd.Series(None, index=raw.index, dtype=object)
    return pd.DataFrame(
        {
            "id": _text(raw["Id"]),
            "stamp": _text(raw["SystemModstamp"]).str.slice(0, 19) + "Z",
            "deleted": deleted_rows(raw),
            "survivor": _text(survivor),
            "keyless": keyless.astype(bool),
            "created": _text(raw["CreatedDate"]).str.slice(0, 19) + "Z",
        }
    )


def deleted_rows(raw: pd.DataFrame) -> pd.Series:
    """Which raw rows are in the recycle bin (bool)."""
    return (_text(raw["IsDeleted"]).str.lower() == "true").fillna(False).astype(bool)


def _text(column: pd.Series) -> pd.Series:
    """A raw column as text; JSON booleans become 'True'/'False'."""
    if isinstance(column.dtype, pd.StringDtype):
        return column
    present = column.notna()
    return column.where(present, None).map(str, na_action="ignore").astype(TEXT)
