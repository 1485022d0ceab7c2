"""Calls that run while the metadata changes see the org before the change or after it, never in between."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sfsync.rehearsal.errors import OrgError
from tests.rehearsal.metadata.conftest import CODE, Deployer, field

_ROUNDS = 3


def _read(to: Deployer) -> object:
    return list(to.org.query("SELECT Id, Name, Code__c, (SELECT Id, Name FROM Contacts) FROM Account").records)


def _page(to: Deployer) -> object:
    with to.org.read("SELECT Id, Code__c FROM Account") as reading:
        return list(reading.records(iter(reading.rows())))


def _whole(to: Deployer) -> object:
    return to.org.retrieve_by("Account", "Code__c", "A1")


def _write(to: Deployer) -> object:
    return to.org.insert("Account", [{"Name": "b", "Code__c": None}])


@pytest.mark.parametrize("call", [_read, _page, _whole, _write])
def test_a_field_comes_and_goes_under_running_calls(to: Deployer, call: Callable[[Deployer], object]) -> None:
    to.account(field("Code__c", CODE), named="Code__c")
    to.org.insert("Account", [{"Name": "a", "Code__c": "A1"}])
    over, met = threading.Event(), list[BaseException]()

    def work() -> None:
        while not over.is_set():
            try:
                call(to)
            except OrgError:  # there is no such field now
                pass
            except BaseException as error:
                met.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(_ROUNDS):
        to({}, {}, after={"CustomField": "Account.Code__c"})
        to.account(field("Code__c", CODE), named="Code__c")
    over.set()
    for thread in threads:
        thread.join()
    assert not met
