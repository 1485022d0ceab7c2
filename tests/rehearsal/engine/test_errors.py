from __future__ import annotations

import pytest

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError, at_position


def test_the_three_shapes_of_an_error() -> None:
    error = errors.required_missing(["LastName", "Email"])
    text = "Required fields are missing: [LastName, Email]"
    assert list(error.body()) == ["message", "errorCode", "fields"]
    assert error.item() == {
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": text,
        "fields": ["LastName", "Email"],
    }
    assert error.csv() == f"REQUIRED_FIELD_MISSING:{text}:LastName,Email --"
    assert errors.entity_is_deleted().csv() == "ENTITY_IS_DELETED:entity is deleted:--"


def test_not_found_comes_code_first_and_query_errors_have_no_fields() -> None:
    assert list(errors.not_found().body()) == ["errorCode", "message"]
    assert errors.not_found().status == 404
    assert "fields" not in errors.session_expired().body()
    assert errors.session_expired().status == 401
    assert errors.request_limit().status == 403


@pytest.mark.parametrize(
    ("query", "word", "snippet", "caret"),
    [
        ("select count() from XYZZY", "XYZZY", "select count() from XYZZY", 20),
        ("SELECT Id,Name,BillingCity,IsDeleted FROM Accout", "Accout", "Name,BillingCity,IsDeleted FROM Accout", 32),
        (
            "Select Id, Status, Location, Body from ApexLog",
            "Body",
            "Select Id, Status, Location, Body from ApexLog",
            29,
        ),
    ],
)
def test_the_snippet_is_cut_at_blanks_and_commas(query: str, word: str, snippet: str, caret: int) -> None:
    error = at_position("INVALID_TYPE", query, query.index(word), "why")
    place = query.index(word) + 1
    assert error.message == f"\n{snippet}\n{' ' * caret}^\nERROR at Row:1:Column:{place}\nwhy"


def test_a_snippet_stays_in_its_row() -> None:
    query = "SELECT Id\nFROM Account\nWHERE Foo = 1"
    error = at_position("INVALID_FIELD", query, query.index("Foo"), "why")
    assert error.message == "\nWHERE Foo = 1\n      ^\nERROR at Row:3:Column:7\nwhy"


def test_an_error_keeps_its_record() -> None:
    error = OrgError("X", "y", ["Z"])
    assert (error.code, error.message, error.fields, error.status) == ("X", "y", ["Z"], 400)
