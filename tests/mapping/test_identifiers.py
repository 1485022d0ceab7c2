"""Domain model B.7, value by value."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.mapping import identifiers
from sfsync.mapping.types import telephone


def texts(*values):
    return pa.array(values, pa.string())


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("06 1234567", "+39061234567"),
        ("0039 333 1234567", "+393331234567"),
        ("393331234567", "+393331234567"),
        ("3931234567", "+393931234567"),
        ("+39 (06) 123.45-67", "+39061234567"),
        ("333.1234567", "+393331234567"),
        ("+44 20 7946 0958", "+442079460958"),
        ("800 123456", "+39800123456"),
    ],
)
def test_phone(written, canonical):
    cells = telephone(texts(written))
    assert cells.values.to_pylist() == [canonical]
    assert not cells.faults


@pytest.mark.parametrize("written", ["3.33123E+11", "12345", "non ha", "+39 123", "061234567890123", "33-3x1234567"])
def test_no_phone(written):
    cells = telephone(texts(written))
    assert cells.values.to_pylist() == [None]
    assert [code for code, _ in cells.faults] == ["VALUE_FORMAT"]


@given(st.from_regex(r"(\+39|0039|)(0[1-9][0-9]{5,8}|3[0-9]{9})", fullmatch=True))
def test_a_canonical_phone_stays_as_it_is(written):
    once = telephone(texts(written)).values
    assert telephone(once).values.to_pylist() == once.to_pylist()
    assert once[0].as_py().endswith(written[-6:])


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("12345678903", "12345678903"),
        ("IT12345678903", "12345678903"),
        ("01234567897", "01234567897"),
        ("1234567897", "01234567897"),
        ("12345678901", None),
        ("00000000000", None),
        ("1234567890", None),
        ("ABC", None),
    ],
)
def test_vat_number(written, canonical):
    cells = identifiers.vat(texts(written))
    assert cells.values.to_pylist() == [canonical]
    assert bool(cells.faults) is (canonical is None)


def test_fiscal_code():
    codes = texts("RSSMRA85T10A562S", "RSSMRA85T10A562T", "RSSMRA85T10A56NH", "RSSMRA85T10A562", None)
    assert identifiers.fiscal_code_valid(codes).tolist() == [True, False, True, False, False]


def test_iban():
    good, wrong, odd_cin = (
        "IT60X0542811101000000123456",
        "IT60X0542811101000000123457",
        "IT64Y0542811101000000123456",
    )
    ibans = texts(good, wrong, odd_cin, "DE89370400440532013000", "IT60", None)
    assert identifiers.iban_valid(ibans).tolist() == [True, False, True, True, False, False]
    assert identifiers.iban_cin_valid(ibans).tolist() == [True, False, False, False, False, False]
