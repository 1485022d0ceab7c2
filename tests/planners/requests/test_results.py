"""What goes back to the sender and to admins: his own way of writing, nothing that runs, nothing secret."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sfsync.planners.requests.catalogue import Catalogue, fold, load
from tests.e2e.world import ROOT
from tests.planners.requests.shopworld import HEADER, SAMPLE, Desk, line


def results(desk: Desk) -> dict[str, Path]:
    """The newest result files by kind."""
    found = sorted((desk.world.folder / "receipts").iterdir(), key=lambda p: p.stat().st_mtime_ns)
    return {p.name.split(".")[-2]: p for p in found}


def table(path: Path, delimiter: str = ",") -> list[list[str]]:
    """A result file as rows."""
    text = path.read_bytes().decode("utf-8-sig").removeprefix("sep=;\n")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_a_receipt_speaks_the_senders_dialect(desk: Desk) -> None:
    desk.ran(SAMPLE)
    path = results(desk)["esito"]
    content = path.read_bytes()
    assert content.startswith(b"sep=;\nCodice PDV;")
    assert b"\r\n" not in content
    assert path.stat().st_mode & 0o077 == 0
    rows = table(path, ";")
    assert rows[0][-4:] == ["Nostro riferimento", "Esito", "Motivo", "Codici"]
    assert len(rows) == 17
    by_id = {r[13]: r for r in rows[1:]}
    assert by_id["R-1013"][-3:] == ["in verifica", "il terminale non è di questo punto vendita", "E-TERMINAL-SHOP"]
    assert by_id["R-1012"][12].startswith("'=HYPERLINK")
    assert "Pippo123" not in content.decode()
    assert by_id["R-1006"][9] == "IT** **** 3456"
    assert (
        by_id["R-1003"][-4]
        == desk.world.sql(
            "SELECT case_number FROM cases WHERE transaction_ref IS NULL AND description = 'La ricarica non arriva'"
        )[0][0]
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_a_result_begins_like_a_formula(desk: Desk, start: str) -> None:
    desk.ran(f"{HEADER}\n{line(text=start + '1+1', shop='9999', phone='+39061234567')}\n", "--force")
    for kind, delimiter in (("esito", ";"), ("error", ","), ("success", ",")):
        cells = [c for row in table(results(desk)[kind], delimiter) for c in row]
        assert not [c for c in cells if c.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_error_and_success_files_have_data_loaders_columns(desk: Desk) -> None:
    desk.ran(SAMPLE)
    found = results(desk)
    success, error = table(found["success"]), table(found["error"])
    assert success[0] == ["ID", *HEADER.split(";"), "STATUS"]
    assert error[0] == [*HEADER.split(";"), "ERROR"]
    assert {r[0][:3] for r in success[1:]} == {"500"}
    assert [r[13] for r in error[1:]] == ["R-1008", "R-1013", "R-1014"]
    assert error[1][-1].startswith("E-DATE E-SCI: ")


def test_a_corrected_error_file_can_be_imported(desk: Desk) -> None:
    desk.ran(f"{HEADER}\n{line()}\n{line(id='R-2', shop='9999', text='=formula')}\n", "--force")
    text = results(desk)["error"].read_text("utf-8").replace("9999", "0043")
    rows = desk.ran(text).doc["rows"]
    assert [(r["request_id"], r["outcome"], r["codes"]) for r in rows] == [("R-2", "ACCEPT-W", ["W-FORMULA"])]
    assert desk.world.sql("SELECT description FROM cases WHERE shop_code = '0043'") == [("=formula",)]


def test_json_lines_get_json_lines_back(desk: Desk) -> None:
    one = {"shop_code": "0042", "request_type": "altro", "occurred_at": "2026-05-12T10:15:00+02:00"}
    text = json.dumps(one | {"description": "ciao", "email": "a@b.it", "request_id": "J-1"}) + "\n"
    rows = desk.ran(text, name="richieste.jsonl").doc["rows"]
    assert [(r["row"], r["outcome"]) for r in rows] == [(1, "ACCEPT")]
    assert '"Esito": "accettata"' in results(desk)["esito"].read_text("utf-8")


@pytest.mark.parametrize("code", [f"RP-{n:02}" for n in range(1, 33)])
def test_every_type_has_a_form_its_reader_knows(place: Desk, code: str, tmp_path: Path) -> None:
    ran = place.world.run("partners", "template", code)
    assert ran.exit == 0, ran.err
    form = ran.out.splitlines()
    catalogue = _catalogue()
    fields = [catalogue.columns.get(fold(title)) for title in form[0].split(";")]
    assert None not in fields
    assert {*catalogue.base, *catalogue.by_code[code].requires} <= set(fields)
    assert catalogue.by_code[code].type in form[1]


def _catalogue() -> Catalogue:
    return load(ROOT / "mappings")


def test_a_form_as_a_workbook_has_lists_and_comments(place: Desk, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    out = tmp_path / "form.xlsx"
    assert place.world.run("partners", "template", "RP-02", "--out", str(out)).exit == 0
    page = openpyxl.load_workbook(out).active
    assert all(cell.comment for cell in page[1])
    lists = [rule.formula1 for rule in page.data_validations.dataValidation]
    assert '"P1,P2,P3,P4"' in lists
    assert any("aggiunta" in one for one in lists)
