"""Salesforce's own errors: code, snippet, row, column, caret, text (wire reference 9.1)."""

from __future__ import annotations

import pytest

from sfsync.rehearsal.errors import asking
from sfsync.rehearsal.org import Org
from tests.rehearsal.soql.conftest import Refused

HINT = " Please reference your WSDL or the describe call for the appropriate names."
CUSTOM = "If you are attempting to use a custom {0}, be sure to append the '__{1}' after the {2} name."


LINK_RULE = (
    "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or "
    "LinkedEntityId using the equals operator or multiple Id's using the IN operator."
)
LEFT_RULE = "The left operand field in the where expression for outer query should be an id field, cannot use: 'Name'"
NESTED_RULE = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions."
)
APEX_RULE = "{this.helper.allowApexSyntax() && this.helper.hasApexContext()}?"
NO_OBJECT = "sObject type '{0}' is not supported. " + CUSTOM.format("object", "c", "entity") + HINT
NO_FIELD = "No such column '{0}' on entity '{1}'. " + CUSTOM.format("field", "c", "custom field") + HINT
NO_PATH = (
    "Didn't understand relationship '{0}' in field path. "
    + CUSTOM.format("relationship", "r", "custom relationship")
    + HINT
)
CRITERION = "value of filter criterion for field '{0}' must be of type {1} and should {2}be enclosed in quotes"


@pytest.mark.parametrize(
    ("soql", "code", "snippet", "place", "text"),
    [
        ("select count() from NOPE", "INVALID_TYPE", "select count() from NOPE", (1, 21), NO_OBJECT.format("NOPE")),
        (
            "SELECT Id,Name,BillingCity,IsDeleted FROM Accounts",
            "INVALID_TYPE",
            "Name,BillingCity,IsDeleted FROM Accounts",
            (1, 43),
            NO_OBJECT.format("Accounts"),
        ),
        (
            "Select Id, Status, Subject, Body from Case",
            "INVALID_FIELD",
            "Select Id, Status, Subject, Body from Case",
            (1, 29),
            NO_FIELD.format("Body", "Case"),
        ),
        (
            "SELECT Id, Name__c, Status, CaseNumber, Nobody.Name, Subject, LastReferencedDate FROM Case",
            "INVALID_FIELD",
            "SELECT Id, Name__c, Status, CaseNumber, Nobody.Name",
            (1, 12),
            NO_FIELD.format("Name__c", "Case"),
        ),
        (
            "SELECT Id, Priority, Status, CaseNumber, Nobody.Name, Subject, LastReferencedDate FROM Case",
            "INVALID_FIELD",
            "Priority, Status, CaseNumber, Nobody.Name, Subject, LastReferencedDate",
            (1, 42),
            NO_PATH.format("Nobody"),
        ),
        (
            "SELECT Username FROM User\nWHERE IsActive = true\n  AND User.Alias = 313",
            "INVALID_FIELD",
            "  AND User.Alias = 313",
            (3, 11),
            CRITERION.format("Alias", "string", ""),
        ),
        (
            "SELECT Id FROM Account WHERE Parent.Blocked__c = 'true'",
            "INVALID_FIELD",
            "SELECT Id FROM Account WHERE Parent.Blocked__c = 'true'",
            (1, 30),
            CRITERION.format("Blocked__c", "boolean", "not "),
        ),
        (
            "SELECT COUNT(Id) FROM Case WHERE CreatedDate > TODAY GROUP BY LastModifiedDate",
            "MALFORMED_QUERY",
            "WHERE CreatedDate > TODAY GROUP BY LastModifiedDate",
            (1, 63),
            "field 'LastModifiedDate' can not be grouped in a query call",
        ),
        (
            "SELECT Id FROM Account WHERE",
            "MALFORMED_QUERY",
            "SELECT Id FROM Account WHERE",
            (1, 29),
            "unexpected token: '<EOF>'",
        ),
        ("SELECT Id, From Account", "MALFORMED_QUERY", "SELECT Id, From Account", (1, 12), "unexpected token: 'From'"),
    ],
)
def test_errors_to_the_letter(
    refused: Refused, soql: str, code: str, snippet: str, place: tuple[int, int], text: str
) -> None:
    row, column = place
    line = soql.split("\n")[row - 1]
    caret = column - 1 - line.index(snippet)
    error = refused(soql)
    assert error.code == code
    assert error.message == f"\n{snippet}\n{' ' * caret}^\nERROR at Row:{row}:Column:{column}\n{text}"
    assert set(error.body()) == {"message", "errorCode"}


