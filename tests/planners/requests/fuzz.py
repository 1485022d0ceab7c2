"""Files spoilt in every way, and what must hold of each: read or refused, every line accounted for, nothing twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from sfsync.planners.requests import books, cases, reading, repeat
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue, load
from sfsync.planners.requests.identity import identify
from sfsync.planners.requests.moments import Clock
from sfsync.planners.requests.refused import FileRefused
from sfsync.planners.requests.results import error, receipt
from sfsync.planners.requests.rowmarks import OUTCOMES, QUARANTINE, REJECT, severity
from sfsync.planners.requests.said import Said
from sfsync.planners.requests.validate import Rules, judge

ROOT = Path(__file__).parents[3]
SAMPLE = Path(__file__).with_name("sample.csv").read_bytes()
PIECES = (
    b'"',
    b'""',
    b";",
    b",",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x00",
    b"\xff",
    b"\xe0",
    b"\xef\xbb\xbf",
    b"\xc2\xa0",
)
PIECES += (b"=", b"'", b"-", b"sep=,\n", b"1E+15", b"TOTALE", b"46154", b"\xf0\x9f\x98\x80", b"\xe2\x80\x8b", b"9" * 40)
PIECES += (b"31/02/2026", b"IT60X0542811101000000123456", b"4111 1111 1111 1111", b"<b>&amp;", b"\xcc\x81", b"0" * 300)


@dataclass(frozen=True, repr=False)
class Judge:
    """Everything a file is judged by."""

    catalogue: Catalogue
    rules: Rules
    books: Books


def judge_of() -> Judge:
    """The project's catalogue and the sample's shops."""
    catalogue = load(ROOT / "mappings")
    now = datetime(2026, 5, 12, 14, tzinfo=UTC)
    rules = Rules(catalogue, catalogue.profiles["it"], Clock(ZoneInfo("Europe/Rome"), now))
    shops = [(f"{n:04}", "C-1", "negozio", "active", "RM", "Bar") for n in range(42, 53)]
    made = Books(
        _table(books.SHOPS, shops),
        _table(books.OPERATORS, []),
        _table(books.TERMINALS, [("T-0042-01", "0042", "pos", "installed", None)]),
    )
    return Judge(catalogue, rules, made)


def _table(names: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table([pa.array(c, pa.string()) for c in columns], names=list(names))


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """The sample with a few wounds, ``count`` times."""
    rng = random.Random(seed)
    for _ in range(count):
        yield _wounded(rng, bytearray(SAMPLE))


def _wounded(rng: random.Random, body: bytearray) -> bytes:
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(body) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            body[place:place] = rng.choice(PIECES)
        elif kind == 1:
            del body[place : place + rng.randint(1, 40)]
        elif kind == 2 and body:
            body[place % len(body)] = rng.randrange(256)
        elif kind == 3:
            lines = bytes(body).split(b"\n")
            rng.shuffle(lines)
            body = bytearray(b"\n".join(lines))
        else:
            other = rng.randrange(len(body) + 1)
            body[place:place] = body[other : other + rng.randint(1, 120)]
    return bytes(body)


def hold(judge_: Judge, content: bytes, name: str = "richieste.csv") -> str:
    """Checks one file; returns ``refused`` or ``read``. Raises ``AssertionError`` where something does not hold."""
    try:
        sheet = reading.read(name, content, judge_.catalogue, judge_.rules.profile)
    except FileRefused as refused:
        assert refused.code == "E-FORMAT"
        assert refused.message
        assert refused.next_step
        return "refused"
    found = judge(sheet, judge_.rules, judge_.books)
    who = identify(found, judge_.catalogue, "it", b"k" * 32)
    outcomes, met = repeat.meet(found, who, repeat.Known(), judge_.catalogue)
    rows = len(sheet)
    assert len(outcomes) == len(found) == len(found.marks.lists()) == len(found.missing()) == rows
    assert set(outcomes) <= set(OUTCOMES)
    assert (sheet.lines[1:] > sheet.lines[:-1]).all()
    for outcome, codes, what in zip(outcomes, found.marks.lists(), met.what, strict=True):
        worst = {severity(c) for c in codes}
        assert not (what and {QUARANTINE, REJECT} & worst)
        assert (outcome in (QUARANTINE, REJECT)) == bool({QUARANTINE, REJECT} & worst)
    made = [k for k, w in zip(who.key, met.what, strict=True) if w == repeat.NEW]
    assert len(made) == len(set(made))
    cases.route(found, judge_.rules, judge_.books)
    said = Said(found, met, sheet.lines, who.key, outcomes, {t.code: t.type for t in judge_.catalogue.types})
    assert [r["outcome"] for r in said] == list(outcomes)
    assert b"".join(receipt(sheet, said, judge_.catalogue))
    wrong = b"".join(error(sheet, said, judge_.catalogue))
    again = reading.read(name, wrong, judge_.catalogue, judge_.rules.profile)
    assert len(again) == sum(o in (QUARANTINE, REJECT) for o in outcomes)
    return "read"
