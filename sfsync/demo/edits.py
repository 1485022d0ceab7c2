"""Small edits to the made-up operator, each what a guided tour wants to show. All move the row's change stamp.

Every function takes the platform's URL and returns the keys it touched; which rows are chosen follows from the keys
alone, so the same database gives the same edits.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from pydantic import SecretStr

from sfsync.demo.database import open_engine
from sfsync.errors import ConfigError

Url = SecretStr | str
NO_SUCH_SHOP = "999999"
CLOCKS = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')", "postgresql": "clock_timestamp() AT TIME ZONE 'UTC'"}
BAD_EMAILS = {"format": "indirizzo senza chiocciola", "length": "molto." * 15 + "lungo@posta.example"}


def change_emails(url: Url, n: int) -> list[str]:
    """Give the first ``n`` players a new e-mail address."""
    with open_engine(url) as engine, engine.begin() as connection:
        keys = _first_players(connection, n)
        _update(connection, keys, "email = lower('nuova.' || player_id || '@posta.example')")
    return keys


def self_exclude(url: Url, player_id: str = "") -> list[str]:
    """A player excludes himself for 90 days: both suppression flags rise; the reason stays on the platform."""
    flags = "contact_suppressed = true, bonus_blocked = true, self_exclusion_kind = '90'"
    with open_engine(url) as engine, engine.begin() as connection:
        keys = [player_id] if player_id else _first_players(connection, 1, "NOT contact_suppressed")
        _update(connection, keys, f"{flags}, self_excluded_from = {CLOCKS[connection.dialect.name]}")
    return keys


def case_without_shop(url: Url, shop_code: str = NO_SUCH_SHOP, key: str = "PL-HOLD-1") -> list[str]:
    """A shop's case arrives before its shop does: it has to wait, not to lose its shop."""
    columns = "source_key, shop_code, tier, category, channel, language, subject, status, received_at, updated_at"
    words = "'PARTNER', 'terminal_fault', 'phone', 'it', 'Guasto al terminale', 'New'"
    with open_engine(url) as engine, engine.begin() as connection:
        clock = CLOCKS[connection.dialect.name]
        statement = f"INSERT INTO cases ({columns}) VALUES (:key, :shop, {words}, {clock}, {clock})"  # noqa: S608
        connection.execute(sa.text(statement), {"key": key, "shop": shop_code})
    return [key]


def refused_row(url: Url, kind: Literal["format", "length"] = "format", player_id: str = "") -> list[str]:
    """A player whose e-mail address cannot be taken: no ``@`` in it, or longer than Salesforce allows."""
    with open_engine(url) as engine, engine.begin() as connection:
        keys = [player_id] if player_id else _first_players(connection, 1)
        _update(connection, keys, "email = :email", email=BAD_EMAILS[kind])
    return keys


def edit_operator(url: Url) -> str:
    """The last operator gets a new role on the platform; returns the operator's code."""
    with open_engine(url) as engine, engine.begin() as connection:
        clock = CLOCKS[connection.dialect.name]
        key = str(connection.scalar(sa.text("SELECT max(operator_code) FROM shop_operators WHERE role <> 'viewer'")))
        statement = f"UPDATE shop_operators SET role = 'viewer', updated_at = {clock} WHERE operator_code = :key"  # noqa: S608
        connection.execute(sa.text(statement), {"key": key})
    return key


def change_percent(url: Url, percent: float = 1.0) -> list[str]:
    """Move that share of the players to another town, spread evenly over the keys."""
    with open_engine(url) as engine, engine.begin() as connection:
        keys = list(connection.scalars(sa.text("SELECT player_id FROM players ORDER BY player_id")))
        step = 100 / percent
        chosen = [keys[int(i * step)] for i in range(round(len(keys) / step))]
        _update(connection, chosen, "city = 'Napoli', province = 'NA', country = 'IT', street = 'Via Toledo 1'")
    return chosen


def _first_players(connection: sa.Connection, n: int, where: str = "true") -> list[str]:
    found = connection.scalars(
        sa.text(f"SELECT player_id FROM players WHERE {where} ORDER BY player_id LIMIT :n"),  # noqa: S608  our own words
        {"n": n},
    )
    keys = list(found)
    if not keys:
        raise ConfigError("there is no player to edit", "DEMO_EMPTY", "players", "Fill the demo database first.")
    return keys


def _update(connection: sa.Connection, keys: list[str], assignments: str, **values: str) -> None:
    clock = CLOCKS[connection.dialect.name]
    statement = f"UPDATE players SET {assignments}, updated_at = {clock} WHERE player_id = :key"  # noqa: S608  our own words
    connection.execute(sa.text(statement), [{"key": k, **values} for k in keys])
