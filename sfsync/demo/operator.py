"""A whole made-up operator in any database: the same seed and ``as_of`` give the same rows."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
from pydantic import SecretStr

from sfsync.demo import cases as case_rows
from sfsync.demo import partners, players
from sfsync.demo.columns import Clock
from sfsync.demo.database import insert, open_engine
from sfsync.demo.people import agents

SHOPS_PER_COMPANY = 2.5


def frames(
    *, players_n: int, shops_n: int, cases_n: int, seed: int, as_of: datetime, companies_n: int | None = None
) -> dict[str, pd.DataFrame]:
    """The rows of every table, parents first; object columns as the database takes them."""
    rng = np.random.default_rng(seed)
    clock, people = Clock(as_of), agents()
    if companies_n is None:
        companies_n = max(1, round(shops_n / SHOPS_PER_COMPANY)) if shops_n else 0
    # One row more than none, cut off again: whole columns have no empty minimum.
    company = partners.companies(rng, max(companies_n, 1), clock)
    shop = partners.shops(rng, max(shops_n, 1), clock, company["company_code"].tolist(), people)
    codes = shop["shop_code"].to_numpy().astype("U12")
    operator = partners.operators(rng, clock, codes)[: None if shops_n else 0]
    terminal = partners.terminals(rng, clock, codes)[: None if shops_n else 0]
    player = players.make(rng, max(players_n, 1), clock, codes[:shops_n], people)[:players_n]
    case = case_rows.make(rng, max(cases_n, 1), clock, player, operator[:shops_n], terminal)[:cases_n]
    return {
        "companies": company[:companies_n],
        "shops": shop[:shops_n],
        "shop_operators": operator,
        "terminals": terminal,
        "players": player,
        "cases": case,
    }


def generate(
    url: SecretStr | str,
    *,
    players: int = 10_000,
    shops: int = 300,
    cases: int = 3_000,
    seed: int = 1,
    as_of: datetime | None = None,
) -> dict[str, int]:
    """Fill the tables (made by ``schema.create``) in one transaction and return the rows per table.

    ``as_of`` is the present of the made-up world (default: now); no row is newer. Raises ``Unreachable`` if the
    database cannot be used.
    """
    made = frames(players_n=players, shops_n=shops, cases_n=cases, seed=seed, as_of=as_of or datetime.now(UTC))
    with open_engine(url) as engine, engine.begin() as connection:
        for table, frame in made.items():
            insert(connection, table, frame)
    return {table: len(frame) for table, frame in made.items()}
