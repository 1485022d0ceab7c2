"""The work on a query batch: rows in CSV, JSON or XML, whole or in chunks of record ids (wire reference 13)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.bulk import files, rows
from sfsync.rehearsal.bulk.classic import chunking, content, show
from sfsync.rehearsal.bulk.classic.batches import REQUEST, RESULT
from sfsync.rehearsal.bulk.job import Job
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.bulk.loading import CHUNK_ROWS
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.org import QueryResult

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML_HEAD = f'{xml.HEAD}<queryResult xmlns="{show.NAMESPACE}" xmlns:xsi="{_XSI}">'
_NOTHING = "Records not found for this query"
Record = dict[str, Any]


def work(jobs: Jobs, batch: Job) -> None:
    """Runs a query batch from its beginning, or splits it into batches by record id."""
    soql = batch.query or jobs.path(batch, REQUEST).read_text("utf-8", "replace").strip()
    result = _run(jobs, batch, soql)
    if batch.chunking and not batch.query and chunking.fits(soql):
        chunking.split(jobs, batch, soql)
        return
    write = {"CSV": _csv, "JSON": _json, "XML": _xml}[batch.content_type]
    batch.rows_done = 0
    with jobs.path(batch, RESULT).open("wb") as file:
        for piece, count in write(jobs, result):
            if not jobs.goes_on(batch):
                return
            file.write(piece)
            batch.rows_done += count
        batch.sizes = {RESULT: file.tell()}
    jobs.finish(batch)


def _run(jobs: Jobs, batch: Job, soql: str) -> QueryResult:
    try:
        result = jobs.org.query(soql, all_rows=batch.operation == "queryAll", version=batch.api)
        rows.check_supported(jobs.org.seen, result, soql, batch.api)
    except OrgError as error:
        code = "FUNCTIONALITY_NOT_ENABLED" if error.code == "API_ERROR" else error.code
        raise errors.invalid_batch(f"Failed to process query: {code}: {error.message}") from error
    if result.object != batch.object:
        text = (
            f"The root entity of the requested query ({result.object}) does not match the entity of the requested "
            f"Bulk API Job ({batch.object})."
        )
        raise errors.invalid_batch(f"Failed to process query: INVALID_TYPE_FOR_OPERATION: {text}")
    return result


_Pieces = Iterator[tuple[bytes, int]]


def _csv(jobs: Jobs, result: QueryResult) -> _Pieces:
    if not result.total_size:
        yield f"{_NOTHING}".encode(), 0
        return
    yield files.encode([result.columns], "COMMA", "LF"), 0
    for lines in rows.chunks(jobs.org.seen, result, result.columns, "COMMA", "LF"):
        yield b"".join(lines), len(lines)


def _json(jobs: Jobs, result: QueryResult) -> _Pieces:
    turn = _turner(jobs, result)
    yield b"[", 0
    first = True
    for chunk in _chunks(result):
        pairs = zip(content.commas(first), chunk, strict=False)
        yield "".join(comma + json.dumps(turn(row), ensure_ascii=False) for comma, row in pairs).encode(), len(chunk)
        first = False


def _chunks(result: QueryResult) -> Iterator[list[Record]]:
    source = iter(result.records)
    while chunk := list(islice(source, CHUNK_ROWS)):
        yield chunk


def _turner(jobs: Jobs, result: QueryResult) -> Callable[[Record], Record]:
    """Dates and instants are milliseconds of the epoch in JSON."""
    fields = rows.fields_of(jobs.org.seen, result.columns, result.object)
    paths = [
        column.split(".")
        for column, field in zip(result.columns, fields, strict=True)
        if field is not None and field.type in ("date", "datetime")
    ]

    def turn(row: Record) -> Record:
        for path in paths:
            _turn(row, path)
        return row

    return turn


def _turn(row: Record | None, path: list[str]) -> None:
    for step in path[:-1]:
        row = row.get(step) if row else None
    if row and isinstance(row.get(path[-1]), str):
        row[path[-1]] = _millis(row[path[-1]])


def _millis(value: str) -> int:
    text = value if "T" in value else f"{value}T00:00:00.000+0000"
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)


def _xml(jobs: Jobs, result: QueryResult) -> _Pieces:
    yield _XML_HEAD.encode(), 0
    for chunk in _chunks(result):
        yield "".join(_record("records", row) for row in chunk).encode(), len(chunk)


def _record(tag: str, row: Record) -> str:
    """A row as an sObject: its type, its id once more (null when it was not asked for), its fields."""
    inside: list[str] = [xml.element("type", row["attributes"]["type"]), xml.element("Id", row.get("Id"))]
    for name, value in row.items():
        if name == "attributes":
            continue
        inside.append(_record(name, value) if isinstance(value, dict) else xml.element(name, _shown(value)))
    return f'<{tag} xsi:type="sObject">{"".join(inside)}</{tag}>'


def _shown(value: Any) -> Any:
    return value.replace("+0000", "Z") if isinstance(value, str) and value.endswith(".000+0000") else value
