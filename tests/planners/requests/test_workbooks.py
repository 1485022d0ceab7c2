"""Workbooks: values as people saw them, nothing that could run, nothing that explodes."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.planners.requests import xlsx
from sfsync.planners.requests.catalogue import fold, load
from sfsync.planners.requests.refused import FileRefused
from tests.e2e.world import ROOT
from tests.planners.requests.shopworld import HEADER, Desk, line

openpyxl = pytest.importorskip("openpyxl")


@pytest.fixture(scope="module")
def shops(place: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all that is only looked at."""
    return place.fresh(tmp_path_factory.mktemp("workbooks"))


def looked(desk: Desk, content: bytes, *, name: str) -> dict[str, Any]:
    """The document of a dry run."""
    return desk.ran(content, "--dry-run", "--force", name=name).doc


def workbook(*rows: list[Any]) -> bytes:
    """A workbook of these rows."""
    return pages({"Sheet": rows})


def pages(sheets: Mapping[str, Sequence[list[Any]]], *, hidden: str = "") -> bytes:
    """A workbook of these sheets."""
    book, out = openpyxl.Workbook(write_only=True), io.BytesIO()
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        page.sheet_state = "hidden" if name == hidden else "visible"
        for row in rows:
            page.append(row)
    book.save(out)
    return out.getvalue()


def test_44_a_workbook_under_its_own_name_is_read(shops: Desk) -> None:
    names: list[Any] = HEADER.split(";")
    cells: list[Any] = line(at="", shop="").split(";")
    cells[0], cells[3] = "0042", datetime(2026, 5, 12, 10, 15)  # noqa: DTZ001
    rows = looked(shops, workbook(names, cells), name="richieste.xlsx")["rows"]
    assert [(r["row"], r["outcome"], r["codes"]) for r in rows] == [(2, "ACCEPT", [])]


@pytest.mark.parametrize("part", ["xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml"])
def test_44_macros_and_links_are_refused(shops: Desk, part: str) -> None:
    body = io.BytesIO(workbook(HEADER.split(";")))
    with zipfile.ZipFile(body, "a") as archive:
        archive.writestr(part, b"x")
    ran = shops.ran(body.getvalue(), name="macro.xlsx")
    assert (ran.exit, ran.doc["refused"]["code"]) == (4, "E-FORMAT")


