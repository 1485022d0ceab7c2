"""What formulas give, in the blank mode of validation rules unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sfsync.rehearsal.formula import bind, evaluate
from tests.rehearsal.formula.rows import Rows, run, scope


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("2 * 3 ^ 2", 36),
        ("2 ^ 3 ^ 2", 64),
        ("1 + 2 * 3", 7),
        ("-2 - -3", 1),
        ("1 /* a /* b */ + 2", 3),
        ("0.1 + 0.2 = 0.3", True),
        ("(1/9)*9 = 1", False),
        ("1 / 0", "#Division by zero"),
        ("2 ^ 0.5", "#Exponent must be an integer"),
        ("MOD(3, 0)", 3),
        ("MOD(-7, 3)", -1),
        ("FLOOR(-1.4)", -1),
        ("CEILING(-1.4)", -2),
        ("MFLOOR(-1.4)", -2),
        ("MCEILING(-1.4)", -1),
        ("ROUND(2.5, 0)", 3),
        ("ROUND(1234.5, -2)", 1200),
        ("SQRT(16)", 4),
        ("MAX(1, 3, 2) - MIN(4, 2)", 1),
        ("ABS(-3)", 3),
        ("TRUNC(2.79, 1)", Decimal("2.7")),
    ],
)
def test_numbers(formula: str, value: Any) -> None:
    assert run(formula) == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ('"a" & "b" + "c"', "abc"),
        ('"a" = "A"', False),
        ('LEN("a\\nb")', 4),
        ('LEN("a\\"b")', 3),
        ("'it' & \"s\"", "its"),
        ('LEFT("abc", 0)', None),
        ('RIGHT("abc", 2)', "bc"),
        ('MID("abcde", 2, 3)', "bcd"),
        ('TRIM("  x ")', "x"),
        ('UPPER("ab") & LOWER("CD")', "ABcd"),
        ('FIND("c", "abcabc", 4)', 6),
        ('FIND("", "abc")', 0),
        ('SUBSTITUTE("Golden", "", "x")', "Golden"),
        ('SUBSTITUTE("a-b-c", "-", "")', "abc"),
        ('LPAD("7", 3, "0")', "007"),
        ('RPAD("abcd", 2)', "ab"),
        ('CONTAINS("abc", "")', True),
        ('BEGINS("abc", "ab")', True),
        ('REGEX("12345", "\\\\d{5}")', True),
        ('REGEX("1234x", "[0-9]{5}")', False),
        ('ISNUMBER("1e3")', True),
        ('ISNUMBER(" 1")', False),
        ('VALUE("12.50")', Decimal("12.5")),
        ('VALUE("")', None),
        ('VALUE("x")', "#Incorrect argument type for function 'VALUE()'."),
        ("TEXT(0.5)", "0.5"),
        ("TEXT(1 / 4)", ".25"),
        ("TEXT(-1 / 4)", "-.25"),
        ("TEXT(100 * 10)", "1000"),
        ("TEXT(DATE(50, 1, 2))", "0050-01-02"),
        ('CASESAFEID("001000000000001")', "001000000000001AAA"),
    ],
)
def test_texts(formula: str, value: Any) -> None:
    assert run(formula) == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("TODAY()", date(2026, 4, 1)),
        ("NOW()", datetime(2026, 3, 31, 22, 30, tzinfo=UTC)),
        ("DATEVALUE(NOW())", date(2026, 4, 1)),
        ('DATEVALUE("2026-02-30")', "#Invalid date"),
        ("DATE(2026, 2, 29)", "#Invalid date"),
        ("ADDMONTHS(DATE(2026, 1, 31), 1)", date(2026, 2, 28)),
        ("ADDMONTHS(DATE(2026, 2, 28), 1)", date(2026, 3, 31)),
        ("ADDMONTHS(DATE(2026, 1, 30), 1)", date(2026, 2, 28)),
        ("DATE(2026, 3, 28) + 3.5", date(2026, 3, 31)),
        ("DATE(2026, 3, 1) - DATE(2026, 2, 1)", 28),
        ('DATETIMEVALUE("2026-01-02 12:00:00") - DATETIMEVALUE("2026-01-01 00:00:00")', Decimal("1.5")),
        ("NOW() + 1/24", datetime(2026, 3, 31, 23, 30, tzinfo=UTC)),
        ("WEEKDAY(DATE(2026, 3, 1))", 1),
        ("YEAR(TODAY()) * 100 + MONTH(TODAY())", 202604),
        ("TEXT(NOW())", "2026-03-31 22:30:00Z"),
    ],
)
def test_dates(formula: str, value: Any) -> None:
    assert run(formula) == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("AND(FALSE, 1/0 = 1)", False),
        ("OR(TRUE, 1/0 = 1)", True),
        ("AND(1/0 = 1, FALSE)", "#Division by zero"),
        ("true && !false || 1 = 2", True),
        ("IF(1 = 1, 2, 3)", 2),
        ('CASE("b", "a", 1, "b", 2, 3)', 2),
        ("CASE(5, 1, 1, 0)", 0),
        ('NOT(BEGINS("", "a"))', None),
        ("IF(NOT(BEGINS('', 'a')), 1, 2)", 2),
        ("NULL + 1", None),
        ("ISBLANK(1 / 0)", "#Division by zero"),
        ("$Permission.Refund && !$Permission.Other", True),
    ],
)
def test_logic(formula: str, value: Any) -> None:
    assert run(formula) == value


def test_blank_numbers_stay_blank_in_rules_and_are_zero_where_a_field_says_so() -> None:
    assert run("AnnualRevenue < 5") is False
    assert run("AnnualRevenue = 0") is False
    assert run("AnnualRevenue <> 0") is False
    assert run("ISBLANK(AnnualRevenue)") is True
    assert run("AnnualRevenue = NULL") is True
    assert run("AnnualRevenue + 5") is None
    assert run("AnnualRevenue + 5", zero=True) == 5
    assert run("AnnualRevenue < 5", zero=True) is True


def test_blank_text_equals_the_empty_text_and_is_never_null() -> None:
    assert run('Phone = ""') is True
    assert run('Phone <> "x"') is True
    assert run("ISNULL(Phone)") is False
    assert run("ISBLANK(Phone)") is True
    assert run('NULLVALUE(Phone, "x")') is None
    assert run('BLANKVALUE(Phone, "x")') == "x"
    assert run('CONTAINS(Phone, "1")') is False


def test_picklists_compare_without_case_texts_with_it() -> None:
    assert run('ISPICKVAL(Type, "PROSPECT")', Type="Prospect") is True
    assert run('TEXT(Type) = "PROSPECT"', Type="Prospect") is False
    assert run('ISPICKVAL(Type, "")') is True
    assert run('CASE(Type, "Prospect", 1, 0)', Type="Prospect") == 1
    assert run("ISBLANK(TEXT(Type))") is True


def test_parents_are_read_by_their_path_and_ids_have_fifteen_characters() -> None:
    assert run('Account.Name = "Acme"', "Contact", Account__Name="Acme") is True
    assert run("LEN(OwnerId)", OwnerId="005000000000001AAA") == 15
    assert run("CASESAFEID(OwnerId)", OwnerId="005000000000001AAA") == "005000000000001AAA"


def test_a_change_is_seen_on_update_only() -> None:
    formula = bind("ISCHANGED(Phone)", scope())
    new = Rows({"Phone": ["1", "2"]}, size=2)
    old = Rows({"Phone": ["1", "2"]}, size=2, before={"Phone": ["1", "x"]}, creating=False)
    assert evaluate(formula, new) == [False, False]
    assert evaluate(formula, old) == [False, True]
    assert evaluate(bind("PRIORVALUE(Phone)", scope()), old) == ["1", "x"]
    assert evaluate(bind("ISNEW()", scope()), new) == [True, True]
    assert evaluate(bind("ISNEW()", scope()), old) == [False, False]


def test_formula_fields_show_links() -> None:
    assert run('HYPERLINK("/x", "y")', where="field") == '<a href="/x" target="_blank">y</a>'
    assert run('IMAGE("/x.png", "y")', where="field") == '<img src="/x.png" alt="y" border="0"/>'
