"""Codes people meet: exit codes, errors, findings, refusals, holds, guards, fault points."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

from scripts.reference_pages import found
from scripts.reference_pages.text import code, sentence, table
from sfsync import faultpoints
from sfsync.errors import Exit
from sfsync.merge import guard
from sfsync.plan import reasons
from sfsync.sides.platform import refusals
from sfsync.sides.salesforce import faults
from sfsync.sides.salesforce import refusals as logins

EXITS = {
    Exit.DONE: ("Done; also: there was nothing to do.", "Nothing."),
    Exit.DEFECT: ("A defect of ours.", "Report the lines on the screen; they hold no personal data."),
    Exit.USAGE: ("Wrong usage or configuration; nothing was written.", "Correct what the message names."),
    Exit.REFUSED_ROWS: ("Done, but rows were refused.", "`sfsync failures`"),
    Exit.WAITING: ("Done, but something waits for a person.", "`sfsync conflicts`, `sfsync holds`"),
    Exit.GUARD: ("A guard stopped the run; nothing was written.", "Look at the finding; fix the cause or waive it."),
    Exit.BUDGET: ("Stopped cleanly by the API budget.", "Nothing: the next run goes on."),
    Exit.LEASE: ("Another run holds the lease.", "Wait for it to end."),
    Exit.DRIFT: ("An end does not fit the mapping; nothing was written.", "`sfsync doctor`"),
    Exit.UNREACHABLE: ("An end cannot be reached or refused the login.", "Follow the message; run again."),
}
GUARDS = {
    "SIDE_EMPTY": "A side that was read completely delivered no record, though some are known. "
    "Usually another database, a lost permission or an empty extract.",
    "MASS_CHANGE": "More records would change than `guards.max_changed_percent` or `max_changed_records` allows.",
    "MASS_ARCHIVE": "More records would be archived than `guards.max_archived_percent` allows.",
    "COLUMN_NULL": "A column is empty for all records that had a value. "
    "Usually a failed extract or a lost field permission.",
    "KEY_TWICE": "A key occurs more than once on a side; upper and lower case are one key, as in Salesforce. "
    "Waived, those records are refused and the others go on.",
    "SIDE_SHORT": "A side that was read completely lacks more known records than `guards.max_missing_percent` allows; "
    "those it lacked at the last complete read are not counted again. Usually a truncated extract.",
    "MASS_CHANGE_DAY": "This run and those of the last 24 hours together change more records than "
    "`guards.max_changed_percent_per_day` allows. Runs for which a person waived a guard of mass change do not count.",
    "BACKFILL": "A field new to the mapping, or formed in another way, would be written to more records than the "
    "limits of `MASS_CHANGE` allow; nothing else of these records changes. Below the limits it is a remark.",
    "OTHER_ORG": "The ledger was built with another org. Waived, nothing counts as agreed: both sides meet for the "
    "first time.",
    "OTHER_DATABASE": "The ledger was built with another database. Waived, both sides are read whole and what was "
    "agreed stays.",
    "OTHER_MAPPING": "The base was built with another table, key column, object or external id field. Waived, records "
    "are found again by their Salesforce ids; with another object both sides meet for the first time.",
}
HOLDS = {
    "PARENT_MISSING": "The record it belongs to is not in Salesforce yet; it wakes when the parent lands.",
    "MOVED": "Somebody changed the record between plan and write; the next run looks again.",
    "BUDGET": "The API budget ended first; the next run writes it.",
    "KEY_NOT_SET": "Salesforce refused the key of a record born there, so it gets no platform row yet.",
    "WITHDRAWN": "Its decision was taken back after the plan was made; the next run does what holds now.",
    "UNDONE": "An undo took the change back. It stays away until its source changes or you release it.",
}
CONFLICTS = {
    "BOTH_CHANGED": "One field changed on both sides, and its owner is `manual`.",
    "IN_DOUBT": "One field changed on both sides, and a lost reply hides what became of our value. No rule and no "
    "deadline decides it.",
    "NOT_KEPT": "The org did not keep an opt-out as it was written: automation there undoes it. Every run writes it "
    "again until somebody changes the automation, or decides otherwise; no rule and no deadline does.",
    "DELETED_IN_SALESFORCE": "Deleted in Salesforce, alive on the platform, and the mapping says `conflict`.",
}
RECORD_CODES = {"KEY_NULL": "The record has no key.", **reasons.ALL}


def exits() -> str:
    """The page of exit codes."""
    assert set(EXITS) == set(Exit)
    rows = [(code(int(e)), code(e.name), *EXITS[e]) for e in Exit]
    return (
        "# Exit codes\n\nPeople script against these; they stay. 130: interrupted by Ctrl-C; what was written is "
        f"recorded.\n\n{table(('code', 'name', 'meaning', 'what next'), rows)}\n"
        "If several are true, the first of 6, 3, 4 is shown. `--json` has the code in `exit`.\n"
    )


def guards() -> str:
    """The page of guards."""
    names = {v for k, v in vars(guard).items() if k.isupper() and isinstance(v, str) and k == v}
    assert names == set(GUARDS), f"guards without a sentence: {sorted(names ^ set(GUARDS))}"
    rows = [(code(n), m) for n, m in GUARDS.items()]
    return (
        "# Guards\n\nA guard stops a run before its first write with exit code 5. Each can be waived by name for one "
        "run: `--waive NAME`. How: [waive a guard](../how-to/waive-a-guard.md). The limits stand in the mapping: "
        f"[guards](mapping-files.md#guards).\n\n{table(('guard', 'it says'), rows)}"
    )


def errors() -> str:
    """The page of all codes, from the sources."""
    made = found.codes()
    parts = ["# Error codes\n", _ERRORS_INTRO]
    parts += ["## Errors that end a command\n", _ended(made)]
    parts += ["## Findings\n", _FINDINGS_INTRO, _found(made)]
    parts += ["## Records that were refused\n", _REFUSED_INTRO, _refused()]
    parts += ["## Records that are held\n", table(("code", "meaning"), [(code(c), m) for c, m in HOLDS.items()])]
    parts += ["## Conflicts\n", table(("code", "meaning"), [(code(c), m) for c, m in CONFLICTS.items()])]
    return "\n".join(parts)


_ERRORS_INTRO = (
    "Codes are stable; sentences may become better. `…` stands for a name, a number or a path. Every message also "
    "says where, and what to do next. None holds a value of a record.\n"
)
_FINDINGS_INTRO = (
    "What `plan`, `sync`, `doctor` and `audit --verify` remark. Those of level error in `plan` and `sync` are "
    "[guards](guards.md) or drift (exit 8).\n"
)
_REFUSED_INTRO = (
    "Codes in `sfsync failures`: found by sfsync before it sends anything, or said by Salesforce or by the platform's "
    "database. A code of Salesforce's that is not listed is shown as it is, with class `unknown`.\n"
)


def _ended(made: list[found.Code]) -> str:
    rows = {(c.code, c.kind, c.exit, c.message) for c in made if c.exit is not None}
    rows |= {(c, "LoginRefused", int(Exit.UNREACHABLE), text) for c, text in logins._CODES.items()}
    ordered = sorted(rows, key=lambda r: (r[2], r[0], r[3]))
    return table(("code", "exit", "meaning"), [(code(r[0]), code(r[2]), sentence(r[3])) for r in ordered])


def _found(made: list[found.Code]) -> str:
    rows = {(c.code, c.message) for c in made if c.exit is None and c.code not in GUARDS}
    return table(("code", "meaning"), [(code(c), sentence(m)) for c, m in sorted(rows)])


def _refused() -> str:
    platform = {*refusals.POSTGRESQL_CODES.values(), *refusals.SQLITE_CODES.values()}
    rows = {(c, "sfsync", "data", sentence(m) + ("" if m.endswith(".") else ".")) for c, m in RECORD_CODES.items()}
    rows |= {(c, "Salesforce", kind, text) for c, (kind, text) in faults._KNOWN.items()}
    rows |= {(c, "the platform", kind, text) for c, kind, text in platform}
    return table(("code", "said by", "class", "meaning"), [(code(r[0]), *r[1:]) for r in sorted(rows)])


def fault_points() -> str:
    """The page of fault points."""
    said = _comments(Path(faultpoints.__file__))
    rows = [(code(n), sentence(said.get(n, ""))) for n in faultpoints.NAMES]
    return (
        "# Fault points\n\nFor tests: `SFSYNC_FAULTPOINT=NAME` kills the process at that place (SIGKILL, no clean-up); "
        "`NAME:3` at the third time. Run the same command again afterwards, and the two sides are as if it had never "
        f"been killed.\n\n{table(('name', 'what is true there'), rows)}"
    )


def _comments(path: Path) -> dict[str, str]:
    """String constants of a source file with the comment that ends their line."""
    tokens = list(tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline))
    texts = {t.start[0]: t.string.strip("\"'") for t in tokens if t.type == tokenize.STRING and "\n" not in t.string}
    notes_ = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    return {text: notes_[line] for line, text in texts.items() if line in notes_}
