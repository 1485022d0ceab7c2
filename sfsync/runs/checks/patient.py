"""One line of doctor's report, and what the checks share: whatever earlier ones could open."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.errors import Exit, SfsyncError
from sfsync.mapping.model import Mapping
from sfsync.settings import Settings

if TYPE_CHECKING:
    from sfsync.ledger.store import Ledger
    from sfsync.sides.platform import PlatformSide
    from sfsync.sides.salesforce import SalesforceSide


class State(StrEnum):
    """Red: a sync cannot run. Yellow: it can, and a person should know. Green: fine."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


@dataclass(frozen=True)
class Check:
    """What one check found; ``exit`` is what a red one makes the command exit with."""

    name: str
    state: State
    message: str
    next_step: str = ""
    code: str = ""
    mapping: str = ""
    exit: Exit = Exit.DONE

    def as_json(self) -> dict[str, Any]:
        """The line as ``doctor --json`` shows it."""
        return {
            "check": self.name,
            "mapping": self.mapping,
            "state": str(self.state),
            "code": self.code,
            "message": self.message,
            "next_step": self.next_step,
        }


@dataclass
class Patient:
    """What is examined. A part stays None (mappings: empty) if the check that opens it failed."""

    config: Path | None
    as_of: datetime
    stack: ExitStack = field(default_factory=ExitStack)
    settings: Settings | None = None
    mappings: dict[str, Mapping] = field(default_factory=dict)
    platform: PlatformSide | None = None
    salesforce: SalesforceSide | None = None
    ledger: Ledger | None = None
    unborn: bool = False  # there is no ledger yet


def green(name: str, message: str, mapping: str = "") -> Check:
    """All is well."""
    return Check(name, State.GREEN, message, mapping=mapping)


def yellow(name: str, message: str, next_step: str = "", *, code: str = "", mapping: str = "") -> Check:
    """A sync runs, but a person should know."""
    return Check(name, State.YELLOW, message, next_step, code, mapping)


def red(name: str, message: str, next_step: str, *, code: str, status: Exit, mapping: str = "") -> Check:
    """A sync cannot run."""
    return Check(name, State.RED, message, next_step, code, mapping, status)


def of_error(name: str, error: SfsyncError) -> Check:
    """One of our errors as a red line."""
    return red(name, str(error), error.next_step, code=error.code, status=error.exit_status)
