"""Shops, operators and terminals for tests of the import, and a short way to run it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sfsync.demo import schema
from tests.e2e.world import Ran, World
from tests.e2e.world import opened as opened_world

AS_OF = "2026-05-12T14:00:00Z"
STAMP = "2026-01-01 00:00:00.000000"
HEADER = (
    "Codice PDV;Tipo richiesta;Priorità;Data ora;Terminale;ID biglietto;Importo;Conto gioco;P.IVA;IBAN;"
    "Telefono;E-mail;Descrizione;ID richiesta"
)
NAMES = (
    "shop",
    "type",
    "priority",
    "at",
    "terminal",
    "ticket",
    "amount",
    "account",
    "vat",
    "iban",
    "phone",
    "email",
    "text",
    "id",
)
GOOD = {
    "shop": "0042",
    "type": "altro",
    "at": "12/05/2026 10:15",
    "email": "pv0042@example.it",
    "text": "una richiesta",
    "id": "R-1",
}
SAMPLE = Path(__file__).with_name("sample.csv").read_text("utf-8")


def line(**cells: str) -> str:
    """A line under ``HEADER``: a good request, with these cells instead."""
    row = GOOD | cells
    return ";".join(row.get(name, "") for name in NAMES)


class Desk:
    """The world, with files to import. ``shops`` are 0042 to 0052 of one company; 0060 is a PVR, 0061 is closed."""

    def __init__(self, world: World) -> None:
        self.world, self.files = world, 0

    def fresh(self, folder: Path) -> Desk:
        """A desk of its own on the same org: another project folder, another database."""
        url = f"sqlite:///{folder / 'platform.db'}"
        schema.create(url)
        self.world.control("reset")
        desk = Desk(World(folder, self.world.ready, url))
        desk._fill()
        return desk

    def _fill(self) -> None:
        sql = self.world.sql
        sql(
            "INSERT INTO companies (company_code, legal_name, vat_number, state, updated_at) "
            f"VALUES ('C-1', 'Giochi Srl', '12345678903', 'active', '{STAMP}')"
        )
        for number in range(42, 53):
            self.shop(f"{number:04}")
        self.shop("0060", kind="pvr")
        self.shop("0061", state="closed")
        sql(
            "INSERT INTO terminals (terminal_id, shop_code, kind, state, updated_at) "
            f"VALUES ('T-0042-01', '0042', 'pos', 'installed', '{STAMP}')"
        )
        for code, role in (("OP-1", "owner"), ("OP-2", "cashier")):
            sql(
                "INSERT INTO shop_operators (operator_code, shop_code, last_name, role, status, updated_at) "
                f"VALUES ('{code}', '0042', 'Rossi', '{role}', 'active', '{STAMP}')"
            )

    def shop(self, code: str, *, kind: str = "negozio", state: str = "active") -> None:
        """One more shop."""
        self.world.sql(
            "INSERT INTO shops (shop_code, company_code, shop_kind, trading_name, province, currency, overdue, state, "
            f"updated_at) VALUES ('{code}', 'C-1', '{kind}', 'Bar {code}', 'RM', 'EUR', 0, '{state}', '{STAMP}')"
        )

    def file(self, content: str | bytes, name: str = "") -> Path:
        """A file somebody sent."""
        self.files += 1
        path = self.world.folder / (name or f"richieste-{self.files}.csv")
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def ran(self, content: str | bytes | Path, *more: str, name: str = "", as_of: str = AS_OF) -> Ran:
        """``partners import --json`` of a file."""
        path = content if isinstance(content, Path) else self.file(content, name)
        return self.world.run("partners", "import", str(path), "--json", "--as-of", as_of, *more)

    def rows(self, *lines: str, header: str = HEADER, force: bool = True) -> list[dict[str, Any]]:
        """What became of these lines under a header."""
        ran = self.ran("\n".join([header, *lines]) + "\n", *(["--force"] if force else []))
        found: list[dict[str, Any]] = ran.doc.get("rows", [])
        assert found, (ran.exit, ran.out, ran.err)
        return found

    def one(self, **cells: str) -> dict[str, Any]:
        """What became of one line."""
        return self.rows(line(**cells))[0]

    def case(self, key: str, *fields: str) -> dict[str, Any]:
        """The case in Salesforce."""
        return self.world.one("Case", "SFS_Source_Key__c", key, *fields)

    def cases(self) -> int:
        """How many cases there are in Salesforce."""
        return len(self.world.rows("SELECT Id FROM Case WHERE SFS_Source_Key__c != null"))


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    """A served org, and a desk without shops: use ``fresh``."""
    with opened_world(folder) as world:
        yield Desk(world)
