"""What has to be so before a pair's request is sent, and how the request reads on our org.

Most pairs need the records that they name; the others have a preparation of their own, found by the pair's name.
"""

from __future__ import annotations

import re

from scripts.replay_pairs.pairs import Pair
from scripts.replay_pairs.stage import Stage
from scripts.replay_pairs.states.base import Sent, named_records
from scripts.replay_pairs.states.bulk import BULK
from scripts.replay_pairs.states.classic import CLASSIC
from scripts.replay_pairs.states.entry import ENTRY
from scripts.replay_pairs.states.rows import ROWS

_BY_NAME = ENTRY | BULK | CLASSIC | ROWS


def prepare(stage: Stage, pair: Pair) -> Sent:
    """Brings the org to the pair's state and returns the request to send."""
    sent = Sent(pair, pair.method, pair.path, pair.headers, pair.sent)
    for pattern, act in _BY_NAME.items():
        if re.search(pattern, pair.name):
            return act(stage, sent)
    named_records(stage, pair)
    return sent
