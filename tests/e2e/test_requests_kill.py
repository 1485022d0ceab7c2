"""Killed at every step and run again: one case, one change request, one message."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.desk import AM, FIN, T0, Desk
from tests.e2e.test_requests import HOURS, iban_change
from tests.e2e.world import Zygote, opened, restored

LATER = (T0 + 25 * HOURS).strftime("%Y-%m-%dT%H:%M:%SZ")
WORK = ["partners", "work", "--json", "--as-of", LATER]
# Where such a run passes, and how often at least: it begins two requests at once,
# asks twice, writes two cases, notes four letters at once.
PASSED = {
    "requests.begun": 1,
    "ledger.intent.opened": 1,
    "apply.written": 1,
    "ledger.outcome.before": 2,
    "ledger.outcome.middle": 2,
    "ledger.outcome.after": 3,
    "requests.applied": 1,
    "requests.due": 1,
    "requests.leaving": 1,
    "requests.left": 2,
}
SECOND = ("apply.written", "ledger.outcome.before", "requests.applied", "requests.left")


@pytest.fixture(scope="session")
def approved(prepared: Path, place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot: an IBAN change that is approved and cooled, and a fault."""
    with opened(restored(prepared, place)) as world:
        desk = Desk(world)
        case = iban_change(desk)
        desk.run("record", case, "call_back", "--as", AM)
        desk.approve(case, FIN)
        desk.opened("RP-01", "terminal_fault", "REQ-1", {}, terminal=desk.terminal, queue="RET_TECH")
    return restored(place, tmp_path_factory.mktemp("snapshots") / "approved")


@pytest.fixture
def desk(approved: Path, place: Path) -> Iterator[Desk]:
    with opened(restored(approved, place)) as world:
        yield Desk(world)


def image(desk: Desk) -> dict[str, Any]:
    """Everything a run leaves behind that must be there once."""
    return {
        "asked": [(a["kind"], a["target_key"], a["state"]) for a in desk.asked()],
        "said": desk.mails(),
        "cases": [desk.case(k)["Status"] for k in ("REQ-12", "REQ-1")],
        "twins": len(desk.world.rows("SELECT Id FROM Case WHERE SFS_Source_Key__c LIKE 'REQ-%'")),
    }


WANTED = [("iban_change", "requested"), ("status_ping", "requested")]


@pytest.mark.parametrize("point", list(PASSED))
def test_killed_while_asking(desk: Desk, zygote: Zygote, point: str) -> None:
    died = zygote.run(desk.world, WORK, SFSYNC_FAULTPOINT=f"{point}:{PASSED[point]}")
    assert died.exit == -signal.SIGKILL, f"the run never came to {point}: {died.err}"
    desk.work(after=25 * HOURS)
    found = image(desk)
    assert [(k, s) for k, _, s in found["asked"]] == WANTED
    assert desk.codes() == ["M-IBAN-CHECK", "M-TAKEN", "M-TECH"]
    assert found["cases"] == ["InProgress", "InProgress"]
    assert found["twins"] == 2
    before = image(desk)
    desk.work(after=25 * HOURS)
    assert image(desk) == before


@pytest.mark.parametrize("point", SECOND)
def test_killed_while_confirming(desk: Desk, zygote: Zygote, point: str) -> None:
    desk.work(after=25 * HOURS)
    desk.world.edit("companies", desk.company, iban="IT60X0542811101000000123456")
    desk.answer("iban_change")
    desk.answer("status_ping")
    died = zygote.run(desk.world, WORK, SFSYNC_FAULTPOINT=point)
    assert died.exit == -signal.SIGKILL, f"the run never came to {point}: {died.err}"
    desk.work(after=25 * HOURS)
    assert desk.codes() == ["M-DONE", "M-IBAN-CHECK", "M-TAKEN", "M-TECH"]
    assert image(desk)["cases"] == ["Resolved", "InProgress"]
    account = desk.world.one("Account", "SFS_Company_Code__c", desk.company, "SFS_Iban_Last4__c")
    assert account["SFS_Iban_Last4__c"] == "3456"
