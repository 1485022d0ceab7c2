"""sla policy, drill, simulate and report through the command line, on a served org with a few cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.test_sla_enforce import NOON, Desk, text
from tests.e2e.world import ROOT, emptied, opened, restored

LATER = NOON + timedelta(hours=6)
PERIOD = ["--from", text(NOON - timedelta(hours=1)), "--to", text(LATER)]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of an org with three cases: two of VIPs, one resolved in time and one open, and one of STANDARD."""
    from sfsync.demo import schema

    place = tmp_path_factory.mktemp("look") / "world"
    schema.create(f"sqlite:///{emptied(place) / 'platform.db'}")
    with opened(place) as world:
        desk = Desk(world)
        desk.at(NOON)
        done = desk.case(NOON)
        desk.case(NOON)
        desk.case(NOON, SFS_Tier__c="STANDARD", Priority="P3", Origin="email")
        desk.at(NOON + timedelta(seconds=10))
        desk.say(done)
        desk.at(NOON + timedelta(minutes=10))
        desk.change(done, Status="Resolved", SFS_Resolved_At__c=text(NOON + timedelta(minutes=10)))
        desk.at(LATER)
    return Path(restored(place, place.parent / "snapshot"))


@pytest.fixture
def desk(ready: Path) -> Iterator[Desk]:
    """That org again."""
    with opened(restored(ready, ready.parent / "world")) as world:
        made = Desk(world)
        made.at(LATER)
        yield made


def say(desk: Desk, *arguments: str, exit: int = 0) -> Any:
    """A verb of the group at the later time, as JSON."""
    ran = desk.world.run("sla", *arguments, "--as-of", text(LATER), "--json")
    assert ran.exit == exit, (ran.exit, ran.out, ran.err)
    return json.loads(ran.out)


def shares(told: Any) -> dict[str, tuple[int, int, str]]:
    """Figures by metric, of one group."""
    return {f["metric"]: (f["numerator"], f["denominator"], f["value"]) for f in told["figures"]}


def declare(desk: Desk, begins: timedelta, ends: timedelta) -> None:
    """Force majeure for VIPs, from and until so long after noon."""
    span = ["--from", text(NOON + begins), "--until", text(NOON + ends)]
    ran = desk.world.run("sla", "majeure", "declare", *span, "--tier", "VIP", "--reason", "linea", "--approver", "c.r")
    assert ran.exit == 0, ran.err


def altered(folder: Path, **changes: Any) -> Path:
    """The project's policy with other figures."""
    data = yaml.safe_load((ROOT / "mappings" / "sla.yaml").read_text("utf-8"))
    data["policies"][-1] |= changes
    made = folder / "other.yaml"
    made.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return made


def slower(folder: Path) -> Path:
    """A policy under which a VVIP's and a VIP's P1 may take eight hours."""
    data = yaml.safe_load((ROOT / "mappings" / "sla.yaml").read_text("utf-8"))
    tiers = data["policies"][-1]["tiers"]
    tiers["VVIP"]["RES"]["P1"] = "8h"
    return altered(folder, tiers=tiers)


def test_without_a_declaration_a_report_has_one_line_each(desk: Desk) -> None:
    told = say(desk, "report", *PERIOD)
    found = shares(told)
    assert told["cases"] == 3
    assert found["RES kept"] == (1, 2, "50.0"), "one resolved in time, one missed; the third is not due yet"
    assert found["MIT kept"] == (1, 2, "50.0")
    assert not [name for name in found if "force majeure" in name or "waived" in name]


def test_force_majeure_gives_a_second_line_and_counts_what_it_waives(desk: Desk) -> None:
    declare(desk, timedelta(minutes=5), timedelta(hours=5))
    found = shares(say(desk, "report", *PERIOD))
    assert found["RES kept"] == (1, 1, "100.0"), "the open case is not due before 14:55"
    assert found["RES kept, without force majeure"] == (1, 2, "50.0")
    assert found["RES breaches waived"] == (1, 1, "100.0")
    assert found["MIT kept"] == found["MIT kept, without force majeure"], "missed all the same, later"
    assert found["MIT breaches waived"] == (0, 1, "0.0")
    assert found["FR breaches waived"] == (0, 2, "0.0"), "missed before it began"
    assert found["all clocks of a case kept, without force majeure"][1] == 3


