"""CMACs of columns against the scalar ones of another implementation."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.ledger import cmac

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")  # RFC 4493, section 4
HEADS = st.binary(min_size=16, max_size=16)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=70) | st.integers(0, 70).map(lambda n: "x" * n)


def scalar(message: bytes, key: bytes = KEY) -> bytes:
    one = CMAC(AES(key))
    one.update(message)
    return one.finalize()


def column(texts: list[str | None], kind: pa.DataType) -> pa.Array:
    return pa.array(texts, kind)


def tags(texts: pa.Array, heads: list[bytes] | None = None, key: bytes = KEY) -> list[bytes]:
    given = None if heads is None else np.frombuffer(b"".join(heads), "V16")
    return [bytes(t) for t in cmac.Cmac(key).tags(texts, given)]


def test_the_vectors_of_the_rfc() -> None:
    assert scalar(b"").hex() == "bb1d6929e95937287fa37d129b756746", "the twin itself"
    assert tags(column(["", "k"], pa.string())) == [scalar(b""), scalar(b"k")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@settings(deadline=None)
@given(st.lists(TEXTS, max_size=20))
def test_every_text_has_the_tag_a_scalar_implementation_gives_it(kind: pa.DataType, texts: list[str]) -> None:
    assert tags(column(texts, kind)) == [scalar(t.encode()) for t in texts]


@settings(deadline=None)
@given(st.lists(st.tuples(HEADS, TEXTS), max_size=20))
def test_a_head_stands_before_the_text(rows: list[tuple[bytes, str]]) -> None:
    found = tags(column([t for _, t in rows], pa.string()), [h for h, _ in rows])
    assert found == [scalar(h + t.encode()) for h, t in rows]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@settings(deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=12), st.data())
def test_a_piece_of_a_column_is_read_where_it_lies(kind: pa.DataType, texts: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(texts)))
    stop = data.draw(st.integers(start, len(texts)))
    assert tags(column(texts, kind)[start:stop]) == [scalar(t.encode()) for t in texts[start:stop]]


def test_more_rows_than_are_taken_at_a_time() -> None:
    texts = [f"{i}" * (i % 7) for i in range(40_000)]
    heads = [b"%016d" % i for i in range(40_000)]
    where = [0, 16_383, 16_384, 32_767, 32_768, 39_999]
    found, headed = tags(column(texts, pa.string())), tags(column(texts, pa.string()), heads)
    assert [found[i] for i in where] == [scalar(texts[i].encode()) for i in where]
    assert [headed[i] for i in where] == [scalar(heads[i] + texts[i].encode()) for i in where]


def test_a_text_at_the_very_end_of_its_buffer_reads_nothing_beyond_it() -> None:
    body = pa.py_buffer(b"abcdef")  # six bytes, no padding behind them
    offsets = pa.py_buffer(np.array([0, 3, 6], np.int32).tobytes())
    texts = pa.Array.from_buffers(pa.string(), 2, [None, offsets, body])
    assert tags(texts) == [scalar(b"abc"), scalar(b"def")]


def test_no_rows_and_no_bytes() -> None:
    assert tags(column([], pa.string())) == []
    assert tags(pa.nulls(2, pa.string()).fill_null("")) == [scalar(b""), scalar(b"")]
    assert len(tags(pa.nulls(3, pa.large_string()))) == 3, "a null has some tag, whichever"
