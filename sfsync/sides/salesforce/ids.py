"""Record ids: 15 characters tell upper from lower case, 18 do not need to (wire reference 4)."""

from __future__ import annotations

import re

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_FORM = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")


def is_id(text: str) -> bool:
    """True for text in the form of a record id."""
    return _FORM.fullmatch(text) is not None


def to15(text: str) -> str:
    """The 15-character form, which names the same record; text whose three last letters do not fit stays as it is."""
    return text[:15] if len(text) == 18 and to18(text[:15]) == text else text


def to18(text: str) -> str:
    """The 18-character form; ids that have it already come back unchanged."""
    if len(text) != 15 or not is_id(text):
        return text
    chunks = (text[0:5], text[5:10], text[10:15])
    return text + "".join(_ALPHABET[sum(c.isupper() << k for k, c in enumerate(chunk))] for chunk in chunks)
