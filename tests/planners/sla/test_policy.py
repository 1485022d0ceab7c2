"""The policy file is checked when it is read: every hole is refused by a code and a sentence that names its place."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sfsync.errors import ConfigError
from sfsync.planners.sla.figures import figures
from sfsync.planners.sla.policy import Policy, load

FILE = Path(__file__).parents[3] / "mappings" / "sla.yaml"
GONE = object()  # the entry is taken away


@cache
def whole() -> Any:
    """The project's policy file."""
    return yaml.safe_load(FILE.read_text("utf-8"))


def changed(place: str, value: Any) -> Any:
    """The file with another value at a place of its version (names with dots between them)."""
    data = copy.deepcopy(whole())
    *way, last = place.split("/")
    found = data["policies"][0]
    for name in way:
        found = found[name]
    if value is GONE:
        del found[last]
    else:
        found[last] = value
    return data


def read(folder: Path, data: Any) -> list[Policy]:
    """What the policy file of these data says."""
    file = folder / "sla.yaml"
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False), "utf-8")
    return load(file)


def refusals(folder: Path, data: Any, code: str = "SLA_POLICY_INVALID") -> list[str]:
    """The sentences by which it is refused."""
    with pytest.raises(ConfigError) as caught:
        read(folder, data)
    error = caught.value
    assert (error.code, error.exit_status, bool(error.next_step)) == (code, 2, True)
    return [error.message, *error.details]


HOLES = [
    ("tiers/VVIP", GONE, "tiers: VVIP is missing"),
    ("tiers/STANDARD/like", "VIP", "tiers.STANDARD.like: VIP is no tier of its own"),
    ("tiers/STANDARD/cal/NU", GONE, "tiers.STANDARD.cal: NU has no calendar"),
    ("tiers/STANDARD/cal/RES", GONE, "tiers.STANDARD.cal: RES has no calendar"),
    ("tiers/STANDARD/cal/RES/P1", GONE, "tiers.STANDARD.cal.RES: name a calendar for each of P1 to P4"),
    ("tiers/STANDARD/cal/FR", "C25", "tiers.STANDARD.cal.FR: there is no calendar C25"),
    ("tiers/STANDARD/cal/RES/P3", "C25", "tiers.STANDARD.cal.RES: there is no calendar C25"),
    ("tiers/STANDARD/RES/P2", GONE, "tiers.STANDARD.RES: P2 has no target"),
    ("tiers/STANDARD/NU/P4", GONE, "tiers.STANDARD.NU: P4 has no target"),
    ("tiers/STANDARD/NU/P4", "2bd@NIGHT", "tiers.STANDARD.NU.P4: there is no calendar NIGHT"),
    ("tiers/STANDARD/PIR/P1", "1bd@NIGHT", "tiers.STANDARD.PIR.P1: there is no calendar NIGHT"),
    ("tiers/STANDARD/FR/chat", "1h@CBD", "tiers.STANDARD.FR.chat: this runs on the calendar of its clock"),
    ("tiers/STANDARD/FR/email", {"warn": "30m", "due": "30m"}, "tiers.STANDARD.FR.email: it warns when it is due"),
    ("tiers/STANDARD/FR/chat", "0s", "tiers.STANDARD.FR.chat: '0s' has no length"),
    ("tiers/STANDARD/FR/chat", "-5m", "tiers.STANDARD.FR.chat: '-5m' is no length of time"),
    ("tiers/STANDARD/RES/P1", "soon", "tiers.STANDARD.RES.P1: 'soon' is no length of time"),
    ("tiers/STANDARD/FR/fax", "5m", "tiers.STANDARD.FR.fax"),
    ("tiers/STANDARD/ladder/P3", GONE, "tiers.STANDARD.ladder: P3 has no rungs"),
    ("tiers/STANDARD/ladder/P3/L2", "40h", "tiers.STANDARD.ladder.P3: rungs begin at L2 and rise"),
    ("tiers/STANDARD/ladder/P3/L2", GONE, "tiers.STANDARD.ladder.P3: rungs begin at L2 and rise"),
    ("tiers/STANDARD/ladder/P3/L2", "1bd@CBD", "tiers.STANDARD.ladder.P3.L2: this runs on the calendar of its clock"),
    ("max_pause/P3", GONE, "max_pause: P3 is missing"),
    ("max_pause/P3", "5bd@NIGHT", "max_pause.P3: there is no calendar NIGHT"),
    ("paths/vip", GONE, "paths: vip is missing"),
    ("paths/partner", GONE, "paths: partner is missing"),
    ("paths/std/L3", "", "paths.std.L3: nobody owns this level"),
    ("paths/std/L3", GONE, "paths.std.L3"),
    ("categories/other", GONE, "categories: other is missing"),
    ("categories/login/path", "nowhere", "categories.login.path: there is no path nowhere"),
    ("categories/login/floor", "P5", "categories.login.floor"),
    ("drills/vip-payment/category", "nothing", "drills.vip-payment.category: there is no category nothing"),
    ("calendars/CDESK/open", GONE, "calendars.CDESK: a business calendar says when it opens and closes"),
    ("calendars/CDESK/windows", ["08:00-13:00", "12:00-18:00"], "calendars.CDESK: its windows overlap"),
    ("calendars/CDESK/windows", ["18:00-08:00"], "calendars.CDESK.windows.0: '18:00-08:00' closes before it opens"),
    ("calendars/CDESK/windows", ["morning"], "calendars.CDESK.windows.0: 'morning' is no window"),
    (
        "calendars/CDESK/half_days",
        {"2026-12-24": ["08:00-13:00", "12:00-14:00"]},
        "calendars.CDESK.half_days.2026-12-24: its windows overlap",
    ),
    ("calendars/CBD/holidays", "DE", "calendars.CBD.holidays: there is no list DE"),
    ("holidays/IT", {2026: ["13-45"]}, "holidays.IT.2026: 13-45 is no day"),
    ("business_day/days", [], "business_day.days: there is none"),
    ("business_day/days", ["sunday"], "business_day.days.0"),
    ("pause_statuses", ["Sleeping"], "pause_statuses: there is no status Sleeping"),
    ("tz", "Mars/Olympus", "tz: there is no time zone Mars/Olympus"),
    ("same_day_tz", "Mars/Olympus", "same_day_tz: there is no time zone Mars/Olympus"),
    ("warnings/critical", 50, "warnings.critical: it comes before warn"),
    ("warnings/warn", 100, "warnings.warn"),
    ("reopen/floor_pct", 101, "reopen.floor_pct"),
    ("reopen/min_level", 5, "reopen.min_level"),
    ("large_payout_eur", 0, "large_payout_eur"),
    ("timers/withdrawal", GONE, "timers.withdrawal"),
    ("milestones", {" ": "FR"}, "milestones: one has no name"),
    ("milestones", {"Next update": "NU"}, "milestones.Next update: Input should be 'FR', 'MIT', 'RES' or 'PIR'"),
    ("valid_from", "someday", "valid_from"),
    ("valid_from", "2026-01-01T00:00:00", "valid_from"),
    ("colour", "blue", "colour"),
]


