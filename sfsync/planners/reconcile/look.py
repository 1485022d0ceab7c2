"""The closer look: what would be written is read anew in Salesforce, so that only what still differs counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge.decide import Action
from sfsync.merge.verdict import Presence
from sfsync.planners.sync.bucket import Draft
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.make import Sources
from sfsync.planners.sync.recall import Recall
from sfsync.sides.side import Records, concat

_OVER = ("detached", "merged")  # records whose deletion was settled long ago


def acting(draft: Draft, recall: Recall, links: Links) -> np.ndarray:
    """The records (bool, n) something would be written for, or a person asked.

    Differences that were granted, or that no side may correct, stay from night to night: they cost no call.
    """
    a, presence = draft.aligned, draft.presence
    to_salesforce = draft.actions == Action.SALESFORCE
    links.drop_unknown_users(a.mapping, a.platform, to_salesforce)
    cells = to_salesforce | np.isin(draft.actions, (Action.PLATFORM, Action.ASK))
    found: np.ndarray = cells.any(axis=1) & (presence == Presence.BOTH)
    found |= presence == Presence.NEW_ON_PLATFORM
    found |= (presence == Presence.GONE_FROM_SALESFORCE) & ~recall.state.isin(_OVER).fillna(False).to_numpy(bool)
    if a.mapping.salesforce.born:
        found |= presence == Presence.NEW_IN_SALESFORCE
    return found | (a.s_meta["keyless"].fillna(False).to_numpy(bool) & a.s_here)


@dataclass(frozen=True)
class Again:
    """Salesforce's records after the closer look.

    ``astray`` (bool per key): lives in Salesforce, but not as a record of this mapping with this key.
    """

    salesforce: Records
    astray: np.ndarray


def again(
    sources: Sources, mapping: Mapping, keys: pd.Index, wanted: np.ndarray, first: Records, recall: Recall, begun: str
) -> Again:
    """Reads the ``wanted`` (bool, n) of the ``keys`` anew.

    ``first``: all of them as the complete read found them; ``begun``: the stamp from which on a change may have come
    after that read.
    """
    ids = first.meta["id"].where(~first.meta["deleted"]).reindex(keys)
    now = sources.salesforce.fetch(mapping, keys[wanted], ids[wanted])
    unseen = wanted & ids.isna().to_numpy(bool)
    older = (now.meta["stamp"].reindex(keys) < begun).fillna(False).to_numpy(bool)
    astray = unseen & older
    lost = unseen & ~keys.isin(now.values.index)
    astray |= keys.isin(_renamed(sources, mapping, recall.ids[lost].dropna()))
    kept = ~first.values.index.isin(keys[wanted]) | first.meta["deleted"].to_numpy(bool)
    rest = Records(first.values[kept], first.meta[kept], first.observed, first.problems)
    return Again(concat(mapping, [rest, now]), astray)


def _renamed(sources: Sources, mapping: Mapping, ids: pd.Series) -> pd.Index:
    """Keys whose record still lives under the id the ledger knows: its key was changed or taken away."""
    if not len(ids):
        return ids.index
    return sources.salesforce.fetch(mapping, ids.index, ids).values.index
