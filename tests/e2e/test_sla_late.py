"""A holiday that becomes known late, on a served org: dues are corrected, a waived breach is said once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.sla_desk import NOON, Desk, instant, text
from tests.e2e.world import ROOT

HOUR = timedelta(hours=1)
T0 = NOON + 5 * HOUR  # Tuesday 15:00 in Rome: three desk hours are left, the other five are Wednesday's
MISSED = NOON + 27 * HOUR  # Wednesday 13:00
KNOWN = NOON + 34 * HOUR  # Wednesday 20:00, the desk is closed
PARTNER = {"SFS_Tier__c": "PARTNER", "Priority": "P2", "Type": "terminal_fault"}
LATE = {"day": "2026-05-13", "calendar": "CDESK", "known_from": text(KNOWN), "reason": "festa patronale"}
Hear = Callable[..., None]


@pytest.fixture
def hear(desk: Desk, tmp_path: Path) -> Hear:
    """Writes late days into the policy of the desk's project."""
    made = Path(shutil.copytree(ROOT / "mappings", tmp_path / "mappings"))
    desk.world.configure(mappings=made)

    def write(*late: dict[str, Any]) -> None:
        data = yaml.safe_load((made / "sla.yaml").read_text("utf-8"))
        data["policies"][-1]["late_holidays"] = list(late)
        (made / "sla.yaml").write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")

    return write


def resolution(desk: Desk, case: str) -> tuple[str, Any]:
    """State and due of a case's resolution."""
    row = desk.look(case, "SFS_RES_State__c", "SFS_RES_Due__c")
    return row["SFS_RES_State__c"], instant(row["SFS_RES_Due__c"])


def waived(swept: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a sweep waived of resolutions."""
    return [(d["rung"], d["reached_at"], d["reason"]) for d in swept["done"] if d["rung"] == "waived-RES"]


def told(desk: Desk, case: str) -> list[str]:
    """Comments on a waived resolution."""
    return [c for c in desk.comments(case) if "waived-RES" in c]


def test_a_breach_of_a_late_holiday_is_waived_once_and_the_level_stays(desk: Desk, hear: Hear) -> None:
    case, done = desk.case(T0, **PARTNER), desk.case(T0, **PARTNER)
    desk.sweep_at(NOON + 28 * HOUR)
    assert resolution(desk, case) == ("breached", MISSED)
    desk.at(NOON + 29 * HOUR)
    desk.change(done, Status="Resolved", SFS_Resolved_At__c=text(NOON + 29 * HOUR))
    hear(LATE)
    early = [desk.sweep_at(KNOWN - timedelta(minutes=m)) for m in (3, 2, 1)]
    assert [waived(s) for s in early] == [[]] * 3, "nobody knows of it so far"
    assert early[-1]["looked_at"] == 0
    level = desk.level(case)
    assert desk.sweep_at(KNOWN, "--dry-run")["looked_at"] >= 1
    notices = desk.rungs(case)
    assert waived(desk.sweep_at(KNOWN)) == [("waived-RES", text(MISSED), "festa patronale")]
    assert resolution(desk, case) == ("running", MISSED + 24 * HOUR)
    assert resolution(desk, done) == ("breached", MISSED), "it had stopped"
    assert (desk.level(case), desk.rungs(case)) == (level, notices), "nobody is called for it"
    [said] = told(desk, case)
    assert said.startswith(f"The breach of RES at {text(MISSED)} is waived: festa patronale.")
    assert told(desk, done) == []
    again = [desk.sweep_at(KNOWN + timedelta(minutes=m)) for m in (1, 2)]
    assert ([waived(s) for s in again], len(told(desk, case))) == ([[], []], 1), "once"
    assert again[1]["looked_at"] == 0, "all cases are looked at once, not in every sweep"


def test_the_waived_breach_is_explained_and_counted(desk: Desk, hear: Hear) -> None:
    case = desk.case(T0, **PARTNER)
    hear(LATE)
    desk.at(KNOWN + HOUR)
    [row] = desk.world.rows(f"SELECT CaseNumber FROM Case WHERE Id = '{case}'")
    now = ("--as-of", text(KNOWN + HOUR), "--json")
    found = json.loads(desk.world.run("sla", "explain", row["CaseNumber"], *now).out)
    clock = found["clocks"]["RES"]
    assert (clock["state"], clock["breached_at"]) == ("running", None)
    assert clock["breach_waived"] == {"at": text(MISSED), "reason": "festa patronale"}
    assert [s["at"] for s in found["steps"] if "late holiday" in s["events"]] == [text(KNOWN)]
    shown = desk.world.run("sla", "explain", row["CaseNumber"], "--as-of", text(KNOWN + HOUR))
    assert shown.exit == 0 and "waived" in shown.out
    period = ("--from", text(NOON), "--to", text(KNOWN + HOUR))
    told = json.loads(desk.world.run("sla", "report", *period, *now).out)["figures"]
    figures = {f["metric"]: (f["numerator"], f["denominator"]) for f in told}
    assert figures["RES breaches waived by a late holiday"] == (1, 1)
    assert figures["RES kept"] == (0, 0), "it is neither met nor missed"
    hear()
    told = json.loads(desk.world.run("sla", "report", *period, *now).out)["figures"]
    figures = {f["metric"]: (f["numerator"], f["denominator"]) for f in told}
    assert figures["RES kept"] == (0, 1)
    assert not any("waived" in metric for metric in figures), "no late day, no second line"


def test_a_timeline_is_explained_by_what_was_known(desk: Desk, hear: Hear, tmp_path: Path) -> None:
    hear(LATE)
    file = tmp_path / "timelines.json"
    one = {"id": "A", "tier": "PARTNER", "priority": "P2", "channel": "phone", "category": "terminal_fault"}
    file.write_text(json.dumps([{**one, "t0": text(T0), "events": []}]))
    found = []
    for moment in (KNOWN - HOUR, KNOWN):
        ran = desk.world.run("sla", "explain", "--timeline", str(file), "--as-of", text(moment), "--json")
        found.append(json.loads(ran.out)[0]["clocks"]["RES"])
    assert (found[0]["state"], "breach_waived" in found[0]) == ("breached", False)
    assert (found[1]["state"], found[1]["breach_waived"]["at"]) == ("running", text(MISSED))
    assert "festa patronale" in desk.world.run("sla", "policy").out
