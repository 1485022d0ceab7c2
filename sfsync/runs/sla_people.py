"""Who a case is about, and what may be given to him. Asked only where a sweep is about to propose something."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sfsync.planners.sla import recovery
from sfsync.runs.bench import Bench
from sfsync.sides import columns
from sfsync.sides.salesforce import happened, soql
from sfsync.sides.salesforce.happened import IDS, Happened
from sfsync.sides.side import TEXT

FLAGS = ("bonus_blocked", "contact_suppressed", "account_status")


def relationship(bench: Bench) -> str:
    """The relationship by which a case names its player: ``Account``, or ``Contact`` without person accounts."""
    return str(bench.mappings["case"].fields["player"].salesforce).partition(".")[0]


def read(bench: Bench, ids: Sequence[str]) -> Happened:
    """All that happened to these cases."""
    return happened.read(bench.salesforce.queries, ids, relationship(bench))


def about(bench: Bench, field: str, ids: Sequence[str]) -> dict[str, str]:
    """Keys of the players (``player``) or shops (``shop``) of cases, by case id; other cases are left out."""
    path = str(bench.mappings["case"].fields[field].salesforce)
    head, _, last = path.partition(".")
    found: dict[str, str] = {}
    for start in range(0, len(ids), IDS):
        some = next(soql.in_lists("Id", ids[start : start + IDS], soql.URL_CHARS - 200))
        for row in bench.salesforce.query(soql.select(["Id", path], "Case", some)):
            key = (row.get(head) or {}).get(last)
            found |= {row["Id"]: key} if key else {}
    return found


def without_play(bench: Bench, ids: Sequence[str]) -> set[str]:
    """Those of the cases whose player gets no play, as either side says; whom nobody knows gets none."""
    players = about(bench, "player", ids)
    keys = pd.Index(sorted(set(players.values())), dtype=TEXT, name="key")
    mapping = bench.mappings["player"]
    free = set(keys)
    for side in (bench.platform, bench.salesforce):
        here = columns.aligned(side.fetch(mapping, keys).values, keys)[list(FLAGS)]
        free &= set(keys[~recovery.blocked(here) & here["account_status"].notna().to_numpy(bool)])
    return {case for case in ids if players.get(case) not in free}


def overdue(bench: Bench, ids: Sequence[str]) -> set[str]:
    """Those of the cases whose shop owes us something, or is not known to the platform."""
    shops = about(bench, "shop", ids)
    keys = pd.Index(sorted(set(shops.values())), dtype=TEXT, name="key")
    here = columns.aligned(bench.platform.fetch(bench.mappings["shop"], keys).values, keys)["overdue"]
    clear = set(keys[(here == "false").fillna(False).to_numpy(bool)])
    return {case for case in ids if shops.get(case) not in clear}
