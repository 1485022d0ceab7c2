"""Verdicts and digests of many cells, in a process of their own: ``python -m scripts.benches.sync.cells ROWS``."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from scripts.benches.org_process import ROOT
from scripts.benches.sync import measure
from scripts.benches.sync.table import Figure, Table
from sfsync.ledger.digest import KeyedDigest
from sfsync.mapping.load import load
from sfsync.merge import verdict
from sfsync.sides.side import TEXT

FIELDS, TURNS = 20, 5


def table(rows: int) -> Table:
    """Figures of a process of its own; CPU seconds, so that a busy machine says the same."""
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    found = json.loads(measure.run([sys.executable, "-m", "scripts.benches.sync.cells", str(rows)], ROOT, env).out)
    size = f"{rows:,} × {FIELDS}"
    return Table.of(
        "Cells",
        [
            Figure(f"verdicts, {size}", found["verdicts"], "s", 1.0 * rows / 1_000_000),
            Figure(
                f"digests, {size}", found["digests"], "s", None, "half of the columns unique texts, half of few values"
            ),
        ],
        [f"CPU seconds of one core, medians of {TURNS} and of 3"],
    )


def verdicts(rows: int) -> float:
    """Three matrices of digests: most cells the same, one in a hundred changed on either side."""
    dice = np.random.default_rng(1)
    base = dice.integers(2, 2**63, (rows, FIELDS), np.uint64)
    platform, salesforce = (np.where(dice.random(base.shape) < 0.01, base + np.uint64(1), base) for _ in range(2))
    return _median(lambda: verdict.cells(platform, salesforce, base), TURNS)


def digests(rows: int) -> float:
    """Columns of the player mapping."""
    mapping = load(ROOT / "mappings")["player"]
    keys = pd.Index([f"P-{n:08}" for n in range(rows)], dtype=TEXT, name="key")
    unique = pd.Series(pa.array(keys).cast(pa.string()).to_pandas(), index=keys, dtype=TEXT)
    few = pd.Series(np.array(["first", "second", "third"])[np.arange(rows) % 3], index=keys, dtype=TEXT)
    plain = [spec.name for spec in mapping.synced if not spec.sensitive][:FIELDS]
    frame = pd.DataFrame({name: few if at % 2 else unique for at, name in enumerate(plain)})
    digest = KeyedDigest(b"k" * 32)
    return _median(lambda: digest.frame(frame, mapping), 3)


def _median(act: Callable[[], object], turns: int) -> float:
    spent = []
    for _ in range(turns):
        started = time.process_time()
        act()
        spent.append(time.process_time() - started)
    return statistics.median(spent)


if __name__ == "__main__":
    count = int(sys.argv[1])
    print(json.dumps({"verdicts": verdicts(count), "digests": digests(count)}))
