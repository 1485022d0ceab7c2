"""Digests instead of values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.ledger.digest import KeyedDigest, hexed, of_rows
from sfsync.ledger.keys import derive
from sfsync.mapping.model import Mapping
from sfsync.sides.side import TEXT

KEY = b"0123456789abcdef0123456789abcdef"


def mapping(name: str = "player") -> Mapping:
    def field(column: str, **more: object) -> dict[str, object]:
        return {"platform": column, "salesforce": column.title(), **more}

    return Mapping.model_validate(
        {
            "mapping": name,
            "platform": {"table": "players", "key": "player_id"},
            "salesforce": {"object": "Account", "key": "SFS_Player_Id__c"},
            "fields": {"email": field("email"), "phone": field("phone"), "tax": field("tax", sensitive=True)},
        }
    )


def frame(keys: list[str] | None = None, **columns: list[str | None]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    index = pd.Index(keys or [f"P-{i}" for i in range(count)], dtype=TEXT, name="key")
    return pd.DataFrame({n: pd.Series(v, dtype=TEXT, index=index) for n, v in columns.items()}, index=index)


def digests(values: pd.DataFrame, key: bytes = KEY, name: str = "player") -> np.ndarray:
    return KeyedDigest(key).frame(values, mapping(name))


def test_equal_text_is_equal_and_other_text_is_other() -> None:
    found = digests(frame(email=["a", "b", "a"], phone=["1", "2", "1"]))
    assert found.dtype == np.uint64 and found.shape == (3, 3)
    assert (found[0] == found[2]).all() and (found[0, :2] != found[1, :2]).all()


def test_null_is_one_unobserved_is_zero_and_empty_is_a_value() -> None:
    found = digests(frame(email=[None, "", "x"], tax=[None, "", "x"]))
    assert found[:, 1].tolist() == [0, 0, 0], "the column was not delivered"
    assert found[0].tolist() == [1, 0, 1]
    assert (found[1:, [0, 2]] > 1).all()


def test_order_and_position_of_columns_follow_the_mapping() -> None:
    one = digests(frame(email=["a"], phone=["b"]))
    other = digests(frame(phone=["b"], email=["a"]))
    assert one.tolist() == other.tolist()


def test_the_key_the_mapping_and_the_field_are_in_it() -> None:
    values = frame(email=["a"], phone=["a"], tax=["a"])
    here = digests(values)
    assert len(set(here[0])) == 3
    assert (here != digests(values, b"another key, just as long as that")).all()
    assert (here != digests(values, name="shop")).all()
    assert (here == digests(values)).all(), "the same in every process"


def test_sensitive_values_differ_from_record_to_record() -> None:
    found = digests(frame(["P-1", "P-2"], email=["same", "same"], tax=["true", "true"]))
    assert found[0, 0] == found[1, 0] and found[0, 2] != found[1, 2]
    again = digests(frame(["P-2", "P-1"], email=["same", "same"], tax=["true", "true"]))
    assert found[0, 2] == again[1, 2]


def test_key_and_value_of_a_sensitive_cell_cannot_flow_into_each_other() -> None:
    assert digests(frame(["P-1"], tax=["2x"]))[0, 2] != digests(frame(["P-12"], tax=["x"]))[0, 2]


def test_a_column_of_few_values_has_the_same_digests_as_a_column_of_many() -> None:
    many = frame(email=[f"x{i}" for i in range(5_000)] + ["x1", None])
    few = frame(email=["x1", None] * 2_501)
    assert digests(many)[[1, -2, -1], 0].tolist() == [digests(few)[0, 0], digests(few)[0, 0], 1]
    assert digests(frame(email=[None] * 5_000))[:, 0].tolist() == [1] * 5_000


def test_no_rows() -> None:
    assert digests(frame(email=[], phone=[], tax=[])).shape == (0, 3)
    assert of_rows(np.zeros((0, 3), np.uint64)).empty


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=30, unique=True))
def test_any_text_has_a_digest_of_its_own(values: list[str]) -> None:
    found = digests(frame(email=list(values), tax=list(values)))
    assert len(set(found[:, 0])) == len(values) and (found[:, [0, 2]] > 1).all()


def scalar(name: str, value: str | None, key: str | None = None) -> int:
    """The digest of one cell, written from the module's description."""

    def tag(purpose: str, message: bytes) -> bytes:
        one = CMAC(AES(derive(KEY, purpose)[:16]))
        one.update(message)
        return one.finalize()

    if value is None:
        return 1
    if key is None:
        found = tag(f"digest player.{name}", value.encode())
    else:
        found = tag(f"sensitive player.{name}", tag("records player", key.encode()) + value.encode())
    number = int.from_bytes(found[:8], "little")
    return number + 2 if number < 2 else number


ANY = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(deadline=None)
@given(st.lists(st.tuples(ANY, ANY | st.none()), min_size=1, max_size=20, unique_by=lambda row: row[0]))
def test_a_cell_has_the_digest_its_description_gives_it(rows: list[tuple[str, str | None]]) -> None:
    keys, values = [k for k, _ in rows], [v for _, v in rows]
    found = digests(frame(keys, email=values, tax=values))
    assert found[:, 0].tolist() == [scalar("email", v) for v in values]
    assert found[:, 2].tolist() == [scalar("tax", v, k) for k, v in rows]


def test_how_a_column_lies_in_memory_does_not_matter() -> None:
    values: list[str | None] = ["aa", None, "b" * 40, "", "\N{GREEK SMALL LETTER ALPHA}"] * 600
    expected = digests(frame(email=values, tax=values)).tolist()
    twice = frame(email=[*values, *values], tax=[*values, *values])
    assert digests(twice.iloc[: len(values)]).tolist() == expected, "a slice"
    pieces = pd.concat([frame(email=values, tax=values).iloc[a:b] for a, b in ((0, 7), (7, 7), (7, len(values)))])
    assert digests(pieces).tolist() == expected, "several chunks"
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        other = pd.DataFrame(
            {n: pd.array(pa.array(values, kind), dtype=pd.ArrowDtype(kind)) for n in ("email", "tax")},
            index=frame(email=values).index,
        )
        assert digests(other).tolist() == expected, kind
    objects = pd.DataFrame({"email": values, "tax": values}, index=list(frame(email=values).index), dtype=object)
    assert digests(objects).tolist() == expected, "objects"


def test_a_row_digest_sees_every_cell_and_its_place() -> None:
    rows = np.array([[1, 2, 0], [2, 1, 0], [1, 2, 1], [0, 0, 0], [1, 2, 0]], np.uint64)
    found = of_rows(rows)
    assert found.nunique() == 4 and found[0] == found[4]
    assert found.str.fullmatch("[0-9a-f]{16}").all()


def test_hexed_keeps_all_64_bits() -> None:
    assert hexed(np.array([2**64 - 1, 1, 2**63], np.uint64)) == ["f" * 16, "0" * 15 + "1", "8" + "0" * 15]


def test_speed_is_of_the_right_order() -> None:
    """Whole columns: 200,000 rows must not take a Python loop's time (no assertion on seconds, see the benchmark)."""
    found = digests(frame(email=[f"user{i}@example.org" for i in range(200_000)]))
    assert len(np.unique(found[:, 0])) == 200_000
