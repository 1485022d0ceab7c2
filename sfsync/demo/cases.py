"""Cases of the made-up operator: three in four from players, the rest from shops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sfsync.demo import identifiers as ids
from sfsync.demo.catalogue import PARTNER, PLAYER, VIP, Topic
from sfsync.demo.columns import DAY, Clock, codes, frame, pick, some
from sfsync.demo.identifiers import Texts
from sfsync.demo.people import agents

Columns = dict[str, Any]
CHANNELS = {"chat": 34, "phone": 26, "email": 22, "portal": 10, "messenger": 6, "social": 1.5, "onsite": 0.5}
BETS = ["bet_outcome", "large_payout_dispute", "ticket_dispute", "ticket_payout", "ticket_cancel"]
SPAN = 45 * DAY  # the oldest case
ANSWER_S = {"phone": 25, "chat": 60, "messenger": 900, "email": 7_200, "portal": 7_200, "social": 3_600, "onsite": 120}
RESOLVE_S = {"P1": 3 * 3_600, "P2": 10 * 3_600, "P3": 30 * 3_600, "P4": 50 * 3_600}
# Two in a thousand paste a card number into their text: what has to be masked must be there to be masked.
CARD_TEXT = " La carta è 4111 1111 1111 1111."


def make(
    rng: np.random.Generator, n: int, clock: Clock, players: pd.DataFrame, owners: pd.DataFrame, terminals: pd.DataFrame
) -> pd.DataFrame:
    """The ``cases`` table; ``owners`` and ``terminals`` hold one row per shop, in the order of the shops."""
    partner = _from_partners(rng, n, len(players), len(owners))
    who = _who(rng, partner, players, owners)
    what = _what(rng, who["tier"])
    where = _terminal(what["category"], who, owners, terminals)
    columns = {**who, **where, **what}
    columns |= _times(rng, clock, columns)
    columns |= _money(rng, clock, columns)
    columns.pop("shop_row")
    return frame(source_key=codes("PL-", n, 7), **columns)


def _from_partners(rng: np.random.Generator, n: int, players: int, shops: int) -> Texts:
    if not players or not shops:
        return np.full(n, bool(shops))
    return rng.random(n) < 0.25


def _who(rng: np.random.Generator, partner: Texts, players: pd.DataFrame, owners: pd.DataFrame) -> Columns:
    n = len(partner)
    row = rng.integers(0, max(len(players), 1), n)
    shop_row = rng.integers(0, max(len(owners), 1), n)
    tier = np.full(n, "PARTNER", dtype="U8")
    player_id: Any = np.full(n, None)
    if len(players):
        cared_for = np.flatnonzero(players["tier"].to_numpy() != "STANDARD")
        if len(cared_for):  # players with a host write far more often than others
            row = np.where(rng.random(n) < 0.12, rng.choice(cared_for, n), row)
        tier = np.where(partner, tier, players["tier"].to_numpy().astype("U8")[row])
        player_id = players["player_id"].to_numpy()[row]
    shop = owners["shop_code"].to_numpy()[shop_row] if len(owners) else np.full(n, None)
    operator = owners["operator_code"].to_numpy()[shop_row] if len(owners) else np.full(n, None)
    return {
        "player_id": some(~partner, player_id),
        "shop_code": some(partner, shop),
        "operator_code": some(partner & (rng.random(n) < 0.85), operator),
        "tier": tier,
        "shop_row": shop_row,
    }


def _what(rng: np.random.Generator, tier: Texts) -> Columns:
    n = len(tier)
    topics = (*PLAYER, *VIP, *PARTNER)
    chosen = np.zeros(n, dtype=int)
    start = 0
    for group, tiers in ((PLAYER, ["STANDARD"]), (VIP, ["VIP", "VVIP"]), (PARTNER, ["PARTNER"])):
        share = np.array([t.share for t in group])
        chosen = np.where(np.isin(tier, tiers), start + rng.choice(len(group), n, p=share / share.sum()), chosen)
        start += len(group)
    channel = np.where(
        tier == "PARTNER",
        pick(rng, {"phone": 5, "portal": 3, "email": 2}, n),
        pick(
            rng, {"chat": 34, "phone": 26, "email": 22, "portal": 10, "messenger": 6, "social": 1.5, "onsite": 0.5}, n
        ),
    )
    card = np.where(rng.random(n) < 0.002, CARD_TEXT, "")
    return _words(topics, chosen) | {
        "requested_priority": some(rng.random(n) < 0.2, pick(rng, {"P1": 5, "P2": 3, "P3": 2}, n)),
        "channel": channel,
        "place": some(channel == "onsite", "Sala eventi"),
        "language": pick(rng, {"it": 96, "en": 4}, n),
        "description": np.char.add(_column(topics, "description")[chosen], card),
    }


def _column(topics: tuple[Topic, ...], name: str) -> Texts:
    return np.array([getattr(t, name) for t in topics])


def _words(topics: tuple[Topic, ...], chosen: Texts) -> Columns:
    names = ("category", "subject", "priority")
    return {"subcategory": np.full(len(chosen), None), **{c: _column(topics, c)[chosen] for c in names}}


def _terminal(category: Texts, who: Columns, owners: pd.DataFrame, terminals: pd.DataFrame) -> Columns:
    """A terminal of the case's own shop, where the case is about one."""
    if not len(terminals):
        return {"terminal_id": np.full(len(category), None)}
    own = terminals.drop_duplicates("shop_code").set_index("shop_code")["terminal_id"]
    of_shop = own.reindex(who["shop_code"]).to_numpy(dtype=object)
    about = np.isin(category, ["terminal_fault", "voucher_issue"])
    return {"terminal_id": some(about & pd.notna(of_shop), of_shop)}


