"""What automation in the org made of a write: accepted, but for an opt-out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfsync.ledger import Ledger, conflicts, rulings
from sfsync.mapping.model import Conflicts
from sfsync.plan.decided import automated, settle_differences
from tests.merge.cells import mapping

MAPPING = mapping(hours={}, opted_out={"owner": "stricter", "type": "boolean"})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path, b"k" * 32)
    yield made
    made.close()


def differences(*fields: str) -> pd.DataFrame:
    """Cells of one record the org changed right after they were written."""
    frame = pd.DataFrame({"key": "K-1", "field": list(fields)})
    return frame.assign(platform_digest=np.uint64(5), salesforce_digest=np.uint64(6))


def test_an_opt_out_the_org_undoes_is_not_accepted(ledger: Ledger) -> None:
    settle_differences(ledger, "r1", MAPPING, differences("hours", "opted_out"))
    digests = np.array([[5, 5]], np.uint64), np.array([[6, 6]], np.uint64)
    said = conflicts.decisions(ledger, "thing", MAPPING.columns, pd.Index(["K-1"]), *digests)
    assert said.tolist() == [[conflicts.KEEP, 0]]
    [open_] = conflicts.conflicts(ledger).to_dict("records")
    assert (open_["field"], open_["code"]) == ("opted_out", conflicts.NOT_KEPT)


def test_neither_rule_nor_deadline_gives_an_opt_out_up(ledger: Ledger) -> None:
    settle_differences(ledger, "r1", MAPPING, differences("opted_out"))
    late = datetime.now(UTC) + timedelta(days=9)
    due = MAPPING.model_copy(update={"conflicts": Conflicts(then="salesforce")})
    assert rulings.decide_due(ledger, "r2", due, late) == []
    assert rulings.add_rule(ledger, "thing", "opted_out", "salesforce", "anna")[1] == []
    assert len(conflicts.conflicts(ledger)) == 1


def test_what_people_are_told() -> None:
    assert (automated(MAPPING, "hours", 3).code, automated(MAPPING, "hours", 3).level) == ("AUTOMATION", "info")
    assert (automated(MAPPING, "opted_out", 1).code, automated(MAPPING, "opted_out", 1).level) == (
        "NOT_KEPT",
        "warning",
    )
