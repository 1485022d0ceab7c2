"""A real org with a few accounts, contacts, cases and tasks; its clock stands in the evening of a Wednesday in Rome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import Org
from tests.rehearsal.engine.conftest import force_app as force_app

Ask = Callable[..., list[dict[str, Any]]]
Refused = Callable[..., OrgError]

_ACCOUNTS: list[dict[str, Any]] = [
    {
        "Name": "Alfa",
        "Shop_Code__c": "A1",
        "Limit__c": 10,
        "Due__c": "2026-03-18",
        "Channels__c": "Email",
        "Tier__c": "VIP",
    },
    {"Name": "Beta", "Shop_Code__c": "B1", "Limit__c": 20, "Due__c": "2026-03-17", "Seen__c": "2026-03-17T23:30:00Z"},
    {"Name": "Gamma", "Limit__c": 30, "Channels__c": "Email;Phone", "Tier__c": "STANDARD"},
    {"Name": "Delta", "BillingCity": "Roma", "BillingLatitude": 41.9, "BillingLongitude": 12.5, "Visits__c": 7},
]


@pytest.fixture
def org(tmp_path: Path, force_app: Path) -> Iterator[Org]:
    opened = Org.open(tmp_path / "org", force_app=force_app)
    opened.clock.freeze(datetime(2026, 3, 18, 22, 30, tzinfo=UTC))
    yield opened
    opened.close()


@pytest.fixture
def world(org: Org) -> Org:
    ids = [one.id for one in org.insert("Account", _ACCOUNTS)]
    people = [{"LastName": name, "AccountId": ids[0]} for name in ("Rossi", "Neri", "Verdi")]
    contacts = [one.id for one in org.insert("Contact", people)]
    org.insert(
        "Case",
        [
            {"Subject": "one", "AccountId": ids[0], "Origin": "Web", "Priority": "High"},
            {"Subject": "two", "AccountId": ids[0], "Origin": "Phone", "Priority": "High"},
            {"Subject": "three", "AccountId": ids[1], "Origin": "Web", "Priority": "Low"},
            {"Subject": "four"},
        ],
    )
    org.insert(
        "Task",
        [
            {"Subject": "a", "WhatId": ids[0], "WhoId": contacts[0]},
            {"Subject": "b", "WhatId": org.query("SELECT Id FROM Case WHERE Subject = 'one'").records.__next__()["Id"]},
            {"Subject": "c"},
        ],
    )
    return org


@pytest.fixture
def ask(world: Org) -> Ask:
    """Runs a query; the rows without the attributes of their first level."""

    def rows(soql: str, **options: Any) -> list[dict[str, Any]]:
        found = world.query(soql, **options).records
        return [{key: value for key, value in one.items() if key != "attributes"} for one in found]

    return rows


@pytest.fixture
def refused(org: Org) -> Refused:
    """Runs a query that must fail, and gives its error."""

    def error(soql: str, **options: Any) -> OrgError:
        with pytest.raises(OrgError) as caught:
            list(org.query(soql, **options).records)
        return caught.value

    return error
