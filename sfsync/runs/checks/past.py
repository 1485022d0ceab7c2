"""The ledger: it opens, it is of this version, it belongs to these ends, nobody sits on it, its trail is whole."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync import settings as config
from sfsync.errors import Exit, LedgerError
from sfsync.runs.checks.patient import Check, Patient, green, red, yellow


def opens(patient: Patient) -> Iterator[Check]:
    """The ledger opens and is of this version; it is not made here."""
    from sfsync.ledger.database import connect
    from sfsync.ledger.faults import place
    from sfsync.ledger.store import Ledger

    assert patient.settings is not None
    s = patient.settings.ledger
    engine = connect(s.url.get_secret_value())
    where = place(engine)
    engine.dispose()
    file = s.folder / "ledger.key"
    try:
        key = config.secret_bytes(s.key, file) if s.key is not None or file.exists() else b"\0" * 32
        ledger = Ledger.open(s.url.get_secret_value(), s.folder, key, create=False, keep_days=s.keep_days)
    except LedgerError as error:
        if error.code != "LEDGER_MISSING":
            raise
        patient.unborn = True
        yield green("ledger", f"none yet; the first sync makes it: {where}")
        return
    patient.stack.callback(ledger.close)
    patient.ledger = ledger
    last = [run["run_id"] for run in ledger.last_runs(limit=1)]
    yield green("ledger", f"{where}; {f'last run {last[0]}' if last else 'no run yet'}")


def bound(patient: Patient) -> Iterator[Check]:
    """The base belongs to this database and this org."""
    from sfsync.ledger.store import get_meta

    assert patient.ledger is not None
    assert patient.platform is not None
    assert patient.salesforce is not None
    given = {"platform": patient.platform.identity(), "org": patient.salesforce.identity()}
    with patient.ledger.reading() as connection:
        known = {name: get_meta(connection, name) for name in given}
    for name, value in given.items():
        if known[name] not in (None, value):
            message = f"the ledger was built with {name} {known[name]}, this is {value}"
            step = "Check the configuration; if the end was really replaced, name a new ledger in ledger.url."
            yield red("ledger ends", message, step, code=f"OTHER_{name.upper()}", status=Exit.USAGE)
    if all(known[name] in (None, value) for name, value in given.items()):
        words = "belongs to these ends" if all(known.values()) else "belongs to nobody yet; the first sync ties it"
        yield green("ledger ends", words)


def leases(patient: Patient) -> Iterator[Check]:
    """Who works on which mapping now."""
    from sfsync.ledger import lease

    assert patient.ledger is not None
    holders = {name: lease.holder(patient.ledger, f"mapping:{name}") for name in patient.mappings}
    for name, held_by in holders.items():
        if held_by is not None:
            message = f"process {held_by['pid']} on {held_by['host']} works on it since {held_by['started']}"
            step = "Let it finish; a sync now exits with 7."
            yield yellow("leases", f"{name}: {message}", step, code="LEASE_HELD", mapping=name)
    if not any(holders.values()):
        yield green("leases", "no run is under way")


def audit_trail(patient: Patient) -> Iterator[Check]:
    """The chain of the audit trail closes."""
    from sfsync.ledger import audit

    assert patient.ledger is not None
    result = audit.verify(patient.ledger)
    for found in result.findings:
        yield red("audit trail", found.message, found.next_step, code=found.code, status=Exit.USAGE)
    if not result.findings:
        yield green("audit trail", f"{result.lines:,} lines, the chain is whole")
