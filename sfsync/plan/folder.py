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
from sfsync.plan.model import ISSUE_COLUMNS, ROW_COLUMNS, BaseRows, Changes, Header, Segment
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
        tables = {"changes": _changes_table(segment.changes), "base": _base_table(segment.base)}
        tables["issues"] = _issues_table(segment)
        for name, table in tables.items():
            file = Path(f"{stem}.{name}.parquet")
            pq.write_table(table, file, compression="zstd")
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
        return Segment(mapping, _changes_of(changes, columns), _base_of(base, len(columns)), frame, digests)

    def remove(self) -> None:
        """Deletes the folder with its values."""
        shutil.rmtree(self.path, ignore_errors=True)


_AGAIN = "Make a new one: sfsync plan --out DIR"


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(frame: pd.DataFrame, prefix: str = "") -> dict[str, pa.Array]:
    return {prefix + c: pa.array(frame[c].astype(TEXT), pa.large_string(), from_pandas=True) for c in frame.columns}


def _frame(table: pa.Table, columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {new: pd.Series(table[old].combine_chunks().to_pandas(), dtype=TEXT) for old, new in columns.items()}
    )


def _changes_table(c: Changes) -> pa.Table:
    causes = {f"cause.{n}": pa.array(c.cause[:, i], pa.int8()) for i, n in enumerate(c.after.columns)}
    return pa.table({**_text(c.rows), **_text(c.after, "after."), **_text(c.before, "before."), **causes})


def _changes_of(table: pa.Table, columns: tuple[str, ...]) -> Changes:
    cause = np.column_stack([table[f"cause.{c}"].to_numpy() for c in columns]).astype(np.int8)
    return Changes(
        _frame(table, {c: c for c in ROW_COLUMNS}),
        _frame(table, {f"after.{c}": c for c in columns}),
        _frame(table, {f"before.{c}": c for c in columns}),
        cause.reshape(table.num_rows, len(columns)),
    )


def changes_frame(changes: Changes) -> pd.DataFrame:
    """Changes as one wide frame, the form before-images are kept in."""
    return _changes_table(changes).to_pandas()


def changes_from(frame: pd.DataFrame, columns: tuple[str, ...]) -> Changes:
    """The changes of a wide frame; a field that is not in it (the mapping gained it since) is untouched."""
    frame = frame.copy()
    for name in columns:
        if f"cause.{name}" not in frame:
            frame[f"cause.{name}"] = np.int8(0)
            frame[f"after.{name}"] = frame[f"before.{name}"] = pd.Series(pd.NA, index=frame.index, dtype=TEXT)
    return _changes_of(pa.Table.from_pandas(frame, preserve_index=False), columns)


_BASE_META = ("id", "salesforce_stamp", "platform_stamp", "state", "survivor")


def _base_table(base: BaseRows) -> pa.Table:
    width = base.digests.shape[1] * 8
    blob = pa.array([r.tobytes() for r in np.ascontiguousarray(base.digests)], pa.binary(width))
    keys = pa.array(pd.Series(base.keys, dtype=TEXT), pa.large_string(), from_pandas=True)
    return pa.table({"key": keys, "digests": blob, **_text(base.meta[list(_BASE_META)])})


def _base_of(table: pa.Table, width: int) -> BaseRows:
    blob = b"".join(table["digests"].to_pylist())
    digests = np.frombuffer(blob, np.uint64).reshape(table.num_rows, width)
    keys = pd.Index(table["key"].to_pandas(), dtype=TEXT, name="key")
    return BaseRows(keys, digests, _frame(table, {c: c for c in _BASE_META}))


def _issues_table(segment: Segment) -> pa.Table:
    digests = {n: pa.array(segment.issue_digests[:, i], pa.uint64()) for i, n in enumerate(("p", "s"))}
    return pa.table({**_text(segment.issues[list(ISSUE_COLUMNS)]), **digests})


def _issues_of(table: pa.Table) -> tuple[pd.DataFrame, np.ndarray]:
    digests = np.column_stack([table["p"].to_numpy(), table["s"].to_numpy()]).astype(np.uint64)
    return _frame(table, {c: c for c in ISSUE_COLUMNS}), digests.reshape(table.num_rows, 2)
