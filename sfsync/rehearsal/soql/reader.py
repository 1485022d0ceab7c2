"""A place in a row of tokens, and what the parser may ask of it."""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.soql.tokens import Token


class Reader:
    """``text`` is the whole query, for the places in errors; ``version`` the API version, whose texts differ."""

    def __init__(self, text: str, found: list[Token], version: float) -> None:
        self.text = text
        self.version = version
        self._tokens = found
        self._place = 0

    @property
    def now(self) -> Token:
        return self._tokens[self._place]

    @property
    def ahead(self) -> Token:
        return self._tokens[min(self._place + 1, len(self._tokens) - 1)]

    def next(self) -> Token:
        """Hands out the present token and steps on; at the end it stays."""
        found = self.now
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return found

    def take(self, word: str) -> bool:
        """Steps over a word of the grammar if it is there."""
        if self.now.word != word:
            return False
        self.next()
        return True

    def take_sign(self, sign: str) -> bool:
        if self.now.kind != "sign" or self.now.text != sign:
            return False
        self.next()
        return True

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self.unexpected()

    def expect_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise self.unexpected()

    def unexpected(self) -> OrgError:
        if self.now.kind == "bind":
            return errors.bind_variable()
        return errors.unexpected_token_at(self.text, self.now.at, self.now.text)
