"""The shape of a function's entry in the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sfsync.rehearsal.formula.values import Failure, Value

Act = Callable[..., Value]

BOTH, RULE, FIELD = "both", "rule", "field"
TEXT = frozenset({"text"})
NUMBER = frozenset({"number"})
BOOLEAN = frozenset({"boolean"})
PICKLIST = frozenset({"picklist"})
ANY = frozenset({"text", "number", "boolean", "date", "datetime", "time", "picklist", "multipicklist"})


@dataclass(frozen=True)
class Function:
    """``takes``: the kinds each argument may have, the last entry for all that follow; ``null`` always passes.

    ``gives`` is the kind of the result, or finds it from the kinds of the arguments. ``act`` gets the values of one
    row; unless ``aware`` it is not called with a blank: the result is blank. ``choose`` picks the act by the kinds
    of the arguments. ``where``: ``rule`` for functions that formula fields do not know, ``field`` the other way round.
    """

    name: str
    takes: tuple[frozenset[str], ...]
    gives: str | Callable[[Sequence[str]], str]
    act: Act | None = None
    choose: Callable[[Sequence[str]], Act] | None = None
    low: int = -1
    high: int | None = -1
    aware: bool = False
    where: str = BOTH

    @property
    def least(self) -> int:
        return len(self.takes) if self.low < 0 else self.low

    @property
    def most(self) -> int | None:
        return len(self.takes) if self.high is not None and self.high < 0 else self.high

    def accepts(self, position: int) -> frozenset[str]:
        return self.takes[min(position, len(self.takes) - 1)]

    def act_for(self, kinds: Sequence[str]) -> Act:
        act = self.choose(kinds) if self.choose else self.act
        assert act is not None, self.name
        return act

    def kind_of(self, kinds: Sequence[str]) -> str:
        return self.gives if isinstance(self.gives, str) else self.gives(kinds)


def first_failure(values: Sequence[Any]) -> Failure | None:
    return next((one for one in values if isinstance(one, Failure)), None)
