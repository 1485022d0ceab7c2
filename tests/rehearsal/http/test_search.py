from __future__ import annotations

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soql import sosl
from tests.rehearsal.http.conftest import Client

V = "/services/data/v60.0"


def found(org: Client, text: str) -> list[dict[str, str]]:
    answer = org.get(f"{V}/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["searchRecords"]
    records: list[dict[str, str]] = answer.json()["searchRecords"]
    return records


@pytest.fixture
def ids(org: Client) -> dict[str, str]:
    """Two accounts and a contact, by name."""
    made = {}
    for obj, body in [
        ("Account", {"Name": "Acme Rome", "Phone": "06 1234"}),
        ("Account", {"Name": "Acmeville Ltd", "Site": "north"}),
        ("Contact", {"LastName": "Rossi", "Email": "rossi@acme.example"}),
    ]:
        made[str(body.get("Name") or body["LastName"])] = org.post(f"{V}/sobjects/{obj}", body).json()["id"]
    return made


def test_words_are_found_whole_and_in_every_object(org: Client, ids: dict[str, str]) -> None:
    records = found(org, "FIND {acme}")
    assert [one["Id"] for one in records] == [ids["Acme Rome"], ids["Rossi"]]
    assert records[0] == {
        "attributes": {"type": "Account", "url": f"{V}/sobjects/Account/{ids['Acme Rome']}"},
        "Id": ids["Acme Rome"],
    }
    assert found(org, "FIND {nobody}") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FIND {acme*} RETURNING Account(Name)", ["Acme Rome", "Acmeville Ltd"]),
        ("FIND {acm?} RETURNING Account(Name)", ["Acme Rome"]),
        ('FIND {"acme rome"} RETURNING Account(Name)', ["Acme Rome"]),
        ("FIND {acme* AND NOT rome} RETURNING Account(Name)", ["Acmeville Ltd"]),
        (
            "FIND {rome OR ltd} IN NAME FIELDS RETURNING Account(Name ORDER BY Name DESC)",
            ["Acmeville Ltd", "Acme Rome"],
        ),
        ("FIND {acme*} RETURNING Account(Name WHERE Site = 'north' LIMIT 5)", ["Acmeville Ltd"]),
        ("FIND {acme*} RETURNING Account(Name), Contact LIMIT 1", ["Acme Rome"]),
        ("FIND {north} IN NAME FIELDS RETURNING Account(Name)", []),
        ("FIND {1234} IN PHONE FIELDS RETURNING Account(Name)", ["Acme Rome"]),
    ],
)
def test_what_is_returned(org: Client, ids: dict[str, str], text: str, names: list[str]) -> None:
    assert [one["Name"] for one in found(org, text)] == names


def test_the_same_without_grammar(org: Client, ids: dict[str, str]) -> None:
    asked = {"q": "acme*", "sobject": "Account", "Account.fields": "Name,Site", "Account.limit": "1"}
    records = org.get(f"{V}/parameterizedSearch", params=asked).json()["searchRecords"]
    assert [(one["Name"], one["Site"]) for one in records] == [("Acme Rome", None)]
    body = {"q": "acme", "in": "EMAIL", "fields": ["LastName"], "sobjects": [{"name": "Contact"}]}
    records = org.post(f"{V}/parameterizedSearch", body).json()["searchRecords"]
    assert [one["LastName"] for one in records] == ["Rossi"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("acme", "MALFORMED_SEARCH"),
        ("FIND {a}", "MALFORMED_SEARCH"),
        ("FIND {acme} IN SOME FIELDS", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING Account(Name", "MALFORMED_SEARCH"),
        ("FIND {acme} RETURNING Nothing", "INVALID_TYPE"),
        ("FIND {acme} RETURNING Account(Nope)", "INVALID_FIELD"),
    ],
)
def test_refusals(org: Client, text: str, code: str) -> None:
    answer = org.get(f"{V}/search", params={"q": text})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_the_grammar_alone() -> None:
    asked = sosl.parse("find {a\\}b} in email fields returning X(A, B where C = ')' limit 3), Y limit 7")
    assert (asked.words, asked.scope, asked.limit) == ("a}b", "EMAIL", 7)
    assert asked.wanted == (sosl.Wanted("X", ("A", "B"), "where C = ')' limit 3"), sosl.Wanted("Y"))
    with pytest.raises(OrgError, match="longer than one character"):
        sosl.matcher("x*")
