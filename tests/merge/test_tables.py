"""The two tables that are the product, literally: what happened to a cell, and who wins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfsync.mapping.model import Owner
from sfsync.merge import decide, verdict
from sfsync.merge.decide import Action
from sfsync.merge.verdict import Presence, Verdict
from tests.merge.cells import NEVER, UNSEEN, aligned, judge, mapping, records

A, B, C, NULL = "a", "b", "c", None


@pytest.mark.parametrize(
    ("p", "s", "b", "expected"),
    [
        (A, A, A, Verdict.SAME),
        (NULL, NULL, NULL, Verdict.SAME),
        (A, A, B, Verdict.AGREE),
        (A, A, NEVER, Verdict.AGREE),
        (NULL, NULL, NEVER, Verdict.AGREE),
        (NULL, NULL, A, Verdict.AGREE),
        (B, A, A, Verdict.TO_SALESFORCE),
        (NULL, A, A, Verdict.TO_SALESFORCE),
        (B, NULL, NULL, Verdict.TO_SALESFORCE),
        (A, B, A, Verdict.TO_PLATFORM),
        (A, NULL, A, Verdict.TO_PLATFORM),
        (NULL, B, NULL, Verdict.TO_PLATFORM),
        (A, B, C, Verdict.CONFLICT),
        (NULL, B, C, Verdict.CONFLICT),
        (A, B, NULL, Verdict.CONFLICT),
        (A, B, NEVER, Verdict.FIRST_MEETING),
        (A, NULL, NEVER, Verdict.FIRST_MEETING),
        (UNSEEN, B, A, Verdict.NOT_OBSERVED),
        (B, UNSEEN, A, Verdict.NOT_OBSERVED),
        (UNSEEN, NULL, NULL, Verdict.NOT_OBSERVED),
        (UNSEEN, UNSEEN, NEVER, Verdict.NOT_OBSERVED),
        (B, UNSEEN, NEVER, Verdict.NOT_OBSERVED),
    ],
)
def test_what_happened_to_a_cell(p: Any, s: Any, b: Any, expected: Verdict) -> None:
    assert judge({}, p, s, b)[0] == expected


# One cell for every verdict: platform, Salesforce, base.
CELLS = {
    Verdict.SAME: (A, A, A),
    Verdict.AGREE: (A, A, B),
    Verdict.TO_SALESFORCE: (B, A, A),
    Verdict.TO_PLATFORM: (A, B, A),
    Verdict.CONFLICT: (A, B, C),
    Verdict.FIRST_MEETING: (A, B, NEVER),
    Verdict.NOT_OBSERVED: (B, UNSEEN, A),
}
TO_S, TO_P, ASK, BASE, NOTHING = Action.SALESFORCE, Action.PLATFORM, Action.ASK, Action.BASE, Action.NOTHING
# In the order of CELLS. Of the owners with a rule: equal stamps, so the platform; the earlier text is "a".
WHO_WINS = {
    Owner.PLATFORM: (NOTHING, BASE, TO_S, TO_S, TO_S, TO_S, NOTHING),
    Owner.SALESFORCE: (NOTHING, BASE, TO_P, TO_P, TO_P, TO_P, NOTHING),
    Owner.NEWEST: (NOTHING, BASE, TO_S, TO_P, TO_S, TO_S, NOTHING),
    Owner.EARLIEST: (NOTHING, BASE, TO_P, TO_S, TO_S, TO_S, NOTHING),
    Owner.STRICTER: (NOTHING, BASE, TO_P, TO_P, TO_P, TO_P, NOTHING),
    Owner.MANUAL: (NOTHING, BASE, TO_S, TO_P, ASK, ASK, NOTHING),
}


@pytest.mark.parametrize("owner", list(WHO_WINS))
@pytest.mark.parametrize("column", range(len(CELLS)), ids=[v.name for v in CELLS])
def test_who_wins(owner: Owner, column: int) -> None:
    found = judge({"owner": owner.value}, *list(CELLS.values())[column])
    assert found == (list(CELLS)[column], WHO_WINS[owner][column])


def test_the_table_of_owners_is_whole() -> None:
    assert set(WHO_WINS) | {Owner.COMPUTED} == set(Owner)
    assert set(CELLS) == set(Verdict)
    assert mapping(cell={"owner": "computed"}).columns == (), "a computed field is not the merge's business"


EARLY, LATE = "2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z"


@pytest.mark.parametrize(
    ("p", "s", "b", "times", "expected"),
    [
        (A, B, C, {"p_stamp": EARLY, "s_stamp": LATE}, TO_P),
        (A, B, C, {"p_stamp": LATE, "s_stamp": EARLY}, TO_S),
        (A, B, C, {"p_stamp": EARLY, "s_stamp": EARLY}, TO_S),  # a tie goes to the platform
        (A, B, C, {"p_stamp": None, "s_stamp": LATE}, TO_S),  # so does an unknown time
        (A, B, C, {"p_stamp": LATE, "s_stamp": None}, TO_S),
        (A, B, C, {"p_stamp": LATE, "s_stamp": LATE, "changed_at": EARLY}, TO_P),  # the field's own time counts
        (A, B, C, {"p_stamp": EARLY, "s_stamp": EARLY, "changed_at": LATE}, TO_S),
        (A, B, C, {"p_stamp": EARLY, "s_stamp": LATE, "changed_at": None}, TO_S),
        (NULL, B, C, {"p_stamp": LATE, "s_stamp": EARLY}, TO_S),  # emptying is an edit like any other
        (NULL, B, NEVER, {"p_stamp": LATE, "s_stamp": EARLY}, TO_P),  # but at a first meeting a value beats a null
        (A, NULL, NEVER, {"p_stamp": EARLY, "s_stamp": LATE}, TO_S),
        (A, B, NEVER, {"p_stamp": EARLY, "s_stamp": LATE}, TO_P),
    ],
)
def test_the_newest_wins(p: Any, s: Any, b: Any, times: dict[str, Any], expected: Action) -> None:
    assert judge({"owner": "newest"}, p, s, b, **times)[1] == expected


@pytest.mark.parametrize(
    ("p", "s", "b", "expected"),
    [
        (EARLY, LATE, NEVER, TO_S),
        (LATE, EARLY, NEVER, TO_P),
        (LATE, EARLY, EARLY, TO_P),  # a one-sided change to a later instant is undone
        (EARLY, LATE, EARLY, TO_S),
        (NULL, LATE, NEVER, TO_P),
        (LATE, NULL, LATE, TO_S),  # once given, it does not go away
        (NULL, EARLY, EARLY, TO_P),
    ],
)
def test_the_earliest_wins(p: Any, s: Any, b: Any, expected: Action) -> None:
    assert judge({"owner": "earliest", "type": "instant"}, p, s, b)[1] == expected


YES, NO = "true", "false"


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("p", "s", "b", "expected"),  # as for a field whose stricter value is true
    [
        (YES, NO, NO, TO_S),
        (YES, NO, YES, TO_S),  # a one-sided relaxation is undone, whatever its age
        (NO, YES, NO, TO_P),
        (NO, YES, YES, TO_P),
        (YES, NO, NEVER, TO_S),
        (NO, YES, NEVER, TO_P),
        (YES, NULL, NEVER, TO_S),
        (NO, NULL, NEVER, TO_S),  # null is not a statement
        (NULL, NO, NEVER, TO_P),
        (NULL, YES, YES, TO_P),
        (NO, NO, YES, BASE),  # both relaxed it
    ],
)
def test_the_stricter_wins(p: Any, s: Any, b: Any, expected: Action, strict: bool) -> None:
    if not strict:
        p, s, b = ({YES: NO, NO: YES}.get(v, v) for v in (p, s, b))
    spec = {"owner": "stricter", "type": "boolean", "stricter": strict, "sensitive": True}
    assert judge(spec, p, s, b, p_stamp=EARLY, s_stamp=LATE)[1] == expected
    assert judge(spec, p, s, b, p_stamp=LATE, s_stamp=EARLY)[1] == expected


@pytest.mark.parametrize(
    ("seed", "p", "s", "b", "expected"),
    [
        (True, A, NULL, NEVER, TO_S),  # Salesforce says nothing yet: the platform may sow
        (True, A, B, NEVER, TO_P),
        (True, A, NULL, A, TO_P),  # said, and emptied: that is an edit
        (False, A, NULL, NEVER, NOTHING),
        (False, A, B, NEVER, TO_P),
    ],
)
def test_seeding_what_salesforce_owns(seed: bool, p: Any, s: Any, b: Any, expected: Action) -> None:
    assert judge({"owner": "salesforce", "seed": seed}, p, s, b)[1] == expected


@pytest.mark.parametrize(
    ("said", "cell", "expected"),
    [
        (Action.SALESFORCE, Verdict.CONFLICT, TO_S),
        (Action.PLATFORM, Verdict.CONFLICT, TO_P),
        (Action.BASE, Verdict.CONFLICT, NOTHING),  # keep both
        (Action.PLATFORM, Verdict.FIRST_MEETING, TO_P),
        (Action.BASE, Verdict.TO_SALESFORCE, NOTHING),  # a difference automation made, accepted
        (Action.SALESFORCE, Verdict.SAME, NOTHING),
        (Action.SALESFORCE, Verdict.AGREE, BASE),
        (Action.SALESFORCE, Verdict.NOT_OBSERVED, NOTHING),
    ],
)
def test_what_a_person_said(said: Action, cell: Verdict, expected: Action) -> None:
    assert judge({"owner": "manual"}, *CELLS[cell], said=int(said)) == (cell, expected)


@pytest.mark.parametrize("owner", list(WHO_WINS))
def test_a_conflict_in_doubt_waits_for_a_person(owner: Owner) -> None:
    """All but an opt-out: the stricter value is right whatever became of the batch, and must not wait."""
    asked = WHO_WINS[owner][list(CELLS).index(Verdict.CONFLICT)] if owner is Owner.STRICTER else ASK
    assert judge({"owner": owner.value}, *CELLS[Verdict.CONFLICT], doubt=True)[1] == asked
    one_sided = judge({"owner": owner.value}, *CELLS[Verdict.TO_PLATFORM], doubt=True)[1]
    assert one_sided == WHO_WINS[owner][list(CELLS).index(Verdict.TO_PLATFORM)]


@pytest.mark.parametrize(
    ("action", "ruled", "doubt", "expected"),
    [
        (ASK, TO_S, False, TO_S),
        (ASK, TO_P, False, TO_P),
        (ASK, BASE, False, NOTHING),  # keep both
        (ASK, NOTHING, False, ASK),
        (ASK, TO_S, True, ASK),  # a conflict in doubt is a person's
        (TO_P, TO_S, False, TO_P),  # a rule answers where somebody would be asked, and nowhere else
        (NOTHING, TO_S, False, NOTHING),
        (BASE, TO_S, False, BASE),
    ],
)
def test_a_standing_rule_answers_for_a_person(action: Action, ruled: Action, doubt: bool, expected: Action) -> None:
    cells = [np.array([[int(a)]], np.int8) for a in (action, ruled)]
    assert decide.answered(*cells, np.array([[doubt]]))[0, 0] == expected


# -- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "s", "gone", "known", "expected"),
    [
        (True, True, False, True, Presence.BOTH),
        (True, True, False, False, Presence.BOTH),
        (True, False, False, False, Presence.NEW_ON_PLATFORM),
        (True, False, False, True, Presence.GONE_FROM_SALESFORCE),
        (True, True, True, True, Presence.GONE_FROM_SALESFORCE),
        (True, True, True, False, Presence.NEW_ON_PLATFORM),  # a tombstone nobody ever agreed on says nothing
        (False, True, False, False, Presence.NEW_IN_SALESFORCE),
        (False, True, False, True, Presence.GONE_FROM_PLATFORM),
        (False, False, False, True, Presence.GONE),
        (False, True, True, True, Presence.GONE),
        (False, False, False, False, Presence.GONE),
    ],
)
def test_what_happened_to_a_record(p: bool, s: bool, gone: bool, known: bool, expected: Presence) -> None:
    shape = mapping(cell={})
    here = records(shape, {"K": [A]} if p else {})
    there = records(shape, {"K": [A]} if s else {}, deleted=[gone] if s else [])
    a = aligned(shape, here, there, {"K": [A]} if known else {}, keys=["K"])
    assert Presence(verdict.presence(a)[0]) == expected


def test_a_problem_blanks_its_cell_and_a_nameless_one_the_record() -> None:
    shape = mapping(one={}, two={})
    here = records(shape, {"K": [A, A], "L": [A, A]}, problems=[("K", "two", "VALUE_FORMAT"), ("L", "", "KEY_TWICE")])
    a = aligned(shape, here, records(shape, {"K": [B, B], "L": [B, B]}), {"K": [A, A], "L": [A, A]})
    assert (a.p != 0).tolist() == [[True, False], [False, False]]
    assert a.bad.tolist() == [True, True]
    found = verdict.cells(a.p, a.s, a.b)
    assert found.tolist() == [[Verdict.TO_PLATFORM, Verdict.NOT_OBSERVED], [Verdict.NOT_OBSERVED] * 2]


def test_a_deleted_record_says_nothing_about_its_cells() -> None:
    shape = mapping(cell={})
    a = aligned(shape, records(shape, {"K": [A]}), records(shape, {"K": [B]}, deleted=[True]), {"K": [A]})
    assert a.s_gone.tolist() == [True]
    assert a.s_here.tolist() == [False]
    assert np.all(a.s == 0)
