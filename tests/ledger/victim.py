"""A process that is killed while it writes to a ledger: ``victim.py URL FOLDER STEP``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from sfsync.ledger import Ledger, audit, images, intents, lease
from sfsync.ledger.base import Base
from sfsync.sides.side import TEXT

KEY = b"0123456789abcdef0123456789abcdef"
KEYS = pd.Index([f"P-{i}" for i in range(500)], dtype=TEXT, name="key")
DIGESTS = np.arange(2, 2 + 2 * len(KEYS), dtype=np.uint64).reshape(-1, 2)


def main(url: str, folder: str) -> None:
    ledger = Ledger.open(url, Path(folder), KEY)
    held = lease.acquire(ledger, "mapping:player")
    touched = np.ones(DIGESTS.shape, bool)
    intent = intents.open(ledger, "r1", "player", "salesforce", "update", KEYS, ["a", "b"], DIGESTS, touched)
    intents.set_job(ledger, intent, "750x")
    images.save(ledger, "r1", "player", "salesforce", 1, pa.table({"key": list(KEYS)}))
    outcomes = pd.DataFrame({"result": ["failed"] + ["updated"] * (len(KEYS) - 1)}, index=KEYS)
    intents.close(ledger, intent, outcomes, base=Base.of(["a", "b"], KEYS, DIGESTS), lease=held)
    audit.append(ledger, "run.end", {}, run_id="r1", actor="victim")
    print("survived")


if __name__ == "__main__":
    main(*sys.argv[1:])
