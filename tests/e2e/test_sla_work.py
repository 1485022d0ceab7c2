"""sla work on a served org: what is to be worked, in its order, and what not everybody sees."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.e2e.sla_desk import NOON, Desk, text


def work(desk: Desk, *arguments: str) -> list[dict[str, Any]]:
    """``sla work --json``: its cases."""
    ran = desk.world.run("sla", "work", "--json", *arguments)
    assert ran.exit == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)["cases"]
    return found


def test_open_cases_in_the_order_of_the_policy(desk: Desk) -> None:
    early = NOON - timedelta(hours=3)
    over = desk.case(early)  # P1: due two hours after
    answered_late = desk.case(early, Origin="email", Priority="P3")
    calm = desk.case(NOON, Origin="portal", Priority="P3")
    urgent = desk.case(NOON, Origin="portal", Priority="P2", SFS_Tier__c="STANDARD")
    gone = desk.case(early)
    held = desk.case(NOON, Type="account_takeover")
    laundering = desk.case(NOON, Type="aml_suspicion")
    desk.change(gone, Status="Cancelled")
    desk.at(NOON - timedelta(hours=2))
    desk.say(answered_late)
    desk.at(NOON + timedelta(minutes=1))
    assert [r["state"] for r in work(desk)] == [None] * 4, "before the first sweep: what will be held is not shown"
    desk.sweep()
    numbers = {
        desk.look(c, "CaseNumber")["CaseNumber"]: c for c in (over, answered_late, calm, urgent, held, laundering)
    }
    found = work(desk)
    assert [numbers[r["number"]] for r in found] == [over, answered_late, urgent, calm]
    assert [(r["state"], r["over_s"]) for r in found] == [
        ("breached", 3 * 3600 + 60 - 20),  # nobody has answered the phone since
        ("breached", 45 * 60),  # due after 15 minutes, answered after an hour: over until then
        ("running", None),
        ("running", None),
    ]
    assert [found[0][n] for n in ("tier", "priority", "level", "queue")] == ["VIP", "P1", 4, "VIP_L4"]
    assert [numbers[r["number"]] for r in work(desk, "--queue", "VIP_L4")] == [over]
    assert [numbers[r["number"]] for r in work(desk, "--limit", "3")] == [over, answered_late, urgent]
    assert {numbers[r["number"]] for r in work(desk, "--compliance")} == set(numbers.values())
    desk.change(held, SFS_Compliance_Hold__c=False)
    desk.change(laundering, SFS_Compliance_Hold__c=False)
    assert {held, laundering} & {numbers[r["number"]] for r in work(desk)} == {held}, "laundering never shows"


def test_people_read_it_as_a_table(desk: Desk) -> None:
    desk.case(NOON - timedelta(hours=3))
    desk.case(NOON, Origin="portal", Priority="P3")
    desk.sweep_at(NOON + timedelta(minutes=1))
    ran = desk.world.run("sla", "work")
    assert ran.exit == 0, ran.err
    [first] = [line for line in ran.out.splitlines() if "breached" in line]
    assert first.split()[1:4] == ["VIP", "P1", "breached"] and "over 3h 00m" in first and "VIP_L4" in first
    [other] = [line for line in ran.out.splitlines() if " P3 " in line]
    assert "in 14m" in other and "a person" in other
    assert "2 of 2 open cases" in ran.out + ran.err
    assert "Prova" not in ran.out, "no words of the case"


def test_a_queue_the_org_does_not_have(desk: Desk) -> None:
    ran = desk.world.run("sla", "work", "--queue", "NOBODY", "--json")
    assert ran.exit == 2
    assert "SLA_QUEUE" in ran.out + ran.err
    assert work(desk, "--as-of", text(NOON)) == []
