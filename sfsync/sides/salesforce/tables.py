"""Bulk CSV in and out with pyarrow: all columns text, order kept, embedded line ends allowed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO

import pandas as pd
import pyarrow as pa
from pyarrow import csv as pacsv

from sfsync.sides.side import TEXT

NULL = "#N/A"  # sets a field to null; an empty value leaves it alone
BLOCK = 1 << 24  # a row must fit into a block; Salesforce allows 400,000 characters a row


def write(frame: pd.DataFrame) -> bytes:
    """A frame of text as CSV with LF line ends; NA becomes an empty value."""
    table = pa.table({name: pa.array(frame[name].astype(TEXT), type=pa.string()) for name in frame.columns})
    header = ",".join(_quoted(name) for name in frame.columns) + "\n"
    sink = io.BytesIO(header.encode())
    sink.seek(0, io.SEEK_END)
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    return sink.getvalue()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\n') else name


def read(file: IO[bytes], wanted: Sequence[str] | None = None) -> pd.DataFrame:
    """The columns of a CSV as text, empty values as NA; only those ``wanted`` that are there (in any case).

    An empty file has no columns and no rows. Column names are given back as they were wanted.
    """
    header = _header(file)
    if not header:
        return pd.DataFrame({n: pd.Series(dtype=TEXT) for n in wanted or ()})
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
    frame: pd.DataFrame = table.to_pandas(types_mapper=lambda _: TEXT)
    return frame.rename(columns={h: asked[h.lower()] for h in present})


def _header(file: IO[bytes]) -> list[str]:
    file.seek(0)
    line = file.readline().decode("utf-8-sig")
    file.seek(0)
    return next(csv.reader([line]), []) if line.strip() else []
