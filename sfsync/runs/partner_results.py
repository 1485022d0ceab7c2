"""The files an import leaves: the sender's receipt, and success and error files for admins."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from sfsync.ledger import base
from sfsync.planners.requests import results
from sfsync.planners.requests.catalogue import Catalogue
from sfsync.planners.requests.said import Said
from sfsync.runs.bench import Bench
from sfsync.runs.partner_file import Imported, Options

FOLDER = "receipts"


def write(bench: Bench, done: Imported, said: Said, catalogue: Catalogue, options: Options) -> list[Path]:
    """Writes them, readable by their owner only; returns the paths. They hold what the sender wrote, secrets masked."""
    assert done.sheet is not None
    folder = options.out or bench.settings.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = f"{done.path.stem}.{done.sha256[:8]}"
    form = {"csv": "csv", "xlsx": "xlsx", "jsonl": "jsonl"}[done.sheet.dialect.form]
    made = {
        f"{stem}.esito.{form}": results.receipt(done.sheet, said, catalogue),
        f"{stem}.success.csv": results.success(done.sheet, said, partial(_ids, bench), catalogue),
        f"{stem}.error.csv": results.error(done.sheet, said, catalogue),
    }
    return [_written(folder / name, content) for name, content in made.items()]


def _ids(bench: Bench, keys: list[str]) -> dict[str, str]:
    """Salesforce ids by key of the case."""
    found = base.ids_of(bench.ledger, "case", keys)
    return dict(zip(found.index.tolist(), found.tolist(), strict=True))


def _written(path: Path, content: Iterable[bytes]) -> Path:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.writelines(content)
    draft.replace(path)
    return path