def test_the_first_word_stands_alone(refused: Refused) -> None:
    assert refused("invalid").message == "unexpected token: 'invalid'"


@pytest.mark.parametrize(
    ("before", "position", "snippet", "caret"),
    [
        ("SELECT " + ", ".join(f"Field{number:03d}" for number in range(50)) + " FROM Account", 207, None, 36),
        ("SELECT Id FROM Case", 15, "SELECT Id FROM Case", 15),
    ],
)
def test_the_snippet_is_cut_on_blanks_and_commas(before: str, position: int, snippet: str | None, caret: int) -> None:
    head = asking.at_position("X", before, position, "text").message.split("\n")
    assert before[position:].startswith(head[1][len(head[2]) - 1 :])
    assert len(head[2]) - 1 <= caret
    if snippet is not None:
        assert head[1] == snippet
    else:
        assert head[1].startswith("Field") and head[1].count(",") <= 8


@pytest.mark.parametrize(
    ("soql", "old", "new"),
    [
        ("SELECT Id FROM Account WHERE Id IN ()", "unexpected token: ')'", "unexpected token: 'Id IN ()'"),
        ("SELECT FROM Account", "unexpected token: 'FROM'", "unexpected token: 'SELECT FROM'"),
        ("SELECT Id FROM Account WHERE AND Name = 'a'", "unexpected token: 'AND'", "unexpected token: 'AND'"),
        (
            "SELECT Id FROM $Case",
            "line 1:15 no viable alternative at character '$'",
            "line 1:15 unexpected token: '$'",
        ),
        (
            "SELECT Id FROM Account WITH SECURITY_ENFORCED",
            "SECURITY_ENFORCED not allowed in this context",
            "rule soqlWithIdentifierClause failed predicate: " + APEX_RULE,
        ),
    ],
)
def test_texts_that_changed_with_version_61(refused: Refused, soql: str, old: str, new: str) -> None:
    assert refused(soql, version="60.0").message.rpartition("\n")[2] == old
    assert refused(soql, version="61.0").message.rpartition("\n")[2] == new


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Site = 'b' OR Phone = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        ("SELECT Id FROM Account WHERE Name IS NULL", "MALFORMED_QUERY", "unexpected token: 'IS'"),
        ("SELECT Id FROM Account WHERE Name LIKE null", "MALFORMED_QUERY", "invalid operator"),
        (
            "SELECT Id FROM Account WHERE Name = 'open",
            "MALFORMED_QUERY",
            "line 1:41 mismatched character '<EOF>' expecting '''",
        ),
        ("SELECT Id FROM Account LIMIT :n", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Account WHERE Id IN :ids", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "ALL ROWS not allowed in this context"),
        ("SELECT Id FROM Account FOR UPDATE", "MALFORMED_QUERY", "unexpected token: 'UPDATE'"),
        ("SELECT Id FROM Account USING everything", "MALFORMED_QUERY", "unexpected token: 'everything'"),
        ("SELECT Id FROM Account USING SCOPE elsewhere", "MALFORMED_QUERY", "unexpected token: 'elsewhere'"),
        ("SELECT Id FROM Account USING SCOPE team", "INVALID_QUERY_SCOPE", "Scope 'team' is not supported for Account"),
        (
            "SELECT Id FROM Account WITH DATA CATEGORY a__c AT b__c",
            "MALFORMED_QUERY",
            "Entity 'Account' does not support data categories",
        ),
        ("SELECT Id FROM Account LIMIT 1 LIMIT 2", "MALFORMED_QUERY", "unexpected token: 'LIMIT'"),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
        (
            "SELECT Id FROM Account WHERE convertTimezone(CreatedDate) > TODAY",
            "MALFORMED_QUERY",
            "unexpected token: '('",
        ),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'COUNT'"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        (
            "SELECT Id FROM Account WHERE Limit__c > USD5000",
            "INVALID_FIELD",
            CRITERION.format("Limit__c", "double", "not "),
        ),
        (
            "SELECT Id FROM Account WHERE Due__c > 2026-01-01T00:00:00Z",
            "INVALID_FIELD",
            CRITERION.format("Due__c", "date", "not "),
        ),
        (
            "SELECT Id FROM Account ORDER BY Note__c",
            "MALFORMED_QUERY",
            "field 'Note__c' can not be sorted in a query call",
        ),
        ("SELECT Id FROM Account WHERE Tier__c INCLUDES ('x')", "INVALID_FIELD", "invalid operator on picklist field"),
        (
            "SELECT Id FROM Account WHERE Name = '" + "x" * 4001 + "'",
            "MALFORMED_QUERY",
            "SOQL string literals can not be longer than 4000 characters",
        ),
        (
            "SELECT Id FROM ContentDocumentLink",
            "MALFORMED_QUERY",
            LINK_RULE,
        ),
    ],
)
def test_refusals(refused: Refused, soql: str, code: str, text: str) -> None:
    error = refused(soql)
    assert (error.code, error.message.rpartition("\n")[2]) == (code, text)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (
            "Id IN (SELECT AccountId FROM Contact) OR Name = 'x'",
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            "NOT Id IN (SELECT AccountId FROM Contact)",
            NESTED_RULE,
        ),
        ("Id IN (SELECT ParentId FROM Account)", "The inner and outer selects should not be on the same object type"),
        ("Id IN (SELECT Subject FROM Case)", "semi join sub-selects can only query id fields, cannot use: 'Subject'"),
        (
            "Id IN (SELECT AccountId FROM Case WHERE ContactId IN (SELECT Id FROM Contact))",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "Name IN (SELECT AccountId FROM Case)",
            LEFT_RULE,
        ),
        (
            "Parent.OwnerId IN (SELECT OwnerId FROM Case)",
            "The left operand cannot have more than one level of relationships",
        ),
        (" AND ".join(["Id IN (SELECT AccountId FROM Case)"] * 3), "Maximum 2 semi join sub-selects are allowed"),
    ],
)
def test_limits_of_semi_joins(refused: Refused, where: str, text: str) -> None:
    error = refused(f"SELECT Id FROM Account WHERE {where}")
    assert (error.code, error.message.rpartition("\n")[2]) == ("MALFORMED_QUERY", text)


@pytest.mark.parametrize("filter_", ["NOT " * 200 + "Name = 'a'", "(" * 2_000 + "Name = 'a'" + ")" * 2_000])
def test_too_deep(refused: Refused, filter_: str) -> None:
    assert refused(f"SELECT Id FROM Account WHERE {filter_}").code == "QUERY_TOO_COMPLICATED"


def test_more_terms_than_can_be_sorted_by(refused: Refused) -> None:
    assert refused(f"SELECT Id FROM Account ORDER BY {', '.join(['Name'] * 3000)}").code == "QUERY_TOO_COMPLICATED"


def test_half_a_surrogate_pair(refused: Refused, org: Org) -> None:
    assert refused("SELECT Id FROM Account WHERE Name = '\\ud83d'").code == "MALFORMED_QUERY"
    org.insert("Account", [{"Name": "\U0001f600"}])
    assert org.query("SELECT Id FROM Account WHERE Name = '\\ud83d\\ude00'").total_size == 1
