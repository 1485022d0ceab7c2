"""Bulk CSV in and out with pyarrow: all columns text, order kept, embedded line ends allowed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO

import pandas as pd
import pyarrow as pa
from pyarrow import csv as pacsv

NULL = "#N/A"  # sets a field to null; an empty value leaves it alone
BLOCK = 1 << 24  # a row must fit into a block; Salesforce allows 400,000 characters a row


def write(table: pa.Table) -> bytes:
    """Columns of text as CSV with LF line ends; null becomes an empty value. Quoted only if some value needs it."""
    header = ",".join(_quoted(name) for name in table.column_names) + "\n"
    try:
        return _written(table, header, "none")
    except pa.ArrowInvalid:  # a comma, a quote or a line end in a value
        return _written(table, header, "needed")


def _written(table: pa.Table, header: str, quoting: str) -> bytes:
    sink = io.BytesIO(header.encode())
    sink.seek(0, io.SEEK_END)
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style=quoting))
    return sink.getvalue()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\n') else name


def read(file: IO[bytes], wanted: Sequence[str] | None = None) -> pd.DataFrame:
    """The columns of a CSV as text, empty values as NA; only those ``wanted`` that are there (in any case).

    An empty file has no columns and no rows. Column names are given back as they were wanted.
    """
    frame: pd.DataFrame = columns(file, wanted).to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
    return frame


def columns(file: IO[bytes], wanted: Sequence[str] | None = None) -> pa.Table:
    """``read`` as an Arrow table."""
    header = header_of(file)
    if not header:
        return pa.table({n: pa.array([], pa.string()) for n in wanted or ()})
    asked = {n.lower(): n for n in (wanted if wanted is not None else header)}
    present = [h for h in header if h.lower() in asked]
    table = pacsv.read_csv(
        file,
        read_options=pacsv.ReadOptions(block_size=BLOCK, column_names=header, skip_rows=1),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            include_columns=present,
            column_types={h: pa.string() for h in header},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    return table.rename_columns([asked[h.lower()] for h in present])


def header_of(file: IO[bytes]) -> list[str]:
    """The names in the first line; none of an empty file. The file stands at its beginning before and after."""
    file.seek(0)
    line = file.readline().decode("utf-8-sig")
    file.seek(0)
    return next(csv.reader([line]), []) if line.strip() else []
