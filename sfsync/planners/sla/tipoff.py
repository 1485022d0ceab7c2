"""Words that tell a customer of a suspicion of laundering, which the law forbids (policy C.7, rule 4; D.Lgs. 231/2007,
art. 39). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CATEGORIES = ("aml_suspicion",)  # cases whose customer-visible words are looked at
_WORDS = ("antiriciclaggio", "riciclaggio", "segnalazione", "segnalazioni")
_SHORT = ("AML", "SOS", "UIF", "STR", "SAR")  # as written: "sar" and "str" occur in other words and names
_TELLS = re.compile(rf"\b(?:(?i:{'|'.join(_WORDS)})|{'|'.join(_SHORT)}|aml|uif)\b")


def tells(texts: Iterable[str | None]) -> bool:
    """True if one of these texts holds such a word."""
    return any(_TELLS.search(text) for text in texts if text)
