"""Explicit words in what requesters write: whether a text holds one of a list (policy C.5.3). Pure.

Whole words and phrases; case, accents and the kind of blank do not matter. Addresses are no words, and what a reply
quotes of others is not the writer's. Nothing of a text leaves this module but which list matched.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import unescape

import numpy as np
import pandas as pd

MOST = 131_072  # characters of one text that are looked at: the longest a message has in Salesforce
_ACCENTS = r"[\u0300-\u036f]"
_APOSTROPHES = r"[\u2018\u2019\u02bc`]"
_ADDRESSES = r"(?<!\S)\S+@\S*|\bhttps?://\S+|\bwww\.\S+"
_QUOTED = r"(?m)^[ \t]*>.*$"
_HEADED = re.compile(  # where mail programs begin the message that is answered
    r"^[ \t]*-{2,}[ \t]*(?:original message|messaggio originale)"
    r"|^[ \t*]*(?:from|da)[ *]*:[^\n]*\n[ \t*]*(?:sent|date|inviato|data)[ *]*:",
    re.MULTILINE | re.IGNORECASE,
)
_SILENT = frozenset(("head", "style", "script", "blockquote"))
_BREAKS = frozenset(("br", "p", "div", "tr", "td", "li"))
_MARK = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*+)?+[^<>]*+>|([^<]++|<)")


def fold(word: str) -> str:
    """A word as it is compared: without case, accents and needless blanks."""
    bare = re.sub(_ACCENTS, "", unicodedata.normalize("NFKD", word))
    return " ".join(re.sub(_APOSTROPHES, "'", bare).casefold().split())


def holds(texts: pd.Series, lists: Sequence[Sequence[str]]) -> np.ndarray:
    """bool n x lists: these texts (object, null where there is none) hold a word of the list."""
    clear = _folded(texts.fillna("")).str.replace(_ADDRESSES, " ", regex=True)
    found = np.zeros((len(texts), len(lists)), bool)
    for number, words in enumerate(lists):
        if words and len(texts):
            found[:, number] = clear.str.contains(_any_of(words), regex=True).to_numpy(bool)
    return found


def _any_of(words: Sequence[str]) -> str:
    some = "|".join(re.escape(fold(w)).replace(r"\ ", r"\s+") for w in words)
    return rf"\b(?:{some})(?!\w)" if all(fold(w)[0].isalnum() for w in words) else rf"(?<!\w)(?:{some})(?!\w)"


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
    """By marks alone, in one pass: a parser of whole pages takes minutes for a page made to keep it busy."""
    parts, depth = [], dict.fromkeys(silent, 0)
    for found in _MARK.finditer(page):
        closing, tag, text = found[1], (found[2] or "").lower(), found[3]
        if tag in depth:
            depth[tag] = max(depth[tag] + (-1 if closing else 1), 0)
        elif not any(depth.values()):
            parts.append(text or ("\n" if tag in _BREAKS else ""))
    return unescape("".join(parts)).strip()
