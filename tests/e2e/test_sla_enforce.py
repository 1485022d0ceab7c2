"""sla enforce on a served org: rung after rung, once each, whatever happens in between."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.sla_desk import AUTUMN, NOON, SPRING, Desk, instant, text
from tests.e2e.world import World, Zygote


def test_from_rung_to_rung_each_once(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep()
    assert desk.level(case) == 1
    assert desk.queue(case) is None
    expected = [(10, "L2_prealert", 1, None), (15, "L2", 2, "VIP_L2"), (30, "L3", 3, "VIP_L3"), (60, "L4", 4, "VIP_L4")]
    for number, (minutes, rung, level, queue) in enumerate(expected, 1):
        reached = NOON + timedelta(minutes=minutes)
        assert [r["rung"] for r in desk.sweep_at(reached - timedelta(seconds=1))["rungs"]] == [], rung
        fired = desk.sweep_at(reached)["rungs"]  # inclusive: at that very second
        assert [(r["rung"], r["reached_at"]) for r in fired] == [(rung, text(reached))]
        assert (desk.level(case), desk.queue(case)) == (level, queue)
        assert (len(desk.notices(case)), len(desk.comments(case))) == (number, number)
        assert desk.sweep()["rungs"] == []
        assert (len(desk.notices(case)), len(desk.comments(case))) == (number, number), "twice in a row, told once"
    assert desk.look(case, "IsEscalated")["IsEscalated"] is True
    assert [n["to"] for n in desk.notices(case)] == ["VIP_L2", "VIP_L2", "VIP_L3", "VIP_L4"]


def test_dues_are_in_the_org(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep()
    row = desk.look(case, "SFS_FR_Due__c", "SFS_MIT_Due__c", "SFS_RES_Due__c", "SFS_NU_Due__c", "SFS_SLA_State__c")
    dues = [instant(row[f"SFS_{c}_Due__c"]) for c in ("FR", "MIT", "RES", "NU")]
    assert dues == [NOON + timedelta(seconds=s) for s in (20, 900, 7_200, 1_800)]
    assert row["SFS_SLA_State__c"] == "running"
    desk.sweep_at(NOON + timedelta(seconds=20))
    assert desk.look(case, "SFS_FR_State__c")["SFS_FR_State__c"] == "running", "due now is not missed yet"
    desk.sweep_at(NOON + timedelta(seconds=21))
    assert desk.look(case, "SFS_FR_State__c", "SFS_SLA_State__c") == {
        "SFS_FR_State__c": "breached",
        "SFS_SLA_State__c": "breached",
    }


def test_after_three_hours_down_everything_is_caught_up_in_one_pass(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep()
    late = NOON + timedelta(hours=3)
    fired = desk.sweep_at(late)["rungs"]
    reached = {r["rung"]: r["reached_at"] for r in fired}
    minutes = {"L2_prealert": 10, "L2": 15, "L3": 30, "L4": 60}
    assert reached == {rung: text(NOON + timedelta(minutes=m)) for rung, m in minutes.items()}, "the computed instants"
    assert desk.rungs(case) == sorted(minutes), "one notice for each level passed"
    assert {n["processed_at"][:19] for n in desk.notices(case)} == {text(late)[:19]}
    assert (desk.level(case), desk.queue(case)) == (4, "VIP_L4"), "straight to the right rung"
    assert desk.sweep()["rungs"] == []


@pytest.mark.parametrize("t0", [SPRING, AUTUMN])
def test_across_the_nights_of_the_switch_elapsed_time_counts(desk: Desk, t0: datetime) -> None:
    desk.at(t0)
    case = desk.case(t0, Priority="P3", Origin="email")
    desk.sweep()
    due = desk.look(case, "SFS_RES_Due__c")["SFS_RES_Due__c"]
    assert instant(due) == t0 + timedelta(hours=24), "a day of 23 or 25 hours on the wall is 24 hours of C24"
    assert desk.sweep_at(t0 + timedelta(hours=12, seconds=-1))["rungs"] == []
    assert [r["rung"] for r in desk.sweep_at(t0 + timedelta(hours=12))["rungs"]] == ["L2"]


def test_a_pause_stops_the_ladder(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.at(NOON + timedelta(minutes=4))
    desk.say(case)
    desk.at(NOON + timedelta(minutes=5))
    desk.change(case, Status="WaitingCustomer")
    assert desk.sweep_at(NOON + timedelta(minutes=40))["rungs"] == []
    row = desk.look(case, "SFS_RES_State__c", "SFS_RES_Due__c", "SFS_Paused_Since__c")
    assert (row["SFS_RES_State__c"], row["SFS_RES_Due__c"]) == ("paused", None)
    assert instant(row["SFS_Paused_Since__c"]) == NOON + timedelta(minutes=5)
    assert (
        desk.sweep_at(NOON + timedelta(minutes=41))["mappings"].get("sla", {}).get("salesforce", {}).get("updated", 0)
        == 0
    ), "nothing of a paused case changes from minute to minute"
    desk.at(NOON + timedelta(minutes=45))
    desk.change(case, Status="InProgress")
    desk.sweep()
    due = desk.look(case, "SFS_RES_Due__c", "SFS_Paused_Sec__c")
    assert instant(due["SFS_RES_Due__c"]) == NOON + timedelta(hours=2, minutes=40)
    assert due["SFS_Paused_Sec__c"] == 40 * 60


def test_nothing_due_costs_two_calls_at_most(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep()
    desk.at(NOON + timedelta(seconds=25))
    desk.world.sobject("EmailMessage").create({"ParentId": case, "Subject": "Aggiornamento", "Status": "3"})
    desk.sweep_at(NOON + timedelta(seconds=30))
    desk.sweep_at(NOON + timedelta(minutes=1))
    before = desk.world.stats()
    done = desk.sweep_at(NOON + timedelta(minutes=2))
    assert (done["looked_at"], done["rungs"]) == (0, [])
    assert done["api_calls"] <= 2
    assert before  # the org counts, too


def test_a_deleted_case_is_forgotten(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep()
    desk.world.sobject("Case").delete(case)
    desk.sweep_at(NOON + timedelta(minutes=20))
    done = desk.sweep_at(NOON + timedelta(minutes=40))
    assert (done["looked_at"], done["rungs"]) == (0, [])
    assert done["api_calls"] <= 2, "nobody asks for it again"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"SFS_Received_At__c": text(NOON + timedelta(minutes=6))}, "E-TIME-FUTURE"),
        ({"Priority": "Rosso"}, "E-PRIORITY"),
        ({"Status": "Escalated"}, "E-STATUS"),
        ({"Origin": "Fax"}, "E-CHANNEL"),
        ({"Type": "astrologia"}, "W-TYPE"),
        ({"SFS_Mitigated_At__c": text(NOON + timedelta(minutes=6))}, "E-TIME-FUTURE"),
        ({"SFS_Mitigated_At__c": text(NOON - timedelta(minutes=6))}, "E-TIME-ORDER"),
        ({"SFS_Policy_Version__c": "1999-13"}, "E-POLICY"),
    ],
)
def test_a_case_that_does_not_fit_is_named_and_the_others_go_on(desk: Desk, values: dict[str, Any], code: str) -> None:
    good, bad = desk.case(NOON), desk.case(NOON, **values)
    done = desk.sweep(exit=3)
    assert desk.level(good) == 1
    assert [f["code"] for f in done["findings"]] == [code]
    failed = json.loads(desk.world.run("failures", "--json").out)
    assert [(f["mapping"], f["code"]) for f in failed] == [("sla", code)]
    mend = {"SFS_Received_At__c": text(NOON), "Priority": "P1", "Status": "New", "Origin": "phone", "Type": "login"}
    desk.change(bad, **mend, SFS_Mitigated_At__c=None, SFS_Policy_Version__c=None)
    desk.sweep()
    assert desk.level(bad) == 1
    assert json.loads(desk.world.run("failures", "--json").out) == [], "what is mended is no failure"


POINTS = ["sla.fired", "apply.written", "ledger.outcome.after", "sla.commented", "sla.told"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_each_rung_is_told_once_and_the_owner_changes(desk: Desk, zygote: Zygote, point: str) -> None:
    case = desk.case(NOON)
    desk.sweep()
    desk.at(NOON + timedelta(minutes=20))
    died = zygote.run(desk.world, ["sla", "enforce", "--json"], SFSYNC_FAULTPOINT=point)
    assert died.exit == -signal.SIGKILL, (point, died.err)
    desk.sweep()
    assert (desk.level(case), desk.queue(case)) == (2, "VIP_L2")
    assert desk.rungs(case) == ["L2", "L2_prealert"]
    assert len(desk.comments(case)) == 2, "one comment for each"
    assert desk.sweep()["rungs"] == []
    assert len(desk.comments(case)) == 2


def test_a_change_of_category_is_in_the_history_and_calls_its_trigger(desk: Desk) -> None:
    case = desk.case(NOON, SFS_Tier__c="STANDARD", Priority="P4", Origin="email")
    desk.sweep()
    assert desk.level(case) == 1
    desk.at(NOON + timedelta(minutes=5))
    desk.change(case, Type="payment_dispute")
    fired = desk.sweep()["rungs"]
    assert [(r["rung"], r["reason"], r["reached_at"]) for r in fired] == [
        ("L2", "TRIGGER", text(NOON + timedelta(minutes=5)))
    ]
    row = desk.look(case, "Priority", "SFS_Esc_Path__c", "SFS_RES_Due__c")
    assert (row["Priority"], row["SFS_Esc_Path__c"]) == ("P2", "payments"), "the floor raises"
    assert instant(row["SFS_RES_Due__c"]) == NOON + timedelta(hours=8, minutes=5), "the new target from the change"
    assert desk.queue(case) == "FINANCE_L2"


def test_a_floor_never_lowers_what_an_agent_gave(desk: Desk) -> None:
    case = desk.case(NOON, Type="how_to", Priority="P1")
    desk.sweep()
    assert desk.look(case, "Priority")["Priority"] == "P1"


def test_compliance_holds_a_case_once_and_its_release_stays(desk: Desk) -> None:
    case = desk.case(NOON, Type="account_takeover", Priority="P3", Origin="email")
    desk.sweep()
    row = desk.look(case, "Priority", "SFS_Compliance_Hold__c", "SFS_Esc_Path__c")
    assert row == {"Priority": "P1", "SFS_Compliance_Hold__c": True, "SFS_Esc_Path__c": "fraud"}
    assert desk.queue(case) == "FRAUD_L2", "classified and held in one step"
    desk.sweep_at(NOON + timedelta(minutes=30))
    assert (desk.level(case), desk.queue(case)) == (3, "FRAUD_L2"), "held: clocks and level, nothing else"
    assert desk.rungs(case) == ["L2", "L3"], "those inside are told"
    desk.change(case, SFS_Compliance_Hold__c=False)
    desk.sweep_at(NOON + timedelta(minutes=31))
    assert desk.look(case, "SFS_Compliance_Hold__c")["SFS_Compliance_Hold__c"] is False, "a person released it"


def test_a_case_born_in_salesforce_keeps_waiting_for_its_key(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep()
    row = desk.look(case, "SFS_Source_Key__c", "SFS_RES_State__c", "CaseNumber")
    assert (row["SFS_Source_Key__c"], row["SFS_RES_State__c"]) == (None, "running")
    desk.at(NOON + timedelta(hours=1))
    desk.world.sync("case")
    key = desk.look(case, "SFS_Source_Key__c")["SFS_Source_Key__c"]
    assert key == f"SF-{row['CaseNumber']}"
    desk.sweep()
    [platform] = desk.world.sql("SELECT esc_level, sla_state FROM cases WHERE source_key = :key", key=key)
    assert platform == (4, "breached"), "and then its row on the platform shows the clocks"


def test_resolved_and_reopened_fires_in_a_new_episode(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.sweep_at(NOON + timedelta(minutes=15))
    desk.change(case, Status="Resolved", SFS_Resolved_At__c=text(NOON + timedelta(minutes=15)))
    assert desk.sweep_at(NOON + timedelta(hours=2))["rungs"] == [], "the ladder of a resolved case stops"
    desk.change(case, Status="Reopened")
    fired = desk.sweep()["rungs"]
    assert [(r["episode"], r["rung"], r["reason"]) for r in fired] == [(2, "L2", "REOPENED")]
    row = desk.look(case, "SFS_Reopens__c", "SFS_RES_Due__c")
    assert row["SFS_Reopens__c"] == 1
    assert instant(row["SFS_RES_Due__c"]) == NOON + timedelta(hours=3, minutes=45), "what was left, from the reopening"


def test_what_people_say_stops_the_clock_and_what_machines_say_does_not(desk: Desk) -> None:
    case = desk.case(NOON, Origin="email")
    mail = {"ParentId": case, "Subject": "Ricevuto", "Status": "3", "Incoming": False}
    headers = "Auto-Submitted: auto-replied\r\nX-Loop: x"
    mails = desk.world.sobject("EmailMessage")
    mails.create({**mail, "MessageDate": text(NOON + timedelta(minutes=1)), "Headers": headers})
    desk.sweep_at(NOON + timedelta(minutes=2))
    assert desk.look(case, "SFS_FR_State__c")["SFS_FR_State__c"] == "running"
    mails.create({**mail, "MessageDate": text(NOON + timedelta(minutes=3)), "Status": "5"})
    desk.sweep_at(NOON + timedelta(minutes=4))
    assert desk.look(case, "SFS_FR_State__c")["SFS_FR_State__c"] == "running", "a draft has told nobody"
    mails.create({**mail, "MessageDate": text(NOON + timedelta(minutes=6))})
    desk.sweep_at(NOON + timedelta(minutes=7))
    row = desk.look(case, "SFS_FR_State__c", "SFS_NU_Due__c")
    assert row["SFS_FR_State__c"] == "met"
    assert instant(row["SFS_NU_Due__c"]) == NOON + timedelta(minutes=36)


def test_a_dry_run_writes_and_tells_nothing(desk: Desk) -> None:
    case = desk.case(NOON)
    done = desk.sweep_at(NOON + timedelta(minutes=20), "--dry-run")
    assert [r["rung"] for r in done["rungs"]] == ["L2_prealert", "L2"]
    assert done["mappings"]["sla"]["salesforce"]["updated"] == 1
    assert (desk.look(case, "SFS_Esc_Level__c")["SFS_Esc_Level__c"], desk.notices(case)) == (None, [])
    assert [r["rung"] for r in desk.sweep()["rungs"]] == ["L2_prealert", "L2"]


def test_explain_tells_the_way_to_each_due(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.at(NOON + timedelta(minutes=4))
    desk.say(case)
    desk.at(NOON + timedelta(minutes=5))
    desk.change(case, Status="WaitingCustomer")
    desk.at(NOON + timedelta(minutes=25))
    desk.change(case, Status="InProgress")
    desk.at(NOON + timedelta(minutes=36))
    number = desk.look(case, "CaseNumber")["CaseNumber"]
    for name in (case, number, f"SF-{number}"):
        ran = desk.world.run("sla", "explain", name, "--json")
        assert ran.exit == 0, ran.err
    told = ran.doc
    due = text(NOON + timedelta(hours=2, minutes=20))
    assert (told["level"], told["clocks"]["RES"]["due"]) == (2, due)
    assert told["ladder"]["L2"] == text(NOON + timedelta(minutes=35))
    way = [(s["at"], s["events"], s["changes"]["RES"]) for s in told["steps"] if "RES" in s["changes"]]
    assert [(at, events, c["state"], c["due"]) for at, events, c in way] == [
        (text(NOON), [], "running", text(NOON + timedelta(hours=2))),
        (text(NOON + timedelta(minutes=5)), ["pause"], "paused", None),
        (text(NOON + timedelta(minutes=25)), ["resume"], "running", due),
    ]
    shown = desk.world.run("sla", "explain", number)
    assert shown.exit == 0
    assert "Time line" in shown.out + shown.err
    assert desk.world.run("sla", "explain", "PL-0").exit == 2


def test_a_declared_force_majeure_stops_the_clocks_in_its_scope(desk: Desk) -> None:
    case, other = desk.case(NOON), desk.case(NOON, SFS_Tier__c="VVIP")
    fraud = desk.case(NOON, Type="payment_fraud")
    desk.sweep()
    scope = ["--tier", "VIP", "--reason", "linea interrotta", "--approver", "c.rossi"]
    declare = ["sla", "majeure", "declare", "--from", text(NOON + timedelta(minutes=5)), *scope]
    assert desk.world.run(*declare).exit == 0
    desk.sweep_at(NOON + timedelta(minutes=12))
    assert (desk.level(case), desk.level(other)) == (1, 2)
    assert desk.look(case, "SFS_RES_State__c", "SFS_FR_State__c")["SFS_RES_State__c"] == "paused"
    assert desk.look(fraud, "SFS_RES_State__c")["SFS_RES_State__c"] == "running", "compliance knows none"
    [made] = json.loads(desk.world.run("sla", "majeure", "list", "--json").out)
    desk.world.run("sla", "majeure", "end", made["majeure_id"], "--as-of", text(NOON + timedelta(minutes=25)))
    desk.sweep_at(NOON + timedelta(minutes=26))
    due = desk.look(case, "SFS_RES_Due__c")["SFS_RES_Due__c"]
    assert instant(due) == NOON + timedelta(hours=2, minutes=20)
    assert desk.world.run(*declare[:-1], "--tier", "GOLD", "--approver", "x").exit == 2


def excluded(world: World) -> tuple[str, str]:
    """A player nobody has suppressed yet: key and account."""
    rows = world.rows("SELECT Id, SFS_Player_Id__c FROM Account WHERE SFS_Contact_Suppressed__c = FALSE")
    return next((r["SFS_Player_Id__c"], r["Id"]) for r in rows if r["SFS_Player_Id__c"])


def test_who_excludes_himself_is_suppressed_before_his_case_is_touched(world: World) -> None:
    desk, (key, account) = Desk(world), excluded(world)
    desk.sweep()
    now = datetime.now(UTC)
    case = desk.case(now, Type="self_exclusion", Priority="P3", SFS_Tier__c="STANDARD", AccountId=account)
    desk.sweep()
    assert world.one("Account", "SFS_Player_Id__c", key, "SFS_Contact_Suppressed__c", "PersonHasOptedOutOfEmail")[
        "PersonHasOptedOutOfEmail"
    ]
    assert world.sql("SELECT contact_suppressed FROM players WHERE player_id = :key", key=key)[0][0]
    assert (desk.level(case), desk.queue(case)) == (2, "COMPLIANCE_RG")
    desk.change(case, Subject="Ancora")
    desk.sweep()
    asked = world.sql("SELECT kind, target_key, payload, state FROM change_requests")
    assert [tuple(r) for r in asked] == [("bonus_block", key, '{"bonus_blocked": true}', "requested")], "asked once"


def test_without_the_suppression_nothing_is_written_for_the_player(world: World) -> None:
    desk, (key, account) = Desk(world), excluded(world)
    desk.sweep()
    world.sql("CREATE TRIGGER no BEFORE UPDATE ON players BEGIN SELECT RAISE(ABORT, 'no'); END")
    case = desk.case(datetime.now(UTC), Type="self_exclusion", SFS_Tier__c="STANDARD", AccountId=account)
    other = desk.case(datetime.now(UTC))
    done = desk.sweep(exit=3)
    assert [f["code"] for f in done["findings"]] == ["E-SUPPRESS"]
    assert desk.look(case, "SFS_Esc_Level__c")["SFS_Esc_Level__c"] is None
    assert desk.notices(case) == []
    assert world.sql("SELECT * FROM change_requests") == []
    assert desk.level(other) == 1
    world.sql("DROP TRIGGER no")
    desk.sweep("--as-of", text(datetime.now(UTC) + timedelta(minutes=16)))
    assert desk.level(case) == 2
    assert world.sql("SELECT contact_suppressed FROM players WHERE player_id = :key", key=key)[0][0]


def test_a_sweep_can_be_taken_back(desk: Desk) -> None:
    case = desk.case(NOON)
    owner = desk.look(case, "OwnerId")
    run = desk.sweep_at(NOON + timedelta(minutes=20))["run"]
    assert desk.queue(case) == "VIP_L2"
    ran = desk.world.run("undo", run, "--yes", "--json")
    assert ran.exit == 0, ran.err
    assert desk.look(case, "OwnerId") == owner
    assert desk.look(case, "SFS_RES_Due__c")["SFS_RES_Due__c"] is None
    desk.sweep_at(NOON + timedelta(minutes=21))
    assert (desk.look(case, "OwnerId"), desk.level(case)) == (owner, 2), "clocks come back, nobody is called again"
    assert desk.rungs(case) == ["L2", "L2_prealert"]


def test_words_that_tip_off_are_found_on_a_laundering_case(desk: Desk) -> None:
    case, other = desk.case(NOON, Type="aml_suspicion"), desk.case(NOON)
    desk.say(case, "Stiamo verificando il suo conto.")
    desk.say(other, "Verifica antiriciclaggio.")
    assert desk.sweep()["findings"] == []
    desk.say(case, "Abbiamo inviato una segnalazione.")
    done = desk.sweep_at(NOON + timedelta(minutes=1), exit=3)
    assert [f["code"] for f in done["findings"]] == ["E-TIPOFF"]
    assert desk.level(case) == 2, "its clocks go on"
    written = [*desk.comments(case), *(json.dumps(n) for n in desk.notices(case))]
    assert not any("segnalazione" in w for w in written)


def test_a_lawyers_name_calls_the_second_level_of_the_cases_own_path(desk: Desk) -> None:
    case = desk.case(
        NOON, SFS_Tier__c="STANDARD", Priority="P4", Origin="email", Description="Senti\u0300 il mio AVVOCATO"
    )
    other = desk.case(NOON, SFS_Tier__c="STANDARD", Priority="P4", Origin="email", Description="Buongiorno")
    fired = desk.sweep()["rungs"]
    assert [(r["rung"], r["reason"], r["reached_at"]) for r in fired] == [("L2", "WORDS", text(NOON))]
    row = desk.look(case, "Priority", "SFS_Esc_Path__c", "SFS_Esc_Reason__c", "Type")
    assert list(row.values()) == ["P3", "std", "WORDS", "login"]
    assert (desk.queue(case), desk.level(other)) == ("ONLINE_L2", 1)
    assert desk.sweep_at(NOON + timedelta(minutes=1))["rungs"] == [], "once per episode"


def test_words_of_harm_in_an_email_take_the_case_to_the_rg_desk(desk: Desk) -> None:
    case = desk.case(NOON, SFS_Tier__c="VIP", Priority="P4", Origin="email", Type="how_to")
    mail = {"ParentId": case, "Status": "1", "Incoming": True, "Subject": "Re: Prova"}
    mails = desk.world.sobject("EmailMessage")
    quoted = "Grazie\n> Concessione ADM, si rivolga al Garante"
    mails.create({**mail, "MessageDate": text(NOON + timedelta(minutes=1)), "TextBody": quoted})
    absent = {"TextBody": "Sono dal mio avvocato", "Headers": "Auto-Submitted: auto-replied"}
    mails.create({**mail, "MessageDate": text(NOON + timedelta(minutes=2)), **absent})
    assert desk.sweep_at(NOON + timedelta(minutes=3))["rungs"] == []
    said = NOON + timedelta(minutes=4)
    mails.create({**mail, "MessageDate": text(said), "HtmlBody": "<p>Voglio <i>farla finita</i></p>"})
    fired = desk.sweep_at(NOON + timedelta(minutes=5))["rungs"]
    assert [(r["rung"], r["path"], r["reason"], r["reached_at"]) for r in fired] == [("L2", "rg", "WORDS", text(said))]
    row = desk.look(case, "Priority", "SFS_Esc_Path__c", "Type", "SFS_MIT_Due__c")
    assert list(row.values())[:3] == ["P1", "rg", "how_to"]
    assert instant(row["SFS_MIT_Due__c"]) == said + timedelta(minutes=15)
    assert desk.queue(case) == "COMPLIANCE_RG"
    desk.change(case, Priority="P3")
    desk.sweep_at(NOON + timedelta(minutes=6))
    assert desk.look(case, "Priority")["Priority"] == "P1", "not below its floor"
    told = desk.world.run("sla", "explain", case, "--json")
    assert [s["events"] for s in told.doc["steps"] if s["at"] == text(said)] == [["resume", "harm words"]]
    everything = [*desk.comments(case), *(json.dumps(n) for n in desk.notices(case)), told.out, told.err]
    kept = [p.read_bytes() for p in (desk.world.folder / ".sfsync").rglob("*") if p.is_file()]
    assert not any("finita" in words for words in everything)
    assert not any(b"finita" in words or b"farla" in words for words in kept), "the text is looked at, never kept"


def test_words_on_a_laundering_case_leave_its_path(desk: Desk) -> None:
    case = desk.case(NOON, Type="aml_suspicion", Subject="Il mio avvocato", Description="voglio morire")
    desk.sweep()
    assert desk.look(case, "SFS_Esc_Path__c")["SFS_Esc_Path__c"] == "aml"
    assert desk.queue(case) == "COMPLIANCE_AML"


def test_words_of_harm_call_the_rg_desk_whatever_the_level(desk: Desk) -> None:
    case = desk.case(NOON, Origin="email")
    desk.sweep_at(NOON + timedelta(minutes=35))
    assert (desk.level(case), desk.queue(case)) == (3, "VIP_L3")
    mail = {"ParentId": case, "Status": "1", "Incoming": True, "Subject": "Re: Prova", "TextBody": "voglio morire"}
    for minutes in (36, 38):
        mails = desk.world.sobject("EmailMessage")
        mails.create({**mail, "MessageDate": text(NOON + timedelta(minutes=minutes))})
        fired = desk.sweep_at(NOON + timedelta(minutes=minutes + 1))["rungs"]
        assert [(r["rung"], r["path"]) for r in fired] == ([("harm", "rg")] if minutes == 36 else []), "once"
    assert (desk.level(case), desk.queue(case)) == (3, "COMPLIANCE")
    assert [n["to"] for n in desk.notices(case) if n["rung"] == "harm"] == ["COMPLIANCE_RG"]
    assert sum("Words of harm" in c for c in desk.comments(case)) == 1


def test_the_email_that_reopens_a_case_is_read(desk: Desk) -> None:
    case = desk.case(NOON, Type="how_to", SFS_Tier__c="STANDARD", Priority="P4", Origin="email")
    desk.change(case, Status="Resolved", SFS_Resolved_At__c=text(NOON))
    desk.sweep_at(NOON + timedelta(minutes=1))
    mail = {"ParentId": case, "Status": "1", "Incoming": True, "Subject": "kill myself"}
    desk.world.sobject("EmailMessage").create({**mail, "MessageDate": text(NOON + timedelta(minutes=2))})
    assert desk.sweep_at(NOON + timedelta(minutes=3))["rungs"] == [], "resolved"
    desk.change(case, Status="Reopened")
    desk.sweep_at(NOON + timedelta(minutes=4))
    assert list(desk.look(case, "Priority", "SFS_Esc_Path__c").values()) == ["P1", "rg"]
    assert desk.queue(case) == "COMPLIANCE_RG"


SPOKEN: dict[str, dict[str, Any]] = {
    "CaseComment": {"CommentBody": "Ci stiamo lavorando.", "IsPublished": True},
    "EmailMessage": {"Subject": "Re: Prova", "TextBody": "Ci stiamo lavorando.", "Status": "3", "Incoming": False},
    "Task": {"Subject": "Chiamata", "TaskSubtype": "Call", "CallType": "Outbound", "Status": "Completed"},
}


@pytest.mark.parametrize("kind", SPOKEN)
@pytest.mark.parametrize("seconds", [0, 90])
def test_what_leaves_the_cases_own_stamp_alone_is_seen(desk: Desk, kind: str, seconds: int) -> None:
    case = desk.case(NOON, Origin="email")
    desk.sweep()
    desk.sweep_at(NOON + timedelta(seconds=60))
    stamp = desk.look(case, "SystemModstamp")
    said = NOON + timedelta(seconds=60 + seconds)  # also in the very second of a sweep that has ended
    desk.at(said)
    desk.world.sobject(kind).create({("WhatId" if kind == "Task" else "ParentId"): case, **SPOKEN[kind]})
    assert desk.look(case, "SystemModstamp") == stamp
    desk.sweep()
    row = desk.look(case, "SFS_FR_State__c", "SFS_NU_Due__c")
    assert row["SFS_FR_State__c"] == "met"
    assert instant(row["SFS_NU_Due__c"]) == said + timedelta(minutes=30)


def test_two_sweeps_in_one_second(desk: Desk) -> None:
    case = desk.case(NOON)
    desk.at(NOON + timedelta(minutes=12))
    desk.change(case, Status="InProgress")  # the second has a change already when the first sweep looks
    assert [r["rung"] for r in desk.sweep()["rungs"]] == ["L2_prealert"]
    desk.change(case, Priority="P2")
    late = desk.case(NOON, Type="account_blocked")
    again = desk.sweep()
    assert [(r["rung"], r["reason"]) for r in again["rungs"]] == [("L2", "TRIGGER")], "of the new case only"
    assert instant(desk.look(case, "SFS_RES_Due__c")["SFS_RES_Due__c"]) == NOON + timedelta(hours=4)
    assert desk.rungs(late) == ["L2"]
    assert desk.sweep()["rungs"] == []
    assert (desk.rungs(case), len(desk.comments(case)), len(desk.comments(late))) == (["L2_prealert"], 1, 1)


def test_many_that_do_not_fit_are_each_named_and_the_others_go_on(desk: Desk) -> None:
    soon = text(NOON + timedelta(minutes=7))
    odd: dict[str, dict[str, Any]] = {
        "E-STATUS": {"Status": "Escalated"},
        "E-CHANNEL": {"Origin": "Fax"},
        "E-TIME-FUTURE": {"SFS_Received_At__c": soon},
        "E-PRIORITY": {"Priority": "Rosso"},
        "E-TIME-ORDER": {"SFS_Mitigated_At__c": text(NOON - timedelta(minutes=6))},
    }
    bad = {code: desk.case(NOON, **values) for code, values in odd.items()}
    good = [desk.case(NOON) for _ in range(3)]
    done = desk.sweep_at(NOON + timedelta(minutes=1), exit=3)
    assert {f["code"] for f in done["findings"]} == set(odd)
    assert [desk.level(c) for c in good] == [1, 1, 1]
    left_out = [
        desk.look(c, "SFS_Esc_Level__c")["SFS_Esc_Level__c"] for code, c in bad.items() if code != "E-TIME-ORDER"
    ]
    assert left_out == [None] * 4
    failed = json.loads(desk.world.run("failures", "--json").out)
    assert {f["code"] for f in failed} == set(odd)
    assert "refused by a rule of the mapping" not in {f["reason"] for f in failed}
    desk.change(bad["E-TIME-ORDER"], SFS_Mitigated_At__c=None)
    fired = desk.sweep_at(NOON + timedelta(minutes=15))["rungs"]
    assert {r["key"] for r in fired} >= {f"SF-{desk.look(c, 'CaseNumber')['CaseNumber']}" for c in good}
    desk.sweep_at(NOON + timedelta(minutes=22))
    assert desk.level(bad["E-TIME-FUTURE"]) == 2, "the future has come; nobody had to touch the case"
