"""Explicit words in what requesters write."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from sfsync.planners.sla.policy import Policy, load
from sfsync.planners.sla.spoken import holds, own, plain

FILE = Path(__file__).parents[3] / "mappings" / "sla.yaml"


@cache
def words() -> dict[str, tuple[str, ...]]:
    """The project's lists."""
    return load(FILE)[-1].words.model_dump()


def found(text: str | None) -> list[str]:
    """The lists a text has a word of."""
    said = own(pd.Series([text], dtype=object))
    [row] = holds(said, list(words().values()))
    return [name for name, here in zip(words(), row, strict=True) if here]


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("Ho già parlato con l\u2019AVVOCATO.", ["legal"]),
        ("presenterò un esposto all'ADM", ["legal"]),
        ("Scriverò al Garante!", ["legal"]),
        ("vi denuncero", ["legal"]),
        ("vi DENUNCERÒ", ["legal"]),
        ("my lawyer will call", ["legal"]),
        ("passo alle vie\n legali", ["legal"]),
        ("Non voglio piu vivere", ["harm"]),
        ("penso al suicidio; avvisate il mio avvocato", ["legal", "harm"]),
        ("I will kill myself", ["harm"]),
        ("avvocatura, garantire, denunciante: parole più lunghe", []),
        ("adm@example.it, https://www.adm.example/esposto e www.garante.example", []),
        ("Buongiorno", []),
        ("", []),
        (None, []),
    ],
)
def test_whole_words_whatever_their_case_and_accents(text: str | None, lists: list[str]) -> None:
    assert found(text) == lists


@pytest.mark.parametrize(
    "text",
    [
        "Grazie.\r\n> Concessione ADM n. 1\r\n>> avvocato\r\nSaluti",
        "Grazie.\n\n-----Messaggio originale-----\nSi rivolga al Garante",
        "Thanks\n\n*From:* desk\n*Sent:* Monday\nADM licence 1",
        "Ok\nDa: assistenza\nInviato: lunedì\nOggetto: x\n\nADM",
    ],
)
def test_what_a_reply_quotes_is_not_the_writers(text: str) -> None:
    assert found(text) == []


def test_what_stands_below_a_quote_is_the_writers() -> None:
    assert found("Il giorno lunedì il servizio ha scritto:\n> Buongiorno\n\nVi denuncio.") == ["legal"]


def test_a_message_that_is_nothing_but_another_is_read() -> None:
    assert found("> Mi ammazzo") == ["harm"]
    assert found(plain("<blockquote>Mi ammazzo</blockquote>")) == ["harm"]


def test_a_page_is_read_without_its_marks_and_what_it_quotes() -> None:
    page = "<head><title>avvocato</title></head><style>.esposto{}</style><p>vi denunc<b>io</b></p>"
    assert found(plain(f"{page}<blockquote>suicidio</blockquote>")) == ["legal"]
    assert found(plain("<div>la voglio</div><div>far&igrave; finita</div>&amp; querela")) == ["legal"]


def test_a_hostile_text_costs_no_time() -> None:
    long = ["<style" * 20_000, "<blockquote>" * 10_000, "-" * 100_000, ">" * 100_000, "from:\n" * 20_000, "a@" * 60_000]
    long += ["<" + "a" * 100_000, "<a " * 40_000, "<!--" * 30_000, "&#" * 50_000]
    said = own(pd.Series([plain(t) for t in long] + long, dtype=object))
    assert not holds(said, [words()["legal"]]).any()


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({"legal": [" "]}, "a word is empty"),
        ({"harm": ["..."]}, "a word is empty"),
        ({"legal": ["Denuncerò", "denuncero"]}, "more than once: denuncero"),
        ({"legal": ["suicide"], "harm": ["Suicide"]}, "more than once: suicide"),
        ({"anger": ["x"]}, "Extra inputs"),
    ],
)
def test_lists_are_checked_when_they_are_loaded(lists: dict[str, Any], said: str) -> None:
    data = yaml.safe_load(FILE.read_text("utf-8"))["policies"][-1]
    with pytest.raises(ValidationError, match=said):
        Policy.model_validate({**data, "words": lists})


def test_words_of_harm_need_their_path() -> None:
    data = yaml.safe_load(FILE.read_text("utf-8"))["policies"][-1]
    data["paths"]["care"] = data["paths"].pop("rg")
    for spec in data["categories"].values():
        spec["path"] = "care" if spec["path"] == "rg" else spec["path"]
    with pytest.raises(ValidationError, match="paths: rg is missing"):
        Policy.model_validate(data)
    Policy.model_validate({**data, "words": {"legal": ["avvocato"]}})
