"""The steps of partner requests as data: what a fault of the file says, and what must never be written there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sfsync.errors import MappingError
from sfsync.planners.requests.life.wording import Unfit, fill, fit
from sfsync.planners.requests.steps import load

ROOT = Path(__file__).parents[3]
WORDS = load(ROOT / "mappings").steps.withheld_words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("requests.yaml", "request_steps.yaml"):
        shutil.copy(ROOT / "mappings" / name, tmp_path)
    return tmp_path


def edited(folder: Path, old: str, new: str) -> MappingError:
    """The error of the file with one text changed."""
    path = folder / "request_steps.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(MappingError) as caught:
        load(folder)
    return caught.value


def test_every_type_has_its_steps_marks_and_texts() -> None:
    book = load(ROOT / "mappings")
    assert len([t for t in book.lives if t.startswith("RP-")]) == 33
    assert all(book.actions(life) is not None for life in book.lives.values())
    assert len(book.steps.texts) >= 30


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("iban_change:\n    target: company", "iban_chnge:\n    target: company", "there is no step iban_change"),
        ("  status_ping: {target: terminal, reads: true}", "  status_ping: {reads: true}", "does not say in one way"),
        ("{check: other_company,", "{check: another_company,", "there is no check another_company"),
        ("reason: SAME_COMPANY", "reason: SAME", "there is no reason SAME"),
        ("M-DONE: {it:", "M-DOEN: {it:", "there is no text M-DONE"),
        ("  LEG: {permission_set", "  LGE: {permission_set", "nobody gives LEG"),
        ("keep_days: 30", "keep_dys: 30", "the key keep_dys is unknown here"),
        ('M-KB: {it: "Guida: {link}.", en: "Guide: {link}."}', 'M-KB: {it: "Guida: {link}."}', "no text in en"),
        ("Guide: {link}.", "Guide: {lnk}.", "names other values in each language"),
        ("Verifica conto, en", "Antiriciclaggio, en", "must not leave [E-TIPOFF]"),
    ],
)
def test_a_fault_names_its_line_and_what_to_write(folder: Path, old: str, new: str, said: str) -> None:
    error = edited(folder, old, new)
    assert error.code == "REQUESTS_INVALID"
    told = "\n".join([error.message, *error.details])
    assert said in told
    assert error.where.rpartition(":")[2].isdigit()
    assert error.next_step


@pytest.mark.parametrize("word", WORDS)
def test_words_that_tip_somebody_off_do_not_leave(word: str) -> None:
    for text in (f"Pratica {word} aperta.", f"coda COMPLIANCE_{word}", word.upper(), f"({word.lower()})"):
        with pytest.raises(Unfit) as caught:
            fit(text, WORDS, "M-X")
        assert caught.value.code == "E-TIPOFF"
        assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["La sosta è finita.", "Strada statale 5", "Sarà fatto domani.", "registrazione"])
def test_words_that_only_contain_them_do(text: str) -> None:
    assert fit(text, WORDS, "M-X") == text


@pytest.mark.parametrize(
    "text",
    [
        "IBAN IT60X0542811101000000123456",
        "carta 4111 1111 1111 1111",
        "password: Pippo123",
        "CF RSSMRA85T10A562S",
        "scriva a mario.rossi@posta.example",
    ],
)
def test_private_values_do_not_leave(text: str) -> None:
    with pytest.raises(Unfit) as caught:
        fit(text, WORDS, "M-X")
    assert caught.value.code == "MESSAGE_PRIVATE"
    assert text not in str(caught.value)


def test_a_part_in_brackets_goes_with_its_value() -> None:
    template = "Richiesta {case}.[ Entro {nu_due}.]"
    assert fill(template, {"case": "1", "nu_due": None}, "M-X") == "Richiesta 1."
    assert fill(template, {"case": "1", "nu_due": "domani"}, "M-X") == "Richiesta 1. Entro domani."
    with pytest.raises(Unfit) as caught:
        fill(template, {"case": None}, "M-X")
    assert caught.value.code == "MESSAGE_VALUE"
