"""Conflicts in the ledger: met, decided by people, rules and deadlines, carried out once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from sfsync.errors import ConfigError
from sfsync.ledger import Ledger, audit, conflicts, rules, rulings
from sfsync.ledger.conflicts import KEEP, PLATFORM, SALESFORCE
from sfsync.mapping.model import Conflicts, Mapping
from tests.merge.cells import mapping

TOP = np.uint64(2**64 - 1)


def cells(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["key", "field", "platform_digest", "salesforce_digest"])
    digests = {n: frame[n].astype("uint64") for n in ("platform_digest", "salesforce_digest")}
    return frame.assign(**digests, platform_stamp="2026-11-22T10:00:00Z", salesforce_stamp=pd.NA)


def test_a_conflict_met_again_is_the_same_conflict(ledger: Ledger) -> None:
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6)))
    (first,) = conflicts.conflicts(ledger).to_dict("records")
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells(("P-1", "email", 5, 6)))
    (again,) = conflicts.conflicts(ledger).to_dict("records")
    assert (again["conflict_id"], again["since"]) == (first["conflict_id"], first["since"])
    assert again["run_id"] == "r2"


def test_a_conflict_is_over_when_its_record_was_seen_without_it(ledger: Ledger) -> None:
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6), ("P-2", "email", 5, 6)))
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells(("P-1", "phone", 7, 8)))
    left = conflicts.conflicts(ledger)
    assert set(zip(left["key"], left["field"], strict=True)) == {("P-1", "phone"), ("P-2", "email")}
    assert len(conflicts.conflicts(ledger, state="closed")) == 1
    conflicts.meet(ledger, "r3", "player", ["P-1"], cells(("P-1", "email", 5, 6)))
    assert len(conflicts.conflicts(ledger)) == 2, "it opens again"


def decided(ledger: Ledger, platform: list[int], salesforce: list[int]) -> list[list[int]]:
    keys = pd.Index(["P-2", "P-1"])
    sides = [np.array([[0, d], [d, 0]], np.uint64) for d in (platform[0], salesforce[0])]
    found: list[list[int]] = conflicts.decisions(ledger, "player", ["email", "phone"], keys, *sides).tolist()
    return found


@pytest.mark.parametrize(("said", "code"), [("platform", PLATFORM), ("salesforce", SALESFORCE), ("keep", KEEP)])
def test_a_decision_sticks_to_exactly_these_two_values(ledger: Ledger, said: str, code: int) -> None:
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", int(TOP), 6)))
    (row,) = conflicts.conflicts(ledger).to_dict("records")
    assert decided(ledger, [int(TOP)], [6]) == [[0, 0], [0, 0]]
    rulings.decide(ledger, row["conflict_id"], said, "anna")
    assert decided(ledger, [int(TOP)], [6]) == [[0, 0], [code, 0]]
    assert decided(ledger, [int(TOP)], [7]) == [[0, 0], [0, 0]]
    assert decided(ledger, [5], [6]) == [[0, 0], [0, 0]]
    found = conflicts.get(ledger, row["conflict_id"])
    assert (found["state"], found["decision"], found["decided_by"]) == ("decided", said, "anna")
    conflicts.meet(ledger, "r2", "player", [], cells(("P-1", "email", int(TOP), 6)))
    assert conflicts.get(ledger, row["conflict_id"])["state"] == "decided", "meeting it again does not ask again"
    (line,) = audit.lines(ledger)
    assert line["details"]["decision"] == said and line["details"]["key"] == "P-1"


def test_decisions_about_a_field_of_another_name_or_mapping_do_not_count(ledger: Ledger) -> None:
    conflicts.meet(ledger, "r1", "shop", [], cells(("P-1", "email", 5, 6)))
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "gone", 5, 6)))
    for one in conflicts.conflicts(ledger)["conflict_id"]:
        rulings.decide(ledger, one, "platform", "anna")
    assert decided(ledger, [5], [6]) == [[0, 0], [0, 0]]


def test_an_accepted_difference_asks_nobody(ledger: Ledger) -> None:
    conflicts.accept(ledger, "r1", "player", cells(("P-1", "email", 5, 6)), "automation")
    assert conflicts.conflicts(ledger).empty
    assert decided(ledger, [5], [6]) == [[0, 0], [KEEP, 0]]
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells())
    assert decided(ledger, [5], [6]) == [[0, 0], [KEEP, 0]]


def test_unknown_and_finished_conflicts_cannot_be_decided(ledger: Ledger) -> None:
    with pytest.raises(ConfigError, match="no such conflict"):
        rulings.decide(ledger, "C-nothing", "platform", "anna")
    conflicts.meet(ledger, "r1", "player", [], cells(("P-1", "email", 5, 6)))
    one = conflicts.conflicts(ledger)["conflict_id"].iloc[0]
    conflicts.meet(ledger, "r2", "player", ["P-1"], cells())
    with pytest.raises(ConfigError, match="over"):
        rulings.decide(ledger, one, "platform", "anna")
    assert audit.lines(ledger) == []


# -- decided once, by one ---------------------------------------------------------------------------------------------

MAPPING = mapping(email={"owner": "manual"}, phone={"owner": "manual"})
NOW = datetime.now(UTC) + timedelta(minutes=1)


def met(
    ledger: Ledger, key: str = "P-1", field: str = "email", p: int = 5, s: int = 6, code: str = "BOTH_CHANGED"
) -> str:
    """An open conflict; its id."""
    conflicts.meet(ledger, "r1", "thing", [], cells((key, field, p, s)).assign(code=code))
    return conflicts.ids_of("thing", cells((key, field, p, s)))[0]


def claim(ledger: Ledger, decision: str, *rows: tuple[str, str, int, int]) -> list[bool]:
    """What a batch that is about to leave is told, per cell."""
    return list(rulings.claim(ledger, "r2", MAPPING, NOW, cells(*rows), decision))


def said(
    ledger: Ledger, *, ruled: bool = False, as_of: datetime = NOW, p: int = 5, s: int = 6, key: str = "P-1"
) -> int:
    """What holds for the cell email of a record with these two digests."""
    where = ["email"], pd.Index([key]), np.array([[p]], np.uint64), np.array([[s]], np.uint64)
    found = rulings.ruled(ledger, MAPPING, as_of, *where) if ruled else conflicts.decisions(ledger, "thing", *where)
    return int(found[0, 0])


def test_the_second_person_is_told_who_decided(ledger: Ledger) -> None:
    one = met(ledger)
    rulings.decide(ledger, one, "platform", "anna")
    with pytest.raises(ConfigError, match="anna decided 'platform'") as caught:
        rulings.decide(ledger, one, "salesforce", "bruno")
    assert caught.value.code == "CONFLICT_DECIDED"
    assert said(ledger) == PLATFORM, "the first decision stands"
    [again] = rulings.decide_all(ledger, [one], "platform", "bruno")
    assert again["again"], "the same once more is no second decision"
    rulings.decide(ledger, one, "salesforce", "bruno", change=True)
    assert said(ledger) == SALESFORCE
    assert [(a["actor"], a["details"].get("instead_of")) for a in audit.lines(ledger)] == [
        ("anna", None),
        ("bruno", "platform by anna"),
    ]


def test_all_of_these_or_none(ledger: Ledger) -> None:
    one, other = met(ledger), met(ledger, "P-2")
    rulings.decide(ledger, other, "keep", "anna")
    with pytest.raises(ConfigError, match="nothing was decided"):
        rulings.decide_all(ledger, [one, other], "platform", "bruno")
    assert conflicts.get(ledger, one)["state"] == "open"
    assert [r["again"] for r in rulings.decide_all(ledger, [one], "platform", "bruno", dry_run=True)] == [False]
    assert conflicts.get(ledger, one)["state"] == "open", "a dry run decides nothing"


def test_what_is_being_written_cannot_be_decided_otherwise(ledger: Ledger) -> None:
    one = met(ledger)
    rulings.decide(ledger, one, "platform", "anna")
    assert claim(ledger, "platform", ("P-1", "email", 5, 6)) == [True]
    for change in (False, True):
        with pytest.raises(ConfigError, match="is writing that") as caught:
            rulings.decide(ledger, one, "salesforce", "bruno", change=change)
        assert caught.value.code == "CONFLICT_APPLYING"
    assert said(ledger) == PLATFORM, "if the run dies here, the next one plans the same again"
    touched = np.array([[True]])
    with ledger.writing() as connection:
        conflicts.release_in(connection, "thing", pd.Index(["P-1"]), ["email"], touched)
    rulings.decide(ledger, one, "salesforce", "bruno", change=True)
    assert claim(ledger, "platform", ("P-1", "email", 5, 6)) == [False], "a plan made before bruno's word is void"
    assert claim(ledger, "salesforce", ("P-1", "email", 5, 6)) == [True]


def test_what_was_written_is_over_and_its_values_ask_again(ledger: Ledger) -> None:
    one = met(ledger)
    rulings.decide(ledger, one, "platform", "anna")
    claim(ledger, "platform", ("P-1", "email", 5, 6))
    with ledger.writing() as connection:
        conflicts.close_cells_in(connection, "thing", pd.Index(["P-1"]), ["email"], np.array([[True]]))
    assert said(ledger) == 0
    assert claim(ledger, "platform", ("P-1", "email", 5, 6)) == [False], "never a second time"
    before = conflicts.get(ledger, one)["since"]
    assert met(ledger) == one
    again = conflicts.get(ledger, one)
    assert (again["state"], again["decision"], again["decided_by"]) == ("open", None, None)
    assert again["since"] > before, "it is open since now"


def test_a_decision_is_over_when_a_third_value_came(ledger: Ledger) -> None:
    one = met(ledger)
    rulings.decide(ledger, one, "platform", "anna")
    third = met(ledger, p=7)
    assert conflicts.get(ledger, one)["state"] == "closed"
    assert conflicts.get(ledger, third)["state"] == "open"
    assert said(ledger) == said(ledger, p=7) == 0


# -- by rule ----------------------------------------------------------------------------------------------------------


def test_a_rule_decides_what_is_open_and_what_comes(ledger: Ledger) -> None:
    one, other = met(ledger), met(ledger, field="phone")
    rule, ids = rulings.add_rule(ledger, "thing", "email", "salesforce", "anna")
    assert rule is not None
    assert ids == [one]
    assert (said(ledger), conflicts.get(ledger, other)["state"]) == (SALESFORCE, "open")
    assert conflicts.get(ledger, one)["decided_by"] == f"rule {rule.rule_id} of anna"
    assert said(ledger, ruled=True, key="P-9") == SALESFORCE, "a conflict nobody has met yet"
    assert claim(ledger, "salesforce", ("P-9", "email", 1, 2)) == [True]
    [new] = conflicts.conflicts(ledger, key="P-9", state="applying").to_dict("records")
    assert new["decided_by"] == rule.name
    rules.end(ledger, rule.rule_id, "bruno")
    assert said(ledger, ruled=True, key="P-9") == 0
    assert claim(ledger, "salesforce", ("P-8", "email", 1, 2)) == [False]
    assert [a["action"] for a in audit.lines(ledger)] == [
        "conflicts.rule",
        "conflicts.decide",
        "conflicts.decide",
        "conflicts.rule.end",
    ]


def test_a_rule_that_keeps_answers_when_the_conflict_is_met(ledger: Ledger) -> None:
    rulings.add_rule(ledger, "thing", "email", "keep", "anna")
    assert said(ledger, ruled=True) == 0, "there is nothing to write"
    met(ledger)
    assert said(ledger) == KEEP


def test_a_rule_ends_by_itself(ledger: Ledger) -> None:
    rulings.add_rule(ledger, "thing", "email", "platform", "anna", until=NOW)
    assert said(ledger, ruled=True, as_of=NOW - timedelta(seconds=1)) == PLATFORM
    assert said(ledger, ruled=True, as_of=NOW) == 0


def test_one_rule_for_a_field(ledger: Ledger) -> None:
    rule, _ = rulings.add_rule(ledger, "thing", "email", "platform", "anna")
    assert rule is not None
    with pytest.raises(ConfigError) as caught:
        rulings.add_rule(ledger, "thing", "email", "salesforce", "bruno")
    assert (caught.value.code, rule.rule_id in caught.value.next_step) == ("RULE_EXISTS", True)
    rulings.add_rule(ledger, "other", "email", "salesforce", "bruno")
    with pytest.raises(ConfigError, match="no such rule"):
        rules.end(ledger, "R-none", "bruno")
    assert len(rules.rules(ledger)) == 2


# -- by deadline ------------------------------------------------------------------------------------------------------


def due(then: str) -> Mapping:
    """The mapping with a deadline of two days."""
    return MAPPING.model_copy(update={"conflicts": Conflicts(deadline=timedelta(days=2), then=then)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("then", "code"), [("platform", PLATFORM), ("salesforce", SALESFORCE), ("keep", KEEP)])
def test_the_deadline_decides_what_is_older(ledger: Ledger, then: str, code: int) -> None:
    one = met(ledger)
    early, late = NOW + timedelta(days=1), NOW + timedelta(days=3)
    where = ["email"], pd.Index(["P-1"]), np.array([[5]], np.uint64), np.array([[6]], np.uint64)
    assert rulings.ruled(ledger, due(then), early, *where).tolist() == [[0]]
    assert rulings.ruled(ledger, due(then), late, *where).tolist() == [[code]]
    assert rulings.decide_due(ledger, "r2", due(then), early) == []
    assert rulings.decide_due(ledger, "r2", due(then), late) == [one]
    assert said(ledger) == code
    assert [(a["actor"], a["run_id"], a["details"]["count"]) for a in audit.lines(ledger)] == [("deadline", "r2", 1)]


def test_waiting_decides_nothing(ledger: Ledger) -> None:
    met(ledger)
    assert rulings.decide_due(ledger, "r2", due("wait"), NOW + timedelta(days=9)) == []


def test_neither_rule_nor_deadline_decides_a_conflict_in_doubt(ledger: Ledger) -> None:
    one = met(ledger, code="IN_DOUBT")
    assert rulings.add_rule(ledger, "thing", "email", "platform", "anna")[1] == []
    assert rulings.decide_due(ledger, "r2", due("platform"), NOW + timedelta(days=9)) == []
    met(ledger, code="IN_DOUBT")
    assert conflicts.get(ledger, one)["state"] == "open"
    doubt = conflicts.doubtful(ledger, "thing", ["email", "phone"], pd.Index(["P-0", "P-1"]))
    assert doubt.tolist() == [[False, False], [True, False]]
    rulings.decide(ledger, one, "platform", "anna")
    assert said(ledger) == PLATFORM, "a person may"


@pytest.mark.parametrize(
    ("spec", "possible"),
    [
        ({"owner": "platform"}, {"platform", "keep"}),
        ({"owner": "salesforce", "seed": False}, {"salesforce", "keep"}),
        ({"owner": "newest"}, {"platform", "salesforce", "keep"}),
    ],
)
def test_only_what_the_mapping_can_write_is_decided(
    ledger: Ledger, spec: dict[str, object], possible: set[str]
) -> None:
    """A lost reply leaves fields with an owner in doubt, too; nobody is told "done" for what no run would write."""
    shape, one = mapping(email=spec), met(ledger, code="IN_DOUBT")
    found = set()
    for take in ("platform", "salesforce", "keep"):
        try:
            rulings.decide_all(ledger, [one], take, "anna", mappings={"thing": shape}, dry_run=True)
            found.add(take)
        except ConfigError as error:
            assert error.code == "CONFLICT_ONE_WAY"
    assert found == possible
