"""Large writes: Bulk API 2.0 ingest jobs (wire reference 11).

Rows are sorted by parent and cut by bytes and rows. References that share a lookup cannot stand in one row of a CSV,
so rows are grouped by the columns they use; groups too small for a job are left for collections. The job's id is told
before its first byte leaves, so a run that dies can find it. Results are joined by our key (new records) or by Id;
every row gets exactly one outcome, also rows no result file mentions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.errors import BudgetReached
from sfsync.sides.salesforce import faults, tables
from sfsync.sides.salesforce.faults import Fault, fault
from sfsync.sides.salesforce.jobs import Jobs, JobStuck
from sfsync.sides.salesforce.payload import Link, Payload
from sfsync.sides.salesforce.results import LOST, MISCOUNTED, TWO_RESULTS, failed, outcome, table, unknown
from sfsync.sides.salesforce.session import ReplyLost, Session
from sfsync.sides.side import CREATED, DELETED, FAILED, OUTCOME_COLUMNS, TEXT, UPDATED, Outcomes

JOB_ROWS = 100_000
JOB_BYTES = 90_000_000
UPLOADS = 3
UPLOAD_LOST = Fault("UPLOAD_LOST", faults.TRANSIENT, "The upload broke off several times; nothing was written.")

OnJob = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """One job to be: which rows of the payload, and their CSV."""

    rows: np.ndarray
    csv: bytes


class BulkLoad:
    """Writes payloads through ingest jobs."""

    def __init__(self, session: Session, jobs: Jobs) -> None:
        self._session = session
        self._jobs = jobs

    def write(
        self, payload: Payload, rows: np.ndarray, frame: pd.DataFrame, on_job: OnJob | None
    ) -> Iterator[Outcomes]:
        """Load these rows (positions) with these CSV columns; one ``Outcomes`` per job."""
        for load in loads(rows, frame):
            yield from self._load(payload, load, on_job)

    def _load(self, payload: Payload, load: Load, on_job: OnJob | None) -> Iterator[Outcomes]:
        keys = payload.write.keys[load.rows]
        job_id = self._uploaded(payload, load.csv, on_job)
        if job_id is None:
            yield Outcomes(table(keys, [failed(UPLOAD_LOST)] * len(keys)))
            return
        try:
            self._jobs.set_state(job_id, "UploadComplete")
            found = self._results(payload, load, job_id, self._jobs.wait(job_id, len(keys)))
        except (ReplyLost, JobStuck):
            found = table(keys, [unknown(LOST)] * len(keys))
        except faults.Refused as error:
            refusal = error.faults[0] if error.faults else fault(error.code)
            found = table(keys, [failed(refusal)] * len(keys))
        except BudgetReached:  # the job runs on without us
            yield Outcomes(table(keys, [unknown(LOST)] * len(keys)), job_id)
            raise
        yield Outcomes(found, job_id)

    def _uploaded(self, payload: Payload, body: bytes, on_job: OnJob | None) -> str | None:
        """The id of a job that holds the rows, None if they could not be uploaded."""
        for _ in range(UPLOADS):
            job_id = str(self._jobs.create(_job(payload))["id"])
            with self._jobs.abandoned_on_error(job_id):
                if on_job is not None:
                    on_job(job_id)
                try:
                    path, headers = self._jobs.path(job_id, "batches"), {"Content-Type": "text/csv"}
                    self._session.call("PUT", path, body=body, headers=headers, resend=False)
                except ReplyLost:
                    self._jobs.set_state(job_id, "Aborted")  # a job takes one upload; it was not started yet
                    continue
                return job_id
        return None

    def _results(self, payload: Payload, load: Load, job_id: str, ended: dict[str, object]) -> pd.DataFrame:
        key = payload.view.mapping.salesforce.key if payload.creates else "Id"
        names = payload.write.keys if payload.creates else payload.write.ids
        join = pd.Index(names[load.rows] if payload.creates else names.iloc[load.rows], dtype=TEXT)
        done = self._file(job_id, "successfulResults", [key, "sf__Id", "sf__Created"])
        complete = ended["state"] == "JobComplete"
        all_done = complete and len(done) == len(join) and not ended.get("numberRecordsFailed")
        refused = self._file(job_id, "failedResults", [key, "sf__Id", "sf__Error"], asked=not all_done)
        closed = len(done) + len(refused) >= len(join)
        left = self._file(job_id, "unprocessedrecords", [key], asked=not closed)
        rest = _rest(ended)
        found = joined(join, key, done, refused, left, payload.write.kind, rest)
        return found.set_axis(pd.Index(payload.write.keys[load.rows], dtype=TEXT, name="key"))

    def _file(self, job_id: str, name: str, columns: list[str], *, asked: bool = True) -> pd.DataFrame:
        """A result file's columns; no rows if it need not be ``asked`` for."""
        if not asked:
            return pd.DataFrame({c: pd.Series(dtype=TEXT) for c in columns})
        with tempfile.TemporaryFile() as file:
            path, headers = self._jobs.path(job_id, name), {"Accept": "text/csv"}
            self._session.call("GET", path, headers=headers, into=file, closing=True)
            return tables.read(file, columns).reindex(columns=columns)


