"""What goes back: to the sender his file with outcomes, to admins success and error files as Data Loader writes them.

Every cell is text a spreadsheet does not run: what begins like a formula gets an apostrophe before it, and the reader
of requests takes it off again. Secrets are masked here as they are in the case.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.planners.requests import cells
from sfsync.planners.requests.catalogue import Catalogue, fold
from sfsync.planners.requests.rowmarks import ACCEPT, QUARANTINE, REJECT, SKIPPED, WARNED
from sfsync.planners.requests.said import Row, Said, blocks
from sfsync.planners.requests.sheet import Dialect, Sheet

Ids: TypeAlias = "Callable[[list[str]], Mapping[str, str]]"
SHEET = "Foglio"  # behind the sender's columns where his workbook has several sheets
OURS = ("Nostro riferimento", "Esito", "Motivo", "Codici")
_ITALIAN = {
    ACCEPT: "accettata",
    WARNED: "accettata con avviso",
    QUARANTINE: "in verifica",
    REJECT: "respinta",
    SKIPPED: "già presente",
}
_BOM = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
REASONS = {
    "E-COLS": "il numero di colonne non corrisponde all'intestazione",
    "E-CHARSET": "un codice contiene caratteri non ammessi",
    "E-SCI": "numero in notazione scientifica: le cifre sono perse, inviare il codice come testo",
    "E-DATE": "data non valida",
    "E-TIME-NEEDED": "per questa richiesta serve anche l'ora",
    "E-TIME-FUTURE": "la data è nel futuro",
    "E-TIME-ORDER": "le date non sono in ordine",
    "E-NUM": "numero non chiaro",
    "E-AMOUNT-NEG": "l'importo è negativo",
    "E-VAT": "partita IVA non valida",
    "E-VAT-ZERO": "partita IVA di soli zeri",
    "E-CF": "codice fiscale non valido",
    "E-IBAN": "IBAN non valido: la modifica è sospesa",
    "E-MINOR": "la persona è minorenne",
    "E-SHOP-UNKNOWN": "punto vendita sconosciuto",
    "E-SHOP-STATE": "il punto vendita non è attivo",
    "E-SHOP-AMBIG": "il codice può indicare più punti vendita",
    "E-ROLE": "chi chiede non è autorizzato",
    "E-TERMINAL-SHOP": "il terminale non è di questo punto vendita",
    "E-KEY-CLASH": "l'ID richiesta è già usato da un altro punto vendita",
    "W-MOJIBAKE": "testo con codifica riparata",
    "W-PAD": "zeri iniziali del punto vendita ripristinati",
    "W-VAT-PAD": "zeri iniziali della partita IVA ripristinati",
    "W-TYPE": "tipo di richiesta non riconosciuto",
    "W-YEAR2": "anno di due cifre",
    "W-SERIAL": "data scritta come numero di Excel",
    "W-NOTIME": "ora mancante",
    "W-TIME-GAP": "ora inesistente per il cambio dell'ora",
    "W-TIME-AMBIG": "ora doppia per il cambio dell'ora",
    "W-NUM-EN": "importo scritto all'inglese",
    "W-NUM-GROUP": "punto letto come separatore delle migliaia",
    "W-PHONE": "numero di telefono non valido, ignorato",
    "W-PHONE-PLUS": "prefisso internazionale ripristinato",
    "W-EMAIL": "indirizzo e-mail non valido, ignorato",
    "W-EMAIL-MULTI": "più indirizzi e-mail: vale il primo",
    "W-SECRET": "dati riservati nel testo: nascosti. Non inviare password, PIN o numeri di carta",
    "W-IBAN-CIN": "lettera di controllo dell'IBAN errata: verifica in corso",
    "W-FORMULA": "una cella inizia come una formula: letta come testo",
    "W-FOOTER": "riga di totale, vuota o di intestazione",
    "W-LEN": "testo troppo lungo: tagliato",
    "out_of_term": "il termine è trascorso",
}


def reason(codes: Sequence[str], catalogue: Catalogue) -> str:
    """The codes in Italian, in one line."""
    return "; ".join(_reason(code, catalogue) for code in codes)


def _reason(code: str, catalogue: Catalogue) -> str:
    if not code.startswith("E-REQ:"):
        return REASONS.get(code, code)
    name = code.removeprefix("E-REQ:")
    if name == "contact":
        return "manca un recapito: operatore, e-mail o telefono"
    words = catalogue.headers[name]
    return f"manca: {words[0] if words else name}"


_SENT_AGAIN = {"iban", "person"}  # kinds of columns that the error file needs whole
_RUNS = r"^('?[=+\-@]|[\t\r])"  # a cell that a spreadsheet takes for a formula, or our own mark before one
_PLAIN = ("shop_code", "request_id", "occurred_at", "ticket_id", "terminal_id", "vat_number", "phone")


def safe(texts: pa.Array) -> pa.Array:
    """Texts that no spreadsheet takes for a formula."""
    return pc.replace_substring_regex(texts, _RUNS, r"'\0")


@dataclass(frozen=True)
class Block:
    """Rows of the sender as they may be shown (a text column each), and where they stand."""

    columns: list[pa.Array]
    rows: np.ndarray

    def with_(self, *columns: list[str]) -> list[pa.Array]:
        """Theirs, and these of ours behind them."""
        return [*self.columns, *(pa.array(c, pa.string()) for c in columns)]


def receipt(sheet: Sheet, said: Said, catalogue: Catalogue) -> Iterator[bytes]:
    """The sender's file in his own way of writing, with our reference, outcome, reason and codes."""
    every = blocks(np.arange(len(said)))
    table = (b.with_(*_ours(said.documents(b.rows), catalogue)) for b in _shown(sheet, every, catalogue))
    return written([*_header(sheet), *OURS], table, sheet.dialect)