def test_44_a_bomb_is_not_unpacked(shops: Desk) -> None:
    body = io.BytesIO(workbook(HEADER.split(";")))
    with zipfile.ZipFile(body, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb", bytes(30 << 20))
    ran = shops.ran(body.getvalue(), name="bomba.xlsx")
    assert "unpacks" in ran.doc["refused"]["message"]


def test_what_a_workbook_makes_of_codes_and_numbers(shops: Desk) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(HEADER.split(";"))
    cells: list[Any] = line(type="RP-09", account="GA-1").split(";")
    cells[0], cells[6] = 42, 1234.56
    book.active.append(cells)
    book.active.cell(2, 1).number_format = "0000"
    lost: list[Any] = line(type="ticket_payout", amount="1", id="R-2").split(";")
    lost[5] = 8901230000000000
    book.active.append(lost)
    formula: list[Any] = line(id="R-3").split(";")
    formula[12] = "=1+1"
    book.active.append(formula)
    book.save(out)
    rows = looked(shops, out.getvalue(), name="numeri.xlsx")["rows"]
    assert [(r["outcome"], r["codes"]) for r in rows[:2]] == [("ACCEPT", []), ("REJECT", ["E-SCI"])]
    assert rows[2]["codes"] == ["E-REQ:description"]  # a formula nobody calculated has no value


def test_a_csv_under_a_workbooks_name_is_refused(shops: Desk) -> None:
    ran = shops.ran(f"{HEADER}\n{line()}\n", name="finto.xlsx")
    assert (ran.exit, ran.doc["refused"]["code"]) == (4, "E-FORMAT")


def request(number: int, **more: str) -> list[Any]:
    """The cells of a good request."""
    return list(line(id=f"R-{number}", **more).split(";"))


NAMES: list[Any] = HEADER.split(";")


def test_every_sheet_with_a_header_is_read(place: Desk, tmp_path: Path) -> None:
    """A sheet a month: no request is lost, each has a line of its own, and the results name its sheet."""
    desk = place.fresh(tmp_path)
    turned = [*NAMES[6:], *NAMES[:6]]
    second = [["Febbraio"], turned, [*request(3)[6:], *request(3)[:6]], [], ["Totale", 1]]
    march = [[*NAMES, "Nota"], [*request(4, shop="9999"), "urgente"]]
    sheets = {"Gennaio": [NAMES, request(1), request(2)], "Febbraio": second, "Vuoto": [NAMES], "Marzo": march}
    ran = desk.ran(pages(sheets, hidden="Febbraio"), "--force", name="mesi.xlsx")
    rows = [(r["row"], r["request_id"], r["outcome"]) for r in ran.doc["rows"] if "W-FOOTER" not in r["codes"]]
    assert rows == [(2, "R-1", "ACCEPT"), (3, "R-2", "ACCEPT"), (6, "R-3", "ACCEPT"), (10, "R-4", "REJECT")]
    assert ran.doc["codes"] == []
    receipt, failed = (
        next((desk.world.folder / "receipts").rglob(pattern)) for pattern in ("*mesi*.xlsx", "*mesi*error*.csv")
    )
    told = list(openpyxl.load_workbook(receipt).active.iter_rows(values_only=True))
    assert [row[told[0].index("Foglio")] for row in told[1:]] == [
        *("Gennaio", "Gennaio"),
        *("Febbraio", "Febbraio", "Febbraio", "Febbraio"),
        "Marzo",
    ]
    [header, wrong] = list(csv.reader(io.StringIO(failed.read_text("utf-8-sig"))))
    assert {"Foglio": "Marzo", "Nota": "urgente"}.items() <= dict(zip(header, wrong, strict=True)).items()


def test_sheets_of_one_file_are_the_requests_of_two(place: Desk, tmp_path: Path) -> None:
    desk = place.fresh(tmp_path)
    desk.ran(pages({"A": [NAMES, request(1)], "B": [NAMES, request(2)]}), name="insieme.xlsx")
    again = [desk.ran(workbook(NAMES, request(n)), name=f"da_solo_{n}.xlsx").doc["rows"][0] for n in (1, 2)]
    assert [r["outcome"] for r in again] == ["SKIPPED"] * 2


def test_a_sheet_that_says_something_else_is_named(shops: Desk) -> None:
    body = pages({"Legenda": [["rosso", "urgente"]], "Dati": [NAMES, request(1)], "Vuoto": []})
    assert looked(shops, body, name="legenda.xlsx")["codes"] == ["W-SHEET"]
    ran = shops.world.run("partners", "import", "--dry-run", str(shops.file(body, "legenda.xlsx")))
    assert "W-SHEET: a sheet of the workbook has no header" in ran.err + ran.out


def test_a_sheet_of_too_many_rows_refuses_the_file() -> None:
    """Not that sheet alone: what it holds would be lost, and nobody told."""
    columns = load(ROOT / "mappings").columns
    many = {"Tante": [NAMES, *(request(n) for n in range(30))], "Poche": [NAMES, request(99)]}

    def knows(title: str) -> str | None:
        return columns.get(fold(title))

    with pytest.raises(FileRefused, match="more than 5 rows"):
        xlsx.read(pages(many), knows, 5)
    halves = {name: [NAMES, *(request(n) for n in range(20))] for name in ("A", "B")}
    with pytest.raises(FileRefused, match="more than 15 rows"):
        xlsx.read(pages(halves), knows, 15)