def _job(payload: Payload) -> dict[str, str]:
    job = {"object": payload.view.info.name, "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}
    if payload.creates:
        return {**job, "operation": "upsert", "externalIdFieldName": payload.view.mapping.salesforce.key}
    return {**job, "operation": payload.write.kind}


def _rest(ended: dict[str, object]) -> Fault | None:
    """What to say of rows a job that did not complete left behind."""
    if ended["state"] == "Failed":
        return faults.of_job(str(ended.get("errorMessage") or "JOB_FAILED"))
    return fault("JOB_ABORTED") if ended["state"] == "Aborted" else None


# -- columns and cuts -------------------------------------------------------------------------------------


def groups(
    payload: Payload, rows: np.ndarray, small_rows: int
) -> tuple[list[tuple[np.ndarray, pd.DataFrame]], np.ndarray]:
    """The rows as (positions, CSV columns) per set of columns used, and the rows left for collections.

    Those are the groups of up to ``small_rows``, unless all rows are one group.
    """
    if payload.write.kind == "delete":
        return [(rows, payload.write.ids.astype(TEXT).reset_index(drop=True).to_frame("Id").iloc[rows])], rows[:0]
    columns = payload.columns()
    choices = [_settled(payload.choice(link)[rows]) for link in payload.links]
    pattern = np.column_stack([np.zeros(len(rows), int), *choices])  # at least one column to tell apart by
    _, which = np.unique(pattern, axis=0, return_inverse=True)
    made, small = [], [rows[:0]]
    for number in range(which.max() + 1 if len(rows) else 0):
        mine = rows[which.ravel() == number]
        if len(mine) <= small_rows and len(mine) < len(rows):
            small.append(mine)
            continue
        used = pattern[which.ravel() == number][0][1:]
        made.append((mine, _with_links(payload, columns, payload.links, used).iloc[mine]))
    return made, np.sort(np.concatenate(small))


def _settled(choice: np.ndarray) -> np.ndarray:
    """Rows that leave a lookup alone can travel with any others: give them the most frequent choice."""
    chosen = choice[choice >= 0]
    if not len(chosen):
        return choice
    return np.where(choice < 0, np.bincount(chosen).argmax(), choice)


def _with_links(payload: Payload, columns: pd.DataFrame, links: list[Link], used: np.ndarray) -> pd.DataFrame:
    extra = [payload.link_columns(link, int(n)) for link, n in zip(links, used, strict=True) if n >= 0]
    return pd.concat([columns, *extra], axis=1)


def loads(rows: np.ndarray, frame: pd.DataFrame) -> Iterator[Load]:
    """Jobs of at most 100,000 rows and 90 MB; columns no row uses are left out."""
    frame = frame.loc[:, frame.notna().any(axis=0)]
    for start in range(0, len(rows), JOB_ROWS):
        yield from _cut(rows[start : start + JOB_ROWS], frame.iloc[start : start + JOB_ROWS])


def _cut(rows: np.ndarray, frame: pd.DataFrame) -> Iterator[Load]:
    csv = tables.write(frame)
    if len(csv) <= JOB_BYTES or len(rows) == 1:
        yield Load(rows, csv)
        return
    middle = len(rows) // 2
    yield from _cut(rows[:middle], frame.iloc[:middle])
    yield from _cut(rows[middle:], frame.iloc[middle:])


# -- results ----------------------------------------------------------------------------------------------


def joined(
    join: pd.Index,
    key: str,
    done: pd.DataFrame,
    refused: pd.DataFrame,
    left: pd.DataFrame,
    kind: str,
    rest: Fault | None,
) -> pd.DataFrame:
    """One outcome per entry of ``join``, from the three result files in any order, with rows missing or foreign."""
    done, refused = done.drop_duplicates(key).set_index(key), refused.drop_duplicates(key).set_index(key)
    good, bad = join.isin(done.index), join.isin(refused.index)
    found = pd.DataFrame({c: pd.Series(pd.NA, index=join, dtype=TEXT) for c in OUTCOME_COLUMNS})
    found["id"] = done["sf__Id"].reindex(join).fillna(refused["sf__Id"].reindex(join)).astype(TEXT)
    found.loc[good & ~bad, "result"] = _verbs(done, join, kind)[good & ~bad]
    _refusals(found, refused, bad & ~good)
    _mark(found, good & bad, unknown(TWO_RESULTS))
    lost = ~(good | bad)
    named = lost & join.isin(left[key])
    _mark(found, named, failed(rest or fault("UNPROCESSED")))
    _mark(found, lost & ~named, failed(rest) if rest else unknown(MISCOUNTED))
    return found


def _verbs(done: pd.DataFrame, join: pd.Index, kind: str) -> np.ndarray:
    if kind != "create":
        return np.full(len(join), DELETED if kind == "delete" else UPDATED)
    created = done["sf__Created"].reindex(join).str.lower() == "true"
    return np.where(created.fillna(False).to_numpy(bool), CREATED, UPDATED)


def _refusals(found: pd.DataFrame, refused: pd.DataFrame, where: np.ndarray) -> None:
    """Fill in the failed rows; equal error texts are read once."""
    texts = refused["sf__Error"].reindex(found.index[where]).fillna("")
    read = {t: outcome(FAILED, None, faults.of_csv(t)) for t in texts.unique()}
    for column in ("result", "code", "fields", "kind_of_failure", "reason"):
        found.loc[where, column] = texts.map({t: row[column] for t, row in read.items()}).astype(TEXT).to_numpy()


def _mark(found: pd.DataFrame, where: np.ndarray, row: dict[str, object]) -> None:
    for column in ("result", "code", "fields", "kind_of_failure", "reason"):
        found.loc[where, column] = row[column] if row[column] is not None else pd.NA
