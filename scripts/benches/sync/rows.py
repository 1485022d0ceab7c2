"""The rows of our own plan as CSV files: ``python -m scripts.benches.sync.rows MAPPINGS PLAN FOLDER RECORD_TYPE``.

Every peer sends exactly these cells. Files are cut at 100 MB: simple-salesforce takes no more, Salesforce 150 MB.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from scripts.benches.sync.world import KEY
from sfsync.mapping import canon
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Changes, Segment
from sfsync.sides.salesforce import tables
from sfsync.sides.side import TEXT

MOST_BYTES = 95 * 2**20


def write(mappings: Path, plan: Path, folder: Path, record_type: str) -> None:
    """Writes ``players-0.csv`` … into ``folder``."""
    mapping = load(mappings)["player"]
    creates = (segment.changes.select(side="salesforce", kind="create") for segment in _segments(plan))
    frame = pd.concat([_columns(mapping, some, record_type) for some in creates], ignore_index=True).astype(TEXT)
    whole = pa.Table.from_pandas(frame.loc[:, frame.notna().any()], preserve_index=False)
    for number, body in enumerate(_cut(whole)):
        (folder / f"players-{number}.csv").write_bytes(body)


def _segments(plan: Path) -> Iterator[Segment]:
    return PlanFolder.open(plan).segments("player")


def _columns(mapping: Mapping, creates: Changes, record_type: str) -> pd.DataFrame:
    """One segment, under the names of Salesforce; what goes by another object (an owner, a shop) is empty here."""
    found = {KEY: creates.keys.to_series(index=range(len(creates)))}
    for spec in mapping.synced:
        if spec.salesforce and "." not in spec.salesforce:
            cells = canon.to_csv(spec, creates.after[spec.name].reset_index(drop=True))
            cells = cells.fillna("false") if spec.type.value == "boolean" else cells
            found |= dict.fromkeys((spec.salesforce, *spec.also), cells)
    return pd.DataFrame(found).assign(RecordTypeId=record_type)


def _cut(whole: pa.Table) -> Iterator[bytes]:
    body = tables.write(whole)
    files = -(-len(body) // MOST_BYTES)
    size = -(-len(whole) // files)
    yield from [body] if files == 1 else (tables.write(whole[at : at + size]) for at in range(0, len(whole), size))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
