"""Both ends: can they be reached, do they let us in, do they fit the mappings, do their clocks agree with ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sfsync.errors import Exit
from sfsync.mapping.model import Mapping
from sfsync.runs.checks.patient import Check, Patient, State, green, red, yellow
from sfsync.settings import Budget, Settings
from sfsync.sides.side import Finding

if TYPE_CHECKING:
    from sfsync.sides.salesforce import SalesforceSide

QUICK_S = 20.0  # a person waits for doctor: seconds per call, and two attempts
SKEW = timedelta(seconds=60)
ACCESS = {"OBJECT_ACCESS", "OBJECT_MISSING", "FIELD_MISSING", "FIELD_READ_ONLY", "RECORD_TYPE"}
WATCHED = ("DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB", "DataStorageMB")
LOW = 0.05  # of a limit


# --- the platform -------------------------------------------------------------------------------------------------


def platform(patient: Patient) -> Iterator[Check]:
    """The database answers; which one, which version."""
    from sfsync.sides.platform import PlatformSide, connect, read

    assert patient.settings is not None
    url = connect.parse(patient.settings.platform.url)
    engine = connect.open_engine(url)
    patient.stack.callback(engine.dispose)
    version = read.trying(engine, connect.place(url), _version)
    side = PlatformSide(patient.settings.platform.url, as_of=patient.as_of, hash_key=b"")  # doctor hashes nothing
    patient.stack.callback(side.close)
    patient.platform = side
    yield green("platform", f"{connect.place(url)}: {version}")
    file = Path(url.database or "")
    if url.get_backend_name() == connect.SQLITE and file.is_file() and not os.access(file, os.W_OK):
        step = f"Let this user write {file}; until then nothing can be brought from Salesforce."
        yield yellow("platform", "the database file cannot be written", step, code="PLATFORM_READ_ONLY")


def _version(connection: sa.Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.exec_driver_sql('SELECT sqlite_version()').scalar_one()}"
    return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"


def tables(patient: Patient) -> Iterator[Check]:
    """Every mapping finds its table and columns."""
    assert patient.platform is not None
    for mapping in patient.mappings.values():
        found = patient.platform.check(mapping)
        fine = f"table {mapping.platform.table} fits"
        yield from _lines("platform tables", mapping, found, fine)


# --- the org ------------------------------------------------------------------------------------------------------


def login(patient: Patient) -> Iterator[Check]:
    """The org is there and serves our version, the login works; who we are, in which org, and whether a sandbox."""
    assert patient.settings is not None
    side = _side(patient, patient.settings)
    version = _api_version(side)
    yield version
    if version.state is State.RED:  # no call of that version can work
        return
    rows = side.query("SELECT Id, IsSandbox, OrganizationType, InstanceName FROM Organization")
    org = rows[0] if rows else {}
    patient.salesforce = side
    kind = "sandbox" if org.get("IsSandbox") else "production org"
    named = " ".join(str(org[n]) for n in ("OrganizationType", "InstanceName") if org.get(n))
    yield green("Salesforce login", f"{side.username() or 'unknown user'} in {side.identity()}, {kind} {named}".strip())


def _side(patient: Patient, settings: Settings) -> SalesforceSide:
    from sfsync.sides.salesforce import SalesforceSide
    from sfsync.sides.salesforce.session import Patience

    # An own cache: a describe kept from yesterday would hide a permission taken away since.
    cache = Path(patient.stack.enter_context(tempfile.TemporaryDirectory(prefix="sfsync-doctor-")))
    quick = settings.salesforce.model_copy(update={"timeout_s": min(settings.salesforce.timeout_s, QUICK_S)})
    patience = Patience(attempts=2, first_s=0.2, most_s=1.0)
    side = SalesforceSide(
        quick, Budget(per_run=1, org_wide_stop=1, reserve_for_people=0), cache=cache, patience=patience
    )
    patient.stack.callback(side.close)
    return side


def _api_version(side: SalesforceSide) -> Check:
    """The configured API version is one the org serves."""
    wanted = side.session.config.api_version
    answer = side.session.call("GET", "/services/data", counted=False).data
    served = [str(v["version"]) for v in answer]
    newest = max(served, key=float, default=wanted)
    if wanted in served:
        return green("Salesforce API version", f"{wanted}; the org serves up to {newest}")
    step = f"Set salesforce.api_version to one the org serves; the newest is {newest}."
    message = f"the org does not serve version {wanted}"
    return red("Salesforce API version", message, step, code="API_VERSION", status=Exit.USAGE)


def objects(patient: Patient) -> Iterator[Check]:
    """Rights of our user, and fields, types, lengths, picklists and record types, per mapping."""
    assert patient.salesforce is not None
    patient.salesforce.prepare(list(patient.mappings.values()))
    for mapping in patient.mappings.values():
        found = patient.salesforce.check(mapping)
        name = mapping.salesforce.object
        rights = [f for f in found if f.code in ACCESS]
        shape = [f for f in found if f.code not in ACCESS]
        yield from _lines("Salesforce permissions", mapping, rights, f"{name} can be read, created and edited")
        yield from _lines("Salesforce fields", mapping, shape, f"fields of {name} fit")


def _lines(name: str, mapping: Mapping, found: Sequence[Finding], fine: str) -> Iterator[Check]:
    """Findings as lines; what is only worth knowing is counted behind the green one."""
    notes = [f for f in found if f.level == "info"]
    for f in found:
        if f.level == "error":
            yield red(name, f.message, f.next_step, code=f.code, status=Exit.DRIFT, mapping=mapping.name)
        elif f.level == "warning":
            yield yellow(name, f.message, f.next_step, code=f.code, mapping=mapping.name)
    if len(found) == len(notes):
        more = f"; {len(notes)} to know: {', '.join(f.where for f in notes[:5])}" if notes else ""
        yield green(name, f"{mapping.name}: {fine}{more}", mapping.name)


def limits(patient: Patient) -> Iterator[Check]:
    """The org's limits, and what they leave for a run."""
    assert patient.salesforce is not None
    assert patient.settings is not None
    known = patient.salesforce.limits()
    for name in WATCHED:
        if name in known and known[name]["Remaining"] < LOW * known[name]["Max"]:
            message = f"{name}: {known[name]['Remaining']:,} of {known[name]['Max']:,} left"
            yield yellow("Salesforce limits", message, "Wait for its renewal, or buy more.", code="LIMIT_LOW")
    yield from _budget(known["DailyApiRequests"], patient.settings.budget)


