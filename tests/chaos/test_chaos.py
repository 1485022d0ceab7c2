"""A short slice of ``scripts/chaos``, and proof that its checker would notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.faults import Trouble
from tests.chaos.model import ABSENT, NEVER, Cell, Rule, State
from tests.chaos.nursery import Nursery
from tests.chaos.rounds import Broken, Rounds
from tests.chaos.stage import Stage

FULL_DISKS = (({"file_bytes": 40_960}, {"LEDGER_IO", "DISK_FULL"}), ({"ledger_pages": 30}, {"LEDGER_FULL"}))
ROUNDS = {1: 2, 2: 2}  # world -> rounds


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """Makes processes that may be killed."""
    with closing(Nursery(tmp_path / "logs")) as made:
        yield made


@pytest.mark.slow  # four rounds of real processes against a real org: ten seconds on an idle machine
@pytest.mark.parametrize("seed", list(ROUNDS))
def test_nothing_is_lost(tmp_path: Path, nursery: Nursery, seed: int) -> None:
    with closing(Stage(tmp_path / "world", nursery, seed=seed, margins=seed % 2 == 0)) as stage:
        rounds = Rounds(stage, seed)
        rounds.begin()
        for number in range(1, ROUNDS[seed] + 1):
            try:
                rounds.play(number)
            except Exception as error:
                error.add_note("\n".join([*rounds.story, f"seed {seed} round {number}"]))
                raise
    assert sum(rounds.runs.values()) > ROUNDS[seed]


def test_the_checker_looks_at_both_ends(tmp_path: Path, nursery: Nursery) -> None:
    """A value changed behind everybody's back, a record that is missing, a twin: each is noticed."""
    with closing(Stage(tmp_path / "world", nursery, seed=3)) as stage:
        rounds = Rounds(stage, 3)
        rounds.begin()
        stage.world.sql("UPDATE players SET city = 'Foggia', tier = 'VVIP' WHERE player_id = 'P-0000001'")
        stage.world.sql("DELETE FROM cases WHERE source_key = 'PL-0000001'")
        look = stage.look()
        with pytest.raises(Broken, match=r"Foggia(.|\n)*PL-0000001|PL-0000001(.|\n)*Foggia"):
            rounds._possible(look, [])
        with pytest.raises(Broken, match="tier: was"):
            rounds._whole(look)
        look.wrong.append("twins: player P-0000001")
        with pytest.raises(Broken, match="twins"):
            rounds._possible(look, [])


def test_a_ledger_without_room_stops_the_run_and_the_next_goes_on(tmp_path: Path, nursery: Nursery) -> None:
    """SQLite's own limit and the system's: a write that finds no room ends the run with a code, and harms nothing."""
    with closing(Stage(tmp_path / "world", nursery, seed=4)) as stage:
        rounds = Rounds(stage, 4)
        for numbers, codes in FULL_DISKS:
            ended = rounds._run([], Trouble(["full"], numbers=numbers))
            assert (ended.exit, ended.doc["error"]["code"] in codes) == (2, True), ended
        rounds.begin()


def cell(rule: Rule, platform: str | None, salesforce: str | None, base: str | None) -> Cell:
    """A cell of which one state is known."""
    return Cell(rule, [State(platform, salesforce, base)])


STRICT, NEWEST = Rule("stricter", "true"), Rule("newest")


@pytest.mark.parametrize(
    ("before", "winner", "faults", "allowed", "wrong"),
    [
        (cell(Rule("platform"), "a", "b", "b"), None, False, {("a", "a")}, {("b", "b"), ("a", "b")}),
        (cell(Rule("salesforce"), "a", "b", "a"), None, False, {("b", "b")}, {("a", "a")}),
        (cell(NEWEST, "a", "b", "c"), "salesforce", False, {("b", "b")}, {("a", "a"), ("a", "b")}),
        (cell(NEWEST, "a", "b", "c"), "platform", True, {("a", "a"), ("a", "b")}, {("b", "b")}),
        (cell(NEWEST, "a", "c", "c"), "salesforce", False, {("a", "a")}, {("c", "c")}),
        (cell(Rule("manual"), "a", "b", "c"), "platform", False, {("a", "b")}, {("a", "a"), ("b", "b")}),
        (cell(Rule("manual"), "a", "c", "c"), None, False, {("a", "a")}, {("c", "c")}),
        (cell(STRICT, "false", "true", "false"), "platform", False, {("true", "true")}, {("false", "false")}),
        (cell(STRICT, "false", "true", "true"), "platform", False, {("true", "true")}, {("false", "false")}),
        (cell(STRICT, "false", "false", "true"), None, False, {("false", "false")}, {("true", "true")}),
        (cell(Rule("earliest"), "2", "1", "2"), "platform", False, {("1", "1")}, {("2", "2")}),
        (cell(NEWEST, "a", ABSENT, NEVER), None, False, {("a", "a")}, {("a", ABSENT)}),
        (cell(NEWEST, "a", ABSENT, "a"), None, True, {("a", "a"), ("a", ABSENT)}, {(ABSENT, ABSENT)}),
    ],
)  # fmt: skip
def test_what_a_cell_may_hold(
    before: Cell,
    winner: str | None,
    faults: bool,
    allowed: set[tuple[str, str]],
    wrong: set[tuple[str, str]],
) -> None:
    """The model's own table, from the words of the documentation."""
    before.ran(winner, faults=faults)
    for pair in allowed | wrong:
        found = Cell(before.rule, before.states).wrong(*pair)
        assert (found is None) == (pair in allowed), (pair, found)


def test_a_half_done_write_followed_by_an_edit_waits_or_is_taken() -> None:
    """Written and not remembered, then edited in Salesforce: the edit may win or wait; it is never overwritten."""
    told = cell(Rule("manual"), "a", "a", "a")
    told.typed("platform", "b")
    told.ran(None, faults=True)
    told.typed("salesforce", "c")
    told.ran(None, faults=True)
    told.ran(None, faults=False)
    for pair, fine in {("c", "c"): True, ("b", "c"): True, ("b", "b"): False, ("a", "a"): False}.items():
        assert (Cell(told.rule, told.states).wrong(*pair) is None) == fine, pair
