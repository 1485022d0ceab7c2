"""Bulk CSV: what is written is what a CSV reader reads, and result files of every recorded form are read."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sfsync.sides.salesforce import tables

CELL = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=30
)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_written_values_read_back(rows: list[tuple[str | None, str | None]]) -> None:
    body = tables.write(pa.table(list(zip(*rows, strict=True)), names=["Name", "Account.Key__c"]))
    found = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert found[0] == ["Name", "Account.Key__c"]
    assert found[1:] == [[v or "" for v in row] for row in rows]
    again = tables.read(io.BytesIO(body))
    assert again.astype(object).where(again.notna(), None).values.tolist() == [list(r) for r in rows]


def test_line_ends_are_lf_and_blanks_stay() -> None:
    body = tables.write(pa.table({"A": [" x ", 'say "hi"'], "B": ["a,b", "two\nlines"]}))
    assert body == b'A,B\n" x ","a,b"\n"say ""hi""","two\nlines"\n'


def test_values_that_need_no_quotes_get_none() -> None:
    body = tables.write(pa.table({"A": [" x ", None], "B": ["it's", "#N/A"]}))
    assert body == b"A,B\n x ,it's\n,#N/A\n"


def test_recorded_result_files() -> None:
    failed = (
        b'"sf__Id","sf__Error",Name,external_id__c\n'
        b'"","INVALID_FIELD:Failed at col 3. Due to, \'2003\' is bad:CloseDate --","Noemi ""N"" Miller","e-3"'
    )
    frame = tables.read(io.BytesIO(failed), ["External_Id__c", "sf__Id", "sf__Error"])
    assert frame["External_Id__c"].tolist() == ["e-3"]
    assert frame["sf__Id"].isna().all()
    assert frame["sf__Error"].iloc[0].startswith("INVALID_FIELD:Failed at col 3.")


def test_codes_keep_their_zeros_and_naples_is_not_null() -> None:
    frame = tables.read(io.BytesIO(b'"Cap","Prov"\n"00100","NA"\n"","null"\n'))
    assert frame["Cap"].tolist()[0] == "00100"
    assert frame["Cap"].isna().tolist() == [False, True]
    assert frame["Prov"].tolist() == ["NA", "null"]


def test_an_empty_body_and_a_header_alone_have_no_rows() -> None:
    assert len(tables.read(io.BytesIO(b""), ["Id"])) == 0
    assert list(tables.read(io.BytesIO(b""), ["Id"]).columns) == ["Id"]
    assert len(tables.read(io.BytesIO(b'"sf__Id","sf__Created",Name\n'), ["sf__Id"])) == 0
