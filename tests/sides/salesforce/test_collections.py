"""Batches of collections: parents together, sizes kept, locks tried again in smaller batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce import collections
from sfsync.sides.salesforce.collections import by_parent
from tests.sides.salesforce.conftest import World, companies, outcomes, write_of
from tests.sides.salesforce.test_payload import payload

LOCKED = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}


def answer(*items: dict[str, Any]) -> dict[str, Any]:
    """A composite answer of one collection."""
    part = {"body": list(items), "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "part0"}
    return {"compositeResponse": [part]}


def item(*errors: dict[str, Any], number: int = 1) -> dict[str, Any]:
    if errors:
        return {"success": False, "errors": list(errors)}
    return {"id": f"00100000000000{number}AAA", "success": True, "errors": [], "created": True}


def test_rows_of_one_parent_stand_together_and_keep_their_order() -> None:
    rows = {f"k{n}": {"tier": "STANDARD", "player": f"P{n % 3}"} for n in range(9)}
    rows["k4"] = {"player": "P1"}  # no record type for it: cannot be sent
    made = payload("create", rows)
    order = by_parent(made)
    assert made.write.keys[order].tolist() == ["k0", "k3", "k6", "k1", "k7", "k2", "k5", "k8"]


def test_batches_are_cut_by_rows_and_by_bytes() -> None:
    sizes = [1] * 450 + [collections.BATCH_BYTES // 2 + 1] * 3
    batches = list(collections._batches(np.arange(453), sizes, 200))
    assert [len(b) for b in batches] == [200, 200, 51, 1, 1]
    assert np.concatenate(batches).tolist() == list(range(453))
    sizes = [1] * 10 + [collections.BATCH_BYTES] * 3
    batches = list(collections._batches(np.arange(13), sizes, 200))
    assert [[len(b) for b in c] for c in collections._calls(iter(batches), sizes)] == [[10, 1, 1], [1]]


def test_a_locked_row_goes_round_again_alone(world: World, mappings: dict[str, Mapping]) -> None:
    company = mappings["company"]
    side = world.side()
    side.prepare([company])
    body = answer(item(number=1), item(LOCKED), item(number=3))
    world.control("faults", kind="status", status=200, body=body, match="POST .*composite")
    found = outcomes(side.write(company, write_of(company, "create", companies(3))))
    assert found.loc[list(companies(3)), "result"].tolist() == ["created"] * 3
    assert side.query("SELECT SFS_Company_Code__c FROM Account")[0]["SFS_Company_Code__c"] == "C-00001"
    assert side.query("SELECT COUNT(Id) n FROM Account")[0]["n"] == 1  # only the locked row was sent again


def test_a_row_that_stays_locked_waits_for_the_next_run(world: World, mappings: dict[str, Mapping]) -> None:
    company = mappings["company"]
    side = world.side()
    side.prepare([company])
    before = side.api_calls
    world.control("faults", kind="status", status=200, body=answer(item(LOCKED)), match="POST .*composite", times=None)
    found = outcomes(side.write(company, write_of(company, "create", companies(1))))
    assert found[["result", "code", "kind_of_failure"]].iloc[0].tolist() == ["moved", "UNABLE_TO_LOCK_ROW", "lock"]
    assert side.api_calls - before == len(collections.ROUNDS)


@pytest.mark.parametrize("body", [answer(item()), {"compositeResponse": []}])
def test_an_answer_that_does_not_add_up_is_unknown(
    world: World, mappings: dict[str, Mapping], body: dict[str, Any]
) -> None:
    company = mappings["company"]
    side = world.side()
    side.prepare([company])
    world.control("faults", kind="status", status=200, body=body, match="POST .*composite")
    found = outcomes(side.write(company, write_of(company, "create", companies(2))))
    assert found["result"].tolist() == ["unknown"] * 2
