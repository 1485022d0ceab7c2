"""Worlds for the tests of whole runs: see ``world``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.desk import Desk
from tests.e2e.sla_desk import NOON, SPRING
from tests.e2e.sla_desk import Desk as SlaDesk
from tests.e2e.world import World, Zygote, emptied, opened, restored, seeded


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this process's worlds live, one after the other: a ledger knows its database by its path."""
    return tmp_path_factory.mktemp("place") / "world"


@pytest.fixture(scope="session")
def in_step(tmp_path_factory: pytest.TempPathFactory, place: Path) -> Path:
    """A snapshot of a world after its first sync."""
    seeded(f"sqlite:///{emptied(place) / 'platform.db'}")
    with opened(place) as world:
        world.sync()
    return restored(place, tmp_path_factory.mktemp("snapshots") / "in_step")


@pytest.fixture
def world(in_step: Path, place: Path) -> Iterator[World]:
    """A world in step."""
    with opened(restored(in_step, place)) as made:
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """A seeded operator and an org that never met."""
    seeded(f"sqlite:///{tmp_path / 'platform.db'}")
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Makes processes that may be killed."""
    made = Zygote(tmp_path_factory.mktemp("zygote"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def prepared(in_step: Path, place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of a world with a retail desk."""
    with opened(restored(in_step, place)) as world:
        Desk(world).prepare()
    return restored(place, tmp_path_factory.mktemp("snapshots") / "desk")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of an org without cases, looked at once, long before."""
    from sfsync.demo import schema

    place = tmp_path_factory.mktemp("desk") / "world"
    schema.create(f"sqlite:///{emptied(place) / 'platform.db'}")
    with opened(place) as world:
        SlaDesk(world).sweep_at(SPRING - timedelta(days=1))
    return place


@pytest.fixture
def desk(ready: Path, tmp_path: Path) -> Iterator[SlaDesk]:
    """That org again."""
    snapshot = ready.parent / "snapshot"
    if not snapshot.exists():
        restored(ready, snapshot)
    with opened(restored(snapshot, ready)) as world:
        made = SlaDesk(world)
        made.at(NOON)
        yield made
