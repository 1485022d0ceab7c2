"""``query?explain=``: how a query would be run, in the shape of the query optimizer's plans (REST guide, Query).

The leading operation is what SQLite does with the FROM object; costs follow the optimizer's rule of thumb that an
index pays below a third of the first million rows, so that 1 is where it stops being selective.
"""

from __future__ import annotations

import re
from typing import Any

from sfsync.rehearsal.soql.run import Reading

SELECTIVE = 0.3
SCAN_COST = 2.0
_INDEX = re.compile(r"^SEARCH (\w+) USING (?:COVERING )?INDEX (\S+)(?: \((.*)\))?")
_COLUMN = re.compile(r"([A-Za-z]\w*)[=<>]")


def explained(reading: Reading) -> list[dict[str, Any]]:
    """The plans, best first: one."""
    level = reading.level
    every = reading.connection.execute(f'SELECT COUNT(*) FROM "{level.obj.name}"').fetchone()[0]  # noqa: S608
    size = reading.count()
    fields = _index_fields(reading)
    threshold = max(1.0, min(every, 1_000_000) * SELECTIVE)
    return [
        {
            "cardinality": size,
            "fields": fields,
            "leadingOperationType": "Index" if fields else "TableScan",
            "notes": [_note(level.obj.name)] if level.living else [],
            "relativeCost": round(size / threshold, 4) if fields else SCAN_COST,
            "sobjectCardinality": every,
            "sobjectType": level.obj.name,
        }
    ]


def _index_fields(reading: Reading) -> list[str]:
    """The fields whose index leads, none for a scan."""
    level = reading.level
    for row in reading.connection.execute(f"EXPLAIN QUERY PLAN {level.rows()}", level.values):
        found = _INDEX.match(row[3])
        if found and found.group(1) == level.root:
            _, _, key = found.group(2).partition("~")
            field = level.obj.find(key)
            return [field.name] if field else list(dict.fromkeys(_COLUMN.findall(found.group(3) or "")))
    return []


def _note(name: str) -> dict[str, Any]:
    return {
        "description": "Not considering filter for optimization because unindexed",
        "fields": ["IsDeleted"],
        "tableEnumOrId": name,
    }
