"""SOSL: FIND {words} IN … FIELDS RETURNING X(fields WHERE … ORDER BY … LIMIT n), … LIMIT n (SOSL guide).

Words are compared without regard to case, whole, with ``*`` for any letters and ``?`` for one; AND (also between words
that stand side by side), OR, AND NOT and quoted phrases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfsync.rehearsal import digits
from sfsync.rehearsal.errors import OrgError

SCOPES = ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR")
MOST = 2000
_FIND = re.compile(r"\s*FIND\s*\{((?:[^\\}]|\\.)*)\}\s*", re.IGNORECASE | re.DOTALL)
_IN = re.compile(r"IN\s+(\w+)\s+FIELDS\s*", re.IGNORECASE)
_RETURNING = re.compile(r"RETURNING\s+", re.IGNORECASE)
_NAME = re.compile(r"([A-Za-z]\w*)\s*")
_LIMIT = re.compile(r"LIMIT\s+(\d+)\s*", re.IGNORECASE)
_CLAUSE = re.compile(r"\b(?:USING|WHERE|ORDER\s+BY|LIMIT|OFFSET)\b", re.IGNORECASE)
_WORDS = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True)
class Wanted:
    """One object of RETURNING: its fields, and the rest of its query as SOQL (``WHERE … LIMIT n``)."""

    name: str
    fields: tuple[str, ...] = ()
    rest: str = ""


@dataclass(frozen=True)
class Search:
    """``wanted`` None searches every object that can be searched."""

    words: str
    scope: str = "ALL"
    wanted: tuple[Wanted, ...] | None = None
    limit: int = MOST


def malformed(text: str) -> OrgError:
    return OrgError("MALFORMED_SEARCH", text)


def parse(text: str) -> Search:
    """Raises OrgError MALFORMED_SEARCH."""
    find = _FIND.match(text)
    if find is None:
        raise malformed("No search term found. The search term must be enclosed in braces.")
    place, scope, wanted, limit = find.end(), "ALL", None, MOST
    if found := _IN.match(text, place):
        scope, place = found.group(1).upper(), found.end()
        if scope not in SCOPES:
            raise malformed(f"unexpected token: {found.group(1)}")
    if found := _RETURNING.match(text, place):
        wanted, place = _returning(text, found.end())
    if found := _LIMIT.match(text, place):
        limit, place = min(digits.number(found.group(1)), MOST), found.end()
    if place < len(text):
        raise malformed(f"unexpected token: {text[place:].split()[0]}")
    return Search(re.sub(r"\\(.)", r"\1", find.group(1)), scope, wanted, limit)


def _returning(text: str, place: int) -> tuple[tuple[Wanted, ...], int]:
    found: list[Wanted] = []
    while True:
        name = _NAME.match(text, place)
        if name is None:
            raise malformed(f"unexpected token: {text[place:].split()[0] if text[place:].split() else '<EOF>'}")
        inside, place = _inside(text, name.end())
        found.append(_wanted(name.group(1), inside))
        if text[place : place + 1] != ",":
            return tuple(found), place
        place += len(text[place:]) - len(text[place + 1 :].lstrip())


def _inside(text: str, place: int) -> tuple[str, int]:
    """What stands in the parentheses after an object, with those inside quotes left alone."""
    if text[place : place + 1] != "(":
        return "", place
    depth = 0
    for token in re.compile(r"'(?:[^'\\]|\\.)*'|[()]", re.DOTALL).finditer(text, place):
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        if depth == 0:
            rest = text[token.end() :]
            return text[place + 1 : token.start()], token.end() + len(rest) - len(rest.lstrip())
    raise malformed("unexpected token: <EOF>")


def _wanted(name: str, inside: str) -> Wanted:
    clause = _CLAUSE.search(inside)
    listed = inside[: clause.start()] if clause else inside
    fields = tuple(one.strip() for one in listed.split(",") if one.strip())
    return Wanted(name, fields, inside[clause.start() :].strip() if clause else "")


# -- words ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matcher:
    """Any of the groups, of which all words must be there and none of the others."""

    groups: tuple[tuple[tuple[re.Pattern[str], ...], tuple[re.Pattern[str], ...]], ...]

    def matches(self, text: str) -> bool:
        return any(
            all(one.search(text) for one in good) and not any(one.search(text) for one in bad)
            for good, bad in self.groups
        )


def matcher(words: str) -> Matcher:
    """Raises OrgError MALFORMED_SEARCH for words too short to be looked for."""
    groups: list[tuple[list[re.Pattern[str]], list[re.Pattern[str]]]] = [([], [])]
    negated = False
    for phrase, word in _WORDS.findall(words):
        plain = word.strip("()")
        if plain.upper() == "OR":
            groups.append(([], []))
        elif plain.upper() == "NOT":
            negated = True
        elif plain.upper() != "AND" and (phrase or plain):
            groups[-1][negated].append(_pattern(phrase or plain))
            negated = False
    if not any(good for good, _ in groups):
        raise malformed("No search term found. The search term must be enclosed in braces.")
    return Matcher(tuple((tuple(good), tuple(bad)) for good, bad in groups if good))


def _pattern(word: str) -> re.Pattern[str]:
    if len(word.replace("*", "").replace("?", "")) < 2:
        raise malformed(f"search term must be longer than one character: {word}")
    body = re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w").replace(r"\ ", r"\W+")
    return re.compile(rf"(?<!\w){body}(?!\w)", re.IGNORECASE)
