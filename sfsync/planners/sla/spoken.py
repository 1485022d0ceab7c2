"""Explicit words in what requesters write: whether a text holds one of a list (policy C.5.3). Pure.

Whole words and phrases; case, accents and the kind of blank do not matter. Addresses are no words, and what a reply
quotes of others is not the writer's. Nothing of a text leaves this module but which list matched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser

import numpy as np
import pandas as pd

MOST = 131_072  # characters of one text that are looked at: the longest a message has in Salesforce
_ACCENTS = r"[\u0300-\u036f]"
_APOSTROPHES = r"[\u2018\u2019\u02bc`]"
_ADDRESSES = r"\S+@\S+|\bhttps?://\S+|\bwww\.\S+"
_QUOTED = r"(?m)^[ \t]*>.*$"
_HEADED = re.compile(  # where mail programs begin the message that is answered
    r"^[ \t]*-{2,}[ \t]*(?:original message|messaggio originale)"
    r"|^[ \t*]*(?:from|da)[ *]*:[^\n]*\n[ \t*]*(?:sent|date|inviato|data)[ *]*:",
    re.MULTILINE | re.IGNORECASE,
)
_SILENT = frozenset(("head", "style", "script", "blockquote"))
_BREAKS = frozenset(("br", "p", "div", "tr", "li"))


def fold(word: str) -> str:
    """A word as it is compared: without case, accents and needless blanks."""
    bare = re.sub(_ACCENTS, "", unicodedata.normalize("NFKD", word))
    return " ".join(re.sub(_APOSTROPHES, "'", bare).casefold().split())


def holds(texts: pd.Series, words: Sequence[str]) -> np.ndarray:
    """bool n: these texts (object, null where there is none) hold one of the words."""
    if not words or not len(texts):
        return np.zeros(len(texts), bool)
    any_of = "|".join(re.escape(fold(w)).replace(r"\ ", r"\s+") for w in words)
    clear = _folded(texts.fillna("")).str.replace(_ADDRESSES, " ", regex=True)
    found: np.ndarray = clear.str.contains(rf"(?<!\w)(?:{any_of})(?!\w)", regex=True).to_numpy(bool)
    return found


def _folded(texts: pd.Series) -> pd.Series:
    plain = texts.str.normalize("NFKD").str.replace(_ACCENTS, "", regex=True)
    return plain.str.replace(_APOSTROPHES, "'", regex=True).str.casefold()


def own(texts: pd.Series) -> pd.Series:
    """What the writers of these messages say themselves (object n): without the lines they quote and the message below.

    A message that is nothing but another one is taken whole: it was sent on to be read.
    """
    clear = texts.fillna("").str.slice(0, MOST).str.replace(r"\r\n?", "\n", regex=True)
    without = clear.str.replace(_QUOTED, "", regex=True).map(_above)
    return without.where(without.str.strip() != "", clear)


def _above(text: str) -> str:
    found = _HEADED.search(text)
    return text[: found.start()] if found else text


def plain(page: str) -> str:
    """The text of an HTML message, without what it quotes."""
    return _read(page[:MOST], _SILENT) or _read(page[:MOST], _SILENT - {"blockquote"})


def _read(page: str, silent: frozenset[str]) -> str:
    reader = _Reader(silent)
    reader.feed(page)
    reader.close()
    return "".join(reader.parts).strip()


class _Reader(HTMLParser):
    def __init__(self, silent: frozenset[str]) -> None:
        super().__init__()
        self._skip = silent
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._skip:
            self._silent.append(tag)
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
