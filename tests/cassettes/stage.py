"""Where a path is played: an operator's database, a configuration, and an org that is there or only on tape.

A path cannot see which: ``PlayStage`` has the cassettes and nobody at the other end, ``RecordStage`` a living org in
which people act between the recorded parts. Time stands still, from ``AS_OF`` on, unless a path lets an hour pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from pydantic import SecretStr

from sfsync import settings
from sfsync.demo import operator, schema
from sfsync.mapping.load import load
from sfsync.mapping.model import Mapping
from sfsync.runs import sync, undo
from sfsync.runs.bench import Bench
from sfsync.runs.result import Result
from sfsync.sides.salesforce.jobs import Pace
from sfsync.sides.salesforce.session import Patience
from sfsync.sides.salesforce.side import SalesforceSide
from tests.cassettes.scrub import Scrubber
from tests.cassettes.tape import tape

ROOT = Path(__file__).parents[2]
AS_OF = datetime(2025, 6, 2, 8, tzinfo=UTC)  # long past for every clock: what a real one stamps is put back to it
KEY = "the key of the made-up operator, known to everybody"  # digests and hashes must be the same each time
TABLES = ("companies", "shops", "shop_operators", "terminals", "players", "cases")


class Office(Protocol):
    """People, and the control plane, at the other end."""

    def change(self, kind: str, key_field: str, key: str, **fields: Any) -> None:
        """Somebody edits a record."""

    def create(self, kind: str, **fields: Any) -> None:
        """Somebody makes a record; ``record_type`` names its type."""

    def revoke(self, token: str) -> None:
        """An administrator ends a session."""

    def control(self, path: str, **order: Any) -> None:
        """An order to a rehearsal org."""

    def later(self, seconds: int) -> None:
        """Time passes in the org."""


class Nobody:
    """Nobody at the other end: what was done is on the tape already."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


@dataclass
class Reel:
    """What one part of a path came to: its calls, the API calls counted by us, and the outcome in words."""

    name: str
    calls: list[str] = field(default_factory=list)
    api_calls: int = 0
    outcome: str = ""


@dataclass
class Stage:
    """One stage. ``ways`` gives per way in (``session``, ``jwt``, …) the settings that go there."""

    folder: Path
    cassettes: Path
    ways: dict[str, dict[str, Any]]
    scrubber: Scrubber
    office: Office
    record: bool = False
    reels: dict[str, Reel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.now = AS_OF
        self.mappings: dict[str, Mapping] = load(ROOT / "mappings")

    @contextmanager
    def reel(self, name: str) -> Iterator[Reel]:
        """What happens inside goes to, or comes from, the cassette of this name."""
        made = Reel(name)
        with tape(self.cassettes / f"{name}.yaml", self.scrubber, record=self.record) as playing:
            yield made
        made.calls = playing.calls
        self.reels[name] = made

    # -- our ends ---------------------------------------------------------------------------------------

    def config(self, way: str = "session", **changes: Any) -> settings.Salesforce:
        """Settings for one way in."""
        return settings.Salesforce.model_validate({**self.ways[way], "auth": way, **changes})

    def side(self, way: str = "session", **more: Any) -> SalesforceSide:
        """A side of its own, which waits for nothing but a living org."""
        shares = settings.Budget(per_run=1, org_wide_stop=1)
        pause = 0.5 if self.record else 0
        at_once = {"patience": Patience(first_s=0, most_s=0), "pace": Pace(first_s=pause, most_s=pause)}
        return SalesforceSide(self.config(way), shares, cache=self.folder / ".sfsync" / "cache", **at_once, **more)

    def knows_the_org(self) -> None:
        """Fills the cache of describes from their cassette, so that others do not carry them."""
        with tape(self.cassettes / "describe.yaml", self.scrubber, record=False):
            self.side().prepare(list(self.mappings.values()))
            self.side().prepare(list(self.mappings.values()))

    @contextmanager
    def bench(self) -> Iterator[Bench]:
        """What a run works with."""
        secret = SecretStr(KEY)
        folder = self.folder / ".sfsync"
        made = settings.Settings(
            mappings=ROOT / "mappings",
            platform=settings.Platform(url=SecretStr(self.url)),
            salesforce=self.config(),
            ledger=settings.Ledger(url=SecretStr(f"sqlite:///{folder / 'ledger.db'}"), folder=folder, key=secret),
            budget=settings.Budget(per_run=1, org_wide_stop=1),
            privacy=settings.Privacy(hash_key=secret),
        )
        with Bench(made, self.now) as bench:
            yield bench

    def sync(self, reel: Reel) -> None:
        """A whole run of all mappings."""
        self._stamp()
        with self.bench() as bench:
            try:
                _note(reel, sync.sync(bench, []))
            finally:
                reel.api_calls = bench.salesforce.api_calls
        self._stamp()

    def undo(self, reel: Reel) -> None:
        """The way back from the last run."""
        with self.bench() as bench, undo.planned(bench, "last") as folder:
            _note(reel, undo.apply(bench, folder))
            reel.api_calls = bench.salesforce.api_calls

    # -- the operator -----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The operator's database."""
        return f"sqlite:///{self.folder / 'platform.db'}"

    def opens(self) -> None:
        """The operator opens: a few made-up records in every table."""
        schema.create(self.url)
        operator.generate(self.url, players=8, shops=3, cases=5, seed=4, as_of=AS_OF)

    def sql(self, statement: str, **values: Any) -> None:
        """Somebody works on the platform."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)
        engine.dispose()

    def later(self) -> None:
        """An hour passes."""
        self.now += timedelta(hours=1)
        self.office.later(3600)

    def _stamp(self) -> None:
        """Puts stamps of the database's own clock, which cannot be set, to the time of the stage."""
        for table in TABLES:
            self.sql(
                f"UPDATE {table} SET updated_at = :now WHERE updated_at > :now", now=f"{self.now:%Y-%m-%d %H:%M:%S}"
            )


def _note(reel: Reel, result: Result) -> None:
    numbers = [
        f"{mapping} -> {side}: {number} {what}"
        for mapping, part in result.mappings.items()
        for side in ("salesforce", "platform")
        for what, number in part[side].items()
        if number and what != "unchanged"
    ]
    findings = sorted({f.code for f in result.findings if f.level != "info"})
    reel.outcome = "; ".join([f"exit {int(result.exit)}", *numbers, *findings])
