"""Whatever a text holds: stored, it is found again by the quoted literal, in any case, and by LIKE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfsync.rehearsal.org import Org

_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("'\\%_\"àÈß"),
    min_size=1,
    max_size=40,
).filter(lambda text: bool(text.strip()))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, force_app: Path) -> Iterator[Org]:
    org = Org.open(tmp_path_factory.mktemp("org"), force_app=force_app)
    yield org
    org.close()


def quoted(text: str, *, like: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("'", "\\'")
    if like:
        text = text.replace("%", "\\%").replace("_", "\\_")
    return f"'{text}'"


def other_case(text: str) -> str:
    """Capitals, where they are the same letters; a letter outside ASCII never equals one inside."""
    capitals = text.upper()
    same = capitals.casefold() == text.casefold() and capitals.isascii() == text.isascii()
    return capitals if same else text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=_TEXTS)
def test_any_text_is_found_again(shared: Org, text: str) -> None:
    record = shared.insert("Account", [{"Name": text}])[0].id
    kept = shared.retrieve("Account", str(record), ["Name"])["Name"]
    assert kept == text.strip()
    for condition in (
        f"Name = {quoted(kept)}",
        f"Name = {quoted(other_case(kept))}",
        f"Name IN ({quoted(kept)}, 'other')",
        f"Name LIKE {quoted(kept, like=True)}",
        f"NOT Name != {quoted(kept)}",
    ):
        found = {row["Id"] for row in shared.query(f"SELECT Id FROM Account WHERE {condition}").records}
        assert record in found, condition


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=_TEXTS.filter(lambda text: len(text) <= 12))
def test_any_key_is_upserted_onto_itself(shared: Org, key: str) -> None:
    first = shared.upsert("Account", "Shop_Code__c", [{"Shop_Code__c": key, "Name": "a"}])[0]
    again = shared.upsert("Account", "Shop_Code__c", [{"Shop_Code__c": key.strip(), "Name": "b"}])[0]
    assert first.success, first.errors
    assert (again.id, again.created) == (first.id, False)
    assert shared.retrieve_by("Account", "Shop_Code__c", key)["Id"] == first.id
    found = shared.query(f"SELECT Id FROM Account WHERE Shop_Code__c = {quoted(key.strip())}")
    assert [row["Id"] for row in found.records] == [first.id]
