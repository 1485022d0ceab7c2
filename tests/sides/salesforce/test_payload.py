"""What a write looks like on the wire, as literal rows in and literal JSON or CSV out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.frames import View, made_by_template
from sfsync.sides.salesforce.lanes import NO_PARENT, Shape
from sfsync.sides.salesforce.loads import groups, loads
from sfsync.sides.salesforce.metadata import ObjectInfo
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.side import TEXT, Write

CASE = Mapping.model_validate(
    {
        "mapping": "case",
        "platform": {"table": "cases", "key": "source_key"},
        "salesforce": {
            "object": "Case",
            "key": "Key__c",
            "record_type": {"by": "tier", "STANDARD": "Player", "PARTNER": "Partner"},
            "born": "SF-{CaseNumber}",
        },
        "fields": {
            "subject": {"platform": "subject", "salesforce": "Subject"},
            "tier": {"platform": "tier", "salesforce": "Tier__c", "type": "picklist"},
            "held": {"platform": "held", "salesforce": "Held__c", "also": ["HeldToo__c"], "type": "boolean"},
            "amount": {"platform": "amount_minor", "salesforce": "Amount__c", "type": "money"},
            "player": {"platform": "p", "salesforce": "Account.P__c", "type": "reference", "references": "player"},
            "shop": {"platform": "s", "salesforce": "Account.S__c", "type": "reference", "references": "shop"},
            "owner": {"platform": "o", "salesforce": "Owner.Username", "type": "user", "owner": "salesforce"},
        },
        "exclusive": [["player", "shop"]],
    }
)
INFO = ObjectInfo(
    "Case",
    {
        "fields": [
            {"name": "AccountId", "relationshipName": "Account", "referenceTo": ["Account"]},
            {"name": "OwnerId", "relationshipName": "Owner", "referenceTo": ["Group", "User"]},
        ],
        "recordTypeInfos": [
            {"developerName": "Player", "recordTypeId": "012P", "available": True},
            {"developerName": "Partner", "recordTypeId": "012Q", "available": False},
        ],
    },
)
VIEW = View(CASE, INFO, {})


def payload(kind: str, rows: dict[str, dict[str, str | None]], ids: list[str | None] | None = None) -> Payload:
    """A write of these rows; a field a row does not name is not touched."""
    values = pd.DataFrame({c: [r.get(c) for r in rows.values()] for c in CASE.columns}, dtype=TEXT)
    touched = np.array([[c in r for c in CASE.columns] for r in rows.values()])
    keys = pd.Index(list(rows), dtype=TEXT, name="key")
    write = Write(kind, keys, pd.Series(ids or [None] * len(rows), dtype=TEXT), values.set_axis(keys), touched)
    return Payload(VIEW, write)


def json_row(kind: str, row: dict[str, str | None], key: str = "k1") -> dict[str, Any]:
    made = payload(kind, {key: row}, ["500x"]).rows()[0]
    assert made.pop("attributes") == {"type": "Case"}
    return made


def test_a_new_record_has_key_record_type_and_touched_cells() -> None:
    row = json_row("create", {"subject": "Lost card", "tier": "STANDARD", "held": "true", "amount": "5000"})
    assert row == {
        "Key__c": "k1",
        "RecordTypeId": "012P",
        "Subject": "Lost card",
        "Tier__c": "STANDARD",
        "Held__c": True,
        "HeldToo__c": True,
        "Amount__c": 50.0,
    }


def test_an_update_has_the_id_and_not_the_key() -> None:
    assert json_row("update", {"subject": None}) == {"id": "500x", "Subject": None}


def test_a_record_born_in_salesforce_gets_its_key_with_the_first_update() -> None:
    assert json_row("update", {"subject": "x"}, key="SF-00001005") == {
        "id": "500x",
        "Key__c": "SF-00001005",
        "Subject": "x",
    }


def test_a_checkbox_has_no_null() -> None:
    assert json_row("update", {"held": None}) == {"id": "500x", "Held__c": False, "HeldToo__c": False}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"player": "P1"}, {"Account": {"P__c": "P1"}}),
        ({"player": None, "shop": "S1"}, {"Account": {"S__c": "S1"}}),
        ({"player": "P1", "shop": None}, {"Account": {"P__c": "P1"}}),
        ({"player": None, "shop": None}, {"AccountId": None}),
        ({"player": None}, {"AccountId": None}),
    ],
)
def test_fields_that_share_a_lookup(cells: dict[str, str | None], expected: dict[str, Any]) -> None:
    assert json_row("update", cells) == {"id": "500x", **expected}


def test_a_new_record_has_no_lookup_to_clear() -> None:
    assert json_row("create", {"tier": "STANDARD", "player": None, "shop": None}) == {
        "Key__c": "k1",
        "RecordTypeId": "012P",
        "Tier__c": "STANDARD",
    }


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("ada@x.example", {"Owner": {"attributes": {"type": "User"}, "Username": "ada@x.example"}}),
        ("Partner L1", {}),
        (None, {}),
    ],
)
def test_owners_are_users_never_queues_never_null(owner: str | None, expected: dict[str, Any]) -> None:
    assert json_row("update", {"owner": owner}) == {"id": "500x", **expected}


def test_a_record_type_the_user_lacks_or_no_rule_names_makes_the_row_unfit() -> None:
    made = payload("create", {"a": {"tier": "STANDARD"}, "b": {"tier": "PARTNER"}, "c": {"tier": "VIP"}, "d": {}})
    assert made.unfit.tolist() == [False, True, True, True]


def test_keys_made_by_template_are_recognised() -> None:
    keys = pd.Index(["SF-00001005", "SF-", "XSF-1", "case-1"], dtype=TEXT)
    assert made_by_template("SF-{CaseNumber}", keys).tolist() == [True, False, False, False]
    assert made_by_template(None, keys).tolist() == [False] * 4
    assert made_by_template("A.{X}", pd.Index(["A.1", "AB1"])).tolist() == [True, False]


# -- CSV ----------------------------------------------------------------------------------------------------


def csv_of(made: Payload) -> list[str]:
    all_rows = np.arange(len(made.write))
    found, _ = groups(made, all_rows, 2_000)
    assert len(found) == 1
    (load,) = loads(found, made.locks(), Shape())
    return load.csv.decode().splitlines()


def test_null_is_said_and_untouched_is_empty() -> None:
    made = payload("update", {"a": {"subject": None, "amount": "1"}, "b": {"subject": "x, y"}}, ["500a", "500b"])
    assert csv_of(made) == ["Id,Subject,Amount__c", '"500a","#N/A","0.01"', '"500b","x, y",']


def test_owner_of_a_case_names_its_type() -> None:
    made = payload("update", {"a": {"owner": "ada@x.example"}, "b": {"owner": "Queue"}}, ["500a", "500b"])
    assert csv_of(made)[0] == "Id,User:Owner.Username"


def test_rows_are_grouped_by_the_column_their_lookup_uses() -> None:
    rows: dict[str, dict[str, str | None]] = {f"p{n}": {"player": f"P{n}"} for n in range(3_000)}
    rows |= {f"s{n}": {"shop": f"S{n}", "subject": "x"} for n in range(2_500)}
    rows |= {f"c{n}": {"shop": None} for n in range(3)}
    rows |= {f"n{n}": {"subject": "y"} for n in range(7)}
    made = payload("update", rows, [f"500{k}" for k in rows])
    found, small = groups(made, np.arange(len(rows)), 2_000)
    used = [{n for n in g.columns.column_names if g.columns[n].null_count < len(rows)} for g in found]
    columns = [sorted(one - {"Id", "Subject"}) for one in used]
    assert sorted(columns) == [["Account.P__c"], ["Account.S__c"]]
    assert sorted(made.write.keys[small]) == ["c0", "c1", "c2"]
    every = np.sort(np.concatenate([*(g.rows for g in found), small]))
    assert every.tolist() == list(range(len(rows)))


def test_a_text_that_reads_as_null_is_seen() -> None:
    made = payload("update", {"a": {"subject": "#N/A"}, "b": {"subject": "x"}}, ["500a", "500b"])
    assert made.says_null().tolist() == [True, False]


def test_a_row_locks_the_records_its_lookups_name() -> None:
    made = payload("create", {"a": {"player": "X"}, "b": {"shop": "X"}, "c": {"player": "X", "subject": "s"}, "d": {}})
    locks = made.locks()
    assert locks[0].tolist() == locks[2].tolist()
    assert set(locks[0]) & set(locks[1]) == {NO_PARENT}  # a player X and a shop X are two records
    assert locks[3].tolist() == [NO_PARENT] * 2
    assert payload("delete", {"a": {"player": "X"}}, ["500a"]).locks().shape == (1, 0)
