"""sla shadow: our clocks beside the milestones of a served org with an entitlement process."""

from __future__ import annotations

import csv
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sfsync.rehearsal.serve import running
from tests.e2e.test_sla_enforce import NOON, Desk, instant, text
from tests.e2e.world import FORCE_APP, ROOT, World, Zygote, emptied, restored

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
GUARDED = "Riservato"  # the milestones of a case of this subject refuse to be completed
XMLNS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
TYPES = {"First_Response": "First Response", "Stabilisation": "Stabilisation", "Resolution": "Resolution"}


def milestone(name: str, minutes: int) -> str:
    """A milestone of the process, in whole minutes."""
    return (
        f"<milestones><milestoneName>{name}</milestoneName><minutesToComplete>{minutes}</minutesToComplete>"
        "<useCriteriaStartTime>false</useCriteriaStartTime></milestones>"
    )


def entitled(folder: Path) -> Path:
    """The project's metadata, and an entitlement process: one minute, a quarter of an hour, three hours; and a call."""
    made = Path(shutil.copytree(FORCE_APP, folder))
    place = made / "main" / "default"
    for kind in ("milestoneTypes", "entitlementProcesses"):
        (place / kind).mkdir()
    names = [*TYPES.values(), "Call back"]
    for name in names:
        inside = f"<MilestoneType {XMLNS}><recurrenceType>none</recurrenceType></MilestoneType>"
        (place / "milestoneTypes" / f"{name}.milestoneType-meta.xml").write_text(HEAD + inside, "utf-8")
    steps = "".join(milestone(n, m) for n, m in zip(names, (1, 15, 180, 30), strict=True))
    inside = (
        f"<EntitlementProcess {XMLNS}><SObjectType>Case</SObjectType><active>true</active>"
        f"<entryStartDateField>Case.CreatedDate</entryStartDateField>{steps}<name>VIP care</name></EntitlementProcess>"
    )
    (place / "entitlementProcesses" / "vip_care.entitlementProcess-meta.xml").write_text(HEAD + inside, "utf-8")
    rules = place / "objects" / "CaseMilestone" / "validationRules"
    rules.mkdir(parents=True)
    inside = (
        f"<ValidationRule {XMLNS}><fullName>Guarded</fullName><active>true</active><errorConditionFormula>"
        f"AND(NOT(ISBLANK(CompletionDate)), Case.Subject = '{GUARDED}')</errorConditionFormula>"
        "<errorMessage>Not by you</errorMessage></ValidationRule>"
    )
    (rules / "Guarded.validationRule-meta.xml").write_text(HEAD + inside, "utf-8")
    return made


@contextmanager
def served(folder: Path) -> Iterator[Desk]:
    """The org in a folder, with entitlements."""
    with running(folder / "org", seed="operator", force_app=folder / "force-app") as ready:
        yield Desk(World(folder, ready, f"sqlite:///{folder / 'platform.db'}"))


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of that org, without cases."""
    from sfsync.demo import schema

    place = tmp_path_factory.mktemp("shadow") / "world"
    schema.create(f"sqlite:///{emptied(place) / 'platform.db'}")
    entitled(place / "force-app")
    with served(place) as desk:
        desk.at(NOON - timedelta(days=1))
    return Path(restored(place, place.parent / "snapshot"))


@pytest.fixture
def desk(ready: Path) -> Iterator[Desk]:
    """That org again, at noon."""
    with served(restored(ready, ready.parent / "world")) as made:
        made.at(NOON)
        yield made


def entitlement(desk: Desk) -> str:
    """An entitlement to the process."""
    account = desk.world.sobject("Account").create({"Name": "Rossi"})["id"]
    process = desk.world.rows("SELECT Id FROM SlaProcess WHERE Name = 'VIP care'")[0]["Id"]
    row = {"Name": "VIP", "AccountId": account, "SlaProcessId": process}
    return str(desk.world.sobject("Entitlement").create(row)["id"])


def entitled_case(desk: Desk, **more: Any) -> str:
    """A case of a VIP, P1, by phone: 20 s, 15 min, 2 h; with its milestones."""
    return desk.case(NOON, EntitlementId=entitlement(desk), **more)


def shadow(desk: Desk, *arguments: str, exit: int = 0) -> dict[str, Any]:
    """``sla shadow --json``."""
    ran = desk.world.run("sla", "shadow", "--json", *arguments)
    assert ran.exit == exit, (ran.exit, ran.out, ran.err)
    return ran.doc


def said(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Milestone and difference."""
    return [(d["milestone"], d["difference"]) for d in told["differences"]]


