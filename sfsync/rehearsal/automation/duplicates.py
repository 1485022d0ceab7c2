"""Duplicate rules: rows that match rows of the org are refused, or pass where the rule only warns and the caller allows
it. Source: wire reference 5 (headers on writes) and 6 (DUPLICATES_DETECTED); vendor, "Duplicate Rules".

On update a rule looks at the rows of which a field of its matching rules changes. Rows of one call are not compared
with each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.automation.joined import logic
from sfsync.rehearsal.automation.rows import Rows
from sfsync.rehearsal.automation.rules import DuplicateRule, Match
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, fetch, whole
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.store.tables import quoted

ALERT_TEXT = "Use one of these records?"

Key = str | float | int | None


def check(work: Work, batch: Batch, old: Stored | None, rules: tuple[DuplicateRule, ...]) -> None:
    """Refuses the rows that have duplicates; the first rule that finds some speaks."""
    for rule in rules:
        block = rule.define.block_insert if old is None else rule.define.block_update
        alert = rule.define.alert_insert if old is None else rule.define.alert_update
        if not block and (not alert or work.options.allow_duplicates):
            continue
        rows = _candidates(work, batch, old, rule)
        found = [_matching(work, batch, old, match, rows) for match in rule.matches] if rows else []
        for row in rows:
            if any(one[row] for one in found):
                result = _result(work, rule, [one[row] for one in found], allow=not block)
                batch.fail(row, errors.duplicates_detected(result))


def _candidates(work: Work, batch: Batch, old: Stored | None, rule: DuplicateRule) -> list[int]:
    """The rows a rule looks at."""
    good = batch.good()
    if old is not None:
        good = [row for row in good if _touched(batch, old, rule, row)]
    if not good:
        return []
    holds = rule.condition.holds(Rows.saved(work, batch, old))
    return [row for row in good if holds[row]]


def _touched(batch: Batch, old: Stored, rule: DuplicateRule, row: int) -> bool:
    fields = {here for match in rule.matches for here, _, _ in match.pairs if here in batch.columns}
    return any(whole(batch, old, name)[row] != old[name][row] for name in fields)


def _matching(work: Work, batch: Batch, old: Stored | None, match: Match, rows: Sequence[int]) -> dict[int, list[str]]:
    """For each row the ids of the rows it matches."""
    here = [[_key(one) for one in whole(batch, old, pair[0])] for pair in match.pairs]
    there = _stored(work, match, here, rows)
    join = logic(match.rule.filter, len(match.pairs))
    groups = [_grouped(there, position) for position in range(len(match.pairs))]
    same_object = old is not None and match.to.name == batch.obj.name
    found = {}
    for row in rows:
        own = old.ids[row] if old is not None and same_object else None
        near = set().union(*(group.get(column[row], set()) for group, column in zip(groups, here, strict=True)))
        mine = [column[row] for column in here]
        found[row] = sorted(one for one in near if one != own and join(_equal(match, mine, there[one])))
    return found


def _equal(match: Match, mine: Sequence[Key], theirs: Sequence[Key]) -> list[bool]:
    return [a == b and (a is not None or blank) for a, b, (_, _, blank) in zip(mine, theirs, match.pairs, strict=True)]


def _key(value: Any) -> Key:
    """Text compares without regard to case and outer blanks."""
    return (value.strip().casefold() or None) if isinstance(value, str) else value


def _grouped(there: dict[str, tuple[Key, ...]], position: int) -> dict[Key, set[str]]:
    groups: dict[Key, set[str]] = {}
    for record_id, keys in there.items():
        groups.setdefault(keys[position], set()).add(record_id)
    groups.pop(None, None)
    return groups


def _stored(work: Work, match: Match, here: list[list[Key]], rows: Sequence[int]) -> dict[str, tuple[Key, ...]]:
    """The rows of the org that agree with the batch in some field (in all, where all have to): id -> their keys."""
    clauses, values = [], []
    for (_, there, blank), column in zip(match.pairs, here, strict=True):
        wanted = {column[row] for row in rows} - {None}
        clause = f"{quoted(there)} IN (SELECT value FROM json_each(?))"  # noqa: S608 - schema names
        clauses.append(f"({clause} OR {quoted(there)} IS NULL)" if blank and not match.rule.filter else clause)
        values.append(json.dumps(sorted(_spellings(wanted), key=str)))
    alive = ' AND NOT "IsDeleted"' if match.to.bin else ""
    names = [there for _, there, _ in match.pairs]
    joined = (" OR " if match.rule.filter else " AND ").join(clauses)
    columns = ", ".join(["Id", *map(quoted, names)])
    sql = f"SELECT {columns} FROM {quoted(match.to.name)} WHERE ({joined}){alive}"  # noqa: S608 - schema names
    return {row[0]: tuple(map(_key, row[1:])) for row in work.database.rows(sql, values)}


def _spellings(keys: Iterable[Key]) -> set[Any]:
    """SQLite folds ASCII only: other letters are looked for in the usual spellings."""
    found: set[Any] = set()
    for one in keys:
        found |= {one} if not isinstance(one, str) or one.isascii() else {one, one.upper(), one.title(), one.lower()}
    return found


# -- what the caller is told ----------------------------------------------------------------------------------


def _result(work: Work, rule: DuplicateRule, found: Sequence[list[str]], *, allow: bool) -> dict[str, Any]:
    return {
        "allowSave": allow,
        "duplicateRule": rule.define.name,
        "duplicateRuleEntityType": rule.define.object,
        "errorMessage": rule.define.alert_text or ALERT_TEXT,
        "matchResults": [
            _match_result(work, match, ids) for match, ids in zip(rule.matches, found, strict=True) if ids
        ],
    }


def _match_result(work: Work, match: Match, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "entityType": match.to.name,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": [
            {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": one}
            for one in _records(work, match, ids)
        ],
        "rule": match.rule.name,
        "size": len(ids),
        "success": True,
    }


def _records(work: Work, match: Match, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Ids alone; with includeRecordDetails the compared fields and the name as well."""
    base = f"/services/data/v{work.options.version}/sobjects/{match.to.name}"
    names: list[str] = []
    if work.options.duplicate_details:
        named = [match.to.name_field.name] if match.to.name_field else []
        names = list(dict.fromkeys([*named, *(there for _, there, _ in match.pairs)]))
    details = fetch(work.database, match.to, ids, names) if names else {}
    return [
        {"attributes": {"type": match.to.name, "url": f"{base}/{one}"}, "Id": one}
        | dict(zip(names, details.get(one, ()), strict=False))
        for one in ids
    ]
