"""Creates the operator's tables in an empty database."""

from __future__ import annotations

import re
from importlib.resources import files

import sqlalchemy as sa
from pydantic import SecretStr

from sfsync.demo.database import open_engine
from sfsync.errors import ConfigError


def statements() -> list[str]:
    """The statements of ``schema.sql``, one per table, without comments."""
    text = (files("sfsync.demo") / "schema.sql").read_text("utf-8")
    return [s.strip() for s in re.sub(r"--[^\n]*", "", text).split(";") if s.strip()]


def tables() -> list[str]:
    """Names of the tables, parents before children."""
    return [s.split()[2] for s in statements()]


def create(url: SecretStr | str) -> None:
    """Create the tables; raises ``ConfigError`` if one is there already, so that nobody's data is touched."""
    with open_engine(url) as engine:
        there = sorted(set(sa.inspect(engine).get_table_names()) & set(tables()))
        if there:
            raise ConfigError(
                f"the database already has the table {there[0]}",
                "DEMO_NOT_EMPTY",
                engine.dialect.name,
                "Name a database without these tables.",
            )
        with engine.begin() as connection:
            for statement in statements():
                connection.exec_driver_sql(statement)