def milestones(desk: Desk, case: str) -> dict[str, dict[str, Any]]:
    """The case's milestones by name."""
    soql = f"SELECT Id, MilestoneType.Name, CompletionDate, IsCompleted FROM CaseMilestone WHERE CaseId = '{case}'"
    return {row.pop("MilestoneType")["Name"]: row for row in desk.world.rows(soql)}


def answered_and_resolved(desk: Desk, **more: Any) -> str:
    """A case that was answered after ten seconds, and resolved after ten minutes."""
    case = entitled_case(desk, **more)
    desk.at(NOON + timedelta(seconds=10))
    desk.say(case)
    desk.at(NOON + timedelta(minutes=10))
    desk.change(case, Status="Resolved", SFS_Resolved_At__c=text(NOON + timedelta(minutes=10)))
    return case


def test_dues_differ_by_so_much(desk: Desk) -> None:
    case = entitled_case(desk)
    told = shadow(desk)
    assert (told["entitled"], told["cases"], told["milestones"], told["agreeing"]) == (True, 1, 3, 1)
    assert told["counts"]["due differs"] == 2
    assert [(d["milestone"], d["clock"], d["seconds"]) for d in told["differences"]] == [
        ("First Response", "FR", -40),
        ("Resolution", "RES", -3600),
    ]
    late = told["differences"][1]
    assert (late["case_id"], late["here"], late["there"]) == (
        case,
        text(NOON + timedelta(hours=2)),
        text(NOON + timedelta(hours=3)),
    )
    assert told["unmapped"] == {"Call back": 1}
    assert desk.look(case, "SFS_Esc_Level__c")["SFS_Esc_Level__c"] is None, "nothing is written"


def test_what_is_violated_on_one_side_only(desk: Desk) -> None:
    entitled_case(desk)
    desk.at(NOON + timedelta(seconds=30))
    assert ("First Response", "violated here, not there") in said(shadow(desk))
    desk.at(NOON + timedelta(minutes=2))
    assert ("First Response", "violated here, not there") not in said(shadow(desk)), "the minute has passed there, too"


def test_a_pause_here_is_none_there(desk: Desk) -> None:
    case = entitled_case(desk)
    desk.say(case)
    desk.at(NOON + timedelta(minutes=1))
    desk.change(case, Status="WaitingCustomer")
    desk.at(NOON + timedelta(minutes=20))
    assert ("Stabilisation", "violated there, not here") in said(shadow(desk))


def test_a_milestone_completed_by_hand_and_a_cancelled_case(desk: Desk) -> None:
    case = entitled_case(desk)
    done = milestones(desk, case)["Stabilisation"]["Id"]
    desk.world.sobject("CaseMilestone").update(done, {"CompletionDate": text(NOON)})
    told = shadow(desk)
    assert ("Stabilisation", "completed there, open here") in said(told)
    desk.change(case, Status="Cancelled")
    assert ("Resolution", "cancelled here, open there") in said(shadow(desk))


def test_a_low_priority_has_no_clock_for_its_stabilisation(desk: Desk) -> None:
    entitled_case(desk, Priority="P4")
    assert ("Stabilisation", "no such clock here") in said(shadow(desk))


def test_completing_what_has_stopped(desk: Desk) -> None:
    case = answered_and_resolved(desk)
    owner = desk.look(case, "OwnerId")
    before = shadow(desk)
    assert before["counts"]["stopped here, open there"] == 3
    planned = shadow(desk, "--complete", "--dry-run")
    assert planned["mappings"]["sla_milestone"]["salesforce"]["updated"] == 3
    assert not any(m["IsCompleted"] for m in milestones(desk, case).values()), "a dry run writes nothing"
    done = shadow(desk, "--complete")
    assert done["mappings"]["sla_milestone"]["salesforce"]["updated"] == 3
    at = {n: instant(m["CompletionDate"]) for n, m in milestones(desk, case).items()}
    resolved = NOON + timedelta(minutes=10)
    answered = NOON + timedelta(seconds=10)
    assert at == {
        "First Response": answered,
        "Stabilisation": resolved,
        "Resolution": resolved,
        "Call back": None,
    }, "the clock's instant, not that of the run"
    assert desk.look(case, "OwnerId") == owner
    again = shadow(desk, "--complete")
    assert again["mappings"]["sla_milestone"]["salesforce"]["updated"] == 0
    assert again["counts"]["stopped here, open there"] == 0


def test_a_completion_can_be_taken_back(desk: Desk) -> None:
    case = answered_and_resolved(desk)
    run = shadow(desk, "--complete")["run"]
    ran = desk.world.run("undo", run, "--yes", "--json")
    assert ran.exit == 0, ran.err
    assert not any(m["IsCompleted"] for m in milestones(desk, case).values())


