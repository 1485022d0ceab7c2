"""The conflict inbox in whole runs: what people see, what they decide, and that it is done once."""

from __future__ import annotations

import json
import shutil
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.world import ROOT, Ran, World, Zygote

OURS, THEIRS = "Mo-Fr 09:00-17:00", "Mo-Fr 10:00-18:00"
FIELD = "SFS_Opening_Hours__c"


@pytest.fixture
def disputed(world: World) -> World:
    """A mapping whose opening hours are nobody's, and a shop where both sides changed them."""
    folder = world.folder / "mappings"
    shutil.copytree(ROOT / "mappings", folder)
    change_mapping(world, "salesforce: SFS_Opening_Hours__c, length: 200, owner: newest", "newest", "manual")
    world.configure(mappings=folder)
    dispute(world, shop(world))
    return world


def change_mapping(world: World, line: str, old: str, new: str) -> None:
    """Another word in a line of the shops' mapping."""
    file = world.folder / "mappings" / "shop.yaml"
    text = file.read_text("utf-8")
    assert line in text
    file.write_text(text.replace(line, line.replace(old, new)), "utf-8")


def shop(world: World, number: int = 0) -> str:
    """The code of a shop."""
    return str(world.frame("shops").index[number])


def dispute(world: World, key: str, ours: str = OURS, theirs: str = THEIRS) -> None:
    """Both sides change the opening hours of a shop."""
    world.edit("shops", key, opening_hours=ours)
    world.change("Account", "SFS_Shop_Code__c", key, **{FIELD: theirs})


def inbox(world: World, *arguments: str) -> list[dict[str, Any]]:
    """What ``conflicts --json`` lists."""
    found: list[dict[str, Any]] = json.loads(world.run("conflicts", *arguments, "--json").out)
    return found


def hours(world: World, key: str) -> tuple[Any, Any]:
    """The opening hours on both sides."""
    there = world.one("Account", "SFS_Shop_Code__c", key, FIELD)[FIELD]
    return world.frame("shops").loc[key, "opening_hours"], there


def resolve(world: World, conflict: dict[str, Any], take: str, *more: str, exit: int = 0) -> Ran:
    """A person decides."""
    ran = world.run("conflicts", "resolve", conflict["conflict_id"], "--take", take, *more)
    assert ran.exit == exit, (ran.out, ran.err)
    return ran


def test_the_inbox_shows_what_is_needed_to_decide(disputed: World) -> None:
    disputed.sync("shop", exit=4)
    [row] = inbox(disputed)
    assert (row["platform"]["value"], row["salesforce"]["value"]) == (OURS, THEIRS)
    user = disputed.rows("SELECT LastModifiedBy.Username FROM Account WHERE SFS_Opening_Hours__c = '" + THEIRS + "'")
    assert (row["platform"]["by"], row["salesforce"]["by"]) == (None, user[0]["LastModifiedBy"]["Username"])
    assert row["platform"]["stamp"]
    assert row["salesforce"]["stamp"]
    assert (row["as_met"], row["overdue"], row["then"]) == (True, False, "wait")
    assert json.loads(disputed.run("conflicts", "show", row["conflict_id"], "--json").out) == row
    for words in ([], ["show", row["conflict_id"]]):
        shown = disputed.run("conflicts", *words)
        assert OURS in shown.out
        assert THEIRS in shown.out
    life = json.loads(disputed.run("explain", "shop", row["key"], "--json").out)
    assert [c["state"] for c in life["conflicts"]] == ["open"]
    resolve(disputed, row, "salesforce", "--dry-run")
    assert inbox(disputed)[0]["state"] == "open"
    resolve(disputed, row, "salesforce")
    explained = disputed.run("explain", "shop", row["key"])
    assert "decided" in explained.out
    assert "decided by a person" in explained.out
    disputed.edit("shops", row["key"], opening_hours="mai")
    [late] = inbox(disputed, "--state", "all")
    assert late["as_met"] is False
    assert inbox(disputed, "--state", "all", "--unread")[0]["platform"]["value"] == "not read"


def test_personal_values_are_masked(disputed: World) -> None:
    line = "salesforce: SFS_Shop_Email__c, type: email, length: 80, owner: newest"
    change_mapping(disputed, line, "newest", "manual")
    key = shop(disputed, 1)
    disputed.edit("shops", key, email="noi@posta.example")
    disputed.change("Account", "SFS_Shop_Code__c", key, SFS_Shop_Email__c="loro@posta.example")
    disputed.sync("shop", exit=4)
    for words in (["conflicts"], ["conflicts", "--json"]):
        shown = disputed.run(*words)
        assert "posta.example" not in shown.out + shown.err
    assert "loro@posta.example" in disputed.run("conflicts", "--show-values").out


@pytest.mark.parametrize("point", ["ledger.intent.opened", "apply.written"])
def test_killed_while_the_decision_is_written(disputed: World, zygote: Zygote, point: str) -> None:
    """Before or after the write: it is carried out once, and nobody decides otherwise meanwhile."""
    disputed.sync("shop", exit=4)
    [row] = inbox(disputed)
    resolve(disputed, row, "platform")
    died = zygote.run(disputed, ["sync", "shop", "--json"], SFSYNC_FAULTPOINT=point)
    assert died.exit == -signal.SIGKILL
    assert "CONFLICT_APPLYING" in resolve(disputed, row, "salesforce", "--change", exit=2).err
    disputed.sync("shop")
    assert hours(disputed, row["key"]) == (OURS, OURS)
    assert [r["state"] for r in inbox(disputed, "--state", "all")] == ["closed"]
    assert disputed.sync("shop").written() == {}
    dispute(disputed, row["key"])
    disputed.edit("shops", row["key"], opening_hours="Sa 09:00-12:00")
    disputed.sync("shop", exit=4)
    assert hours(disputed, row["key"]) == ("Sa 09:00-12:00", THEIRS), "what was decided once decides nothing more"


