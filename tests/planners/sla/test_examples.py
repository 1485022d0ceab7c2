"""The worked examples of the policy: their figures, through the engine and the timers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sfsync.planners.sla import timers, walltime
from sfsync.planners.sla.clocks import evaluate
from sfsync.planners.sla.figures import Figures, figures
from sfsync.planners.sla.policy import Policy
from sfsync.planners.sla.timeline import columns, explain
from sfsync.planners.sla.words import FR, RES, TIERS

HERE = Path(__file__).parent
EXAMPLES = {name: (given, expected) for name, given, expected in json.loads((HERE / "examples.json").read_text())}
TIMELINES = [name for name, (given, _) in EXAMPLES.items() if "t0" in given and "tier" in given]
Json = dict[str, Any]


@cache
def policy(option: str = "") -> Policy:
    """The project's policy, or one with an option set."""
    data = yaml.safe_load((Path(__file__).parents[3] / "mappings" / "sla.yaml").read_text())["policies"][-1]
    if option == "mon-sat":
        data["business_day"]["option_mon_sat"] = True
    if option == "oncall":
        data["tiers"]["PARTNER"]["partner_p1_oncall"] = True
    return Policy.model_validate(data)


@cache
def compiled(option: str = "") -> Figures:
    """Its figures."""
    return figures(policy(option))


def timeline(given: Json) -> Json:
    """An example's input as a timeline: a first response at T0 where there are pauses (policy C.12)."""
    events: list[Json] = [{"at": at, "type": "public_update"} for at in given.get("updates", ())]
    if "pauses" in given:
        events.append({"at": given["t0"], "type": "first_response"})
    for start, end in given.get("pauses", ()):
        events.append({"at": start, "type": "pause", "status": "WaitingCustomer", "message_sent": True})
        events.append({"at": end, "type": "resume"})
    for name in ("resolved", "mitigated", "reopened"):
        if f"{name}_at" in given:
            events.append({"at": given[f"{name}_at"], "type": name})
    events += [{"at": at, "type": kind, "value": value} for at, kind, value in given.get("changes", ())]
    case = {k: given[k] for k in ("tier", "priority", "channel", "category", "t0", "force_majeure") if k in given}
    return {"id": "x", "priority": "P4", "events": events, **case}


def answer(given: Json, at: str | None = None, option: str = "") -> Json:
    """Where the case stands at ``at``; without it, right after its last event."""
    case = timeline(given)
    as_of = at or max((case["t0"], *(e["at"] for e in case["events"])), key=datetime.fromisoformat)
    (found,) = explain([case], compiled(option), datetime.fromisoformat(as_of).astimezone(UTC))
    return found


def due(found: Json, clock: str) -> str:
    """The due of a clock."""
    return found["clocks"][clock]["due"]


def same(found: str | None, expected: str) -> bool:
    """The same instant."""
    return found is not None and datetime.fromisoformat(found) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("name", TIMELINES)
def test_dues_and_rungs(name: str) -> None:
    """Every due and rung an example names, at its last event."""
    given, expected = EXAMPLES[name]
    option = "mon-sat" if "option" in given else ""
    found = answer(given, option=option)
    said = {f"{c.lower()}_due": due(found, c) for c in ("FR", "MIT", "RES", "NU", "PIR")}
    said |= {rung.lower(): at for rung, at in found["ladder"].items()}
    if "force_majeure" in given:
        said["res_due"] = due(answer(given, given["force_majeure"][0][1]), "RES")
    compared = {k: v for k, v in expected.items() if k in said and v != "skipped"}
    assert {k: same(said[k], v) for k, v in compared.items()} == dict.fromkeys(compared, True)


def test_the_first_response_has_an_aim_of_its_own() -> None:
    given, expected = EXAMPLES["E05"]
    t0 = walltime.parse(given["t0"])[0]
    found, _ = columns([timeline(given)], compiled(), t0)
    marks = evaluate(found.cases(), found.events(), compiled(), t0).warn_at[0, FR]
    assert same(walltime.text(int(marks)), expected["fr_warn"])


def test_marks_before_a_due() -> None:
    given, expected = EXAMPLES["E44"]
    t0 = walltime.parse(given["t0"])[0]
    found, _ = columns([timeline(given)], compiled(), t0)
    result = evaluate(found.cases(), found.events(), compiled(), t0)
    assert same(walltime.text(int(result.warn_at[0, RES])), expected["warn75"])
    assert same(walltime.text(int(result.critical_at[0, RES])), expected["critical90"])
    assert same(walltime.text(int(result.due[0, RES])), expected["due"])
    assert answer(given, expected["due"])["clocks"]["RES"]["state"] == "running"
    assert answer(given, expected["first_breached_second"])["clocks"]["RES"]["state"] == "breached"


def test_met_until_the_due_itself() -> None:
    given, expected = EXAMPLES["E01"]
    at = datetime.fromisoformat(expected["fr_due"])
    for late, state in ((0, "met"), (1, "breached")):
        case = timeline(given)
        case["events"].append({"at": (at + timedelta(seconds=late)).isoformat(), "type": "first_response"})
        (found,) = explain([case], compiled(), at + timedelta(minutes=1))
        assert found["clocks"]["FR"]["state"] == state


def test_a_payment_failure_until_its_resolution() -> None:
    given, expected = EXAMPLES["E06"]
    found = answer(given)
    assert f"L{found['level']}" == expected["level_at_resolution"]
    owners = [compiled().owner_of(compiled().paths.index(found["path"]), level) for level in (2, 3, 4)]
    example = EXAMPLES["E41"][1]
    assert owners == [example["l2_queue"], example["l3_queue"], example["l4_queue"]]


