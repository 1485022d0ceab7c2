"""What a sweep does beside the clocks: recoveries, close gates, repeat contacts, quiet mode, followers, tasks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.sla_desk import NOON, Desk, instant, text

MINUTE = timedelta(minutes=1)
RECOVERY = (
    "SELECT SFS_Recovery_Key__c, SFS_Event__c, SFS_Proposal__c, SFS_State__c, SFS_Episode__c,"
    " SFS_Tournament_Priority__c, SFS_Fb_Credit__c FROM SFS_Recovery__c ORDER BY SFS_Recovery_Key__c"
)


def person(desk: Desk, name: str = "P-1", **more: Any) -> str:
    """A player on both sides; returns the account."""
    flags = {"contact_suppressed": False, "bonus_blocked": False, "account_status": "active", **more}
    desk.world.sql(
        "INSERT INTO players (player_id, last_name, currency, tier, account_status, kyc_status, contact_suppressed,"
        " bonus_blocked, mkt_email, mkt_sms, mkt_call, registered_at, updated_at)"
        f" VALUES ('{name}', 'Prova', 'EUR', 'VIP', '{flags['account_status']}', 'verified',"
        f" {int(flags['contact_suppressed'])}, {int(flags['bonus_blocked'])}, 0, 0, 0,"
        " '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
    )
    [kind] = desk.world.rows("SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND DeveloperName = 'Player'")
    row = {
        "RecordTypeId": kind["Id"],
        "LastName": "Prova",
        "SFS_Player_Id__c": name,
        "SFS_Account_Status__c": flags["account_status"],
        "SFS_Bonus_Blocked__c": flags["bonus_blocked"],
        "SFS_Contact_Suppressed__c": flags["contact_suppressed"],
    }
    return str(desk.world.sobject("Account").create(row)["id"])


def user(desk: Desk) -> tuple[str, str]:
    """An active user: id and username."""
    [row] = desk.world.rows("SELECT Id, Username FROM User WHERE IsActive = TRUE ORDER BY CreatedDate LIMIT 1")
    return row["Id"], row["Username"]


def forget(desk: Desk, statement: str) -> None:
    """Something the ledger no longer knows."""
    with closing(sqlite3.connect(desk.world.folder / ".sfsync" / "ledger.db")) as ledger, ledger:
        assert ledger.execute(statement).rowcount


def done(swept: dict[str, Any]) -> list[tuple[str, str]]:
    """What else a sweep did."""
    return [(d["rung"], d["reason"]) for d in swept["done"]]


def test_a_missed_p1_of_a_vip_is_made_good_once(desk: Desk) -> None:
    case = desk.case(NOON, AccountId=person(desk))
    desk.sweep()
    assert desk.world.rows(RECOVERY) == []
    assert done(desk.sweep_at(NOON + 15 * MINUTE)) == [], "due now is not missed yet"
    late = NOON + 15 * MINUTE + timedelta(seconds=1)
    assert done(desk.sweep_at(late)) == [("recovery-p1_breach", "free_play")]
    [made] = desk.world.rows(RECOVERY)
    assert made["SFS_Recovery_Key__c"] == f"{case}:p1_breach:1"
    assert (made["SFS_State__c"], made["SFS_Tournament_Priority__c"]) == ("proposed", True)
    assert desk.look(case, "SFS_Recovery_State__c")["SFS_Recovery_State__c"] == "proposed"
    for minutes in (16, 125):  # RES is missed, too: the same event
        assert done(desk.sweep_at(NOON + minutes * MINUTE)) == []
    assert len(desk.world.rows(RECOVERY)) == 1


@pytest.mark.parametrize(
    "flags", [{"bonus_blocked": True}, {"contact_suppressed": True}, {"account_status": "closed"}, None]
)
def test_play_is_not_offered_to_everybody(desk: Desk, flags: dict[str, Any] | None) -> None:
    about = {} if flags is None else {"AccountId": person(desk, **flags)}  # None: nobody knows who it is
    desk.case(NOON, **about)
    assert done(desk.sweep_at(NOON + 16 * MINUTE)) == [("recovery-p1_breach", "written_apology")]
    [made] = desk.world.rows(RECOVERY)
    assert made["SFS_Tournament_Priority__c"] is False


def test_a_flag_of_one_side_is_enough(desk: Desk) -> None:
    account = person(desk)
    desk.world.sql("UPDATE players SET bonus_blocked = 1")  # the org has not heard of it yet
    desk.case(NOON, AccountId=account)
    assert done(desk.sweep_at(NOON + 16 * MINUTE)) == [("recovery-p1_breach", "written_apology")]


def test_events_of_a_category_and_of_the_room(desk: Desk) -> None:
    account = person(desk)
    usual = {"Priority": "P3", "Origin": "email", "AccountId": account}
    for kind in ("room_overbooking", "transfer_interrupted", "billing_error"):
        desk.case(NOON, **usual, Type=kind)
    room = {"Origin": "onsite", "SFS_Queue_In__c": text(NOON), "Priority": "P3", "AccountId": account}
    desk.case(NOON, **room)
    desk.case(NOON, **{**room, "SFS_Answered__c": text(NOON + 10 * MINUTE)}, Type="travel")
    desk.case(NOON, **usual, SFS_Tier__c="STANDARD")
    desk.sweep_at(NOON + 12 * MINUTE)
    made = {r["SFS_Event__c"]: (r["SFS_Proposal__c"], r["SFS_Fb_Credit__c"]) for r in desk.world.rows(RECOVERY)}
    assert made == {
        "room_overbooking": ("room_upgrade", True),
        "transfer_interrupted": ("transfer_replacement", False),
        "billing_error": ("correction", False),
        "lounge_wait": ("lounge_credit", False),
    }
    assert len(desk.world.rows(RECOVERY)) == 4, "ten minutes are not longer than ten minutes"


def test_nothing_is_proposed_on_a_case_of_compliance(desk: Desk) -> None:
    desk.case(NOON, Type="account_takeover", AccountId=person(desk))
    assert done(desk.sweep_at(NOON + 3 * 60 * MINUTE)) == []


def test_a_lost_ledger_makes_no_second_proposal(desk: Desk) -> None:
    desk.case(NOON, AccountId=person(desk))
    desk.sweep_at(NOON + 16 * MINUTE)
    forget(desk, "DELETE FROM sla_rung WHERE rung LIKE 'recovery-%'")
    assert done(desk.sweep_at(NOON + 17 * MINUTE, "--full")) == []
    assert len(desk.world.rows(RECOVERY)) == 1


def test_the_way_of_a_recovery(desk: Desk) -> None:
    case = desk.case(NOON, AccountId=person(desk))
    desk.sweep_at(NOON + 16 * MINUTE)
    key, (_, name) = f"{case}:p1_breach:1", user(desk)

    def step(verb: str, *more: str) -> Any:
        return desk.world.run("sla", "recovery", verb, key, "--by", name, "--json", *more)

    assert step("deliver").exit == 2, "not approved yet"
    assert step("approve").doc == {"key": key, "state": "approved", "before": "proposed"}
    [listed] = desk.world.run("sla", "recovery", "list", "--json").doc
    assert (listed["key"], listed["state"]) == (key, "approved")
    desk.change(case, Status="Resolved")
    with pytest.raises(Exception, match="E-CLOSE-TERMS"):  # the org itself refuses
        desk.change(case, Status="Closed")
    assert step("terms").exit == 0
    assert desk.look(case, "SFS_Terms_At__c", "SFS_Recovery_State__c")["SFS_Recovery_State__c"] == "terms_written"
    assert [step(verb).exit for verb in ("deliver", "confirm")] == [0, 0]
    assert step("fail").exit == 2, "it is over"
    desk.change(case, Status="Closed")
    assert done(desk.sweep_at(NOON + 30 * MINUTE)) == []


def test_what_was_allowed_is_asked_again_at_the_approval(desk: Desk) -> None:
    case = desk.case(NOON, AccountId=person(desk))
    desk.sweep_at(NOON + 16 * MINUTE)
    desk.world.sql("UPDATE players SET contact_suppressed = 1")
    ran = desk.world.run("sla", "recovery", "approve", f"{case}:p1_breach:1", "--by", user(desk)[1], "--json")
    assert (ran.exit, ran.doc["error"]["code"]) == (5, "RECOVERY_BLOCKED")
    assert desk.world.rows(RECOVERY)[0]["SFS_State__c"] == "proposed"


def test_a_wrong_booking_is_delivered_with_its_references(desk: Desk) -> None:
    case = desk.case(NOON, Type="billing_error", Origin="email")
    desk.sweep()
    key, by = f"{case}:billing_error:1", ("--by", user(desk)[1], "--json")
    for verb in ("approve", "terms"):
        assert desk.world.run("sla", "recovery", verb, key, *by).exit == 0
    ran = desk.world.run("sla", "recovery", "deliver", key, *by)
    assert (ran.exit, ran.doc["error"]["code"]) == (2, "E-CLOSE-CORRECTION")
    assert desk.world.run("sla", "recovery", "deliver", key, *by, "--correction", "B-1", "--report", "R-1").exit == 0


def test_the_org_refuses_to_close_and_names_every_gate(desk: Desk) -> None:
    case = desk.case(NOON, Type="complaint", Origin="onsite", Priority="P4", SFS_Compliance_Hold__c=True)
    with pytest.raises(Exception) as refused:
        desk.change(case, Status="Closed")
    assert [c for c in ("OUTCOME", "INCIDENT", "HOLD", "RG") if f"E-CLOSE-{c}" in str(refused.value)] == [
        "OUTCOME",
        "INCIDENT",
        "HOLD",
    ]


def test_a_case_closed_too_early_is_told_once(desk: Desk) -> None:
    case = desk.case(NOON, Priority="P4")
    desk.case(NOON, Priority="P4", ParentId=case)
    desk.sweep()
    desk.at(NOON + MINUTE)
    desk.change(case, Status="Closed")  # nothing in the org knows that a case below is open
    swept = desk.sweep_at(NOON + 2 * MINUTE, exit=3)
    assert done(swept) == [("closed", "E-CLOSE-CHILD")]
    assert any("E-CLOSE-CHILD" in words for words in desk.comments(case))
    assert [f["code"] for f in swept["findings"]] == ["E-CLOSE-CHILD"]
    desk.change(case, Subject="Altro")
    assert done(desk.sweep_at(NOON + 3 * MINUTE, exit=3)) == []


def test_a_case_that_arrives_closed_was_closed_by_nobody(desk: Desk) -> None:
    desk.case(NOON, Type="complaint", Priority="P4", Status="Closed")
    assert done(desk.sweep()) == []


def test_who_asks_again_within_the_hour_gets_no_second_case(desk: Desk) -> None:
    account, other = person(desk), person(desk, "P-2")
    first = desk.case(NOON, AccountId=account, Priority="P3")
    desk.at(NOON + 60 * MINUTE)
    again = desk.case(NOON + 60 * MINUTE, AccountId=account, Priority="P3", Origin="email")
    late = desk.case(NOON + 61 * MINUTE, AccountId=account, Priority="P3", Origin="email")
    else_ = [
        desk.case(NOON + 60 * MINUTE, AccountId=account, Priority="P3", Type="travel"),
        desk.case(NOON + 60 * MINUTE, AccountId=other, Priority="P3"),
        desk.case(NOON + 60 * MINUTE, Priority="P3"),
    ]
    desk.sweep_at(NOON + 62 * MINUTE)
    joined = desk.look(again, "Status", "SFS_Cancel_Reason__c", "ParentId")
    assert joined == {"Status": "Cancelled", "SFS_Cancel_Reason__c": "duplicate", "ParentId": first}
    assert [desk.look(c, "Status")["Status"] for c in (first, late, *else_)] == ["New"] * 5
    swept = desk.sweep_at(NOON + 65 * MINUTE)
    assert ("repeat-1", "1") in done(swept)
    assert desk.look(first, "SFS_Repeat__c")["SFS_Repeat__c"] == 1
    assert desk.look(again, "SFS_RES_State__c")["SFS_RES_State__c"] == "cancelled", "no second clock"
    desk.sweep_at(NOON + 70 * MINUTE)
    assert len([c for c in desk.comments(first) if "asked again" in c]) == 1


def test_the_survivor_of_two_takes_the_earlier_receipt(desk: Desk) -> None:
    early = desk.case(NOON, Priority="P3")
    kept = desk.case(NOON + 30 * MINUTE, Priority="P3")
    for minutes in (31, 33, 35):
        desk.sweep_at(NOON + minutes * MINUTE)
    assert desk.sweep_at(NOON + 36 * MINUTE)["looked_at"] == 0
    desk.change(early, Status="Cancelled", SFS_Cancel_Reason__c="duplicate", ParentId=kept)
    desk.sweep_at(NOON + 40 * MINUTE)
    due = instant(desk.look(kept, "SFS_RES_Due__c")["SFS_RES_Due__c"])
    assert due == NOON + timedelta(hours=24)


def test_in_quiet_mode_a_word_to_the_host_is_an_update(desk: Desk) -> None:
    account = person(desk)
    loud = desk.case(NOON, AccountId=account, Type="travel")
    quiet = desk.case(NOON, AccountId=person(desk, "P-2"), Type="travel")
    [row] = desk.world.rows(f"SELECT AccountId FROM Case WHERE Id = '{quiet}'")
    desk.world.sobject("Account").update(row["AccountId"], {"SFS_Pref_Quiet_Mode__c": True})
    desk.sweep()
    desk.at(NOON + 10 * MINUTE)
    for case in (loud, quiet):
        inside = {"ParentId": case, "CommentBody": "Host informato.", "IsPublished": False}
        desk.world.sobject("CaseComment").create(inside)
    desk.sweep_at(NOON + 12 * MINUTE)
    dues = [instant(desk.look(c, "SFS_NU_Due__c")["SFS_NU_Due__c"]) for c in (loud, quiet)]
    assert dues == [NOON + 30 * MINUTE, NOON + 40 * MINUTE]
    desk.sweep_at(NOON + 15 * MINUTE)  # our own comment of the escalation is no update
    assert instant(desk.look(quiet, "SFS_NU_Due__c")["SFS_NU_Due__c"]) == NOON + 40 * MINUTE


def test_who_loses_a_case_to_a_level_follows_it(desk: Desk) -> None:
    owner, _ = user(desk)
    case = desk.case(NOON, OwnerId=owner)
    desk.sweep_at(NOON + 16 * MINUTE)
    assert desk.queue(case) == "VIP_L2"
    follows = f"SELECT SubscriberId FROM EntitySubscription WHERE ParentId = '{case}'"
    assert [r["SubscriberId"] for r in desk.world.rows(follows)] == [owner]
    desk.change(case, OwnerId=owner)
    desk.sweep_at(NOON + 31 * MINUTE)
    assert len(desk.world.rows(follows)) == 1, "once"


def test_a_pause_at_its_limit_asks_its_owner_once(desk: Desk) -> None:
    owner, _ = user(desk)
    case = desk.case(NOON, OwnerId=owner, Origin="email")
    desk.at(NOON + MINUTE)
    desk.say(case)
    desk.at(NOON + 2 * MINUTE)
    desk.change(case, Status="WaitingCustomer")
    desk.sweep_at(NOON + timedelta(hours=4, minutes=3))
    tasks = f"SELECT OwnerId, Subject FROM Task WHERE WhatId = '{case}'"
    assert [t["OwnerId"] for t in desk.world.rows(tasks)] == [owner]
    forget(desk, "UPDATE sla_rung SET told_at = NULL WHERE rung LIKE 'resumed%'")  # killed before it was noted
    desk.sweep_at(NOON + timedelta(hours=4, minutes=4))
    assert len(desk.world.rows(tasks)) == 1


def test_explain_says_what_is_missing_before_a_case_can_be_closed(desk: Desk) -> None:
    case = desk.case(NOON, Type="complaint", Priority="P4", Origin="email")
    desk.sweep()
    told = desk.world.run("sla", "explain", case, "--json").doc["to_close"]
    assert [words[-len("[E-CLOSE-OUTCOME]") :] for words in told] == ["[E-CLOSE-OUTCOME]", " [E-CLOSE-POLICY]"]


def test_figures_leave_out_duplicates_and_updates_of_the_quiet(desk: Desk) -> None:
    account = person(desk)
    desk.world.sobject("Account").update(account, {"SFS_Pref_Quiet_Mode__c": True})
    desk.case(NOON, AccountId=account)
    desk.case(NOON)
    gone = desk.case(NOON)
    desk.at(NOON + timedelta(hours=3))
    desk.change(gone, Status="Cancelled", SFS_Cancel_Reason__c="duplicate")
    day = ("--from", text(NOON - timedelta(hours=1)), "--to", text(NOON + timedelta(hours=3)))
    doc = desk.world.run("sla", "report", *day, "--as-of", text(NOON + timedelta(hours=3)), "--json").doc
    shares = {row["metric"]: (row["numerator"], row["denominator"]) for row in doc["figures"]}
    assert doc["cases"] == 2
    assert shares["RES kept"] == (0, 2)
    assert shares["next updates missed"] == (5, 5), "of the one that is not quiet, every half hour"