def test_a_decision_taken_back_after_the_plan_is_not_written(disputed: World) -> None:
    disputed.sync("shop", exit=4)
    [row] = inbox(disputed)
    resolve(disputed, row, "platform")
    saved = disputed.folder / "saved"
    assert disputed.run("plan", "shop", "--out", str(saved)).exit == 0
    assert "CONFLICT_DECIDED" in resolve(disputed, row, "salesforce", exit=2).err
    resolve(disputed, row, "salesforce", "--change")
    ran = disputed.run("apply", str(saved), "--json")
    assert ran.exit == 0, ran
    assert ran.part("shop", "salesforce") == {"held": 1}
    assert hours(disputed, row["key"]) == (OURS, THEIRS)
    disputed.sync("shop")
    assert hours(disputed, row["key"]) == (THEIRS, THEIRS)


def test_a_decision_is_not_about_a_third_value(disputed: World) -> None:
    disputed.sync("shop", exit=4)
    [row] = inbox(disputed)
    resolve(disputed, row, "platform")
    disputed.edit("shops", row["key"], opening_hours="Sa 09:00-12:00")
    disputed.sync("shop", exit=4)
    assert hours(disputed, row["key"]) == ("Sa 09:00-12:00", THEIRS)
    [new] = inbox(disputed)
    assert new["conflict_id"] != row["conflict_id"]


def test_a_rule_decides_open_and_new_ones(disputed: World) -> None:
    other = shop(disputed, 1)
    disputed.sync("shop", exit=4)
    rule = ["conflicts", "rule", "add", "shop", "opening_hours", "--take", "salesforce", "--json"]
    assert len(json.loads(disputed.run(*rule, "--dry-run").out)["conflict_ids"]) == 1
    made = json.loads(disputed.run(*rule).out)
    dispute(disputed, other, "Su", "Sa-Su")
    assert "CONFLICT" not in disputed.sync("shop").out
    assert hours(disputed, shop(disputed)) == (THEIRS, THEIRS)
    assert hours(disputed, other) == ("Sa-Su", "Sa-Su"), "in the very run that meets it"
    decided = {r["key"]: r["decided_by"] for r in inbox(disputed, "--state", "all")}
    assert set(decided) == {shop(disputed), other}
    assert all(made["rule_id"] in by for by in decided.values())
    told = [n for n in json.loads(disputed.run("audit", "--json").out) if n["action"] == "conflicts.decide"]
    assert len(told) == 2
    assert disputed.run("conflicts", "rule", "end", made["rule_id"]).exit == 0
    dispute(disputed, other, "Mo", "Tu")
    disputed.sync("shop", exit=4)
    assert len(inbox(disputed)) == 1


def test_the_deadline(disputed: World) -> None:
    """Overdue after two days; what happens then is for the mapping to say."""
    later = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    disputed.sync("shop", exit=4)
    [row] = inbox(disputed, "--as-of", later)
    assert (row["overdue"], row["then"]) == (True, "wait")
    disputed.sync("shop", "--as-of", later, exit=4)
    change_mapping(
        disputed, "version: 1\n", "version: 1\n", "version: 1\nconflicts: {deadline: 2d, then: salesforce}\n"
    )
    assert disputed.sync("shop", "--dry-run", "--as-of", later).part("shop", "platform") == {"updated": 1}
    disputed.sync("shop", exit=4)
    disputed.sync("shop", "--as-of", later)
    assert hours(disputed, row["key"]) == (THEIRS, THEIRS)
    assert [r["decided_by"] for r in inbox(disputed, "--state", "all")] == ["deadline"]
    assert "deadline" in [n["actor"] for n in json.loads(disputed.run("audit", "--json").out)]


@pytest.mark.parametrize("take", ["platform", "salesforce"])
def test_deleted_there_and_edited_here(world: World, take: str) -> None:
    busy = set(world.frame("cases")["operator_code"])
    key = next(str(k) for k in world.frame("shop_operators").index if k not in busy)
    world.sobject("Contact").delete(world.one("Contact", "SFS_Operator_Code__c", key, "SystemModstamp")["Id"])
    world.edit("shop_operators", key, last_name="Rinaldi")
    world.sync("operator", exit=4)
    [row] = inbox(world)
    assert (row["key"], row["field"], row["salesforce"]["value"]) == (key, "", "(deleted)")
    resolve(world, row, take)
    world.sync("operator")
    alive = world.rows(f"SELECT Id FROM Contact WHERE SFS_Operator_Code__c = '{key}'")
    assert len(alive) == (take == "platform")
    assert [r["state"] for r in inbox(world, "--state", "all")] == ["closed"]
    assert world.sync("operator").written() == {}


# -- failures, told truly ---------------------------------------------------------------------------------------------


def test_a_refused_value_is_named_and_seeing_it_again_is_no_attempt(world: World) -> None:
    key = "P-0000001"
    world.edit("players", key, email="senza chiocciola")
    for _ in range(3):
        world.sync("player", exit=3)
    [failure] = json.loads(world.run("failures", "--json").out)
    assert (failure["key"], failure["attempts"]) == (key, 1)
    cells = {c["field"]: c for c in json.loads(world.run("explain", "player", key, "--json").out)["fields"]}
    assert cells["email"]["platform"] == "refused (VALUE_FORMAT)"
    assert json.loads(world.run("failures", "retry", "player", key, "--json").out) == {"retried": {"player": 1}}