@pytest.mark.parametrize("point", ["sync.planned", "apply.written", "ledger.outcome.after"])
def test_killed_anywhere_the_next_run_completes_the_rest(desk: Desk, zygote: Zygote, point: str) -> None:
    case = answered_and_resolved(desk)
    died = zygote.run(desk.world, ["sla", "shadow", "--complete"], SFSYNC_FAULTPOINT=point)
    assert died.exit == -signal.SIGKILL, (point, died.err)
    shadow(desk, "--complete")
    open_ones = [n for n, m in milestones(desk, case).items() if not m["IsCompleted"]]
    assert open_ones == ["Call back"]


def failures(desk: Desk) -> list[tuple[str, str]]:
    """Mapping and code of what was refused."""
    return [(f["mapping"], f["code"]) for f in json.loads(desk.world.run("failures", "--json").out)]


def test_a_refused_completion_is_a_failure_until_it_is_mended(desk: Desk) -> None:
    case = answered_and_resolved(desk, Subject=GUARDED)
    shadow(desk, "--complete", exit=3)
    assert failures(desk) == [("sla_milestone", "FIELD_CUSTOM_VALIDATION_EXCEPTION")] * 3
    desk.change(case, Subject="Prova")
    shadow(desk, "--complete")
    assert failures(desk) == []
    assert milestones(desk, case)["Resolution"]["IsCompleted"]


def test_a_refused_completion_that_is_not_wanted_any_more_is_no_failure(desk: Desk) -> None:
    case = answered_and_resolved(desk, Subject=GUARDED)
    shadow(desk, "--complete", exit=3)
    desk.change(case, Status="Reopened")
    shadow(desk, "--complete", exit=3)
    assert len(failures(desk)) == 2, "the resolution is open here again; the other two stay as they were"


def test_all_differences_go_to_a_file(desk: Desk, tmp_path: Path) -> None:
    entitled_case(desk)
    file = tmp_path / "differences.csv"
    told = shadow(desk, "--out", str(file))
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert [(r["milestone"], r["seconds"]) for r in rows] == [("First Response", "-40"), ("Resolution", "-3600")]
    assert [r["key"] for r in rows] == [d["key"] for d in told["differences"]]
    assert desk.world.run("sla", "shadow", "--out", str(tmp_path / "no" / "file.csv")).exit == 2


def test_a_table_has_its_counts_on_top(desk: Desk) -> None:
    entitled_case(desk)
    out = desk.world.run("sla", "shadow").out
    assert out.index("agree") < out.index("due differs") < out.index("Differences")
    lines = [line for line in out.splitlines() if line.startswith("SF-")]
    assert len(lines) == 2
    assert len({line.index("due differs") for line in lines}) == 1, "aligned"


def test_cases_that_lie_further_back_are_not_looked_at(desk: Desk) -> None:
    case = entitled_case(desk)
    desk.change(case, Status="Closed")
    desk.at(NOON + timedelta(days=8))
    assert shadow(desk)["cases"] == 0
    assert shadow(desk, "--since", "9d")["cases"] == 1


def test_an_org_without_entitlements_says_so_in_one_line(world: World) -> None:
    ran = world.run("sla", "shadow", "--complete")
    assert (ran.exit, ran.out) == (0, "")
    assert ran.err.splitlines() == ["✔ the org has no entitlements: there are no milestones to compare with"]
    assert world.run("sla", "shadow", "--json").doc["entitled"] is False


def policy_with(desk: Desk, folder: Path, **changes: Any) -> None:
    """The world's project gets mappings of its own, with another policy."""
    made = Path(shutil.copytree(ROOT / "mappings", folder / "mappings"))
    desk.world.configure(mappings=made)
    data = yaml.safe_load((made / "sla.yaml").read_text("utf-8"))
    data["policies"][-1] |= changes
    (made / "sla.yaml").write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")


def test_a_policy_without_milestones_says_what_to_write(desk: Desk, tmp_path: Path) -> None:
    policy_with(desk, tmp_path, milestones={})
    ran = desk.world.run("sla", "shadow")
    assert (ran.exit, "SLA_MILESTONES" in ran.err) == (2, True)


@pytest.mark.parametrize("map", [{"First Response": "NU"}, {"": "FR"}])
def test_a_map_that_cannot_be_is_found_when_it_is_read(desk: Desk, tmp_path: Path, map: dict[str, str]) -> None:
    policy_with(desk, tmp_path, milestones=map)
    ran = desk.world.run("sla", "shadow")
    assert (ran.exit, "SLA_POLICY_INVALID" in ran.err, "milestones" in ran.err) == (2, True, True)
