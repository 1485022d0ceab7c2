"""The words of a request's life, from its case to its last step.

request    one partner request; its key is the case's (``SFS_Source_Key__c``)
op         one thing to ask of the platform: a row of ``change_requests`` with a key of its own, for ever
mark       an approval of one kind (AM, FIN, …), given by a user for exactly one plan hash
gate       something a person did and recorded (a call-back), before the steps may begin
wait       why a request does not go on, and until when if that is known
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a request is; the first four change by themselves or by people, the others are ends."""

    BLOCKED = "blocked"  # the partner has to send something
    WAITING = "waiting"  # for marks, gates, the clock or a hold
    READY = "ready"  # the next run begins
    RUNNING = "running"  # begun: the platform, or a step, is not done yet
    OPEN = "open"  # nothing for sfsync to do: people work the case
    DONE = "done"
    REFUSED = "refused"
    PROHIBITED = "prohibited"  # never worked, by law
    UNDOING = "undoing"
    UNDONE = "undone"
    WITHDRAWN = "withdrawn"  # the case was closed before its steps began


ENDED = frozenset({State.OPEN, State.DONE, State.REFUSED, State.PROHIBITED, State.UNDONE, State.WITHDRAWN})


@dataclass(frozen=True)
class Request:
    """What was asked. ``fields`` are canonical: dates and instants ISO, money in minor units, all text.

    ``codes``: what intake said of the row. ``received_at`` is T0.
    """

    key: str
    code: str
    shop: str
    operator: str
    terminal: str
    requester: str
    imported_by: str
    received_at: datetime
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    codes: tuple[str, ...] = ()
    language: str = "it"


@dataclass(frozen=True)
class Facts:
    """What both sides hold now. Every part may be empty; private values are never shown.

    shop, company      the platform's rows
    operators          rows of the shop by operator code; ``terminals`` likewise by terminal id
    case               number, status, owner, hold, nu_due: as Salesforce has them
    earlier            other requests of the platform's outbox: kind, target, state, requested_at
    open_types         types of other open cases of the shop; ``open_cases`` their numbers
    busy               terminals of the shop that other open cases are about
    ips_taken          of the addresses asked for, those another shop uses
    twins              case keys of other requests for the one thing only one may be made for
    faults             faults of the terminal within the last 30 days, this one included
    of_month           what the shop asked for of the same kind earlier in the month, added up
    plans              commission plans of the shops of this kind
    alike              other shops with the VAT number or the address of a shop that is to open
    """

    shop: Mapping[str, Any] = field(default_factory=dict, repr=False)
    company: Mapping[str, Any] = field(default_factory=dict, repr=False)
    operators: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    terminals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    case: Mapping[str, Any] = field(default_factory=dict)
    earlier: tuple[Mapping[str, Any], ...] = ()
    open_types: tuple[str, ...] = ()
    open_cases: tuple[str, ...] = ()
    busy: frozenset[str] = frozenset()
    ips_taken: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    faults: int = 0
    of_month: int = 0
    plans: frozenset[str] = frozenset()
    alike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Op:
    """One thing to ask of the platform. ``number`` is its step's place; ops of one step go together."""

    number: int
    step: str
    kind: str
    target: str
    payload: Mapping[str, Any] = field(repr=False)
    key: str = ""
    back: str = ""
    reads: bool = False


@dataclass(frozen=True)
class Mark:
    """A decision of an approver about a plan; ``reason`` is for people inside."""

    mark: str
    by: str
    approve: bool
    plan_hash: str
    at: str
    source: str = "command line"
    reason: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sent:
    """An op that was begun, as the ledger and the platform know it. ``state``: waiting, requested, done, refused."""

    number: int
    step: str
    key: str
    kind: str
    target: str
    state: str
    reads: bool = False
    back: str = ""
    run_id: str = ""
    requested_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str = field(default="", repr=False)


def answered(text: str) -> dict[str, Any]:
    """What the platform answered, where it answered with an object; else empty."""
    try:
        answer = json.loads(text or "null")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


@dataclass(frozen=True)
class Trail:
    """What has happened: marks, gates (name -> by whom, when, and what it binds to), ops begun, and the plan's hash.

    ``plan_hash``: of the plan that was begun; empty before. ``mirrored``: numbers of the Salesforce steps that are
    written. ``undoing``: the request is being taken back. ``refused``: why it was refused, once that is decided.
    ``first``: nobody has looked at it yet. ``revised``: how often it was sent again with
    other content.
    """

    marks: tuple[Mark, ...] = ()
    gates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    mirrored: frozenset[int] = frozenset()
    plan_hash: str = ""
    undoing: bool = False
    refused: str = ""
    first: bool = False
    revised: int = 0


@dataclass(frozen=True)
class Wait:
    """Why a request does not go on: mark, gate, need, until, reason, hold, typed, void or platform."""

    kind: str
    what: str = ""
    until: datetime | None = None

    def text(self) -> str:
        """As lists show it."""
        until = f" until {self.until:%Y-%m-%dT%H:%M:%SZ}" if self.until else ""
        return f"{self.kind}:{self.what}{until}" if self.what else f"{self.kind}{until}"


@dataclass(frozen=True)
class Standing:
    """Where a request is and why; ``reason`` is the code of a refusal; ``next``: the numbers of the steps to do now."""

    state: State
    waits: tuple[Wait, ...] = ()
    reason: str = ""
    next: tuple[int, ...] = ()

    def marks(self) -> tuple[str, ...]:
        """The marks that are missing."""
        return tuple(w.what for w in self.waits if w.kind == "mark")
