"""What may stand in a subject or a description that leaves the platform."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.mapping.freetext import mask_secrets, strip_html


def masked(text):
    return mask_secrets(pa.array([text]))[0].as_py()


def plain(text):
    return strip_html(pa.array([text]))[0].as_py()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("4111 1111 1111 1111", "**** **** **** 1111"),
        ("4111111111111112", "4111111111111112"),
        ("carta 4111-1111-1111-1111.", "carta **** **** **** 1111."),
        ("4111 1111 1111 1111 12/28", "**** **** **** 1111 12/28"),
        ("7 4111111111111111 9", "7 **** **** **** 1111 9"),
        ("IT60X0542811101000000123456", "IT** **** 3456"),
        ("iban it60 x054 2811 1010 0000 0123 456 grazie", "iban IT** **** 3456 grazie"),
        ("IT64Y0542811101000000123456", "IT** **** 3456"),
        ("DE89370400440532013000 qui", "DE** **** 3000 qui"),
        ("la mia password è Pippo123 e basta", "la mia password è **** e basta"),
        ("CVV 123", "CVV ****"),
        ("cvc: 1234", "cvc: ****"),
        ("PIN=98765", "PIN=****"),
        ("otp is 12 34 56", "otp is ****"),
        ("Otp: AB12CD", "Otp: ****"),
        ("password reset chiesto ieri", "password reset chiesto ieri"),
        ("il pin 3 volte", "il pin 3 volte"),
        ("tel 3331234567, ticket 1234567890123456", "tel 3331234567, ticket 1234567890123456"),
    ],
)
def test_secrets(text, left):
    assert masked(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<p>Buongiorno,<br>non va</p>", "Buongiorno,\nnon va\n"),
        ("a &amp; b &lt;3", "a & b <3"),
        ("&amp;lt;b&amp;gt;grassetto&amp;lt;/b&amp;gt;", "grassetto"),
        ("<script>alert(1)</script>testo<!-- nota -->", "testo"),
        ("1 < 2 > 0", "1 < 2 > 0"),
        ("cento\u00a0euro", "cento euro"),
    ],
)
def test_html(text, left):
    assert plain(text) == left


pieces = st.sampled_from(
    [
        "<b>",
        "&amp;",
        "&lt;",
        "4111111111111111",
        "4111 1111 ",
        "pin ",
        "password: ",
        "IT60X0542811101000000123456",
        "****",
    ]
)


@given(st.lists(pieces | st.text(max_size=6), max_size=12).map("".join))
def test_text_that_comes_back_stays_as_it_is(text):
    once = masked(plain(text))
    assert masked(plain(once)) == once


@given(st.text(alphabet="abc <>&;\n", max_size=40), st.text(alphabet="abc .,", max_size=10))
def test_a_card_number_never_survives(before, after):
    assert "411111111111" not in masked(plain(f"{before} 4111111111111111 {after}"))
