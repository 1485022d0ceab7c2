"""Laws of the merge, for any values: equal in, equal out; order means nothing; what is equal stays alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.mapping.model import Owner
from sfsync.merge import decide, verdict
from sfsync.merge.decide import Action
from tests.merge.cells import NEVER, UNSEEN, aligned, mapping, records

OWNERS = [o for o in Owner if o is not Owner.COMPUTED]
SHAPE = mapping(**{o.value: {"owner": o.value} for o in OWNERS})
VALUE = st.sampled_from([None, "a", "b", "false", "true", "2026-01-01T00:00:00Z"])
STAMPS = st.sampled_from([None, "2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z"])
WIDTH = len(SHAPE.columns)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Up to six records with any values on either side, any base, any stamps."""
    keys = draw(st.lists(st.sampled_from(["K1", "K2", "K3", "K4", "K5", "K6"]), unique=True, min_size=1))
    row, known = st.lists(VALUE, min_size=WIDTH, max_size=WIDTH), st.one_of(VALUE, st.just(NEVER))
    base = {k: draw(st.lists(known, min_size=WIDTH, max_size=WIDTH)) for k in keys}
    stamps = {s: {k: draw(STAMPS) for k in keys} for s in ("p", "s")}
    return {"p": {k: draw(row) for k in keys}, "s": {k: draw(row) for k in keys}, "b": base, "stamps": stamps}


def merged(world: dict[str, Any], order: list[str] | None = None) -> pd.DataFrame:
    """Actions by key and field."""
    keys = order or list(world["p"])
    sides = [
        records(SHAPE, {k: world[s][k] for k in keys}, stamps=[world["stamps"][s][k] for k in keys]) for s in ("p", "s")
    ]
    a = aligned(SHAPE, *sides, {k: world["b"][k] for k in keys})
    verdicts = verdict.cells(a.p, a.s, a.b)
    nothing = np.zeros(verdicts.shape, np.int8)
    return pd.DataFrame(decide.cells(a, verdicts, nothing, nothing.astype(bool)), a.keys, list(SHAPE.columns))


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_equal_inputs_give_equal_outputs_in_any_order(world: dict[str, Any]) -> None:
    first = merged(world)
    assert first.equals(merged(world))
    backwards = merged(world, list(reversed(world["p"])))
    assert first.equals(backwards.loc[first.index])


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_what_is_equal_is_never_written(world: dict[str, Any]) -> None:
    world["s"] = world["p"]
    assert np.isin(merged(world), [Action.NOTHING, Action.BASE]).all()
    world["b"] = world["p"]
    assert (merged(world) == Action.NOTHING).all(axis=None)


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_one_round_converges(world: dict[str, Any]) -> None:
    """Doing what was decided, and remembering it, leaves nothing to decide but what a person must."""
    actions = merged(world)
    for key in actions.index:
        for column, name in enumerate(SHAPE.columns):
            action, p, s = actions.at[key, name], world["p"][key], world["s"][key]
            if action == Action.SALESFORCE:
                s[column] = p[column]
            elif action == Action.PLATFORM:
                p[column] = s[column]
            if action in (Action.SALESFORCE, Action.PLATFORM, Action.BASE):
                world["b"][key][column] = p[column]
    again = merged(world)
    asked = actions == Action.ASK
    assert (again.where(~asked, Action.NOTHING) == Action.NOTHING).all(axis=None)
    assert (again.where(asked, Action.ASK) == Action.ASK).all(axis=None)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.sampled_from(["p", "s"]))
def test_what_was_not_observed_is_never_a_change(world: dict[str, Any], side: str) -> None:
    world[side] = {k: [UNSEEN] * WIDTH for k in world[side]}
    assert (merged(world) == Action.NOTHING).all(axis=None)
