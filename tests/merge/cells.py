"""Literal cells for the tests of the merge: one field, three values, and the real digests between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sfsync.ledger.digest import KeyedDigest
from sfsync.mapping.model import Mapping
from sfsync.merge import decide, verdict
from sfsync.merge.align import Aligned, align
from sfsync.merge.decide import Action
from sfsync.merge.verdict import Verdict
from sfsync.sides.side import TEXT, Records, empty_problems

DIGEST = KeyedDigest(b"0" * 32)
UNSEEN, NEVER = object(), object()  # the cell was not observed; nothing was ever agreed
STAMP = "2026-03-02T10:00:00Z"


def mapping(**fields: dict[str, Any]) -> Mapping:
    """A mapping of these fields; each has a column and a Salesforce field of its own name."""
    named = {n: {"platform": n, "salesforce": f"{n}__c", **spec} for n, spec in fields.items()}
    sides = {"platform": {"table": "things", "key": "key"}, "salesforce": {"object": "Thing__c", "key": "Key__c"}}
    return Mapping.model_validate({"mapping": "thing", **sides, "fields": named})


def records(
    shape: Mapping,
    rows: dict[str, Sequence[Any]],
    *,
    stamps: Sequence[str | None] | None = None,
    problems: Sequence[tuple[str, str, str]] = (),
    **meta: Sequence[Any],
) -> Records:
    """Records of one side, literally; a column is not observed if its cell of the first row is ``UNSEEN``."""
    index = pd.Index(list(rows), dtype=TEXT, name="key")
    cells = [[None if v is UNSEEN else v for v in row] for row in rows.values()]
    values = pd.DataFrame(cells, columns=list(shape.columns), index=index).astype(TEXT)
    first = next(iter(rows.values()), ())
    hidden = {c for c, v in zip(shape.columns, first, strict=False) if v is UNSEEN}
    n = len(rows)
    known = {"id": [f"id-{k}" for k in rows], "stamp": stamps or [STAMP] * n, "survivor": [None] * n}
    frame = pd.DataFrame({c: pd.array(v, dtype=TEXT) for c, v in known.items()}, index=index)
    for name, kind in (("deleted", "bool"), ("keyless", "bool"), ("survivor", TEXT), ("id", TEXT)):
        if name in meta or name not in frame:
            frame[name] = pd.array(list(meta.get(name, [False] * n)), dtype=kind)
    for name in meta:
        if name.startswith("changed_at."):
            frame[name] = pd.array(list(meta[name]), dtype=TEXT)
    found = pd.DataFrame(problems, columns=["key", "field", "code"]).astype(TEXT) if problems else empty_problems()
    return Records(values, frame, frozenset(shape.columns) - hidden, found)


def base(shape: Mapping, rows: dict[str, Sequence[Any]], keys: pd.Index) -> np.ndarray:
    """Digests of what was agreed; ``NEVER`` is 0."""
    digests = np.zeros((len(keys), len(shape.columns)), np.uint64)
    for key, row in rows.items():
        frame = pd.DataFrame([[None if v is NEVER else v for v in row]], columns=list(shape.columns), index=[key])
        found = DIGEST.frame(frame.astype(TEXT).set_axis(pd.Index([key], dtype=TEXT)), shape)[0]
        digests[keys.get_loc(key)] = np.where([v is NEVER for v in row], np.uint64(0), found)
    return digests


def aligned(shape: Mapping, p: Records, s: Records, b: dict[str, Sequence[Any]], keys: Sequence[str] = ()) -> Aligned:
    """Both sides and the base, side by side."""
    union = [*p.values.index, *s.values.index, *b, *keys]
    index = pd.Index(list(dict.fromkeys(union)), dtype=TEXT, name="key")
    return align(shape, p, s, base(shape, b, index), index, DIGEST.bound(shape))


def judge(spec: dict[str, Any], p: Any, s: Any, b: Any, **more: Any) -> tuple[Verdict, Action]:
    """Verdict and action of one cell. ``p_stamp``, ``s_stamp``, ``changed_at``, ``said``, ``doubt`` as named."""
    shape = mapping(cell=spec)
    times = {"changed_at.cell": [more["changed_at"]]} if "changed_at" in more else {}
    here = records(shape, {"K": [p]}, stamps=[more.get("p_stamp", STAMP)], **times)
    there = records(shape, {"K": [s]}, stamps=[more.get("s_stamp", STAMP)])
    a = aligned(shape, here, there, {"K": [b]})
    verdicts = verdict.cells(a.p, a.s, a.b)
    said, doubt = np.array([[more.get("said", 0)]], np.int8), np.array([[more.get("doubt", False)]])
    return Verdict(verdicts[0, 0]), Action(decide.cells(a, verdicts, said, doubt)[0, 0])
