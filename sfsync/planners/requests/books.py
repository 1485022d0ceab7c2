"""What the platform knows of shops, operators and terminals: whole tables, read once, looked up by joins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.cells import as_mask, flat

SHOPS = ("shop_code", "company_code", "shop_kind", "state", "province", "trading_name")
OPERATORS = ("operator_code", "shop_code", "role", "status", "email", "phone_mobile")
TERMINALS = ("terminal_id", "shop_code", "kind", "state", "last_seen_at")
_WORKING_KIND, _RETIRED = "pos", "retired"


@dataclass(frozen=True)
class Books:
    """Tables with the columns above, all text."""

    shops: pa.Table
    operators: pa.Table
    terminals: pa.Table


def at(table: pa.Table, name: str, places: np.ndarray) -> pa.Array:
    """The table's column at these places (int64 n); null where the place is -1."""
    wanted = pa.array(np.where(places < 0, 0, places), mask=places < 0)
    column = flat(table[name])
    return column.take(wanted) if len(column) else pa.nulls(len(places), pa.string())


def find(keys: pa.Array, values: pa.Array) -> np.ndarray:
    """int64 n: where each value stands among the keys, upper and lower case alike; -1 where it does not."""
    found = pc.index_in(pc.ascii_upper(values), value_set=pc.ascii_upper(keys)) if len(keys) else None
    if found is None:
        return np.full(len(values), -1, np.int64)
    places = np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)
    return np.where(as_mask(pc.is_valid(values)), places, -1)


@dataclass(frozen=True)
class Shops:
    """Where the shops of n rows stand in the table (-1: nowhere); ``padded`` and ``several`` are bool n."""

    places: np.ndarray
    padded: np.ndarray
    several: np.ndarray


def shops(books: Books, codes: pa.Array) -> Shops:
    """Shops by their code; of a code that lost its leading zeros, the only shop it can be."""
    keys = flat(books.shops["shop_code"])
    places = find(keys, codes)
    lost = (places < 0) & as_mask(pc.match_substring_regex(codes, r"^\d+$"))
    padded, several = np.zeros(len(codes), bool), np.zeros(len(codes), bool)
    if lost.any() and len(keys):
        short = pc.utf8_ltrim(codes, "0")
        bare = pc.utf8_ltrim(keys, "0")
        numeric = pc.match_substring_regex(keys, r"^\d+$")
        bare = pc.if_else(numeric, bare, pa.scalar(None, pa.string()))
        counts = pd.Series(bare.to_pylist()).value_counts()
        how_many = pd.Series(short.to_pylist()).map(counts).fillna(0).to_numpy()
        several = lost & (how_many > 1)
        padded = lost & (how_many == 1)
        places = np.where(padded, find(flat(bare), short), places)
    return Shops(places, padded, several)


def operators(books: Books, shop: pa.Array, code: pa.Array, email: pa.Array, phone: pa.Array) -> np.ndarray:
    """Where the asking operators stand: by their code, else the one of the shop with this address or number."""
    table = books.operators
    places = find(flat(table["operator_code"]), code)
    for name, values in (("email", email), ("phone_mobile", phone)):
        own = pc.binary_join_element_wise(flat(table["shop_code"]), pc.utf8_lower(flat(table[name])), "|")
        ours = pc.binary_join_element_wise(shop, pc.utf8_lower(values), "|")
        once = pd.Series(own.to_pylist()).duplicated(keep=False).to_numpy() if len(own) else np.zeros(0, bool)
        unique = pc.if_else(pa.array(once), pa.scalar(None, pa.string()), own) if len(own) else own
        open_ = (places < 0) & as_mask(pc.is_null(code))
        places = np.where(open_, find(flat(unique), flat(ours)), places)
    return places


def no_working_pos(books: Books, shop: pa.Array, faulty: pa.Array, at_: pa.Array) -> np.ndarray:
    """bool n: every POS of the row's shop is among the terminals these rows call faulty, and unseen since.

    ``faulty``: terminal ids (null: the row is about something else); ``at_``: instants of the faults. A terminal the
    platform has seen after its fault, or of which it does not say when it saw it, counts as working.
    """
    table = books.terminals.filter(
        pc.and_(pc.equal(books.terminals["kind"], _WORKING_KIND), pc.not_equal(books.terminals["state"], _RETIRED))
    )
    places = find(flat(table["terminal_id"]), faulty)
    first = pd.Series(at_.to_pylist())[places >= 0].groupby(places[places >= 0]).min()
    since = pd.Series(first, index=range(table.num_rows), dtype=object)
    seen = pd.Series(flat(table["last_seen_at"]).to_pylist(), dtype=object)
    down = pd.Series(
        since.notna().to_numpy() & seen.notna().to_numpy() & (seen.fillna("") < since.fillna("")).to_numpy()
    )
    dead = down.groupby(flat(table["shop_code"]).to_pylist()).all() if table.num_rows else pd.Series(dtype=bool)
    found = pd.Series(shop.to_pylist()).map(dead.to_dict()).fillna(False).to_numpy(bool)
    return found & as_mask(pc.is_valid(faulty))
