"""What a customer must not read."""

from __future__ import annotations

import pytest

from sfsync.planners.sla.tipoff import tells


@pytest.mark.parametrize(
    "text",
    [
        "Verifica antiriciclaggio in corso.",
        "inviata la Segnalazione",
        "team AML",
        "aml",
        "SOS inviata alla UIF",
        "(SAR)",
    ],
)
def test_a_word_of_the_list_tells(text: str) -> None:
    assert tells([None, "Buongiorno", text])


@pytest.mark.parametrize("text", ["", "Le faremo sapere.", "Via Str. Nuova, Sardegna", "un dramma", "il sarto", None])
def test_other_words_do_not(text: str | None) -> None:
    assert not tells([text])
