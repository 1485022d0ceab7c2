"""Formulas that cannot be saved, in Salesforce's words."""

from __future__ import annotations

import pytest

from sfsync.rehearsal.formula import FormulaError, bind
from tests.rehearsal.formula.rows import scope


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("VLOOKUP(1, 2, 3)", "Unknown function VLOOKUP. Check spelling."),
        ("Nope__c = 1", "Field Nope__c does not exist. Check spelling."),
        ("Owner.Nope = 'x'", "Field Owner.Nope does not exist. Check spelling."),
        ("$Setup.X__c.Y__c", "$Setup is not in the rehearsal org: $Setup.X__c.Y__c"),
        ("LEN(", "Syntax error. Missing value"),
        ("LEN('x'", "Syntax error. Missing ')'"),
        ("1 2", "Syntax error. Extra '2'"),
        ("'a\\q'", "Syntax error. Found '\\q'"),
        ("LEN('a', 'b')", "Incorrect number of parameters for function 'LEN()'. Expected 1, received 2"),
        ("IF(TRUE, 1)", "Incorrect number of parameters for function 'IF()'. Expected 3, received 2"),
        ("'x' & 1", "Incorrect parameter type for operator '&'. Expected Text, received Number"),
        ("'x' = 1", "Incorrect parameter type for operator '='. Expected Text, received Number"),
        ("1 + 'x'", "Incorrect parameter type for operator '+'. Expected Number, received Text"),
        ("LEN(1)", "Incorrect parameter type for function 'LEN()'. Expected Text, received Number"),
        (
            "Type = 'x'",
            "Field Type is a picklist field. Picklist fields are only supported in certain functions.",
        ),
        ("ISCHANGED(Owner.Name)", "ISCHANGED can only be used with a field of the record itself"),
        ("HYPERLINK('a', 'b') = ''", "Function HYPERLINK may not be used in this type of formula"),
        ("x" * 3901, "Formula is too long (3,901 characters). Maximum length is 3,900 characters"),
    ],
)
def test_refusals(formula: str, text: str) -> None:
    with pytest.raises(FormulaError) as refused:
        bind(formula, scope())
    assert str(refused.value) == text


def test_a_rule_has_to_be_true_or_false() -> None:
    text = r"Formula result is data type \(Number\), incompatible with expected data type \(true or false\)\."
    with pytest.raises(FormulaError, match=text):
        bind("1 + 1", scope(), gives="boolean")


def test_rules_know_functions_that_fields_do_not() -> None:
    for formula in ("ISNEW()", "REGEX('a', 'b')"):
        bind(formula, scope(where="rule"))
        with pytest.raises(FormulaError, match="may not be used in this type of formula"):
            bind(formula, scope(where="field"))
