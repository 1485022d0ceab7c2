"""What is said of each row: codes, and the one outcome that follows from them (domain requests D.4, D.5)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sfsync.mapping.cells import Cells

ACCEPT, WARNED, QUARANTINE, REJECT, SKIPPED = "ACCEPT", "ACCEPT-W", "QUARANTINE", "REJECT", "SKIPPED"
OUTCOMES = (ACCEPT, WARNED, QUARANTINE, REJECT, SKIPPED)
_REJECTING = {
    "E-CHARSET",
    "E-SCI",
    "E-TIME-FUTURE",
    "E-AMOUNT-NEG",
    "E-VAT",
    "E-VAT-ZERO",
    "E-CF",
    "E-MINOR",
    "E-SHOP-UNKNOWN",
    "E-SHOP-STATE",
    "E-ROLE",
}
_WAITING = {
    "E-COLS",
    "E-DATE",
    "E-TIME-NEEDED",
    "E-TIME-ORDER",
    "E-NUM",
    "E-SHOP-AMBIG",
    "E-TERMINAL-SHOP",
    "E-KEY-CLASH",
}


def severity(code: str) -> str:
    """The outcome a code alone leads to."""
    if code.startswith("E-REQ:") or code in _REJECTING:
        return REJECT
    return QUARANTINE if code in _WAITING else WARNED


@dataclass
class Marks:
    """Codes of n rows: a bool array per code, in the order in which they were first said."""

    rows: int
    masks: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, code: str, rows: np.ndarray) -> None:
        """Says the code of these rows (bool n)."""
        if rows.any():
            known = self.masks.get(code)
            self.masks[code] = rows.copy() if known is None else known | rows

    def take(self, cells: Cells) -> None:
        """Says what was found in a column; marks of ours (``_…``) are left out."""
        for code, rows in cells.faults:
            if not code.startswith("_"):
                self.add(code, rows)

    def only(self, code: str, rows: np.ndarray) -> None:
        """These rows have this code and no other: whatever else was found in them means nothing."""
        self.masks = {c: m & ~rows for c, m in self.masks.items()}
        self.add(code, rows)

    def drop(self, code: str, rows: np.ndarray) -> None:
        """Takes the code back from these rows."""
        if code in self.masks:
            self.masks[code] &= ~rows

    def has(self, *codes: str) -> np.ndarray:
        """bool n: the row has one of the codes."""
        found = np.zeros(self.rows, bool)
        for code in codes:
            if code in self.masks:
                found |= self.masks[code]
        return found

    def stopped(self) -> np.ndarray:
        """bool n: the row has a code with which no case is made."""
        return self.has(*(c for c in self.masks if severity(c) in (QUARANTINE, REJECT)))

    def outcomes(self) -> np.ndarray:
        """One outcome per row (object n), by the worst of its codes."""
        found = np.full(self.rows, ACCEPT, object)
        for level in (WARNED, QUARANTINE, REJECT):
            for code, rows in self.masks.items():
                if severity(code) == level:
                    found[rows] = level
        return found

    def lists(self, rows: np.ndarray | None = None) -> list[list[str]]:
        """The codes of each of these rows (int64; default: all), errors first."""
        rows = np.arange(self.rows) if rows is None else rows
        made: list[list[str]] = [[] for _ in range(len(rows))]
        for code in sorted(self.masks, key=lambda c: c[:2] != "E-"):
            for place in np.flatnonzero(self.masks[code][rows]).tolist():
                made[place].append(code)
        return made
