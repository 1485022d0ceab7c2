"""A large file of partner requests, 5 % of it dirty: how long its import takes, and what it takes.

Shops and terminals are in the org already, as they are in life; the file is imported by the real command in a process
of its own, then once more with --force: that run looks at every row and finds nothing to do.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from scripts.benches.sync.measure import Cost
from scripts.benches.sync.world import World, opened
from sfsync.demo import schema

HEADER = (
    "Codice PDV;Tipo richiesta;Priorità;Data ora;Terminale;ID biglietto;Importo;Conto gioco;P.IVA;IBAN;"
    "Telefono;E-mail;Descrizione;ID richiesta"
)
STAMP = "2026-01-01 00:00:00.000000"
AS_OF = "2026-05-12T14:00:00Z"
DIRT = 0.05
KINDS = ("guasto pos", "ricarica non accreditata", "altro", "rotoli", "pagamento vincita", "cambio iban", "formazione")


def main(arguments: list[str]) -> int:
    """Prints a line per run: rows, seconds, our CPU, peak memory."""
    parser = argparse.ArgumentParser("scripts/bench intake")
    parser.add_argument("--rows", default="10000,30000,100000")
    parser.add_argument("--shops", type=int, default=50_000)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "shops.db"
        _platform(database, wanted.shops)
        for rows in [int(n) for n in wanted.rows.split(",")]:
            with opened(Path(place) / str(rows), database, seed="operator") as world:
                for what, cost in _runs(world, rows, wanted.shops):
                    print(
                        f"{rows:>8,} rows  {what:<8} {cost.wall:6.1f} s  CPU {cost.cpu:5.1f} s  {cost.peak_mb:5.0f} MB"
                    )
    return 0


def _runs(world: World, rows: int, shops: int) -> Iterator[tuple[str, Cost]]:
    world.sfsync("sync", "company", "shop", "terminal", "--json", ends=0)
    path = world.folder / "richieste.csv"
    path.write_text(file(rows, shops), "utf-8")
    command = ("partners", "import", str(path), "--json", "--as-of", AS_OF)
    yield "import", world.sfsync(*command, ends=3)
    yield "again", world.sfsync(*command, "--force", ends=3)


def _platform(database: Path, shops: int) -> None:
    schema.create(f"sqlite:///{database}")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "INSERT INTO companies (company_code, legal_name, vat_number, state, updated_at) "
            "VALUES ('C-1', 'Giochi Srl', '12345678903', 'active', ?)",
            (STAMP,),
        )
        connection.executemany(
            "INSERT INTO shops (shop_code, company_code, shop_kind, trading_name, province, currency, overdue, state, "
            "updated_at) VALUES (?, 'C-1', 'negozio', ?, 'RM', 'EUR', 0, 'active', ?)",
            [(f"{n:06}", f"Bar {n}", STAMP) for n in range(shops)],
        )
        connection.executemany(
            "INSERT INTO terminals (terminal_id, shop_code, kind, state, updated_at) "
            "VALUES (?, ?, 'pos', 'installed', ?)",
            [(f"T-{n:06}-1", f"{n:06}", STAMP) for n in range(shops)],
        )


def file(rows: int, shops: int, seed: int = 5) -> str:
    """The text of a file with so many rows."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    return "\n".join([HEADER, *(_line(rng, n, shops) for n in range(rows))]) + "\n"


def _line(rng: random.Random, number: int, shops: int) -> str:
    shop, kind = f"{rng.randrange(shops):06}", rng.choice(KINDS)
    row = [shop, kind, "alta", f"{rng.randrange(1, 12):02}/05/2026 {rng.randrange(24):02}:{rng.randrange(60):02}"]
    row += [f"T-{shop}-1" if kind == "guasto pos" else "", "", "", "", "", "", f"333 {rng.randrange(10**7):07}"]
    row += [f"pv{shop}@example.it", f"descrizione della richiesta numero {number}", f"R-{number}"]
    if kind.startswith(("ricarica", "pagamento")):
        row[5] = f"AB{rng.randrange(10**10):010}" if kind.startswith("pagamento") else ""
        row[6], row[7] = f"{rng.randrange(1, 1000)},50", "GA-1" if kind.startswith("ricarica") else ""
    if kind == "cambio iban":
        row[9] = "IT60X0542811101000000123456"
    return ";".join(_dirty(rng, row, number) if rng.random() < DIRT else row)


def _dirty(rng: random.Random, row: list[str], number: int) -> list[str]:
    spoilt = [*row]
    place, value = rng.choice(
        [
            (3, "05/13/2026 09:00"),
            (0, str(int(row[0]))),
            (6, "-5,00"),
            (12, f"la password è Pippo{number}"),
            (10, "1"),
            (12, "perchÃ© no"),
            (0, "999999"),
            (12, '"due\nrighe ""tra virgolette"""'),
        ]
    )
    spoilt[place] = value
    return spoilt
