"""Bulk results joined to the rows sent: in any order, incomplete, contradictory, with strangers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from sfsync.sides.salesforce.faults import fault
from sfsync.sides.salesforce.joined import joined
from sfsync.sides.side import TEXT

KEY = "Key__c"


def done(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[KEY, "sf__Id", "sf__Created"], dtype=TEXT)


def refused(*rows: tuple[str, str | None, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[KEY, "sf__Id", "sf__Error"], dtype=TEXT)


def left(*keys: str) -> pd.DataFrame:
    return pd.DataFrame({KEY: pd.Series(keys, dtype=TEXT)})


def join(sent: list[str], *files: pd.DataFrame, kind: str = "create", rest: Any = None) -> pd.DataFrame:
    done, refused, left = (pa.Table.from_pandas(f, preserve_index=False) for f in files)
    keys = pd.Index(sent, dtype=TEXT)
    return joined(pa.array(sent, pa.large_string()), keys, KEY, (done, refused, left), kind, rest)


def test_results_in_another_order_reach_their_rows() -> None:
    found = join(
        ["a", "b", "c"],
        done(("c", "3", "true"), ("a", "1", "false")),
        refused(("b", None, "DUPLICATE_VALUE:x:--")),
        left(),
    )
    assert found["result"].tolist() == ["updated", "failed", "created"]
    assert found["id"].tolist()[::2] == ["1", "3"]
    assert found.loc["b", ["code", "kind_of_failure"]].tolist() == ["DUPLICATE_VALUE", "data"]
    assert found.loc["a", ["code", "reason"]].isna().all()


def test_a_row_nobody_mentions_is_unknown_not_done() -> None:
    found = join(["a", "b"], done(("a", "1", "true")), refused(), left())
    assert found["result"].tolist() == ["created", "unknown"]
    assert found.loc["b", "code"] == "RESULT_MISSING"


def test_a_row_in_both_files_is_unknown() -> None:
    found = join(["a"], done(("a", "1", "true")), refused(("a", "1", "X:y:--")), left())
    assert found["result"].tolist() == ["unknown"]
    assert found.loc["a", "code"] == "RESULT_TWICE"


def test_strangers_and_repeats_make_no_rows() -> None:
    found = join(
        ["a"],
        done(("z", "9", "true"), ("a", "1", "true"), ("a", "1", "true")),
        refused(("y", None, "X:y:--")),
        left("x"),
    )
    assert found.index.tolist() == ["a"]
    assert found["result"].tolist() == ["created"]


def test_unprocessed_rows_failed_for_now() -> None:
    found = join(["a", "b"], done(("a", "1", "true")), refused(), left("b"))
    assert found.loc["b", ["result", "code", "kind_of_failure"]].tolist() == ["failed", "UNPROCESSED", "transient"]


@pytest.mark.parametrize("rows", [left("a"), left()])
def test_rows_of_a_failed_job_carry_its_reason(rows: pd.DataFrame) -> None:
    found = join(["a"], done(), refused(), rows, rest=fault("InvalidBatch"))
    assert found.loc["a", ["result", "code"]].tolist() == ["failed", "InvalidBatch"]


@pytest.mark.parametrize(("kind", "verb"), [("update", "updated"), ("delete", "deleted")])
def test_updates_and_deletes_have_their_own_verb(kind: str, verb: str) -> None:
    assert join(["a"], done(("a", "a", "false")), refused(), left(), kind=kind)["result"].tolist() == [verb]
