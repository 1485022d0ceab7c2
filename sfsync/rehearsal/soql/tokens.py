"""Query text to tokens. A path (``Account . Owner.Name``) is one token; white space of any kind parts tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfsync.rehearsal import errors

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<datetime>\d{4}-\d\d?-\d\d?[Tt][\d:.]+(?:[Zz]|[+-]\d\d:?\d\d)?)
    |(?P<date>\d{4}-\d\d?-\d\d?(?!\w))
    |(?P<currency>[A-Za-z]{3}-?\d+(?:\.\d+)?(?![\w.]))
    |(?P<counted>[A-Za-z]\w*:\d+)
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<bind>:\s*\w+)
    |(?P<name>[A-Za-z]\w*(?:\s*\.\s*[A-Za-z]\w*)*)
    |(?P<sign><=|>=|<>|!=|[=<>(),])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: string datetime date currency counted number bind name sign end; ``at`` 0-based in the text."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The text of a name in capitals, for comparison with the words of the grammar; else ''."""
        return self.text.upper() if self.kind == "name" else ""


def tokens(text: str, version: float) -> list[Token]:
    """All tokens and an end token. Raises OrgError MALFORMED_QUERY for a character that begins none."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _strange(text, place, version)
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match.group(), place))
        place = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found


def _strange(text: str, place: int, version: float) -> errors.OrgError:
    """A character outside the alphabet, or a string that never ends; texts before and from 61 (wire reference 9.1)."""
    row = text.count("\n", 0, place) + 1
    char = text[place]
    if char == "'":
        end = len(text) - (text.rfind("\n") + 1)
        return errors.malformed_query(
            f"line {text.count(chr(10)) + 1}:{end} mismatched character '<EOF>' expecting '''"
        )
    column = place - (text.rfind("\n", 0, place) + 1)
    shown = ascii(char)[1:-1] if "\ud800" <= char <= "\udfff" else char
    old = "no viable alternative at character" if version < 61 else "unexpected token:"
    return errors.malformed_query(f"line {row}:{column} {old} '{shown}'")
