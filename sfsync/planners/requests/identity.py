"""Which request is a row? Its key, what it says, and what it is about (domain requests D.4, idempotency).

The key is ``sha256(profile | shop | request id)``; without an id, of what the request says. What goes into the ledger
besides is digested under the ledger's key, so that nothing of a row can be read from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.planners.requests.catalogue import Catalogue
from sfsync.planners.requests.validate import Judged

_SAYS = ("occurred_at", "ticket_id", "terminal_id", "transaction_ref", "amount")
_NOT_CONTENT = ("request_id", "priority")
_GAP = "\x1f"


@dataclass(frozen=True)
class Identity:
    """Of n rows, object arrays.

    key      source key, 64 hexadecimal digits
    request  keyed digest of profile and request id; null without an id
    content  keyed digest of everything the row says
    alike    keyed digest of what the row is about (shop, type, terminal …); null where the type does not say
    """

    key: np.ndarray
    request: np.ndarray
    content: np.ndarray
    alike: np.ndarray


def identify(found: Judged, catalogue: Catalogue, profile: str, secret: bytes) -> Identity:
    """The identity of every row."""
    ids = found.fields["request_id"]
    shop = pc.fill_null(found.fields["shop_code"], "")
    named = pc.binary_join_element_wise(profile, shop, pc.fill_null(ids, ""), "|")
    keys = np.where(found.raw["request_id"], _plain(named), _plain(_said(found, shop)))
    content = [found.fields[n] for n in sorted(found.fields) if n not in _NOT_CONTENT]
    types = pa.array(found.types.tolist(), pa.string())
    whole = pc.binary_join_element_wise(*(pc.fill_null(c, "") for c in content), types, _GAP)
    request = pc.binary_join_element_wise(profile, ids, "|")
    return Identity(keys, _keyed(request, secret), _keyed(whole, secret), _keyed(_about(found, catalogue), secret))


def _said(found: Judged, shop: pa.Array) -> pa.Array:
    types = pa.array(found.types.tolist(), pa.string())
    text = pc.replace_substring_regex(pc.utf8_lower(pc.fill_null(found.fields["description"], "")), r"\s+", " ")
    parts = [pc.fill_null(found.fields[n], "") for n in _SAYS]
    return pc.binary_join_element_wise(shop, types, *parts, pc.utf8_trim_whitespace(text), "|")


def _about(found: Judged, catalogue: Catalogue) -> pa.Array:
    """Shop, type and the fields that make two requests one matter; null where the type or the row has none."""
    made = pa.nulls(len(found), pa.string())
    for one in catalogue.types:
        alike = one.repeat or one.duplicate
        rows = found.types == one.code
        if alike is None or not rows.any():
            continue
        parts = [found.fields["shop_code"], *(found.fields[n] for n in alike.by)]
        text = pc.binary_join_element_wise(one.code, *parts, "|")
        made = pc.if_else(pa.array(rows), text, made)
    return made


def _plain(texts: pa.Array) -> np.ndarray:
    return np.array([hashlib.sha256(t.encode()).hexdigest() for t in texts.to_pylist()], object)


def _keyed(texts: pa.Array, secret: bytes) -> np.ndarray:
    def work(text: str | None) -> str | None:
        return text and hashlib.blake2b(text.encode(), key=secret[:64], digest_size=16).hexdigest()

    return np.array([work(t) for t in texts.to_pylist()], object)


def first_of(keys: np.ndarray) -> np.ndarray:
    """int64 n: the row in which each row's key stands first; a null key is its own first."""
    codes, _ = pd.factorize(keys)
    rows = np.arange(len(keys))
    first = pd.Series(rows).groupby(codes).transform("min").to_numpy()
    return np.where(codes < 0, rows, first)
