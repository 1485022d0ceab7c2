"""Every error a person can meet, grouped by what the caller may do about it.

    SfsyncError
    ├── ConfigError        2  fix the configuration or the command line
    │   ├── MappingError   2  fix the mapping file (carries file and line)
    │   ├── PlanError      2  make a new plan (broken folder, stale base)
    │   └── LedgerError    2  the ledger is of another version or damaged
    ├── GuardStop          5  look at the findings; waive them by name or fix the cause
    ├── BudgetReached      6  nothing: the next run goes on
    ├── LeaseHeld          7  wait, or end the other run
    ├── DriftError         8  an end does not fit the mapping; deploy fields or change the mapping
    ├── SideError          9  an end cannot be used
    │   ├── Unreachable    9  network or database down: try again later
    │   └── LoginRefused   9  credentials, certificate, user or policy
    └── Defect             1  a bug of ours: report it with the run id

Errors are records with fields. Only the command line makes sentences for people and says what to type next;
no message ever holds a personal value: keys, field names and codes only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses that people script against."""

    DONE = 0
    DEFECT = 1
    USAGE = 2
    REFUSED_ROWS = 3
    WAITING = 4
    GUARD = 5
    BUDGET = 6
    LEASE = 7
    DRIFT = 8
    UNREACHABLE = 9


@dataclass
class SfsyncError(Exception):
    """What happened, where, and what to do next.

    ``code`` is stable and upper case; ``where`` names a file and line, a record (mapping and key) or an end;
    ``next_step`` is one sentence a person can act on.
    """

    message: str
    code: str = "ERROR"
    where: str = ""
    next_step: str = ""
    details: list[str] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)  # the details as ``--json`` shows them

    exit_status = Exit.DEFECT

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return "\n".join([head, *self.details])


class ConfigError(SfsyncError):
    """Wrong usage or configuration."""

    exit_status = Exit.USAGE


class MappingError(ConfigError):
    """A mapping file that cannot be used; ``where`` is ``file:line``."""


class PlanError(ConfigError):
    """A plan folder that is broken, foreign or stale."""


class LedgerError(ConfigError):
    """A ledger of another version, another org or another database, or a broken audit chain."""


class GuardStop(SfsyncError):
    """A guard stopped the run before the first write; ``details`` lists the findings."""

    exit_status = Exit.GUARD


class BudgetReached(SfsyncError):
    """The org's API budget for this run is used up; the next run goes on."""

    exit_status = Exit.BUDGET


class LeaseHeld(SfsyncError):
    """Another run of the same mapping is under way."""

    exit_status = Exit.LEASE


class DriftError(SfsyncError):
    """A side lacks what the mapping needs; nothing was written."""

    exit_status = Exit.DRIFT


class SideError(SfsyncError):
    """A side cannot be used now."""

    exit_status = Exit.UNREACHABLE


class Unreachable(SideError):
    """Network, TLS or database failure after all retries."""


class LoginRefused(SideError):
    """The org or the database refused the login."""


class Defect(SfsyncError):
    """A broken promise inside sfsync itself."""
