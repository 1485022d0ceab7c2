"""The work on an ingest batch: its rows are saved, what became of each is written in the batch's own format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.bulk import files, load, loading
from sfsync.rehearsal.bulk.classic import content, show
from sfsync.rehearsal.bulk.classic.batches import REQUEST, RESULT
from sfsync.rehearsal.bulk.job import Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.bulk.loading import Done
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import SaveResult

MOST_ROWS = 10_000
_CSV_HEAD = b'"Id","Success","Created","Error"\n'
_XML_HEAD = f'{xml.HEAD}<results xmlns="{show.NAMESPACE}">'.encode()


def work(jobs: Jobs, batch: Job) -> None:
    """Loads a batch. OrgError InvalidBatch when nothing of it can be used."""
    if batch.content_type == "CSV":
        _work_csv(jobs, batch)
    else:
        _work_objects(jobs, batch)


def _work_csv(jobs: Jobs, batch: Job) -> None:
    header, rows = content.csv_rows(jobs.path(batch, REQUEST))
    whole = list(rows)
    _check_size(whole)
    load.check_header(jobs, batch, header)
    loading.begin(jobs, batch, {RESULT: _CSV_HEAD})
    loading.run(jobs, batch, iter(whole), lambda chunk: _load_csv(jobs, batch, header, chunk))


def _check_size(rows: list[Any]) -> None:
    if len(rows) > MOST_ROWS:
        raise errors.invalid_batch(f"Too many records: a batch takes {MOST_ROWS}, this one has {len(rows)}")


def _load_csv(jobs: Jobs, batch: Job, header: list[str], chunk: list[files.Row]) -> Done:
    saved = load.save(jobs, batch, header, chunk)
    results = [SaveResult(None, False, False, [row]) if isinstance(row, OrgError) else next(saved) for row in chunk]
    lines = files.encode((_csv(one) for one in results), "COMMA", "LF")
    return Done(_failed(results), {RESULT: lines})


def _failed(results: Iterable[SaveResult]) -> int:
    return sum(not one.success for one in results)


def _csv(result: SaveResult) -> tuple[str, str, str, str]:
    if result.success:
        return result.id or "", "true", _flag(result.created), ""
    return result.id or "", "false", "false", result.errors[0].csv()


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _work_objects(jobs: Jobs, batch: Job) -> None:
    read = content.json_rows if batch.content_type == "JSON" else content.xml_rows
    rows = read(jobs.path(batch, REQUEST))
    _check_size(rows)
    content.check_names(jobs.org.schema.objects[batch.object], rows)
    loading.begin(jobs, batch, {RESULT: b"[" if batch.content_type == "JSON" else _XML_HEAD})
    loading.run(jobs, batch, iter(rows), lambda chunk: _load_objects(jobs, batch, chunk))


def _load_objects(jobs: Jobs, batch: Job, chunk: list[content.Row]) -> Done:
    results = content.save(jobs.org, batch, chunk, loading.options(batch))
    shown = _json(results, batch.rows_done == 0) if batch.content_type == "JSON" else map(_xml, results)
    return Done(_failed(results), {RESULT: "".join(shown).encode()})


def _json(results: list[SaveResult], first: bool) -> Iterator[str]:
    for comma, one in zip(content.commas(first), results, strict=False):
        shown = {
            "success": one.success,
            "created": one.success and one.created,
            "id": one.id,
            "errors": [{**error.item(), "extendedErrorDetails": None} for error in one.errors],
        }
        yield comma + json.dumps(shown, ensure_ascii=False)


def _xml(result: SaveResult) -> str:
    wrong = [
        {"fields": list(error.fields or []), "message": error.message, "statusCode": error.code}
        for error in result.errors
    ]
    named = {"id": result.id} if result.id else {}
    shown = {"errors": wrong, **named, "success": result.success, "created": result.success and result.created}
    return xml.element("result", shown)