@pytest.mark.parametrize("name", ["E33", "E34"])
def test_reopened(name: str) -> None:
    given, expected = EXAMPLES[name]
    found = answer(given)
    assert same(due(found, "RES"), expected["res_due_after_reopen"])
    before = answer({k: v for k, v in given.items() if k != "reopened_at"})
    if name == "E33":
        assert same(due(before, "RES"), expected["res_due_before"])
        assert same(due(before, "PIR"), expected["pir_due_cancelled"])
        assert found["clocks"]["PIR"]["state"] == "cancelled"
        assert f"L{found['level']}" == expected["level_at_reopen"]
        assert same(due(found, "NU"), expected["next_update_due"])


def test_the_window_for_coming_back() -> None:
    given, expected = EXAMPLES["E35"]
    resolved, end = (walltime.parse(t)[0] for t in (given["resolved_at"], expected["reopen_window_end"]))
    assert resolved + compiled().reopen_window == end
    case = {"tier": "VIP", "priority": "P3", "t0": "2026-05-12T10:00:00+02:00", "resolved_at": given["resolved_at"]}
    for at, stands in ((expected["reopen_window_end"], "running"), (given["customer_reply_at"], "met")):
        assert answer({**case, "reopened_at": at})["clocks"]["RES"]["state"] == stands


@pytest.mark.parametrize(
    ("name", "clock", "key"), [("E36", "RES", "res_due_before"), ("E38", "MIT", "mit_breached_at")]
)
def test_changes_of_priority(name: str, clock: str, key: str) -> None:
    given, expected = EXAMPLES[name]
    if key.endswith("before"):
        assert same(due(answer({k: v for k, v in given.items() if k != "changes"}), clock), expected[key])
    else:
        found = answer(given)
        assert same(found["clocks"][clock]["breached_at"], expected[key])
        assert f"L{found['level']}" == expected["level_after"]


@pytest.mark.parametrize("name", ["E40", "E43"])
def test_triggers(name: str) -> None:
    given, expected = EXAMPLES[name]
    found = answer(given)
    assert (found["priority"], f"L{found['level']}") == (expected["priority"], expected["level_at_t0"])
    assert found["ladder"]["L2"] == walltime.text(walltime.parse(given["t0"])[0])
    if "queue" in expected:
        assert compiled().owner_of(compiled().paths.index(found["path"]), 1) == expected["queue"]


def test_mitigated_early_skips_the_second_level() -> None:
    found = answer(EXAMPLES["E42"][0])
    assert (found["clocks"]["MIT"]["state"], found["ladder"]["L2"]) == ("met", None)


def test_next_updates() -> None:
    given, expected = EXAMPLES["E45"]
    first, second = given["updates"]
    for updates, key in (([], "initial"), ([first], "after_first"), ([first, second], "after_second")):
        case = {**given, "updates": updates, "pauses": []}
        assert same(due(answer(case), "NU"), expected[f"nu_due_{key}"])
    assert same(due(answer(given), "NU"), expected["nu_due_after_resume"])


def test_force_majeure() -> None:
    given, expected = EXAMPLES["E50"]
    inside = answer(given, given["force_majeure"][0][0])
    assert inside["clocks"]["RES"] == {"state": "paused", "due": None, "stopped_at": None, "breached_at": None}
    without = answer({k: v for k, v in given.items() if k != "force_majeure"})
    assert same(due(without, "RES"), expected["res_due_without_fm"])


def test_partners_on_call() -> None:
    given, expected = EXAMPLES["E51"]
    found = answer(given, option="oncall")
    assert same(due(found, "MIT"), expected["mit_due_oncall"])
    assert same(due(found, "RES"), expected["res_due_oncall"])


# -- apart from the five clocks --


def column(text: str) -> np.ndarray:
    """One instant as a column."""
    return np.array([walltime.parse(text)[0]], np.int64)


def instant(values: np.ndarray) -> str | None:
    """The one value of a column."""
    return walltime.text(int(values[0]))


@pytest.mark.parametrize("name", ["E52", "E53"])
def test_gdpr(name: str) -> None:
    given, expected = EXAMPLES[name]
    days = np.array([given["received"]], "datetime64[D]")
    assert str(timers.gdpr_due(policy(), days)[0]) == expected["due"]


def test_terms() -> None:
    given, expected = EXAMPLES["E54"]
    assert same(instant(timers.withdrawal_due(policy(), column(given["requested"]))), expected["due"])
    given, expected = EXAMPLES["E55"]
    days = np.array([given["last_event"]], "datetime64[D]")
    assert str(timers.days_after(policy(), "ticket_payout", days)[0]) == expected["last_day"]
    given, expected = EXAMPLES["E56"]
    assert same(instant(timers.elapsed(policy(), "ticket_cancel", column(given["accepted_at"]))), expected["last_ok"])
    given, expected = EXAMPLES["E47"]
    assert same(instant(timers.same_day(policy(), column(given["detected_at"]))), expected["correction_due"])


def test_promises_on_site() -> None:
    given, expected = EXAMPLES["E48"]
    t0 = column(given["t0"])
    for tier, aux, key in (
        ("VIP", "TABLE", "reaction_due"),
        ("VIP", "ARR", "arrival_due_vip"),
        ("VVIP", "ARR", "arrival_due_vvip"),
        ("VIP", "DEC", "decision_due"),
        ("VIP", "HWX", "hardware_transfer_due"),
    ):
        found = timers.auxiliary(policy(), aux, np.array([TIERS.index(tier)]), t0)  # type: ignore[arg-type]
        assert same(instant(found), expected[key])
    given, expected = EXAMPLES["E49"]
    found = timers.auxiliary(policy(), "CB", np.array([1]), column(given["overload_at"]))
    assert same(instant(found), expected["callback_due"])
