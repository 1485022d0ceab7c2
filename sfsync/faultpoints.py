"""Named places where a process can die, so that tests can kill it there.

Inert unless ``SFSYNC_FAULTPOINT=name`` (or ``name:n``, the n-th time) is set in the environment of the process; then
``hit(name)`` sends SIGKILL to it: no clean-up, no rollback, exactly what a power cut leaves behind.
"""

from __future__ import annotations

import os
import signal

from sfsync.errors import ConfigError

VARIABLE = "SFSYNC_FAULTPOINT"

NAMES = (
    "sync.planned",  # the plan is made, nothing has been written yet
    "apply.part",  # a part of a batch is written, the rest is not
    "apply.written",  # a batch is written, not read back
    "apply.remembered",  # agreements are in the base, nothing is written yet
    "sla.fired",  # the rungs that fire are claimed, nothing is written yet
    "sla.commented",  # the comments are on the cases, no notice has left yet
    "sla.told",  # comments and notices have left, the mark has not moved yet
    "sync.windows",  # everything is written, the windows have not moved yet
    "ledger.intent.opened",  # the intent is committed, nothing has left yet
    "ledger.intent.job",  # the job id is committed, no byte is uploaded yet
    "bulk.uploaded",  # a job holds its rows, nothing has told it to begin
    "bulk.started",  # a job is at work
    "bulk.ended",  # a job has ended, its results are not read yet
    "recover.ended",  # the jobs of a killed run have ended, nothing is known of their rows yet
    "recover.closed",  # what the jobs said is in the ledger, the rest of the batch was not looked at
    "ledger.outcome.before",  # the other side has the rows, the ledger knows nothing of it yet
    "ledger.outcome.middle",  # outcome written, transaction open
    "ledger.outcome.after",  # outcome and base are committed
    "ledger.image.written",  # the before-image is on disk, its row is not in the ledger
    "ledger.image.saved",  # image and row are safe, nothing has left yet
    "ledger.audit.middle",  # audit line written, transaction open
    "requests.begun",  # a request's plan is frozen, nothing is asked of the platform yet
    "requests.applied",  # what was planned is written, the ledger of requests knows nothing of it yet
    "requests.due",  # messages are noted, none has left yet
    "requests.leaving",  # a message is about to leave
    "requests.noted",  # internal notes are on their cases, the ledger does not know it yet
    "requests.left",  # a message has left, the ledger does not know it yet
    "ledger.lease.taken",  # the lease is ours, nothing else happened
)


def hit(name: str) -> None:
    """Die here if a test armed this name. Raises ``ConfigError`` if the armed name does not exist."""
    armed = os.environ.get(VARIABLE)
    if not armed:
        return
    wanted, _, count = armed.partition(":")
    _refuse_unknown(wanted)
    if wanted == name:
        _count_down(wanted, int(count or 1))


def _refuse_unknown(name: str) -> None:
    if name not in NAMES:
        raise ConfigError(f"there is no fault point {name}", "FAULTPOINT", VARIABLE, f"Unset {VARIABLE}.", list(NAMES))


def _count_down(name: str, left: int) -> None:
    """The variable itself is the counter, so that no state of ours outlives a test."""
    if left <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
    os.environ[VARIABLE] = f"{name}:{left - 1}"
