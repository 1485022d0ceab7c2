"""PK chunking: one query becomes several, each over a range of record ids (Bulk API guide, PK Chunking)."""

from __future__ import annotations

import re

from sfsync.rehearsal import errors
from sfsync.rehearsal.bulk.job import ABORTED, BATCH, Job
from sfsync.rehearsal.bulk.jobs import Jobs

_ENDS = re.compile(r"\b(?:WITH|GROUP\s+BY|ORDER\s+BY|LIMIT|OFFSET|FOR|ALL\s+ROWS)\b", re.IGNORECASE)
_HIDDEN = re.compile(r"'(?:[^'\\]|\\.)*'")
_ID_FILTER = re.compile(r"\b\w*Id\w*\s*(?:=|!=|<|>|IN\b|NOT\b|LIKE\b)", re.IGNORECASE)


def fits(soql: str) -> bool:
    """Nothing but WHERE may follow the object, and no id may be filtered by; otherwise the query runs whole."""
    _, _, where = _parts(soql)
    return _ENDS.search(_masked(soql)) is None and _ID_FILTER.search(_masked(where)) is None


def _masked(soql: str) -> str:
    """The query with its strings blotted out, every character in its place."""
    return _HIDDEN.sub(lambda found: "'" + "x" * (len(found.group()) - 2) + "'", soql)


def _parts(soql: str) -> tuple[str, str, str]:
    """What stands before WHERE, the word itself, the condition."""
    found = re.search(r"\bWHERE\b", _masked(soql), re.IGNORECASE)
    if found is None:
        return soql.rstrip(), "", ""
    return soql[: found.start()].rstrip(), "WHERE", soql[found.end() :].strip()


def split(jobs: Jobs, batch: Job, soql: str) -> None:
    """Makes a batch for every range of ids; the original one becomes NotProcessed. No rows: one range."""
    name, key = _key(jobs, batch)
    parts = [bounded(soql, key, low, high) for low, high in _ranges(jobs, batch, name)] or [soql]
    made = [_part(jobs, batch, one) for one in parts]
    jobs.turn(batch, ABORTED)
    for one in made:
        jobs.begin(one)


def _part(jobs: Jobs, batch: Job, soql: str) -> Job:
    return jobs.create(
        BATCH,
        batch.operation,
        batch.object,
        batch.api,
        batch.created_by,
        content_type=batch.content_type,
        parent=batch.parent,
        query=soql,
    )


def bounded(soql: str, key: str, low: str, high: str | None) -> str:
    """The query over the ids in the field ``key`` from ``low`` to before ``high`` (None: to the end)."""
    head, _, where = _parts(soql)
    bounds = f"{key} >= '{low}'" + (f" AND {key} < '{high}'" if high else "")
    return f"{head} WHERE {f'({where}) AND ' if where else ''}{bounds}"


def _key(jobs: Jobs, batch: Job) -> tuple[str, str]:
    """The object whose ids draw the borders, and the field that holds them: of a history or a share, its parent's."""
    wanted = batch.chunking["parent"] if batch.chunking else None
    if not wanted:
        return batch.object, "Id"
    parent, child = jobs.org.schema.find(wanted), jobs.org.schema.objects[batch.object]
    keys = [one.name for one in child.fields if parent is not None and parent.name in one.reference_to]
    if parent is None or not keys:
        raise errors.invalid_batch(f"{wanted} is no parent of {batch.object} for PK chunking")
    return parent.name, keys[0]


def _ranges(jobs: Jobs, batch: Job, name: str) -> list[tuple[str, str | None]]:
    """Deleted rows count when the borders are drawn."""
    assert batch.chunking is not None
    start = batch.chunking["start"]
    where = f" WHERE Id >= '{start}'" if start else ""
    found = jobs.org.query(f"SELECT Id FROM {name}{where} ORDER BY Id", all_rows=True)  # noqa: S608 - SOQL
    size = batch.chunking["size"]
    lows = [row["Id"] for place, row in enumerate(found.records) if place % size == 0]
    return [(low, lows[place + 1] if place + 1 < len(lows) else None) for place, low in enumerate(lows)]