def success(sheet: Sheet, said: Said, ids: Ids, catalogue: Catalogue) -> Iterator[bytes]:
    """Data Loader's success file: ID, the input columns, STATUS. ``ids``: Salesforce ids by key of the case."""
    table = (_done(b, said, ids) for b in _shown(sheet, blocks(said.cases), catalogue))
    return written(["ID", *_header(sheet), "STATUS"], table, _PLAIN_CSV)


def _done(block: Block, said: Said, ids: Ids) -> list[pa.Array]:
    keys = said.met.case[block.rows].tolist()
    known = ids(keys)
    again = said.outcomes[block.rows] == SKIPPED
    status = np.where(again, "Item Unchanged", "Item Created").tolist()
    return [pa.array([known.get(k, "") for k in keys], pa.string()), *block.with_(status)]


def error(sheet: Sheet, said: Said, catalogue: Catalogue) -> Iterator[bytes]:
    """Data Loader's error file: the input columns, ERROR. Corrected, it can be imported as it is."""
    wrong = blocks(np.flatnonzero(np.isin(said.outcomes.astype(str), (QUARANTINE, REJECT))))
    found = _shown(sheet, wrong, catalogue, again=True)
    table = (b.with_([_error(one, catalogue) for one in said.documents(b.rows)]) for b in found)
    return written([*_header(sheet), "ERROR"], table, _PLAIN_CSV)


def _error(one: Row, catalogue: Catalogue) -> str:
    return f"{' '.join(one['codes'])}: {reason(one['codes'], catalogue)}"


def _header(sheet: Sheet) -> tuple[str, ...]:
    return sheet.header if sheet.sheets is None else (*sheet.header, SHEET)


def _shown(sheet: Sheet, wanted: Iterable[np.ndarray], catalogue: Catalogue, *, again: bool = False) -> Iterator[Block]:
    """The sender's rows as they may be shown, by blocks: secrets masked, of persons and IBANs unless sent again."""
    names = [catalogue.columns.get(fold(title)) for title in sheet.header]
    for rows in wanted:
        columns = [c.combine_chunks() for c in sheet.cells.take(rows).columns]
        plain = (n in _PLAIN or (again and catalogue.kind_of.get(n or "") in _SENT_AGAIN) for n in names)
        shown = [c if open_ else _masked(c) for c, open_ in zip(columns, plain, strict=True)]
        yield Block(shown if sheet.sheets is None else [*shown, _masked(sheet.sheets.take(rows))], rows)


def _masked(texts: pa.Array) -> pa.Array:
    """Without secrets; each distinct text is looked at once."""
    coded = texts.dictionary_encode()
    return cells.without_secrets(coded.dictionary).take(coded.indices)


def _ours(said: Sequence[Row], catalogue: Catalogue) -> Iterator[list[str]]:
    codes = [tuple(one["codes"]) for one in said]
    reasons = {c: reason(c, catalogue) for c in set(codes)}
    yield [str(one["case"] or "") for one in said]
    yield ["ignorata" if "W-FOOTER" in one["codes"] else _ITALIAN[one["outcome"]] for one in said]
    yield [reasons[c] for c in codes]
    yield [" ".join(c) for c in codes]


_PLAIN_CSV = Dialect("csv", "utf-8", True, ",", "\r\n")


def written(header: Sequence[str], table: Iterable[Sequence[pa.Array]], dialect: Dialect) -> Iterator[bytes]:
    """A table in a dialect, piece by piece. ``table``: blocks of text columns."""
    if dialect.form == "jsonl":
        yield from (_lines(header, block) for block in table)
    elif dialect.form == "xlsx":
        yield workbook(header, table)
    else:
        yield from _csv(header, table, dialect)


def _lines(header: Sequence[str], block: Sequence[pa.Array]) -> bytes:
    rows = zip(*(c.to_pylist() for c in block), strict=True)
    lines = (json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def _csv(header: Sequence[str], table: Iterable[Sequence[pa.Array]], dialect: Dialect) -> Iterator[bytes]:
    yield _BOM.get(dialect.encoding, b"") if dialect.bom else b""
    first = f"sep={dialect.delimiter}{dialect.newline}" if dialect.sep_line else ""
    for block in chain([[pa.array([title], pa.string()) for title in header]], table):
        out = io.StringIO(newline="")
        out.write(first)
        writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=dialect.newline)
        writer.writerows(zip(*(safe(c).to_pylist() for c in block), strict=True))
        yield out.getvalue().encode(dialect.encoding, "replace")
        first = ""


def workbook(header: Sequence[str], table: Iterable[Sequence[pa.Array]]) -> bytes:
    """A workbook in which every cell is text."""
    from sfsync.planners.requests.xlsx import library

    book = library().Workbook(write_only=True)
    page = book.create_sheet("Esiti")
    for block in chain([[pa.array([title], pa.string()) for title in header]], table):
        for row in zip(*(safe(c).to_pylist() for c in block), strict=True):
            page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
