"""Puts a rehearsal org together: its parts, its data folder held for one process, the ready line."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sfsync.errors import ConfigError
from sfsync.rehearsal import seeds, table, tls
from sfsync.rehearsal.bulk import load as bulk_load
from sfsync.rehearsal.bulk import query as bulk_query
from sfsync.rehearsal.bulk.classic import work as classic_work
from sfsync.rehearsal.bulk.job import BATCH, INGEST, QUERY
from sfsync.rehearsal.bulk.jobs import Jobs
from sfsync.rehearsal.context import Context
from sfsync.rehearsal.entry import credentials
from sfsync.rehearsal.entry.sessions import Sessions
from sfsync.rehearsal.faults import Faults
from sfsync.rehearsal.limits import Limits
from sfsync.rehearsal.locators import Locators
from sfsync.rehearsal.org import Org
from sfsync.rehearsal.rest.recent import Recent


class ServeError(ConfigError):
    """The org cannot be started."""


@dataclass(frozen=True)
class Ready:
    """The ready line: where the org is and the ways in; ``ca_file`` is what makes ``https_url`` trusted."""

    instance_url: str
    access_token: str
    username: str
    password: str
    pid: int
    security_token: str
    consumer_key: str
    consumer_secret: str
    refresh_token: str
    private_key_file: str
    https_url: str | None = None
    ca_file: str | None = None

    def line(self) -> str:
        return json.dumps(asdict(self))


def open_context(
    data: Path,
    instance_url: str,
    *,
    seed: str = "empty",
    force_app: Path | None = None,
    https_url: str | None = None,
) -> Context:
    """Opens the org in a data folder with all its parts, ready to be served."""
    org = Org.open(data, force_app=force_app)
    known = credentials.load_or_create(data, org.org_id, org.username)
    sessions, faults, limits = Sessions(org), Faults(org), Limits(org)
    jobs = Jobs(org, faults, {INGEST: bulk_load.work, QUERY: bulk_query.work, BATCH: classic_work.work})
    recent = Recent(org)

    def restore() -> None:
        recent.load()
        sessions.stand(known.access_token, org.user_id)
        if org.state_get("seed", seed) is None:
            _seed(org, seed)
            org.state_put("seed", seed, {"loaded": True})

    restore()
    return Context(
        org=org,
        table=table.build(),
        sessions=sessions,
        credentials=known,
        limits=limits,
        faults=faults,
        locators=Locators(org),
        jobs=jobs,
        instance_url=instance_url,
        restore=restore,
        recent=recent,
        https_url=https_url,
    )


def _seed(org: Org, name: str) -> None:
    try:
        seeds.load(org, name)
    except seeds.SeedError as error:
        raise ServeError(str(error), "SEED_REFUSED", next_step="give another --seed") from error


def ready(context: Context, certificate: tls.Certificate | None) -> Ready:
    known = context.credentials
    return Ready(
        instance_url=context.instance_url,
        access_token=known.access_token,
        username=known.username,
        password=known.password,
        pid=os.getpid(),
        security_token=known.security_token,
        consumer_key=known.consumer_key,
        consumer_secret=known.consumer_secret,
        refresh_token=known.refresh_token,
        private_key_file=known.private_key_file,
        https_url=context.https_url,
        ca_file=str(certificate.ca_file.resolve()) if certificate else None,
    )


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Holds the data folder for one process. ServeError while another has it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a") as file:
        _take(file, data)
        yield


def _take(file: IO[str], data: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        text = f"a rehearsal org is already running on {data}"
        raise ServeError(text, "ORG_IN_USE", next_step="stop it, or give another folder with --data") from error
