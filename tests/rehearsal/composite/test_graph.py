"""composite/graph: each graph whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.composite.conftest import count, part
from tests.rehearsal.http.conftest import Client, V

URL = f"{V}/composite/graph"


def graph(name: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"graphId": name, "compositeRequest": list(parts)}


def run(org: Client, *graphs: dict[str, Any]) -> list[dict[str, Any]]:
    answer = org.post(URL, {"graphs": list(graphs)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["graphs"]
    return found


def account(reference: str, **fields: Any) -> dict[str, Any]:
    return part(reference, "POST", "/sobjects/Account", fields)


def bodies(shown: dict[str, Any]) -> list[Any]:
    return [one["body"] for one in shown["graphResponse"]["compositeResponse"]]


def test_a_graph_uses_what_it_made(org: Client) -> None:
    contact = part("c", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{a.id}"})
    (shown,) = run(org, graph("1", account("a", Name="x"), contact))
    assert (list(shown), shown["isSuccessful"]) == (["graphId", "graphResponse", "isSuccessful"], True)
    made, child = shown["graphResponse"]["compositeResponse"]
    assert (made["httpStatusCode"], child["httpStatusCode"], made["referenceId"]) == (201, 201, "a")
    assert made["httpHeaders"] == {"Location": f"{V}/sobjects/Account/{made['body']['id']}"}
    found = org.query("SELECT AccountId FROM Contact")["records"]
    assert found[0]["AccountId"] == made["body"]["id"]


def test_a_failed_graph_is_undone_and_the_others_stay(org: Client) -> None:
    bad, good = run(org, graph("1", account("a", Name="x"), account("b")), graph("2", account("a", Name="y")))
    assert (bad["isSuccessful"], good["isSuccessful"]) == (False, True)
    halted, guilty = bodies(bad)
    text = "The transaction was rolled back since another operation in the same transaction failed."
    assert halted == [{"errorCode": "PROCESSING_HALTED", "message": text}]
    assert guilty[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert [one["httpStatusCode"] for one in bad["graphResponse"]["compositeResponse"]] == [400, 400]
    assert count(org, "Account") == 1


def test_the_calls_of_a_graph_count_as_one(org: Client) -> None:
    run(org, graph("1", account("a", Name="x"), account("b", Name="y")))
    assert org.stats()["api_calls"] == 1


@pytest.mark.parametrize(
    "path",
    ["/query?q=SELECT Id FROM Account", "/composite/sobjects/Account?ids=1&fields=Id", "/sobjects/Account/describe"],
)
def test_only_rows_may_be_nodes(org: Client, path: str) -> None:
    (shown,) = run(org, graph("1", account("a", Name="x"), part("b", "GET", path)))
    assert shown["isSuccessful"] is False
    assert bodies(shown)[1][0]["errorCode"] == "INVALID_INPUT"
    assert count(org, "Account") == 0


def test_after_14_failures_the_rest_is_left(org: Client) -> None:
    graphs = [graph(str(number), account("a")) for number in range(14)]
    shown = run(org, *graphs, graph("last", account("a", Name="good")))
    assert not any(one["isSuccessful"] for one in shown)
    assert bodies(shown[-1])[0][0]["errorCode"] == "PROCESSING_HALTED"
    assert count(org, "Account") == 0


def test_14_failures_less_one_leave_the_next_alone(org: Client) -> None:
    graphs = [graph(str(number), account("a")) for number in range(13)]
    assert run(org, *graphs, graph("last", account("a", Name="good")))[-1]["isSuccessful"] is True


def test_limits_of_a_payload(org: Client) -> None:
    many = [graph(str(number), account("a", Name="x")) for number in range(76)]
    assert org.post(URL, {"graphs": many}).json()[0]["errorCode"] == "LIMIT_EXCEEDED"
    nodes = graph("1", *[account(f"a{number}", Name="x") for number in range(501)])
    assert org.post(URL, {"graphs": [nodes]}).json()[0]["errorCode"] == "LIMIT_EXCEEDED"
    assert count(org, "Account") == 0


def test_kinds_of_nodes(org: Client) -> None:
    """Version, method and object make a kind; the sixteenth is one too many."""
    parts = [
        {"method": "POST", "url": f"/services/data/v{50 + number}.0/sobjects/Account", "referenceId": f"a{number}"}
        for number in range(16)
    ]
    (fine,) = run(org, graph("1", *[{**one, "body": {"Name": "x"}} for one in parts[:15]]))
    assert fine["isSuccessful"] is True
    (shown,) = run(org, graph("1", *[{**one, "body": {"Name": "x"}} for one in parts]))
    text = "Limit of number of types of operations in a Graph call reached."
    assert bodies(shown)[0] == [{"errorCode": "PROCESSING_HALTED", "message": text}]


def test_depth(org: Client) -> None:
    def chain(length: int) -> dict[str, Any]:
        first = account("a0", Name="x")
        rest = [account(f"a{one}", Name="x", ParentId=f"@{{a{one - 1}.id}}") for one in range(1, length)]
        return graph("1", first, *rest)

    (fine,) = run(org, chain(15))
    (deep,) = run(org, chain(16))
    assert (fine["isSuccessful"], deep["isSuccessful"]) == (True, False)
    assert count(org, "Account") == 15


def test_names_of_graphs(org: Client) -> None:
    for name in ("a.b", "_a", "x" * 40):
        assert org.post(URL, {"graphs": [graph(name, account("a", Name="x"))]}).status_code == 400
    twice = [graph("1", account("a", Name="x"))] * 2
    assert org.post(URL, {"graphs": twice}).status_code == 400
    old = org.post("/services/data/v49.0/composite/graph", {"graphs": [graph("1", account("a", Name="x"))]})
    assert old.status_code == 404
    assert count(org, "Account") == 0
