"""What goes back: to the sender his file with outcomes, to admins success and error files as Data Loader writes them.

Every cell is text a spreadsheet does not run: what begins like a formula gets an apostrophe before it, and the reader
of requests takes it off again. Secrets are masked here as they are in the case.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sfsync.planners.requests import cells
from sfsync.planners.requests.catalogue import Catalogue, fold
from sfsync.planners.requests.rowmarks import ACCEPT, QUARANTINE, REJECT, SKIPPED, WARNED
from sfsync.planners.requests.sheet import Dialect, Sheet

Row = Mapping[str, Any]
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


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "'=", "'+", "'-", "'@")) else text


_PLAIN = ("shop_code", "request_id", "request_type", "occurred_at", "ticket_id", "terminal_id", "vat_number", "phone")
BLOCK = 10_000


def receipt(sheet: Sheet, rows: Sequence[Row], catalogue: Catalogue) -> bytes:
    """The sender's file in his own way of writing, with our reference, outcome, reason and codes."""
    table = ([*theirs, *_ours(row, catalogue)] for theirs, row in _shown(sheet, rows, catalogue))
    return written([*sheet.header, *OURS], table, sheet.dialect)


def success(sheet: Sheet, rows: Sequence[Row], ids: Mapping[str, str], catalogue: Catalogue) -> bytes:
    """Data Loader's success file: ID, the input columns, STATUS. ``ids``: Salesforce id by case number."""
    table = (
        [ids.get(str(row["case"]), ""), *theirs, "Item Created" if row["outcome"] != SKIPPED else "Item Unchanged"]
        for theirs, row in _shown(sheet, rows, catalogue)
        if row["case"]
    )
    return written(["ID", *sheet.header, "STATUS"], table, _PLAIN_CSV)


def error(sheet: Sheet, rows: Sequence[Row], catalogue: Catalogue) -> bytes:
    """Data Loader's error file: the input columns, ERROR. Corrected, it can be imported as it is."""
    table = (
        [*theirs, f"{' '.join(row['codes'])}: {reason(row['codes'], catalogue)}"]
        for theirs, row in _shown(sheet, rows, catalogue, with_iban=True)
        if row["outcome"] in (QUARANTINE, REJECT)
    )
    return written([*sheet.header, "ERROR"], table, _PLAIN_CSV)


def _shown(
    sheet: Sheet, rows: Sequence[Row], catalogue: Catalogue, *, with_iban: bool = False
) -> Iterator[tuple[tuple[str, ...], Row]]:
    """The sender's rows as they may be shown, block by block: secrets masked, IBANs too unless they are sent again."""
    names = [catalogue.columns.get(fold(title)) for title in sheet.header]
    for start in range(0, len(sheet), BLOCK):
        block = sheet.cells.slice(start, BLOCK)
        columns = []
        for name, column in zip(names, block.columns, strict=True):
            plain = name in _PLAIN or (with_iban and name == "iban")
            values = column.combine_chunks()
            columns.append((values if plain else cells.without_secrets(values)).to_pylist())
        yield from zip(zip(*columns, strict=True), rows[start : start + BLOCK], strict=True)


def _ours(row: Row, catalogue: Catalogue) -> list[str]:
    codes = row["codes"]
    return [str(row["case"] or ""), _ITALIAN[row["outcome"]], reason(codes, catalogue), " ".join(codes)]


_PLAIN_CSV = Dialect("csv", "utf-8", True, ",", "\r\n")


def written(header: Sequence[str], table: Iterable[Sequence[str]], dialect: Dialect) -> bytes:
    """A table in a dialect."""
    if dialect.form == "jsonl":
        lines = (json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) for row in table)
        return ("\n".join(lines) + "\n").encode()
    if dialect.form == "xlsx":
        return workbook(header, table)
    out = io.StringIO(newline="")
    if dialect.sep_line:
        out.write(f"sep={dialect.delimiter}{dialect.newline}")
    writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator=dialect.newline)
    writer.writerow([safe(c) for c in header])
    writer.writerows([safe(c) for c in row] for row in table)
    body = out.getvalue().encode(dialect.encoding, "replace")
    return (_BOM.get(dialect.encoding, b"") if dialect.bom else b"") + body


def workbook(header: Sequence[str], table: Iterable[Sequence[str]]) -> bytes:
    """A workbook in which every cell is text."""
    from sfsync.planners.requests.xlsx import library

    book = library().Workbook(write_only=True)
    page = book.create_sheet("Esiti")
    for row in chain([header], table):
        page.append([safe(c) for c in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
