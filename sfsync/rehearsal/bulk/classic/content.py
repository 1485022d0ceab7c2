"""What stands in a batch: rows of CSV, of JSON objects or of XML sObjects, each kind saved its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from sfsync.rehearsal import errors, xml
from sfsync.rehearsal.bulk import files
from sfsync.rehearsal.bulk.job import Job
from sfsync.rehearsal.dml.options import Options
from sfsync.rehearsal.org import Org, SaveResult
from sfsync.rehearsal.schema.model import SObject

Row = dict[str, Any]
_APEX_ROWS = 200


def csv_rows(path: Path) -> tuple[list[str], Iterator[files.Row]]:
    """Header and rows; lines may end as they like. OrgError InvalidBatch or ClientInputError."""
    return files.read(path, "COMMA", None)


def json_rows(path: Path) -> list[Row]:
    """The objects of a JSON batch. OrgError InvalidBatch when it is no array of objects."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise errors.invalid_batch(f"Failed to parse JSON content: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise errors.invalid_batch("Failed to parse JSON content: an array of objects is expected")
    return found


def xml_rows(path: Path) -> list[Row]:
    """The sObjects of an XML batch; ``xsi:nil`` is None, an empty element says nothing, a nested sObject a parent."""
    try:
        root = xml.parse(path.read_bytes().strip())
    except xml.XmlError as error:
        raise errors.invalid_batch(f"Failed to parse XML content: {error}") from error
    if root.tag != "sObjects":
        raise errors.invalid_batch(f"Failed to parse XML content: found {root.tag}, expected sObjects")
    return [_row(one) for one in root.findall("sObject")]


def _row(element: Element) -> Row:
    found = {child.tag: _value(child) for child in element if child.tag != "type"}
    return {name: value for name, value in found.items() if value != ""}


def _value(element: Element) -> Any:
    nested = element.find("sObject")
    if nested is not None:
        kind = xml.text(nested, "type")
        return {**({"attributes": {"type": kind}} if kind else {}), **_row(nested)}
    return None if xml.NIL in element.attrib and element.attrib[xml.NIL] == "true" else (element.text or "")


def check_names(obj: SObject, rows: list[Row]) -> None:
    """One unknown field name fails the whole batch, as an unknown column of a CSV does."""
    for name in dict.fromkeys(chain.from_iterable(rows)):
        if name != "attributes" and obj.find(name) is None and obj.relation(name) is None:
            raise errors.unknown_header_column(name)


def save(org: Org, job: Job, rows: list[Row], options: Options) -> list[SaveResult]:
    """Saves JSON or XML rows in chunks of 200; one result per row, in order."""
    starts = range(0, len(rows), _APEX_ROWS)
    return [one for start in starts for one in _save(org, job, rows[start : start + _APEX_ROWS], options)]


def _save(org: Org, job: Job, rows: list[Row], options: Options) -> list[SaveResult]:
    if job.operation == "insert":
        return org.insert(job.object, rows, options=options)
    if job.operation == "update":
        return org.update(job.object, rows, options=options)
    if job.operation == "upsert":
        return org.upsert(job.object, job.external_field or "Id", rows, options=options)
    ids = ((str(_id_of(row)),) for row in rows)
    return list(org.load_csv(job.object, job.operation, None, ["Id"], ids, options=options))


def _id_of(row: Row) -> Any:
    return next((value for name, value in row.items() if name.lower() == "id"), "")


def commas(first: bool) -> Iterator[str]:
    """What stands before each element of a JSON array that is written piece by piece."""
    return chain([""] if first else [], repeat(","))
