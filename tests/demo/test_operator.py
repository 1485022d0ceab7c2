"""The made-up operator: the same every time, consistent in itself, and clean enough for every mapping."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from sfsync.demo import identifiers, operator, schema
from sfsync.demo.people import agents
from sfsync.errors import ConfigError
from sfsync.mapping.load import load
from sfsync.sides.platform import PlatformSide
from sfsync.sides.side import concat

AS_OF = datetime(2026, 11, 22, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
TABLES = ("companies", "shops", "shop_operators", "terminals", "players", "cases")


def rows(url: str, table: str) -> list[dict[str, Any]]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = [dict(r) for r in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").mappings()]
    engine.dispose()
    return found


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return operator.frames(players_n=20_000, shops_n=300, cases_n=3_000, seed=5, as_of=AS_OF)


def test_rows_arrive_in_every_table(platform_url: str) -> None:
    counts = operator.generate(platform_url, players=500, shops=40, cases=200, seed=3, as_of=AS_OF)
    assert counts["players"] == 500
    assert counts["shops"] == 40
    assert {t: len(rows(platform_url, t)) for t in TABLES} == counts


def test_both_databases_hold_the_same(sqlite_url: str, postgres_url: str) -> None:
    for url in (sqlite_url, postgres_url):
        operator.generate(url, players=300, shops=20, cases=100, seed=3, as_of=AS_OF)
    for table in TABLES:
        pairs = zip(rows(sqlite_url, table), rows(postgres_url, table), strict=True)
        assert all(_plain(a) == _plain(b) for a, b in pairs), table


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {k: "" if v is None else str(int(v) if isinstance(v, bool) else v) for k, v in row.items()}


def test_the_same_seed_gives_the_same_world() -> None:
    sizes = {"players_n": 200, "shops_n": 10, "cases_n": 50}
    first, again, other = (operator.frames(**sizes, seed=s, as_of=AS_OF) for s in (1, 1, 2))
    for table, frame in first.items():
        pd.testing.assert_frame_equal(frame, again[table])
        assert not frame.equals(other[table])


@pytest.mark.parametrize(("players", "shops", "cases"), [(0, 0, 0), (5, 0, 3), (0, 2, 3), (1, 1, 1)])
def test_small_worlds(sqlite_url: str, players: int, shops: int, cases: int) -> None:
    counts = operator.generate(sqlite_url, players=players, shops=shops, cases=cases, as_of=AS_OF)
    assert (counts["players"], counts["shops"]) == (players, shops)


def test_no_row_is_newer_than_the_present(made: dict[str, pd.DataFrame]) -> None:
    for frame in made.values():
        assert frame["updated_at"].max() <= "2026-11-22 10:00:00"
    assert made["players"]["registered_at"].max() <= "2026-11-22 10:00:00"


def test_tiers_and_hosts(made: dict[str, pd.DataFrame]) -> None:
    players = made["players"]
    share = players["tier"].value_counts(normalize=True)
    assert share["STANDARD"] == pytest.approx(0.96, abs=0.01)
    assert share["VIP"] == pytest.approx(0.035, abs=0.01)
    assert share["VVIP"] == pytest.approx(0.005, abs=0.003)
    assert (players["host"].notna() == (players["tier"] != "STANDARD")).all()
    assert set(players["host"].dropna()) <= set(agents())


def test_references_lead_somewhere(made: dict[str, pd.DataFrame]) -> None:
    shops = set(made["shops"]["shop_code"])
    assert set(made["shops"]["company_code"]) <= set(made["companies"]["company_code"])
    for table, column in (("shop_operators", "shop_code"), ("terminals", "shop_code"), ("players", "signup_shop_code")):
        assert set(made[table][column].dropna()) <= shops
    cases = made["cases"]
    assert set(cases["player_id"].dropna()) <= set(made["players"]["player_id"])
    assert (cases["player_id"].isna() ^ cases["shop_code"].isna()).all()
    terminal = cases.dropna(subset="terminal_id").merge(made["terminals"], on="terminal_id", suffixes=("", "_own"))
    assert len(terminal)
    assert (terminal["shop_code"] == terminal["shop_code_own"]).all()


def test_times_of_a_case_are_in_order(made: dict[str, pd.DataFrame]) -> None:
    cases = made["cases"]
    for earlier, later in (("received_at", "first_response_at"), ("first_response_at", "resolved_at")):
        both = cases.dropna(subset=[earlier, later])
        assert len(both) > 1_000
        assert (both[earlier] <= both[later]).all()
    done = cases["status"].isin(["Resolved", "Closed"])
    assert (cases["resolved_at"].notna() == done).all()


def test_leading_zeros_and_naples_are_there(made: dict[str, pd.DataFrame]) -> None:
    assert made["shops"]["shop_code"].str.startswith("00").all()
    assert made["shops"]["cap"].str.startswith("0").any()
    assert (made["shops"]["cap"].str.len() == 5).all()
    assert "NA" in set(made["players"]["province"])


def test_columns_that_must_stay_are_filled(made: dict[str, pd.DataFrame]) -> None:
    """A leak can only be seen if there is something to leak."""
    for column in (
        "birth_date",
        "street",
        "kyc_doc_number",
        "rg_risk_score",
        "card_pan",
        "iban",
        "self_exclusion_kind",
    ):
        assert made["players"][column].notna().any(), column
    assert made["shop_operators"]["password_hash"].notna().all()
    assert made["cases"]["description"].str.contains("4111 1111 1111 1111").any()


def test_mail_addresses_cannot_be_delivered(made: dict[str, pd.DataFrame]) -> None:
    reserved = re.compile(r"@(?:[a-z]+\.example|example\.(?:com|org|net))$")
    for table, column in (("players", "email"), ("shops", "email"), ("shop_operators", "email"), ("companies", "pec")):
        assert made[table][column].str.contains(reserved).all()


def test_identifiers_have_their_check_digits() -> None:
    """Published specimens, domain model B.7."""
    assert identifiers.check_letters(np.array(["RSSMRA85T10A562"])).tolist() == ["S"]
    assert identifiers.check_letters(np.array(["RSSMRA85T10A56N"])).tolist() == ["H"]
    assert identifiers.check_letters(np.array(["0542811101000000123456"])).tolist() == ["X"]
    assert identifiers.luhn_digits(np.array(["1234567890", "0123456789"])).tolist() == ["3", "7"]
    born = np.array(["1985-12-10", "1985-12-10"], dtype="datetime64[D]")
    codes = identifiers.fiscal_codes(
        ["Rossi"], np.array([0, 0]), ["Mario"], np.array([0, 0]), np.array([False, True]), born, np.array(["A562"] * 2)
    )
    assert codes.tolist()[0] == "RSSMRA85T10A562S"
    assert codes.tolist()[1].startswith("RSSMRA85T50A562")


@pytest.mark.parametrize(
    ("name", "code"), [("Gianfranco", "GFR"), ("Mario", "MRA"), ("Anna", "NNA"), ("Ivan", "VNI"), ("Zoè", "ZOE")]
)
def test_first_names_in_a_fiscal_code(name: str, code: str) -> None:
    assert identifiers.name_code(name) == code


@pytest.mark.parametrize(("name", "code"), [("D'Amico", "DMC"), ("Fo", "FOX"), ("Aiello", "LLA"), ("Lo Russo", "LRS")])
def test_surnames_in_a_fiscal_code(name: str, code: str) -> None:
    assert identifiers.surname_code(name) == code


def test_ibans_pass_modulo_97() -> None:
    for iban in identifiers.ibans(np.random.default_rng(1), 200):
        moved = "".join(str(int(c, 36)) for c in iban[4:] + iban[:4])
        assert int(moved) % 97 == 1
        assert len(iban) == 27


def test_every_mapping_reads_the_operator_without_a_problem(platform_url: str) -> None:
    operator.generate(platform_url, players=1_000, shops=60, cases=400, seed=7, as_of=AS_OF)
    side = PlatformSide(platform_url, as_of=AS_OF, hash_key=b"k" * 32)
    for mapping in load(ROOT / "mappings").values():
        found = concat(mapping, list(side.changes(mapping, side.window(mapping, None))))
        assert len(found) > 20
        assert Counter(found.problems["code"]) == {}, mapping.name
        assert [f for f in side.check(mapping) if f.level == "error"] == []
    side.close()


def test_both_databases_give_the_same_frames(sqlite_url: str, postgres_url: str) -> None:
    """What merge sees must not depend on where the platform lives."""
    frames = []
    for url in (sqlite_url, postgres_url):
        operator.generate(url, players=300, shops=20, cases=100, seed=3, as_of=AS_OF)
        side = PlatformSide(url, as_of=AS_OF, hash_key=b"k" * 32)
        found = {n: concat(m, list(side.changes(m, side.window(m, None)))) for n, m in load(ROOT / "mappings").items()}
        frames.append(found)
        side.close()
    for name, records in frames[0].items():
        other = frames[1][name]
        pd.testing.assert_frame_equal(records.values.sort_index(), other.values.sort_index())
        pd.testing.assert_frame_equal(records.meta.sort_index(), other.meta.sort_index())


def test_tables_that_are_there_are_left_alone(platform_url: str) -> None:
    operator.generate(platform_url, players=5, shops=1, cases=0, as_of=AS_OF)
    with pytest.raises(ConfigError) as caught:
        schema.create(platform_url)
    assert caught.value.next_step
    assert len(rows(platform_url, "players")) == 5
