"""The lives of two requests, and an import, with a ledger on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from tests.e2e.desk import AM, FIN, T0, Desk
from tests.e2e.test_requests import HOURS, IBAN, iban_change, limit
from tests.e2e.world import opened, restored


@pytest.fixture
def desk(prepared: Path, place: Path, new_postgres: Callable[..., str]) -> Iterator[Desk]:
    """The desk of the other tests; its ledger is a new one, on PostgreSQL."""
    with opened(restored(prepared, place)) as world:
        url = new_postgres().replace("postgresql:", "postgresql+psycopg:", 1)
        rmtree(world.folder / ".sfsync")
        with world.toml.open("a", encoding="utf-8") as file:
            file.write(f'[ledger]\nurl = "{url}"\n')
        world.sync()
        yield Desk(world)
        assert not list((world.folder / ".sfsync").glob("*.db"))


def test_an_iban_change(desk: Desk) -> None:
    case = iban_change(desk)
    desk.run("record", case, "call_back", "--as", AM)
    desk.approve(case, FIN)
    run = desk.work(after=25 * HOURS)["run"]
    [asked] = desk.asked()
    assert asked["payload"]["iban"] == IBAN
    desk.world.edit("companies", desk.company, iban=IBAN)
    desk.answer("iban_change")
    desk.work(after=25 * HOURS)
    assert desk.state(case) == "done"
    assert desk.codes() == ["M-DONE", "M-IBAN-CHECK"]
    late = desk.world.run("undo", run, "--yes", "--as-of", (T0 + 2_000 * HOURS).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (late.exit, "UNDO_WINDOW" in late.err) == (5, True)


def test_a_limit_is_raised_and_taken_back(desk: Desk) -> None:
    case = limit(desk, "1500000")
    desk.approve(case, AM, "--mark", "AM")
    desk.approve(case, FIN)
    run = desk.work()["run"]
    desk.world.edit("shops", desk.shop, credit_limit_minor=1_500_000)
    desk.answer("credit_limit_change")
    desk.work()
    assert desk.state(case) == "done"
    assert desk.world.run("undo", run, "--yes", "--json").exit in (0, 4)
    desk.world.edit("shops", desk.shop, credit_limit_minor=1_000_000)
    desk.answer("credit_limit_change")
    desk.work()
    assert desk.state(case) == "undone"
    assert [r["case_number"] for r in desk.run("requests", "--all")["requests"]] == [case]


def test_an_import_with_a_note_a_long_text_and_an_alert(desk: Desk) -> None:
    at = (T0 - HOURS).strftime("%d/%m/%Y %H:%M")
    head = "Codice PDV;Tipo richiesta;Data ora;Telefono;Codice fiscale;Note;ID richiesta"
    file = desk.world.folder / "richieste.csv"
    for text in ("prima", "dopo " * 8_000):
        rows = [f"{desk.shop};altro;{at};06 1234567;;{text};R-1", f"{desk.shop};altro;{at};06 1;RSSMRA15T10A562Z;x;R-2"]
        file.write_text("\n".join([head, *rows]) + "\n", "utf-8")
        ran = desk.world.run("partners", "import", str(file), "--force", "--json")
        assert ran.exit == 3, ran.err
    case = ran.doc["rows"][0]["case"]
    assert len(desk.run("explain", case)["attachments"]) == 1
    assert len(desk.world.rows("SELECT Id FROM CaseComment WHERE ParentId != null")) == 1
    assert len(list((desk.world.folder / ".sfsync/outbox").glob("*-E-MINOR.json"))) == 1
