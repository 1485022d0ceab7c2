"""One batch written like ``apply`` writes it, up to the last outcome, but never closed: what a killed run leaves.

As a program it does so in a process of its own, which a fault point may kill: ``python -m …loader ORDER`` (JSON).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from sfsync import settings
from sfsync.ledger import Ledger, intents
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.sides.salesforce.side import SalesforceSide
from sfsync.sides.salesforce.ways import Ways
from sfsync.sides.side import Write
from tests.sides.salesforce.conftest import QUICK, ROOT, companies, write_of

KEY = b"0123456789abcdef0123456789abcdef"
ROWS = companies(120)
ROWS["C-00007"]["pec"] = "not an address"


def ledger_in(folder: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{folder / 'ledger.db'}", folder, KEY)


def batch(mapping: Mapping) -> Write:
    return write_of(mapping, "create", ROWS)


def left_open(ledger: Ledger, side: SalesforceSide, mapping: Mapping) -> pd.DataFrame:
    """Intent and write; the outcomes, which nobody has put into the ledger."""
    write = batch(mapping)
    digests = ledger.digest.frame(write.values, mapping)
    names = ("r1", mapping.name, "salesforce", "create")
    intent = intents.open(ledger, *names, write.keys, mapping.columns, digests, write.touched)
    side.on_job = lambda job_id: intents.set_job(ledger, intent, job_id)
    return pd.concat([o.rows for o in side.write(mapping, write)])


def main(order: dict[str, Any]) -> None:
    folder = Path(order["folder"])
    config = settings.Salesforce.model_validate(order["salesforce"])
    shares, ways = settings.Budget(per_run=1, org_wide_stop=1), Ways(small_rows=50)
    side = SalesforceSide(config, shares, cache=folder / "cache", patience=QUICK, ways=ways)
    left_open(ledger_in(folder), side, load(ROOT / "mappings")["company"])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
