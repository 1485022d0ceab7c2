"""Text to tree, by precedence climbing.

Tightest first: sign and ``!``, ``* /``, ``^``, ``+ - &``, ``< > <= >=``, ``= == <> !=``, ``&&``, ``||``; all go from
left to right. Source: the grammar of the vendor's open formula engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from sfsync.rehearsal.formula.tree import Call, FormulaError, Literal, Node, Ref

MAX_LENGTH = 3900

_LEVELS = ({"||"}, {"&&"}, {"=", "==", "<>", "!="}, {"<", ">", "<=", ">="}, {"+", "-", "&"}, {"^"}, {"*", "/"})
_SAME = {"==": "=", "!=": "<>", "&&": "AND", "||": "OR"}
_TOKEN = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/)
      | (?P<number>\d+(?:\.\d*)?|\.\d+)
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>\$?[A-Za-z_]\w*(?::[A-Za-z]+)?(?:\s*\.\s*[A-Za-z_]\w*(?::[A-Za-z]+)?)*)
      | (?P<sign>\|\||&&|<>|<=|>=|==|!=|[-+*/^&=<>!(),])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ALLOWED_ESCAPES = frozenset("nrtNRT\"'\\")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(source: str) -> Node:
    """The tree of a formula. Raises FormulaError with Salesforce's words."""
    if len(source) > MAX_LENGTH:
        raise FormulaError(
            f"Formula is too long ({len(source):,} characters). Maximum length is {MAX_LENGTH:,} characters"
        )
    parser = _Parser(list(_tokens(source)))
    node = parser.level(0)
    parser.end()
    return node


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise FormulaError(f"Syntax error. Found '{source[at]}'")
        at = match.end()
        kind = str(match.lastgroup)
        if kind != "space":
            yield _Token(kind, match.group())
    yield _Token("end", "")


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self._unary()
        left = self.level(depth + 1)
        while self._now.kind == "sign" and self._now.text in _LEVELS[depth]:
            sign = self._next().text
            left = Call(_SAME.get(sign, sign), (left, self.level(depth + 1)))
        return left

    def end(self) -> None:
        if self._now.kind != "end":
            raise FormulaError(f"Syntax error. Extra '{self._now.text}'")

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _unary(self) -> Node:
        if self._now.kind == "sign" and self._now.text in "-+!":
            sign = self._next().text
            inside = self._unary()
            return inside if sign == "+" else Call("neg" if sign == "-" else "NOT", (inside,))
        return self._primary()

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "number":
            return Literal(Decimal(token.text), "number")
        if token.kind == "text":
            return Literal(_unquoted(token.text) or None, "text")
        if token.kind == "name":
            return self._name(re.sub(r"\s", "", token.text))
        if token.text == "(":
            inside = self.level(0)
            self._expect(")")
            return inside
        raise FormulaError(f"Syntax error. Found '{token.text}'" if token.text else "Syntax error. Missing value")

    def _name(self, name: str) -> Node:
        if self._now.text == "(" and self._now.kind == "sign":
            self._next()
            return Call(name.upper(), tuple(self._arguments()))
        constant = {"true": Literal(True, "boolean"), "false": Literal(False, "boolean"), "null": Literal(None, "null")}
        return constant.get(name.lower()) or Ref(tuple(name.split(".")))

    def _arguments(self) -> Iterator[Node]:
        if self._now.text == ")":
            self._next()
            return
        yield self.level(0)
        while self._now.text == "," and self._now.kind == "sign":
            self._next()
            yield self.level(0)
        self._expect(")")

    def _expect(self, sign: str) -> None:
        if self._now.text != sign or self._now.kind != "sign":
            raise FormulaError(f"Syntax error. Missing '{sign}'")
        self._next()


def _unquoted(text: str) -> str:
    r"""Only ``\\`` and ``\"`` become one character; the other escapes allowed keep both."""

    def one(match: re.Match[str]) -> str:
        char = match.group(1)
        if char not in _ALLOWED_ESCAPES:
            raise FormulaError(f"Syntax error. Found '\\{char}'")
        return char if char in '"\\' else match.group()

    return _ESCAPE.sub(one, text[1:-1])
