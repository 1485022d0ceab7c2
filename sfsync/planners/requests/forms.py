"""Empty forms for partners: a column per field of a type, with lists and comments where the form is a workbook."""

from __future__ import annotations

import io
from importlib import import_module as part
from typing import Any

import pyarrow as pa

from sfsync.planners.requests.catalogue import Catalogue, RequestType
from sfsync.planners.requests.results import written
from sfsync.planners.requests.sheet import Dialect

ROWS = 500  # lines of a workbook that have the lists
_HINTS = {
    "instant": "gg/mm/aaaa hh:mm",
    "date": "gg/mm/aaaa",
    "money": "importo in euro, virgola per i decimali: 1234,56",
    "whole": "numero intero",
    "code": "testo: gli zeri iniziali contano",
    "phone": "numero con prefisso",
    "email": "un solo indirizzo",
    "vat": "11 cifre",
    "person": "16 caratteri",
    "iban": "IBAN italiano, 27 caratteri",
    "province": "due lettere",
    "cap": "5 cifre",
    "text": "mai password, PIN o numeri di carta",
}
_TEXT = "@"
_PARTS = ("comments", "styles", "utils", "worksheet.datavalidation")


def columns(one: RequestType, catalogue: Catalogue) -> list[str]:
    """The fields of a form: the base, how to reach the partner, what the type needs."""
    named = ["request_id", *catalogue.base[:-1], "priority", *one.requires, "operator_code", "email", "phone"]
    return list(dict.fromkeys([*named, "description"]))


def title(name: str, catalogue: Catalogue) -> str:
    """A column's name as people read it; the reader knows it."""
    words = catalogue.headers[name]
    return (words[0] if words else name).upper() if len((words or (name,))[0]) < 4 else (words[0] or name).capitalize()


def csv_form(one: RequestType, catalogue: Catalogue) -> bytes:
    """A CSV with the header and one line that names the type."""
    names = columns(one, catalogue)
    line = [one.type if n == "request_type" else "" for n in names]
    table = [[pa.array([cell], pa.string()) for cell in line]]
    return b"".join(written([title(n, catalogue) for n in names], table, Dialect("csv", "utf-8", True, ";", "\r\n")))


def workbook_form(one: RequestType, catalogue: Catalogue, priorities: list[str]) -> bytes:
    """A workbook: text cells, lists for what has a list, a comment on every column."""
    from sfsync.planners.requests.xlsx import library

    openpyxl = library()
    book = openpyxl.Workbook()
    page, names = book.active, columns(one, catalogue)
    page.title = one.code
    page.append([title(n, catalogue) for n in names])
    page.append([one.type if n == "request_type" else None for n in names])
    page.freeze_panes = "A2"
    for number, name in enumerate(names, 1):
        _column(page, number, name, one, catalogue, _choices(name, one, catalogue, priorities))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _choices(name: str, one: RequestType, catalogue: Catalogue, priorities: list[str]) -> list[str]:
    if name == "request_type":
        return [one.type]
    if name == "priority":
        return priorities
    if one.allowed and name == "item":
        return list(one.allowed)
    return next((list(c.parameter("values")) for c in one.checks if c.check == "one_of" and c.field == name), [])


def _column(page: Any, number: int, name: str, one: RequestType, catalogue: Catalogue, choices: list[str]) -> None:
    comments, styles, utils, validation = (part(f"openpyxl.{n}") for n in _PARTS)
    letter, head = utils.get_column_letter(number), page.cell(1, number)
    head.font = styles.Font(bold=True)
    needed = "obbligatorio" if name in (*catalogue.base, *one.requires) else "facoltativo"
    head.comment = comments.Comment(f"{needed}. {_HINTS.get(catalogue.kind_of[name], '')}".strip(), one.code)
    page.column_dimensions[letter].width = max(14, len(str(head.value)) + 2)
    for row in range(2, ROWS + 2):
        page.cell(row, number).number_format = _TEXT
    if choices:
        rule = validation.DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
        page.add_data_validation(rule)
        rule.add(f"{letter}2:{letter}{ROWS + 1}")
