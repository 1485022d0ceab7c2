"""This machine: Python and libraries, the configuration file, secrets, mappings."""

from __future__ import annotations

import platform
import stat
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from pydantic import SecretStr

from sfsync import __version__
from sfsync import settings as config
from sfsync.errors import Exit, SfsyncError
from sfsync.runs.bench import Bench
from sfsync.runs.checks.patient import Check, Patient, green, of_error, red, yellow

PARTS = ("simple-salesforce", "pandas", "pyarrow", "sqlalchemy", "pydantic", "psycopg", "click", "cryptography")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def python(_: Patient) -> Iterator[Check]:
    """The interpreter and the libraries."""
    versions, missing = [], []
    for part in PARTS:
        try:
            versions.append(f"{part} {metadata.version(part)}")
        except metadata.PackageNotFoundError:
            missing.append(part)
    if missing:
        step = "Install sfsync again (in a checkout: scripts/test or scripts/demo does it)."
        yield red("python", f"missing: {', '.join(missing)}", step, code="PART_MISSING", status=Exit.USAGE)
    yield green("python", f"sfsync {__version__}, Python {platform.python_version()}, {', '.join(versions)}")


def configuration(patient: Patient) -> Iterator[Check]:
    """The file and the environment are well-formed."""
    patient.settings = config.load(patient.config)
    path = config.config_file(patient.config)
    if path.exists():
        yield green("configuration", f"{path} is well-formed")
    else:
        step = "Run: sfsync init .   or go to the project's folder."
        yield yellow("configuration", f"there is no {path}; defaults and environment are used", step, code="NO_FILE")


def secrets(patient: Patient) -> Iterator[Check]:
    """Key files exist and only their owner can read them; so does the folder of the ledger."""
    assert patient.settings is not None
    folder = patient.settings.ledger.folder
    named = [("ledger key", folder / "ledger.key"), ("hash key", folder / "hash.key")]
    given = {"ledger key": patient.settings.ledger.key, "hash key": patient.settings.privacy.hash_key}
    found = [c for what, path in named if given[what] is None for c in _key(what, path)]
    found += list(_short(given))
    found += list(_private_key(patient.settings.salesforce))
    if folder.is_dir() and folder.stat().st_mode & OTHERS:
        message = f"{folder} can be read by others"
        found.append(yellow("secrets", message, f"Run: chmod 700 {folder}", code="FOLDER_OPEN"))
    yield from found or [green("secrets", "keys are in place and only yours to read")]


def _key(what: str, path: Path) -> Iterator[Check]:
    if not path.exists():
        yield yellow("secrets", f"the {what} does not exist yet; the first sync makes it: {path}", code="KEY_NEW")
    elif path.stat().st_mode & OTHERS:
        message = f"the {what} can be read by others: {path}"
        yield red("secrets", message, f"Run: chmod 600 {path}", code="SECRET_EXPOSED", status=Exit.USAGE)


def _short(given: dict[str, SecretStr | None]) -> Iterator[Check]:
    for what, value in given.items():
        if value is not None and len(value.get_secret_value()) < 32:
            step = "Set one of at least 32 characters; a file made by sfsync init will do."
            yield red("secrets", f"the {what} is too short", step, code="KEY_TOO_SHORT", status=Exit.USAGE)


def _private_key(org: config.Salesforce) -> Iterator[Check]:
    if org.auth != "jwt" or org.private_key_file is None:
        return
    try:
        config.secret_file(org.private_key_file, "the private key")
    except SfsyncError as error:
        yield of_error("secrets", error)


def mappings(patient: Patient) -> Iterator[Check]:
    """Every mapping file can be read and makes sense."""
    assert patient.settings is not None
    patient.mappings = Bench(patient.settings, patient.as_of).mappings
    names = ", ".join(f"{m.name} ({len(m.columns)} fields)" for m in patient.mappings.values())
    yield green("mappings", names)
