"""doctor: every check a line, red, yellow or green, each with the way out. Looks only; one failure hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sfsync.errors import Exit, SfsyncError
from sfsync.runs.checks import ends, here, past
from sfsync.runs.checks.patient import Check, Patient, State, of_error, red, yellow

Probe = Callable[[Patient], Iterator[Check]]

# What is checked, in this order: name, the parts of the patient it needs, the check.
PROBES: tuple[tuple[str, tuple[str, ...], Probe], ...] = (
    ("python", (), here.python),
    ("configuration", (), here.configuration),
    ("secrets", ("settings",), here.secrets),
    ("mappings", ("settings",), here.mappings),
    ("platform", ("settings",), ends.platform),
    ("platform tables", ("platform", "mappings"), ends.tables),
    ("Salesforce login", ("settings",), ends.login),
    ("Salesforce objects", ("salesforce", "mappings"), ends.objects),
    ("Salesforce limits", ("salesforce",), ends.limits),
    ("clocks", (), ends.clocks),
    ("ledger", ("settings",), past.opens),
    ("ledger ends", ("ledger", "platform", "salesforce"), past.bound),
    ("leases", ("ledger", "mappings"), past.leases),
    ("audit trail", ("ledger",), past.audit_trail),
)
# The first that some red line has is the exit status of the command.
ORDER = (Exit.USAGE, Exit.UNREACHABLE, Exit.DRIFT, Exit.BUDGET, Exit.LEASE, Exit.DEFECT)


def examine(config: Path | None, as_of: datetime) -> list[Check]:
    """Run all checks on the project of this configuration file (default: the one of this folder)."""
    patient = Patient(config, as_of)
    with patient.stack:
        return [check for name, needs, probe in PROBES for check in _look(patient, name, needs, probe)]


def exit_status(checks: Sequence[Check]) -> Exit:
    """0 if nothing is red, else what the worst red line says."""
    found = {c.exit for c in checks if c.state is State.RED}
    return next((status for status in ORDER if status in found), Exit.DEFECT if found else Exit.DONE)


def _look(patient: Patient, name: str, needs: Sequence[str], probe: Probe) -> Iterator[Check]:
    missing = [n for n in needs if not getattr(patient, n)]
    if "ledger" in missing and patient.unborn:
        return  # a ledger that nobody needed yet is nothing to warn of
    if missing:
        yield yellow(name, f"not checked: {MISSING[missing[0]]}", code="NOT_CHECKED")
        return
    try:
        yield from probe(patient)
    except SfsyncError as error:
        yield of_error(name, error)
    except Exception as error:  # a check that fails must not hide the others; texts of libraries may quote values
        step = "Report this line; the other checks stand."
        yield red(name, f"the check itself failed ({type(error).__name__})", step, code="DEFECT", status=Exit.DEFECT)


MISSING = {
    "settings": "the configuration could not be read",
    "mappings": "there are no mappings to check against",
    "platform": "the platform could not be opened",
    "salesforce": "there is no session with Salesforce",
    "ledger": "there is no ledger to look into",
}
