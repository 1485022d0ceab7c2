"""Filter logic over numbered criteria: ``1 AND (2 OR 3)``, ``NOT 1``. Without logic all criteria have to hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sfsync.rehearsal import digits
from sfsync.rehearsal.formula.tree import FormulaError

Logic = Callable[[Sequence[bool]], bool]

_TOKEN = re.compile(r"\s*(\d+|AND\b|OR\b|NOT\b|[()])", re.IGNORECASE)


def logic(text: str, count: int) -> Logic:
    """From the truth of each criterion to the truth of all. Raises FormulaError for logic that does not fit."""
    if not text.strip():
        return all
    parser = _Parser(_tokens(text), count)
    found = parser.either()
    parser.end()
    return found


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FormulaError(f"The filter logic cannot be read: {text}")
        tokens.append(match.group(1).upper())
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str], count: int) -> None:
        self._tokens = tokens
        self._count = count

    def either(self) -> Logic:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda given: any(one(given) for one in parts)

    def _both(self) -> Logic:
        parts = [self._single()]
        while self._take("AND"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else lambda given: all(one(given) for one in parts)

    def _single(self) -> Logic:
        if self._take("NOT"):
            inside = self._single()
            return lambda given: not inside(given)
        if self._take("("):
            inside = self.either()
            if not self._take(")"):
                raise FormulaError("The filter logic lacks a closing parenthesis")
            return inside
        return self._number()

    def _number(self) -> Logic:
        token = self._tokens.pop(0) if self._tokens else ""
        if not token.isdecimal() or not 1 <= digits.number(token) <= self._count:
            raise FormulaError(f"The filter logic names {token or 'nothing'}, there are {self._count} criteria")
        position = digits.number(token) - 1
        return lambda given: given[position]

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def end(self) -> None:
        if self._tokens:
            raise FormulaError(f"The filter logic has something extra: {' '.join(self._tokens)}")
