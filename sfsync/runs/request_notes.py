"""What people inside hear of requests: an internal comment on a case that changed, a notice about a refused row.

Each leaves once: a comment carries the note's id and is looked for before it is written, a notice is a file named by
its row's key. No value of a request is in either.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sfsync.faultpoints import hit
from sfsync.ledger import request_notes as memory
from sfsync.runs import notices
from sfsync.runs.bench import Bench
from sfsync.sides.salesforce.soql import URL_CHARS, in_lists, select

_MARK = "[sfsync note "
_SAID = {
    "E-MINOR": "A request names a person under 18. It was refused; look at the file in the inbox and at the shop.",
}


def tell(bench: Bench) -> int:
    """Writes the notes that have not left yet on their cases; one whose case is not there waits. Returns how many."""
    notes = memory.untold(bench.ledger)
    if not notes:
        return 0
    ids = _cases(bench, sorted({n["case_key"] for n in notes}))
    ready = [n for n in notes if n["case_key"] in ids]
    have = _commented(bench, sorted({ids[n["case_key"]] for n in ready}))
    wanted = [(ids[n["case_key"]], _comment(n)) for n in ready if _mark(n) not in have]
    refused = set(bench.salesforce.comment(wanted))
    hit("requests.noted")
    left = [n for n in ready if ids[n["case_key"]] not in refused]
    memory.told(bench.ledger, left)
    return len(left)


def _cases(bench: Bench, keys: list[str]) -> dict[str, str]:
    """Salesforce ids by source key."""
    found = {}
    for clause in in_lists("SFS_Source_Key__c", keys, URL_CHARS - 400):
        for row in bench.salesforce.query(select(["Id", "SFS_Source_Key__c"], "Case", clause)):
            found[str(row["SFS_Source_Key__c"])] = str(row["Id"])
    return found


def _commented(bench: Bench, ids: list[str]) -> set[str]:
    texts = bench.salesforce.own_comments(ids) if ids else []
    return {text[text.rindex(_MARK) :].strip() for text in texts if _MARK in text}


def _mark(note: dict[str, Any]) -> str:
    return f"{_MARK}{note['note_id'][:12]}:{note['number']}]"


def _comment(note: dict[str, Any]) -> str:
    said = f"The partner sent this request again at {note['at'][:19]}Z; changed: {', '.join(note['fields'])}."
    if note["begun"]:
        said += " Its steps had begun: what was approved stays; take it back or ask for a new request to change it."
    else:
        said += " The case says it now; its clocks stand as they were."
    return f"{said} {_mark(note)}"


def alarm(bench: Bench, rows: list[dict[str, Any]], run_id: str) -> int:
    """Notices about refused rows that somebody has to hear of, once per row and code. Returns how many left."""
    waiting = memory.alarm(bench.ledger, rows)
    for row in waiting:
        _put(notices.outbox(bench), row, run_id)
    if waiting:
        memory.alarmed(bench.ledger, waiting)
    return len(waiting)


def _put(folder: Path, row: dict[str, Any], run_id: str) -> None:
    """One file per row and code, whole or not there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{row['row_key']}-{row['code']}.json"
    names = ("row_key", "code", "shop", "type", "file", "line", "at")
    notice = {**{n: row[n] for n in names}, "to": row["queue"], "said": _SAID.get(row["code"], ""), "run": run_id}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(notice, sort_keys=True) + "\n", "utf-8")
    part.replace(path)