@pytest.mark.parametrize(("place", "value", "sentence"), HOLES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_hole_is_named_with_its_place(tmp_path: Path, place: str, value: Any, sentence: str) -> None:
    said = refusals(tmp_path, changed(place, value))
    assert any(one.startswith(f"2026-01: {sentence}") for one in said), said


def test_a_partner_on_call_needs_the_calendar_that_always_runs(tmp_path: Path) -> None:
    data = changed("tiers/PARTNER/partner_p1_oncall", True)
    assert figures(read(tmp_path, data)[0]).calendars
    data["policies"][0]["calendars"]["ALWAYS"] = data["policies"][0]["calendars"].pop("C24")
    said = refusals(tmp_path, data)
    assert "2026-01: tiers.PARTNER.partner_p1_oncall: there is no calendar C24" in said


def test_all_holes_are_told_at_once(tmp_path: Path) -> None:
    data = changed("tz", "Mars/Olympus")
    data["policies"][0]["drills"]["vip-payment"]["category"] = "nothing"
    data["policies"].append({**copy.deepcopy(whole()["policies"][0]), "policy_version": "2027-01", "max_pause": {}})
    said = refusals(tmp_path, data)
    assert [one.split(":")[0] for one in said] == ["2026-01"] * 2 + ["2027-01"] * 4, "of both versions"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("policies: [", "this is not YAML"),
        ("[]", "it has no list `policies`"),
        ("policies: []", "it has no list `policies`"),
        ("policies: [5]", "policies.0: "),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, data: str, sentence: str) -> None:
    assert refusals(tmp_path, data)[0].startswith(sentence)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "sla.yaml")
    assert (caught.value.code, caught.value.where) == ("SLA_POLICY_MISSING", str(tmp_path / "sla.yaml"))


@pytest.mark.parametrize(
    ("version", "since"),
    [("2026-01", "2027-01-01T00:00:00Z"), ("2027-01", "2020-01-01T00:00:00Z"), ("2027-01", "2019-01-01T00:00:00Z")],
)
def test_versions_have_a_name_and_a_start_of_their_own_and_stand_in_order(
    tmp_path: Path, version: str, since: str
) -> None:
    data = copy.deepcopy(whole())
    data["policies"].append({**copy.deepcopy(data["policies"][0]), "policy_version": version, "valid_from": since})
    assert refusals(tmp_path, data) == ["its versions have the same name or start, or stand out of order"]


def test_the_file_as_it_is_has_no_hole(tmp_path: Path) -> None:
    [policy] = read(tmp_path, whole())
    assert figures(policy).version == "2026-01"
    assert policy.milestones == {"First Response": "FR", "Stabilisation": "MIT", "Resolution": "RES"}
