"""Workbooks: values as people saw them, nothing that could run, nothing that explodes."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

import pytest

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
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
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
