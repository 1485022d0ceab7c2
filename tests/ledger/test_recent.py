"""What counts for the fuse over a day: records once, no run that was meant, nothing of the first load."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd

from sfsync.ledger import Ledger, history, recent

MEANT = ("MASS_CHANGE",)
AGO = datetime.now(UTC) - timedelta(hours=1)


def run(
    ledger: Ledger, *keys: str, command: str = "sync", waived: tuple[str, ...] = (), result: str = "updated"
) -> str:
    """A run that wrote these players in Salesforce."""
    run_id = ledger.begin_run(command, AGO, "cron", waived)
    rows = pd.DataFrame({"key": keys, "side": "salesforce", "kind": "update", "result": result, "code": None})
    history.log(ledger, run_id, "player", rows)
    ledger.end_run(run_id, 0, {})
    return run_id


def counted(ledger: Ledger, since: datetime = AGO, after: str = "", side: str = "salesforce") -> int:
    return recent.updated(ledger, "player", side, since, after_run=after, meant=MEANT)


def test_records_count_once_however_often_they_changed(ledger: Ledger) -> None:
    run(ledger, "A", "B")
    run(ledger, "B", "C")
    run(ledger, "D", result="failed")
    assert counted(ledger) == 3
    assert counted(ledger, side="platform") == 0
    assert counted(ledger, since=datetime.now(UTC) + timedelta(minutes=1)) == 0


def test_what_a_person_meant_does_not_count(ledger: Ledger) -> None:
    run(ledger, "A", waived=("mass_change",))
    run(ledger, "B", waived=("COLUMN_NULL",))
    run(ledger, "C", command="undo")
    assert counted(ledger) == 1


def test_the_first_load_does_not_count(ledger: Ledger) -> None:
    first = run(ledger, "A", "B", "C")
    assert counted(ledger, after=first) == 0
