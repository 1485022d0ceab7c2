"""Canonical values on their way out: Python values for a database, JSON values and CSV text for Salesforce."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import flat
from sfsync.mapping.model import FieldSpec, FieldType, Leaves, Mapping, Owner
from sfsync.sides.side import TEXT


def to_platform(mapping: Mapping, values: pd.DataFrame) -> dict[str, list[Any]]:
    """Values per platform column for SQLAlchemy: bool, int, date, naive UTC datetime, str or None.

    ``values`` is canonical and may hold only some of the fields. The key, hashes, joined columns and masked copies of
    platform-owned values have no way back and are left out.
    """
    columns: dict[str, list[Any]] = {}
    for field in mapping.synced:
        if field.name in values.columns and _has_way_back(mapping, field):
            columns.setdefault(
                field.columns[0], _converted(values[field.name], _PYTHON.get(field.type), _absent(field.type))
            )
    return columns


def _has_way_back(mapping: Mapping, field: FieldSpec) -> bool:
    if len(field.columns) != 1 or field.columns[0] == mapping.platform.key:
        return False
    return field.leaves is Leaves.YES or (field.to_platform and field.owner is not Owner.PLATFORM)


def to_salesforce(field: FieldSpec, series: pd.Series) -> list[Any]:
    """JSON values: bool, number, str or None; money as a decimal amount, a null checkbox as false."""
    return _converted(series, _JSON.get(field.type), _absent(field.type))


def to_csv(field: FieldSpec, series: pd.Series) -> pd.Series:
    """Text for a Bulk CSV, null as NA: canonical, but money as ``50.00`` and a null checkbox as ``false``."""
    if field.type is FieldType.MONEY:
        column = flat(pa.array(series, pa.string(), from_pandas=True))
        return pd.Series(pd.array(_amounts(column), dtype=TEXT), index=series.index, name=series.name)
    return series.fillna("false") if field.type is FieldType.BOOLEAN else series


def with_defaults(mapping: Mapping, values: pd.DataFrame) -> pd.DataFrame:
    """The frame with every null of a field that has a ``default`` filled: for rows the platform does not have yet."""
    fills = {f.name: f.default for f in mapping.synced if f.default is not None and f.name in values.columns}
    return values.fillna(fills) if fills else values


def _amounts(minor: pa.Array) -> pa.Array:
    number = pc.cast(minor, pa.int64())
    size = pc.utf8_lpad(pc.cast(pc.abs(number), pa.string()), 3, "0")
    sign = pc.if_else(pc.less(number, 0), "-", "")
    whole = pc.utf8_slice_codeunits(size, 0, -2)
    amount = pc.binary_join_element_wise(whole, pc.utf8_slice_codeunits(size, -2), ".")
    return flat(pc.binary_join_element_wise(sign, amount, ""))


def _converted(series: pd.Series, convert: Callable[[str], Any] | None, absent: bool | None) -> list[Any]:
    """Each value converted, each distinct one once; null as ``absent``. Without a converter, the texts."""
    column = flat(pa.array(series, pa.string(), from_pandas=True))
    if convert is None:
        return column.to_pylist()
    coded = column.dictionary_encode(null_encoding="encode")
    made = [absent if v is None else convert(v) for v in coded.dictionary.to_pylist()]
    return [made[i] for i in coded.indices.to_pylist()]


def _absent(kind: FieldType) -> bool | None:
    """What a null is: an empty checkbox is false."""
    return False if kind is FieldType.BOOLEAN else None


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)


def _amount(value: str) -> int | float:
    minor = int(value)
    return minor // 100 if minor % 100 == 0 else minor / 100


def _truth(value: str) -> bool:
    return value == "true"


_PYTHON: dict[FieldType, Callable[[str], Any]] = {
    FieldType.BOOLEAN: _truth,
    FieldType.INTEGER: int,
    FieldType.MONEY: int,
    FieldType.DATE: date.fromisoformat,
    FieldType.INSTANT: _moment,
}
_JSON: dict[FieldType, Callable[[str], Any]] = {
    FieldType.BOOLEAN: _truth,
    FieldType.INTEGER: int,
    FieldType.MONEY: _amount,
}
