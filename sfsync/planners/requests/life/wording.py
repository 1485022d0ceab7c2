"""What partners read: templates filled in, and looked through for what must not leave. Pure.

A template names its values in braces; a part in [brackets] is left out while a value in it is not known. Sources:
domain requests D.3, service levels C.7.4 (words that would tip somebody off), model B.7 (secrets).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from sfsync.errors import ConfigError
from sfsync.mapping.freetext import mask_secrets

_PLACE = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_FISCAL = re.compile(
    r"\b[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]\b", re.I
)
_HIDDEN = "***"
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+")


def bare(text: str) -> str:
    """The text with secrets, fiscal codes and addresses masked, as it may be kept."""
    masked = str(mask_secrets(pa.array([text])).to_pylist()[0])
    return _ADDRESS.sub(_HIDDEN, _FISCAL.sub(_HIDDEN, masked))


class Unfit(ConfigError):
    """A text that must not be sent, or a template that cannot be filled; the text itself is never shown."""


def places(template: str) -> set[str]:
    """The names a template asks for."""
    return set(_PLACE.findall(template))


def fill(template: str, values: Mapping[str, str | None], code: str) -> str:
    """The template with its values; raises ``Unfit`` MESSAGE_VALUE if one outside brackets is not known."""
    text = _OPTIONAL.sub(lambda part: part[1] if all(values.get(n) for n in places(part[1])) else "", template)
    missing = sorted(n for n in places(text) if not values.get(n))
    if missing:
        raise Unfit(
            f"the value {missing[0]} is not known", "MESSAGE_VALUE", code, "Fill it in at the case, or send by hand."
        )
    return _PLACE.sub(lambda place: str(values[place[1]]), text)


def withheld(text: str, words: Sequence[str]) -> str:
    """The first of these words that the text holds as a whole word, whatever its case; empty if none."""
    if not words:
        return ""
    found = re.search(rf"(?<!\w)({'|'.join(map(re.escape, words))})(?!\w)", text.replace("_", " "), re.I)
    return found[1] if found else ""


def fit(text: str, words: Sequence[str], code: str) -> str:
    """The text, if it may leave; raises ``Unfit`` E-TIPOFF or MESSAGE_PRIVATE."""
    if withheld(text, words):
        step = "Use other words in the case or in request_steps.yaml; nothing was sent."
        raise Unfit("the text holds a word that must not reach anybody outside", "E-TIPOFF", code, step)
    if bare(text) != text:
        step = "Take the private value out of the request's fields; nothing was sent."
        raise Unfit("the text holds a private value", "MESSAGE_PRIVATE", code, step)
    return text
