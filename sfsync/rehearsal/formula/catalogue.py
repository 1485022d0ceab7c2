"""Every function there is. What is not here is refused by its name when the metadata is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from sfsync.rehearsal.formula import dates, logic, numbers, texts
from sfsync.rehearsal.formula.function import Function


@cache
def catalogue() -> Mapping[str, Function]:
    every = (*texts.functions(), *numbers.functions(), *dates.functions(), *logic.functions())
    return {one.name: one for one in every}
