"""Timelines made up by a seeded generator: plausible cases, and nasty ones on the edges of the policy."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
CHANNELS = ("phone", "chat", "messenger", "email", "portal", "import", "social", "onsite", "system")
PRIORITIES = ("P1", "P2", "P3", "P4")
PLAYER = (
    "registration", "login", "password_reset", "two_factor", "profile_update", "account_blocked", "geo_block",
    "kyc_upload", "kyc_review", "sof_sow", "deposit_failed", "deposit_pending", "withdrawal_failed",
    "withdrawal_pending", "payment_dispute", "billing_error", "fees_limits", "cash_drop", "account_adjustment",
    "game_unavailable", "game_technical", "session_disconnect", "content_loading", "mobile_app", "how_to",
    "bet_outcome", "large_payout_dispute", "fairness", "bonus_wagering", "bonus_missing",
    "bonus_request_discretionary", "limits", "cooling_off", "self_exclusion", "self_exclusion_revoke", "rg_signal",
    "payment_fraud", "bonus_abuse", "account_takeover", "aml_suspicion", "vip_reactivation", "vip_attrition",
    "vip_retention", "reservation", "tournament", "travel", "transfer_interrupted", "room_overbooking", "feedback",
    "complaint", "privacy_request", "other",
)  # fmt: skip
MILD = ("profile_update", "fees_limits", "how_to", "bonus_wagering", "feedback", "other")  # floor P4: all is possible
PARTNER = (
    "terminal_fault", "terminal_request", "connectivity_fault", "consumables", "ticket_dispute", "ticket_payout",
    "ticket_cancel", "voucher_issue", "topup_failed", "topup_reversal", "contract_change", "iban_change",
    "contact_change", "premises_move", "licence_document", "operator_create", "operator_disable", "credential_reset",
    "credit_limit_change", "commission_dispute", "overdue_settlement", "commission_change", "promo_material",
    "public_ip_change", "shop_suspend", "shop_close", "shop_transfer", "shop_open", "aml_identification",
    "inspection_notice", "training_howto", "partner_other",
)  # fmt: skip
PARTNER_MILD = ("terminal_request", "consumables", "contract_change", "promo_material", "training_howto")
STATUSES = ("WaitingCustomer", "WaitingPartner", "WaitingRegulator", "WaitingThirdParty")
DAYS = (
    (2026, 3, 27), (2026, 3, 28), (2026, 3, 29), (2026, 10, 23), (2026, 10, 24), (2026, 10, 25), (2026, 4, 2),
    (2026, 4, 3), (2026, 4, 5), (2026, 4, 6), (2026, 4, 24), (2026, 4, 30), (2026, 6, 1), (2026, 8, 14),
    (2026, 12, 7), (2026, 12, 23), (2026, 12, 24), (2026, 12, 31), (2027, 10, 1), (2026, 5, 12), (2026, 5, 14),
)  # fmt: skip
CLOCK_TIMES = (
    (0, 0, 0), (1, 30, 0), (2, 30, 0), (7, 59, 59), (8, 0, 0), (9, 17, 3), (12, 0, 0), (16, 30, 0), (17, 30, 0),
    (17, 59, 59), (18, 0, 0), (22, 50, 0), (23, 59, 55),
)  # fmt: skip
STEPS = (
    1, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 2700, 3600, 5400, 7200, 14400, 28800, 36000, 43200, 64800, 86400,
    129600, 172800, 259200, 432000, 604800, 864000,
)  # fmt: skip
LENGTHS = (
    10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 5400, 7200, 10800, 14400, 28800, 43200, 64800, 86400, 172800,
    259200, 604800, 1209600,
)  # fmt: skip
USUAL = (
    ["first_response"] * 3 + ["public_update"] * 4 + ["pause"] * 5 + ["resume"] * 4 + ["mitigated"] * 2
    + ["resolved"] * 2 + ["reopened"] * 2 + ["priority"] * 4 + ["tier"] * 2 + ["category"] * 2
    + ["pir_delivered", "cancelled"] + ["words"] * 2
)  # fmt: skip
STORIES = (
    ("first_response", "pause", "resume", "resolved"),
    ("first_response", "public_update", "mitigated", "resolved", "pir_delivered"),
    ("first_response", "resolved", "reopened", "resolved", "reopened", "resolved", "reopened", "resolved"),
    ("first_response", "pause", "priority", "resume", "priority"),
    ("first_response", "pause", "tier", "priority", "resolved", "reopened"),
    ("first_response", "pause", "pause", "resume", "pause"),
    ("first_response", "mitigated", "priority", "pause", "resume", "resolved", "reopened", "mitigated"),
    ("priority", "tier", "category", "priority", "tier", "priority"),
    ("first_response", "pause", "resolved", "pir_delivered", "reopened", "pir_delivered", "resolved"),
    ("resolved", "first_response", "reopened", "cancelled", "reopened"),
    ("first_response", "pause"),
    ("words", "first_response", "mitigated", "category", "priority", "resolved", "words", "reopened"),
    ("first_response", "pause", "words", "resume", "priority", "tier", "words"),
)


def stamp(moment: datetime, dice: Random) -> str:
    """The instant as text, in UTC or with the offset of Rome."""
    zone = UTC if dice.random() < 0.7 else ROME
    written = moment.astimezone(zone).isoformat()
    return written.replace("+00:00", "Z")


def beginning(dice: Random) -> datetime:
    """A T0: often a day and a time on an edge."""
    day = date(*dice.choice(DAYS)) if dice.random() < 0.7 else date(2026, 1, 7) + timedelta(days=dice.randrange(600))
    clock = time(*dice.choice(CLOCK_TIMES)) if dice.random() < 0.6 else time(dice.randrange(24), dice.randrange(60))
    local = datetime.combine(day, clock, tzinfo=ROME)
    return local.replace(fold=dice.randrange(2)).astimezone(UTC)


def category_for(tier: str, dice: Random) -> str:
    """A category; those of partners mostly for PARTNER, the mild ones often so that priorities can move."""
    if tier == "PARTNER" and dice.random() < 0.97:
        return dice.choice(PARTNER_MILD if dice.random() < 0.5 else PARTNER)
    return dice.choice(MILD if dice.random() < 0.45 else PLAYER)


def filled(kind: str, tier: str, dice: Random) -> dict[str, Any]:
    """An event of a kind without its instant."""
    event: dict[str, Any] = {"type": kind}
    if kind == "priority":
        event["value"] = dice.choice(PRIORITIES)
    elif kind == "tier":
        event["value"] = dice.choice(("STANDARD", "VIP", "VVIP", "VVIP", "PARTNER"))
    elif kind == "category":
        event["value"] = category_for(tier, dice)
    elif kind == "words":
        event["value"] = dice.choice(("legal", "harm"))
    elif kind == "pause":
        event["status"] = dice.choice(STATUSES) if dice.random() < 0.5 else "WaitingCustomer"
        if dice.random() < 0.95:
            event["message_sent"] = dice.random() < 0.85
    return event


def kinds(dice: Random) -> list[str]:
    """The kinds of 0 to 12 events in the order in which they happen."""
    story = list(dice.choice(STORIES)) if dice.random() < 0.6 else []
    for _ in range(dice.randrange(0, 13 - len(story)) if dice.random() < 0.8 else 0):
        story.insert(dice.randrange(len(story) + 1), dice.choice(USUAL))
    return story


def happenings(tier: str, t0: datetime, dice: Random) -> list[dict[str, Any]]:
    """The events, shuffled; no two of one kind at one instant."""
    small = dice.random() < 0.5
    now = t0
    taken: set[tuple[datetime, str]] = set()
    events = []
    for kind in kinds(dice):
        if dice.random() > 0.15:
            now += step(now, small, dice)
        if (now, kind) in taken:
            now += timedelta(seconds=1)
        taken.add((now, kind))
        events.append({"at": stamp(now, dice), **filled(kind, tier, dice)})
    if dice.random() < 0.03 and len(events) < 12:
        events.append({"at": stamp(t0 - timedelta(seconds=dice.choice((1, 3600))), dice), "type": "resolved"})
    if dice.random() < 0.03 and len(events) < 12:
        before = stamp(t0 - timedelta(seconds=dice.choice((1, 3600))), dice)
        events.append({"at": before, "type": "words", "value": dice.choice(("legal", "harm"))})
    dice.shuffle(events)
    return events


def step(now: datetime, small: bool, dice: Random) -> timedelta:
    """The time to the next event: a figure of the policy, any number of seconds, or up to an opening or a closing."""
    chance = dice.random()
    if chance < 0.6:
        return timedelta(seconds=dice.choice(STEPS[:16] if small else STEPS))
    if chance < 0.85:
        return timedelta(seconds=dice.randrange(1, 7200 if small else 200000))
    local = now.astimezone(ROME)
    day = local.date() + timedelta(days=dice.randrange(3))
    edge = datetime.combine(day, time(dice.choice((0, 8, 18))), tzinfo=ROME)
    ahead = edge.astimezone(UTC) - now
    return ahead if ahead > timedelta(0) else timedelta(minutes=dice.randrange(1, 90))


def majeure(t0: datetime, dice: Random) -> list[list[str]]:
    """Force-majeure windows, some overlapping, some touching, some begun before T0."""
    if dice.random() < 0.65:
        return []
    found = []
    begin = t0 + timedelta(seconds=dice.choice((-7200, -1, 0, 60, 600, 3600, 7200, 86400)))
    for _ in range(dice.choice((1, 1, 2, 3))):
        end = begin + timedelta(seconds=dice.choice((1, 600, 3600, 7200, 18000, 86400)))
        found.append([stamp(begin, dice), stamp(end, dice)])
        begin = dice.choice((end, begin + (end - begin) / 2, end + timedelta(seconds=dice.choice((1, 900, 7200)))))
        begin = begin.replace(microsecond=0)
    dice.shuffle(found)
    return found


def cases(seed: int, count: int) -> list[dict[str, Any]]:
    """So many timelines; the same seed always gives the same ones."""
    dice = Random(seed)
    made = []
    for number in range(count):
        tier = dice.choice(("VVIP", "VIP", "VIP", "STANDARD", "STANDARD", "PARTNER", "PARTNER"))
        t0 = beginning(dice)
        made.append(
            {
                "id": f"{seed}-{number}",
                "tier": tier,
                "priority": dice.choice(PRIORITIES),
                "channel": dice.choice(CHANNELS),
                "category": category_for(tier, dice),
                "t0": stamp(t0, dice),
                "events": happenings(tier, t0, dice),
                "force_majeure": majeure(t0, dice),
            }
        )
    return made


def as_of(case: dict[str, Any], dice: Random) -> datetime:
    """An instant to look at the case: at, just before or after an event, or a figure of the policy later."""
    t0 = datetime.fromisoformat(case["t0"]).astimezone(UTC)
    marks = [t0, *(datetime.fromisoformat(event["at"]).astimezone(UTC) for event in case["events"])]
    marks += [datetime.fromisoformat(edge).astimezone(UTC) for span in case["force_majeure"] for edge in span]
    mark = dice.choice(marks) if dice.random() < 0.7 else max(marks)
    chance = dice.random()
    if chance < 0.3:
        mark += timedelta(seconds=dice.choice((-1, 0, 0, 1)))
    elif chance < 0.85:
        mark += timedelta(seconds=dice.choice(LENGTHS) + dice.choice((-1, 0, 0, 1)))
    else:
        mark += timedelta(seconds=dice.randrange(2000000))
    return max(mark, t0)
