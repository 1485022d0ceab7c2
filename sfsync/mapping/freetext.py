"""Free text that may leave the platform: HTML taken off, card numbers, IBANs and secrets masked (domain model B.7).

Both functions are idempotent, because text that comes back from Salesforce goes through them again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import flat, where_matching

HIDDEN = "****"

_MARKUP = r"<[/!?a-zA-Z]|&(?:#[0-9xX]|[a-zA-Z])[0-9a-zA-Z]*;?"
_DROPPED = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>", re.I | re.S)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", re.I)
_TAG = re.compile(r"</?[a-z!?][^<>]*>", re.I)

# 13 to 19 digits, single separators allowed.
_DIGITS = r"\d(?:[ .\x{a0}-]?\d){12,}"
_RUN = re.compile(r"\d(?:[ .\u00a0-]?\d){12,}")
_GROUP = re.compile(r"\d+")
_CARD_LENGTHS = (16, 15, 14, 13, 19, 18, 17)  # the common one first: a security code behind it is no part of it

_IBAN_LIKE = r"(?i)\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]){11,30}"
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]){11,30}", re.I)
_IT_SHAPE = re.compile(r"(?:IT|SM)\d{2}[A-Z]\d{10}[0-9A-Z]{12}")
IBAN_LENGTHS = {  # of the countries of SEPA
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "NL"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "EE", "LT", "LU"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "DE", "GB", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("GI",), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "RO", "SE", "SK"), 24),
    **dict.fromkeys(("PT",), 25),
    **dict.fromkeys(("IS",), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "SM"), 27),
    **dict.fromkeys(("AL", "CY", "HU", "PL"), 28),
    **dict.fromkeys(("MT",), 31),
}

_CODE_WORDS = r"cvv2?|cvc2?|cv2|pin|puk|otp|codice di sicurezza|security code"
_WORDED = r"password|passwd|passcode|passwort|pwd|psw|pass|pw|parola chiave|parola d'ordine"
_KEYWORDS = rf"(?i)\b(?:{_CODE_WORDS}|{_WORDED})\b"
_FILLER = r"(?:\s*[:=]\s*|\s+(?:is|è|e'|code|codice|number|numero|n\.)\s*[:=]?\s*)"
_CODE = re.compile(rf"\b({_CODE_WORDS})\b({_FILLER}|\s+|\W)(\d(?:[ -]?\d){{2,7}}|(?=\S*\d)[^\s*]{{4,}})", re.I)
_PASS = re.compile(rf"\b({_WORDED})\b({_FILLER})(\S+)", re.I)
_BARE_PASS = re.compile(rf"\b({_WORDED})\b(\s+|[\"'(]+)(?=\S*[\d!$%&@#?+])(\S+)", re.I)


def strip_html(values: pa.Array) -> pa.Array:
    """Plain text: breaks become line ends, tags, comments and scripts vanish, entities are resolved."""
    values = flat(pc.replace_substring(values, "\u00a0", " "))
    return where_matching(values, _MARKUP, _settled(_without_html))


def mask_secrets(values: pa.Array) -> pa.Array:
    """IBANs and card numbers masked to their last four, codes and passwords after their keyword masked whole."""
    values = where_matching(values, _KEYWORDS, _settled(_without_codes))
    values = where_matching(values, _IBAN_LIKE, _settled(_without_ibans))
    return where_matching(values, _DIGITS, _settled(_without_cards))


def _settled(step: Callable[[str], str]) -> Callable[[str], str]:
    """The step repeated until nothing changes; every step of this module shortens or hides, so it ends."""

    def work(value: str) -> str:
        for _ in range(50):
            after = step(value)
            if after == value:
                break
            value = after
        return value

    return work


def _without_html(value: str) -> str:
    bare = _TAG.sub("", _BREAK.sub("\n", _DROPPED.sub("", value)))
    return html.unescape(bare).replace("\u00a0", " ")


def _without_codes(value: str) -> str:
    for pattern in (_CODE, _PASS, _BARE_PASS):
        value = pattern.sub(rf"\1\2{HIDDEN}", value)
    return value


def _without_ibans(value: str) -> str:
    return _IBAN.sub(_hide_iban, value)


def _hide_iban(match: re.Match[str]) -> str:
    """Masks the IBAN at the start of the match; what follows it (a word, another number) stays."""
    found = match[0]
    length = IBAN_LENGTHS.get(found[:2].upper())
    kept = [place for place, c in enumerate(found) if c != " "]
    if length is None or len(kept) < length:
        return found
    end = kept[length - 1] + 1
    iban = found[:end].replace(" ", "").upper()
    if not (_IT_SHAPE.fullmatch(iban) or _mod97(iban)):
        return found
    return f"{iban[:2]}** {HIDDEN} {iban[-4:]}{found[end:]}"


def _mod97(iban: str) -> bool:
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def _without_cards(value: str) -> str:
    return _RUN.sub(lambda run: _hide_card(run[0]), value)


def _hide_card(run: str) -> str:
    """Masks the first card number that stands on group borders of a run of digits."""
    groups = [(g.start(), g.end(), g[0]) for g in _GROUP.finditer(run)]
    spans = [(a, b) for a, b in combinations(range(len(groups) + 1), 2) if b - a <= max(_CARD_LENGTHS)]
    for length in _CARD_LENGTHS:
        for first, past in spans:
            digits = "".join(g[2] for g in groups[first:past])
            if len(digits) == length and digits[0] in "23456" and luhn(digits):
                start, end = groups[first][0], groups[past - 1][1]
                return run[:start] + f"{HIDDEN} {HIDDEN} {HIDDEN} {digits[-4:]}" + run[end:]
    return run


def luhn(digits: str) -> bool:
    """The card networks' check digit."""
    doubled = (2 * int(d) for d in digits[-2::-2])
    return (sum(int(d) for d in digits[-1::-2]) + sum(d - 9 * (d > 9) for d in doubled)) % 10 == 0
