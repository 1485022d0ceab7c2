"""Auto numbers: the next number of a field, in its display format.

``{0000}`` is the number with that many digits at least, ``{YYYY} {YY} {MM} {DD}`` the day of the save (in UTC).
Numbers of rows that fail are lost, as they are in Salesforce.
"""

from __future__ import annotations

import re

from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.store.state import take

_PART = re.compile(r"\{(0+|YYYY|YY|MM|DD)\}")
_PLAIN = "{00000000}"
# Case numbers are given by the rules of cases.
_ELSEWHERE = frozenset({"CaseNumber"})
_FIRST = {"ContractNumber": 100, "OrderNumber": 100}


def fill(work: Work, batch: Batch) -> None:
    """Numbers every row of an insert."""
    for field in batch.obj.fields:
        if field.auto_number and field.stored and field.name not in _ELSEWHERE:
            taken = take(work.database, f"number {batch.obj.name}.{field.name}", batch.size)
            skipped = _FIRST.get(field.name, 1) - 1
            shape = shaped(field.display_format or _PLAIN, work.stamp)
            batch.columns[field.name] = [shape.format(number + skipped) for number in taken]


def shaped(display: str, stamp: str) -> str:
    """A display format as a template with one place for the number; ``stamp`` as the store keeps it."""
    days = {"YYYY": stamp[:4], "YY": stamp[2:4], "MM": stamp[5:7], "DD": stamp[8:10]}
    text = display.replace("{", "{{").replace("}", "}}")

    def put(found: re.Match[str]) -> str:
        part = found.group(1)
        return days.get(part) or f"{{:0{len(part)}d}}"

    return re.sub(r"\{" + _PART.pattern + r"\}", put, text)