def test_a_declaration_after_the_period_is_none_of_its_figures(desk: Desk) -> None:
    declare(desk, timedelta(hours=5), timedelta(hours=7))
    span = ["--from", text(NOON), "--to", text(NOON + timedelta(hours=4))]
    found = shares(say(desk, "report", *span))
    assert not [name for name in found if "waived" in name]


@pytest.mark.parametrize("by", ["tier", "channel", "category"])
def test_a_report_by_a_dimension_has_the_same_sum(desk: Desk, by: str) -> None:
    told = say(desk, "report", *PERIOD, "--by", by)
    kept = [f for f in told["figures"] if f["metric"] == "all clocks of a case kept"]
    assert sum(f["denominator"] for f in kept) == shares(say(desk, "report", *PERIOD))["all clocks of a case kept"][1]
    assert all(f["few"] for f in kept), "three cases are few"


def test_a_simulation_says_what_would_have_been_missed(desk: Desk, tmp_path: Path) -> None:
    told = say(desk, "simulate", "--policy", str(slower(tmp_path)), "--since", "1d")
    counts = {(c["tier"], c["what"]): (c["now"], c["new"]) for c in told["counts"]}
    assert told["cases"] == 3
    assert counts["VIP", "RES breached"] == (1, 0)
    assert counts["VIP", "MIT breached"] == (1, 1)
    [one] = [d for d in told["differ"] if d["what"] == "RES breached"]
    assert (one["now"], one["new"]) == (text(NOON + timedelta(hours=2)), None)


def test_a_simulation_takes_force_majeure_into_account(desk: Desk, tmp_path: Path) -> None:
    declare(desk, timedelta(minutes=5), timedelta(hours=5))
    told = say(desk, "simulate", "--policy", str(slower(tmp_path)), "--since", "1d")
    counts = {(c["tier"], c["what"]): (c["now"], c["new"]) for c in told["counts"]}
    assert counts["VIP", "RES breached"] == (0, 0)


def test_simulate_and_report_write_nothing(desk: Desk, tmp_path: Path) -> None:
    before = desk.world.rows("SELECT Id, SystemModstamp, SFS_Esc_Level__c FROM Case ORDER BY Id")
    say(desk, "simulate", "--policy", str(slower(tmp_path)))
    say(desk, "report")
    assert desk.world.rows("SELECT Id, SystemModstamp, SFS_Esc_Level__c FROM Case ORDER BY Id") == before


def test_what_cannot_be_asked_is_refused(desk: Desk, tmp_path: Path) -> None:
    torn = altered(tmp_path, max_pause={"P1": "4h"})
    ran = desk.world.run("sla", "simulate", "--policy", str(torn))
    assert (ran.exit, "SLA_POLICY_INVALID" in ran.err) == (2, True)
    assert desk.world.run("sla", "report", "--from", text(LATER), "--to", text(NOON)).exit == 2
    assert desk.world.run("sla", "simulate", "--policy", str(torn), "--since", "3w").exit == 2


def test_the_policy_in_words_and_as_json(desk: Desk) -> None:
    told = say(desk, "policy")
    assert told["in_force"] == "2026-01"
    assert told["policy"]["tiers"]["VIP"]["FR"]["phone"] == "20s"
    ran = desk.world.run("sla", "policy")
    assert (ran.exit, "FINANCE_L2" in ran.out, "2026-01" in ran.out + ran.err) == (0, True, True)


def test_a_drill_is_played_and_kept(desk: Desk) -> None:
    assert all(d["due"] for d in say(desk, "drill", exit=4))
    told = say(desk, "drill", "vip-payment")
    assert (told["passed"], told["result"]["faults"]) == (True, [])
    assert [s["level"] for s in told["result"]["steps"]][-1] == 4
    listed = {d["drill"]: d for d in say(desk, "drill", exit=4)}
    assert (listed["vip-payment"]["due"], listed["vip-payment"]["passed"]) == (False, True)
    assert desk.world.run("sla", "drill", "no-such").exit == 2
    assert desk.notices("") == [], "nothing is sent"
