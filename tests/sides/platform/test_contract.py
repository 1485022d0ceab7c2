"""The platform side keeps the contract on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from sfsync.sides.platform import PlatformSide
from tests.sides.contract import COMPANY, SideContract

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
KEY = b"k" * 32
CLOCK = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')", "postgresql": "clock_timestamp() AT TIME ZONE 'UTC'"}


class PlatformWorld:
    """The platform's own program, with its own connection."""

    def __init__(self, url: str) -> None:
        self.side = PlatformSide(url, as_of=NOW, hash_key=KEY)
        self.engine = sa.create_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg") if "postgres" in url else url
        )
        self.clock = CLOCK[self.engine.dialect.name]

    def put(self, rows: Dict[str, dict[str, str | None]]) -> None:
        with self.engine.begin() as connection:
            for key, values in rows.items():
                cells = {COMPANY.fields[n].columns[0]: v for n, v in values.items()}
                cells = {n: v.rstrip("Z") if v and n == "iban_verified_at" else v for n, v in cells.items()}
                names, marks = ", ".join(cells), ", ".join(f":{n}" for n in cells)
                changes = ", ".join(f"{n} = :{n}" for n in cells)
                statement = (
                    f"INSERT INTO companies (company_code, {names}, updated_at) VALUES (:key, {marks}, {self.clock})"
                    f" ON CONFLICT (company_code) DO UPDATE SET {changes}, updated_at = {self.clock}"
                )
                connection.execute(sa.text(statement), {"key": key, **cells})

    def remove(self, keys: Sequence[str]) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM companies WHERE company_code = :key"), [{"key": k} for k in keys])

    def close(self) -> None:
        self.side.close()
        self.engine.dispose()


class TestPlatformContract(SideContract):
    many = 5_003  # one batch and a bit

    @pytest.fixture
    def world(self, platform_url: str) -> Iterator[PlatformWorld]:
        world = PlatformWorld(platform_url)
        yield world
        world.close()