def _times(rng: np.random.Generator, clock: Clock, case: Columns) -> Columns:
    """Plausible instants; what has not happened yet is None."""
    n = len(case["channel"])
    age = (SPAN * rng.random(n) ** 1.5).astype(int) + 60
    wait = np.array([ANSWER_S[c] for c in case["channel"]]) * rng.lognormal(-0.2, 0.7, n)
    answer = np.minimum(wait, SPAN).astype(int) + 1
    work = np.array([RESOLVE_S[p] for p in case["priority"]]) * rng.lognormal(-0.3, 0.8, n)
    solve = answer + work.astype(int) + 60
    answered, solved = answer < age, (solve < age) & (rng.random(n) < 0.97)
    live = np.isin(case["channel"], ["phone", "chat", "messenger"])
    end = answer + rng.integers(60, 900, n)
    urgent = np.isin(case["priority"], ["P1", "P2"])
    last = np.where(solved, solve, np.where(answered, answer, 0))
    return {
        "received_at": clock.instant(age),
        "queue_entered_at": some(live, clock.instant(age)),
        "answered_at": some(live & answered, clock.instant(age - answer)),
        "ended_at": some(live & (end < age), clock.instant(age - end)),
        "first_response_at": some(answered, clock.instant(age - answer)),
        "mitigated_at": some(solved & urgent, clock.instant(age - (answer + solve) // 2)),
        "resolved_at": some(solved, clock.instant(age - solve)),
        **_state(rng, answered, solved, age - solve),
        "updated_at": clock.instant(np.maximum(age - last, 30)),
    }


def _state(rng: np.random.Generator, answered: Texts, solved: Texts, since_solved: Texts) -> Columns:
    n = len(solved)
    busy = pick(rng, {"Open": 4, "InProgress": 4, "WaitingCustomer": 2, "WaitingThirdParty": 1}, n)
    status = np.where(solved, np.where(since_solved > 7 * DAY, "Closed", "Resolved"), np.where(answered, busy, "New"))
    return {"status": status, "owner": some(answered, rng.choice(np.array(agents()), n))}


def _money(rng: np.random.Generator, clock: Clock, case: Columns) -> Columns:
    category = case["category"]
    n = len(category)
    bets = np.isin(category, BETS)
    paid = np.char.find(category, "deposit") >= 0
    paid |= (np.char.find(category, "withdrawal") >= 0) | (np.char.find(category, "topup") >= 0)
    amount = (rng.lognormal(8.4, 1.1, n)).astype(np.int64) + 500
    return {
        "ticket_id": some(bets, ids.join("0", ids.digits(rng, n, 15))),
        "event_date": some(bets, clock.date(rng.integers(0, 40, n))),
        "amount_minor": some(bets | paid, amount),
        "currency": some(bets | paid, "EUR"),
        "transaction_ref": some(paid, ids.join("TX", ids.digits(rng, n, 12))),
    }
