"""The words of the clocks: which there are, in which state, and what can happen to a case."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Literal

Priority = Literal["P1", "P2", "P3", "P4"]
Tier = Literal["STANDARD", "VIP", "VVIP", "PARTNER"]

NONE = -(2**63)  # no instant, no length: the least int64
FOREVER = 2**62  # a length nobody lives to see: a clock that has no due of its own yet
SECOND = 1_000_000  # instants and lengths are microseconds
MINUTE = 60 * SECOND

FR, MIT, RES, NU, PIR = range(5)
CLOCKS = ("FR", "MIT", "RES", "NU", "PIR")
PREALERT, L2, L3, L4 = range(4)
RUNGS = ("L2_prealert", "L2", "L3", "L4")
P1, P2, P3, P4 = range(4)
PRIORITIES: tuple[Priority, ...] = ("P1", "P2", "P3", "P4")
STANDARD, VIP, VVIP, PARTNER = range(4)
TIERS: tuple[Tier, ...] = ("STANDARD", "VIP", "VVIP", "PARTNER")
STATUSES = (
    "New",
    "Open",
    "InProgress",
    "WaitingCustomer",
    "WaitingPartner",
    "WaitingThirdParty",
    "WaitingRegulator",
    "Resolved",
    "Closed",
    "Reopened",
    "Cancelled",
)
LEGAL, HARM = range(2)
LISTS = ("legal", "harm")  # lists of explicit words: a lawyer or an authority; somebody's life


class State(IntEnum):
    """The state of a clock. Inside the engine BREACHED never stands: a breach is told by its instant."""

    NA = 0
    RUNNING = 1
    PAUSED = 2
    MET = 3
    CANCELLED = 4
    BREACHED = 5


STATES = tuple(s.name.lower() for s in State)


class EventKind(IntEnum):
    """What happens to a case. The numbers are the order in which events of one instant are applied (policy C.12)."""

    FIRST_RESPONSE = 0
    PUBLIC_UPDATE = 1
    MITIGATED = 2
    RESOLVED = 3
    CANCELLED = 4
    PIR_DELIVERED = 5
    PAUSE = 6
    FORCE_MAJEURE = 7
    RESUME = 8
    FORCE_MAJEURE_END = 9
    REOPENED = 10
    TIER = 11
    CATEGORY = 12
    PRIORITY = 13
    WORDS = 14


class Reason(IntEnum):
    """Why a case stands on its level."""

    NONE = 0
    TIME = 1
    TRIGGER = 2
    REOPENED = 3
    UPDATES_MISSED = 4
    WORDS = 5


class Warned(IntFlag):
    """Codes raised since T0."""

    PAUSE_NOMSG = 1
    DOWNGRADE_LATE = 2
    TIME_ORDER = 4


WARNINGS = {
    Warned.PAUSE_NOMSG: "W-PAUSE-NOMSG",
    Warned.DOWNGRADE_LATE: "W-DOWNGRADE-LATE",
    Warned.TIME_ORDER: "E-TIME-ORDER",
}
