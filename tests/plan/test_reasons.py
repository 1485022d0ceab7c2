"""Every code of a record has its sentence."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sfsync
from sfsync.plan.reasons import ALL, reason

ROOT = Path(sfsync.__file__).parent
CODE = re.compile(r"[EW]-[A-Z0-9]+(-[A-Z0-9]+)*")
MADE = {"E-TIER", "E-PRIORITY", "E-WORDS", "E-REQ"}  # put together from parts


def used() -> set[str]:
    """The codes that stand in the sources as texts of their own."""
    trees = (ast.parse(p.read_text("utf-8")) for part in ("planners", "runs") for p in (ROOT / part).rglob("*.py"))
    texts = (n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant))
    return {t for t in texts if isinstance(t, str) and CODE.fullmatch(t)}


def test_no_code_without_a_sentence() -> None:
    assert used() | MADE == {c for c in ALL if CODE.fullmatch(c)}


@pytest.mark.parametrize(
    ("code", "said"),
    [("E-REQ:contact", "a required field"), ("E-POLICY", "version"), ("NEW", "refused by a rule of the mapping")],
)
def test_the_sentence_of_a_code(code: str, said: str) -> None:
    assert said in reason(code)
