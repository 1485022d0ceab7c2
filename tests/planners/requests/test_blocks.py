"""A file is worked block by block: where a block ends must not matter."""

from __future__ import annotations

import io
import json
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from sfsync.cli import screen
from sfsync.planners.requests import csvread, reading, repeat, results, said
from sfsync.planners.requests.identity import identify
from sfsync.planners.requests.said import Said
from sfsync.planners.requests.sheet import Sheet
from sfsync.planners.requests.validate import judge
from tests.planners.requests.fuzz import SAMPLE, Judge, judge_of

ENDS = ("\n", "\r\n", "\r")


@pytest.fixture(scope="module")
def judged() -> Judge:
    """The catalogue and the shops of the sample."""
    return judge_of()


def spoken(judged: Judge) -> tuple[Sheet, Said]:
    """The sample, and what is said of its rows."""
    sheet = reading.read("sample.csv", SAMPLE, judged.catalogue, judged.rules.profile)
    found = judge(sheet, judged.rules, judged.books)
    who = identify(found, judged.catalogue, "it", b"k" * 32)
    outcomes, met = repeat.meet(found, who, repeat.Known(), judged.catalogue)
    types = {t.code: t.type for t in judged.catalogue.types}
    made = Said(found, met, sheet.lines, who.key, outcomes, types)
    made.numbers[made.cases] = [f"{n:08}" for n in range(len(made.cases))]
    return sheet, made


def files(judged: Judge, sheet: Sheet, made: Said) -> list[bytes]:
    """Receipt, success file and error file."""
    catalogue, ids = judged.catalogue, lambda keys: {k: f"500{k[:12]}" for k in keys}
    written = (
        results.receipt(sheet, made, catalogue),
        results.success(sheet, made, ids, catalogue),
        results.error(sheet, made, catalogue),
    )
    return [b"".join(one) for one in written]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_documents_and_result_files_are_the_same_in_blocks_of_any_size(
    judged: Judge, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Each document at its place, each file to the byte."""
    sheet, made = spoken(judged)
    documents, whole = list(made), files(judged, sheet, made)
    assert len(documents) == len(sheet) > 2 * size
    monkeypatch.setattr(said, "BLOCK", size)
    assert list(made) == documents == made[:]
    assert [made[n] for n in range(len(made))] == documents
    assert made[-1] == documents[-1]
    assert made.documents(np.array([3, 1])) == [documents[3], documents[1]]
    assert files(judged, sheet, made) == whole
    assert sum(made.counts.values()) == len(sheet)


@pytest.mark.parametrize("end", ENDS)
def test_a_record_that_lies_across_two_pieces_of_text_is_one(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """Quoted cells with line ends, lines longer than a piece: records and line numbers stay what they were."""
    lines = ["a;b", 'x;"one' + end + 'two ""three"" ;"', "a line that is longer than a piece;1", "", "last;line"]
    text = end.join(lines)
    expected = list(csvread.records(text, ";"))
    assert [number for number, _ in expected] == [1, 2, 4, 5, 6]
    for piece in range(1, len(text) + 1):
        monkeypatch.setattr(csvread, "_PIECE", piece)
        assert list(csvread.records(text, ";")) == expected


def test_a_document_written_in_pieces_is_the_document(judged: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of ``--json`` is what ``json.dumps`` would make of it."""
    _, made = spoken(judged)
    for rows in (made, ()):
        document: dict[str, Any] = {"exit": 3, "files": [{"file": "é", "rows": rows, "codes": ["a", "b"], "none": []}]}
        plain = {"exit": 3, "files": [{**document["files"][0], "rows": list(rows)}]}
        for together in (1, 2, 1_000):
            monkeypatch.setattr(screen, "TOGETHER", together)
            written = CliRunner().invoke(click.command()(lambda doc=document: screen.emit_pieces(doc)))
            assert written.output == json.dumps(plain, ensure_ascii=False) + "\n"
    assert io.StringIO(written.output).readline() == written.output
