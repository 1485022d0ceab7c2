"""A large CSV in pieces: a page of a Bulk query's result may be large, what is held of it in memory is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import pandas as pd
import pyarrow as pa
from pyarrow import csv as pacsv

from sfsync.sides.salesforce.tables import header_of

PIECE = 1 << 22  # bytes; no row is longer: Salesforce allows 400,000 characters


def blocks(file: IO[bytes], wanted: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Frames of text, each of about ``PIECE`` bytes, columns as ``wanted``; NA for empty values and columns it lacks.

    The file is read from its beginning. Column names may be written in any case.
    """
    header = header_of(file)
    file.readline()
    if not header or not file.read(1):
        return
    file.seek(0)
    asked = {n.lower(): n for n in wanted}
    names = {h: asked[h.lower()] for h in header if h.lower() in asked}
    with pacsv.open_csv(file, **_options(header, list(names))) as reader:
        for batch in reader:
            frame: pd.DataFrame = batch.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
            frame = frame.rename(columns=names)
            yield frame.reindex(columns=list(wanted)) if len(names) < len(wanted) else frame[list(wanted)]


def _options(header: list[str], present: list[str]) -> dict[str, object]:
    return {
        "read_options": pacsv.ReadOptions(block_size=PIECE, column_names=header, skip_rows=1),
        "parse_options": pacsv.ParseOptions(newlines_in_values=True),
        "convert_options": pacsv.ConvertOptions(
            include_columns=present,
            column_types={h: pa.string() for h in header},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    }
