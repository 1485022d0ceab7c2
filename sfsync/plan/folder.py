"""A plan on disk: a folder with ``plan.json`` (the header) and Parquet files per mapping and segment.

The folder holds values, so it is made with mode 0700. A broken folder is refused with a sentence; a plan id that
does not match its content counts as broken.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from sfsync.errors import PlanError
from sfsync.plan.model import BASE_COLUMNS, ISSUE_COLUMNS, ROW_COLUMNS, BaseRows, Changes, Header, Segment
from sfsync.sides import columns as columns_
from sfsync.sides.side import TEXT

HEADER = "plan.json"


@dataclass
class PlanFolder:
    """A plan being written or read. ``segments`` yields one segment at a time."""

    path: Path
    header: Header | None = None
    _digests: list[str] = field(default_factory=list)

    @classmethod
    def create(cls, path: Path) -> PlanFolder:
        """An empty folder, readable by its owner only; refuses to overwrite anything but an old plan."""
        if path.exists() and any(path.iterdir()):
            if not (path / HEADER).exists():
                raise PlanError("the folder is not empty and holds no plan", "PLAN_FOLDER", str(path), "Name another.")
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        return cls(path)

    def add(self, number: int, segment: Segment) -> None:
        """Writes one segment."""
        stem = self.path / f"{segment.mapping}-{number:05}"
        tables = {"changes": changes_table(segment.changes), "base": _base_table(segment.base)}
        tables["issues"] = _issues_table(segment)
        for name, table in tables.items():
            file = Path(f"{stem}.{name}.parquet")
            pq.write_table(table, file, compression="lz4", use_dictionary=False, write_statistics=False)
            file.chmod(0o600)
            self._digests.append(f"{file.name}:{_sum(file)}")

    def finish(self, header: Header) -> Header:
        """Seals the plan: its id is the digest of its header and all files."""
        text = header.model_copy(update={"plan_id": ""}).model_dump_json()
        plan_id = hashlib.sha256("\n".join([text, *sorted(self._digests)]).encode()).hexdigest()[:16]
        self.header = header.model_copy(update={"plan_id": plan_id})
        partial = self.path / (HEADER + ".part")
        partial.write_text(self.header.model_dump_json(indent=1), "utf-8")
        partial.replace(self.path / HEADER)  # the header last: a folder without it is no plan
        return self.header

    @classmethod
    def open(cls, path: Path) -> PlanFolder:
        """Reads the header and checks every file against the plan id."""
        try:
            header = Header.model_validate_json((path / HEADER).read_text("utf-8"))
        except OSError:
            raise PlanError("there is no plan in this folder", "PLAN_MISSING", str(path), _AGAIN) from None
        except (ValidationError, UnicodeDecodeError):
            raise PlanError("plan.json cannot be read", "PLAN_BROKEN", str(path), _AGAIN) from None
        folder = cls(path, header)
        folder._digests = [f"{f.name}:{_sum(f)}" for f in sorted(path.glob("*.parquet"))]
        text = header.model_copy(update={"plan_id": ""}).model_dump_json()
        found = hashlib.sha256("\n".join([text, *sorted(folder._digests)]).encode()).hexdigest()[:16]
        if found != header.plan_id:
            raise PlanError(
                "files are missing or were changed after the plan was made", "PLAN_BROKEN", str(path), _AGAIN
            )
        return folder

    def segments(self, mapping: str) -> Iterator[Segment]:
        """The segments of one mapping, in order, one in memory at a time."""
        assert self.header is not None
        part = self.header.mappings[mapping]
        for number in range(part.segments):
            yield self._read(mapping, number, part.columns)

    def _read(self, mapping: str, number: int, columns: tuple[str, ...]) -> Segment:
        stem = self.path / f"{mapping}-{number:05}"
        try:
            changes, base, issues = (pq.read_table(f"{stem}.{n}.parquet") for n in ("changes", "base", "issues"))
        except (OSError, pa.ArrowException):
            raise PlanError("a file of the plan cannot be read", "PLAN_BROKEN", str(stem), _AGAIN) from None
        frame, digests = _issues_of(issues)
        return Segment(mapping, changes_of(changes, columns), _base_of(base, len(columns)), frame, digests)

    def remove(self) -> None:
        """Deletes the folder with its values."""
        shutil.rmtree(self.path, ignore_errors=True)


_AGAIN = "Make a new one: sfsync plan --out DIR"


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(frame: pd.DataFrame, prefix: str = "") -> dict[str, pa.Array]:
    columns = ((n, c if isinstance(c.dtype, pd.StringDtype) else c.astype(TEXT)) for n, c in frame.items())
    return {f"{prefix}{n}": columns_.arrow(c) for n, c in columns}


def _values(frame: pd.DataFrame, prefix: str) -> dict[str, pa.Array]:
    """The columns that hold anything: most cells of a plan are null, and a new record has no values before."""
    return {n: a for n, a in _text(frame, prefix).items() if a.null_count < len(a)}


def _frame(table: pa.Table, columns: dict[str, str]) -> pd.DataFrame:
    """Columns by their names in the table, under new names; one that the table lacks is null."""
    there = set(table.column_names)
    nothing = pa.nulls(table.num_rows, pa.large_string())
    found = {new: table[old].combine_chunks() if old in there else nothing for old, new in columns.items()}
    return columns_.frame(found, pd.RangeIndex(table.num_rows))


def changes_table(c: Changes) -> pa.Table:
    """Changes as one wide table, the form they are kept in; columns without a value or a cause are left out."""
    named = zip(c.after.columns, c.cause.T, strict=True)
    causes = {f"cause.{n}": pa.array(np.ascontiguousarray(cause), pa.int8()) for n, cause in named if cause.any()}
    return pa.table({**_text(c.rows), **_values(c.after, "after."), **_values(c.before, "before."), **causes})


def changes_of(table: pa.Table, columns: tuple[str, ...]) -> Changes:
    """The changes of a wide table; a field that is not in it (the mapping gained it since) is untouched."""
    there = set(table.column_names)
    cause = np.zeros((table.num_rows, len(columns)), np.int8, order="F")
    for i, name in enumerate(columns):
        if f"cause.{name}" in there:
            cause[:, i] = table[f"cause.{name}"].to_numpy()
    return Changes(
        _frame(table, {c: c for c in ROW_COLUMNS}),
        _frame(table, {f"after.{c}": c for c in columns}),
        _frame(table, {f"before.{c}": c for c in columns}),
        cause,
    )


def _base_table(base: BaseRows) -> pa.Table:
    width = base.digests.shape[1] * 8
    body = pa.py_buffer(np.ascontiguousarray(base.digests, np.uint64).tobytes())
    blob = pa.Array.from_buffers(pa.binary(width), len(base), [None, body])
    keys = pa.array(pd.Series(base.keys, dtype=TEXT), pa.large_string(), from_pandas=True)
    return pa.table({"key": keys, "digests": blob, **_text(base.meta[list(BASE_COLUMNS)])})


def _base_of(table: pa.Table, width: int) -> BaseRows:
    blob = b"".join(table["digests"].to_pylist())
    digests = np.frombuffer(blob, np.uint64).reshape(table.num_rows, width)
    keys = pd.Index(table["key"].to_pandas(), dtype=TEXT, name="key")
    return BaseRows(keys, digests, _frame(table, {c: c for c in BASE_COLUMNS}))


def _issues_table(segment: Segment) -> pa.Table:
    digests = {n: pa.array(segment.issue_digests[:, i], pa.uint64()) for i, n in enumerate(("p", "s"))}
    return pa.table({**_text(segment.issues[list(ISSUE_COLUMNS)]), **digests})


def _issues_of(table: pa.Table) -> tuple[pd.DataFrame, np.ndarray]:
    digests = np.column_stack([table["p"].to_numpy(), table["s"].to_numpy()]).astype(np.uint64)
    return _frame(table, {c: c for c in ISSUE_COLUMNS}), digests.reshape(table.num_rows, 2)