def _budget(daily: dict[str, int], shares: Budget) -> Iterator[Check]:
    total, left = daily["Max"], daily["Remaining"]
    room = min(
        int(total * shares.per_run),
        int(total * min(shares.org_wide_stop, 1 - shares.reserve_for_people)) - (total - left),
    )
    if room <= 0:
        step = "A run would stop at once (exit 6). Wait, or raise budget.org_wide_stop."
        message = f"the org has used {total - left:,} of {total:,} API calls today"
        yield yellow("Salesforce limits", message, step, code="BUDGET_USED_UP")
        return
    yield green("Salesforce limits", f"{left:,} of {total:,} API calls left today; a run may use {room:,}")


# --- clocks -------------------------------------------------------------------------------------------------------


def clocks(patient: Patient) -> Iterator[Check]:
    """This machine, the org and the database tell the same time: windows and login tokens depend on it."""
    read = [(n, c) for n, c in (("the org", _org_clock(patient)), ("the platform", _platform_clock(patient))) if c]
    for name, skew in read:
        if abs(skew) > SKEW:
            where = "ahead of" if skew > timedelta() else "behind"
            message = f"{name} is {abs(skew).total_seconds():,.0f} s {where} this machine"
            yield yellow("clocks", message, "Synchronise the clocks (NTP).", code="CLOCK_SKEW")
    if not read:
        yield yellow("clocks", "not checked: neither end could be asked", code="NOT_CHECKED")
    elif all(abs(skew) <= SKEW for _, skew in read):
        yield green("clocks", f"this machine and {' and '.join(n for n, _ in read)} agree")


def _org_clock(patient: Patient) -> timedelta | None:
    if patient.salesforce is None:
        return None
    return patient.salesforce.session.clock(0) - datetime.now(UTC)


def _platform_clock(patient: Patient) -> timedelta | None:
    mapping = next(iter(patient.mappings.values()), None)
    if patient.platform is None or mapping is None:
        return None
    now = patient.platform.window(mapping, None).until + mapping.platform.settle
    return now - datetime.now(UTC)
