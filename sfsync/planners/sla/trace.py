"""From what Salesforce kept of a case to the events the clocks are computed from. Whole columns.

A field that was changed began with the oldest value its history knows. Statuses become pauses, resolutions and
reopenings; published comments, e-mails and completed calls become first responses and updates. An automatic
acknowledgement never counts (policy C.4): an e-mail whose headers say that it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sfsync.planners.sla.figures import Figures
from sfsync.planners.sla.inputs import Cases, Events, no_events
from sfsync.planners.sla.words import LEGAL, MINUTE, NONE, PRIORITIES, STATUSES, TIERS, EventKind
from sfsync.sides.salesforce.happened import Happened

AHEAD = 5 * MINUTE  # how far ahead of us a stamp may be (policy C.4, rule 8)
HEARD = 15 * MINUTE  # a pause needs a message to the requester so shortly before it (pause rule 4)
OTHER = "other"
DONE = ("Resolved", "Closed")
STAMPS = ("first_response", "answered", "mitigated", "resolved", "last_update", "pir_delivered")
DRAFT = "5"  # EmailMessage.Status
AUTOMATIC = r"(?im)^(?:auto-submitted:\s*auto|x-autoreply:\s*yes|precedence:\s*auto_reply)"  # RFC 3834
FIELDS = {"tier": "SFS_Tier__c", "category": "Type", "priority": "Priority"}
KINDS = {"tier": EventKind.TIER, "category": EventKind.CATEGORY, "priority": EventKind.PRIORITY}


@dataclass(frozen=True)
class Trace:
    """Cases and events for the engine, and what cannot be used.

    rows       frame of the cases that can be used: id, key, stamp, status, owner, priority, hold; position = case
    problems   frame id, key, code, stamp: cases left out (E-TIER, E-STATUS, E-TIME-FUTURE …)
    warnings   frame id, key, code: cases taken, with something to say (W-TYPE; E-TIME-FUTURE: a stamp was left out)
    """

    rows: pd.DataFrame
    cases: Cases
    events: Events
    problems: pd.DataFrame
    warnings: pd.DataFrame


@dataclass(frozen=True)
class Majeure:
    """A declared force majeure: microseconds UTC, ``until`` None while it goes on; no tiers or queues: all."""

    since: int
    until: int | None
    tiers: frozenset[str]
    queues: frozenset[str]


def trace(found: Happened, figures: Figures, as_of: int, majeures: Sequence[Majeure] = ()) -> Trace:
    """What happened to these cases until ``as_of`` (microseconds UTC)."""
    rows = found.cases.reset_index(drop=True)
    rows["key"] = rows["key"].where(rows["key"].notna(), "SF-" + rows["number"].astype(str))
    begun = rows["received"].fillna(rows["created"])
    rows["received"] = rows["since"].where(rows["since"] < begun, begun)  # that of a duplicate, if earlier (policy C.6)
    history = _placed(found.history, rows)
    first = {name: _first(rows[name], history, field) for name, field in FIELDS.items()}
    t0 = micros(rows["received"])
    problems = _problems(rows, history, first, t0, as_of, figures)
    good = ~rows["id"].isin(problems["id"]).to_numpy(bool)
    place = np.where(good, np.cumsum(good) - 1, -1)
    future = _future(rows, as_of)
    rows, warnings = rows.mask(future), _warnings(rows[good], first, future[good], figures)
    events = _joined(list(_events(found, rows, history, figures)))
    mine = events.take(place[events.case] >= 0) if len(events) else events
    events = Events(place[mine.case], mine.at, mine.kind, mine.value, mine.sent) if len(mine) else no_events()
    first = {name: column[good] for name, column in first.items()}
    cases = _cases(rows[good], first, t0[good], figures)
    events = _joined([events, *(e for m in majeures for e in _declared(m, cases, figures))])
    return Trace(rows[good].reset_index(drop=True), cases, events, problems, warnings)


def micros(at: pd.Series) -> np.ndarray:
    """int64 microseconds UTC; ``NONE`` where there is no instant."""
    found = at.to_numpy("datetime64[us]").view(np.int64).copy()
    found[at.isna().to_numpy(bool)] = NONE
    return found


# -- the case as it was created --


def _placed(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The frame with each row's case (position), in the order of time."""
    place = pd.Series(np.arange(len(rows)), index=rows["id"])
    known = frame[frame["id"].isin(place.index)]
    made = known.assign(case=place.reindex(known["id"]).to_numpy(np.int64), micros=micros(known["at"]))
    return made.sort_values(["case", "micros"], kind="stable").reset_index(drop=True)


def _first(now: pd.Series, history: pd.DataFrame, field: str) -> np.ndarray:
    changes = history[history["field"] == field].drop_duplicates("case")
    made = now.to_numpy(object).copy()
    made[changes["case"].to_numpy(np.int64)] = changes["old"].to_numpy(object)
    return made


def _cases(rows: pd.DataFrame, first: dict[str, np.ndarray], t0: np.ndarray, figures: Figures) -> Cases:
    incident = rows["incident"].fillna(False).to_numpy(bool)
    return Cases(
        tier=_numbers(first["tier"], TIERS, "STANDARD"),
        priority=_numbers(first["priority"], PRIORITIES, PRIORITIES[-1]),
        channel=_numbers(rows["channel"], figures.channels, None),
        category=_numbers(first["category"], figures.categories, OTHER),
        t0=t0,
        incident=incident | rows["in_incident"].to_numpy(bool),
        incident_parent=incident,
    )


def _numbers(words: Sequence[object] | pd.Series, known: Sequence[str], other: str | None) -> np.ndarray:
    numbers = pd.Series(list(words), dtype=object).map({w: i for i, w in enumerate(known)})
    return numbers.fillna(known.index(other) if other else -1).to_numpy(np.int16)


def _problems(
    rows: pd.DataFrame,
    history: pd.DataFrame,
    first: dict[str, np.ndarray],
    t0: np.ndarray,
    as_of: int,
    figures: Figures,
) -> pd.DataFrame:
    """What a case is made of must be known as it is now, and as it was before any change that counts."""
    checks = {
        "E-TIER": _odd(rows["tier"], TIERS) | _odd(first["tier"], TIERS),
        "E-PRIORITY": _odd(rows["priority"], PRIORITIES),
        "E-STATUS": _odd(rows["status"], STATUSES) | rows["status"].isna().to_numpy(bool),
        "E-CHANNEL": _odd(rows["channel"], figures.channels),
        "E-TIME-FUTURE": t0 > as_of + AHEAD,
    }
    found = [rows[mask][["id", "key", "stamp"]].assign(code=code) for code, mask in checks.items()]
    return pd.concat(found, ignore_index=True).drop_duplicates("id")


def _odd(words: pd.Series | np.ndarray, known: Sequence[str]) -> np.ndarray:
    """bool n: a word, and none of the known ones."""
    given = pd.Series(words, dtype=object)
    return (given.notna() & ~given.isin(known)).to_numpy(bool)


def _future(rows: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """The frame's cells that hold a stamp nobody can have made yet (policy C.4, rule 8)."""
    limit = pd.Timestamp(as_of + AHEAD, unit="us", tz="UTC")
    return pd.DataFrame({n: rows[n] > limit if n in STAMPS else False for n in rows.columns}, index=rows.index)


def _warnings(rows: pd.DataFrame, first: dict[str, np.ndarray], future: pd.DataFrame, figures: Figures) -> pd.DataFrame:
    unknown = _odd(rows["category"], figures.categories)
    checks = {"E-TIME-FUTURE": future.any(axis=1).to_numpy(bool), "W-TYPE": unknown}
    found = [rows[mask][["id", "key"]].assign(code=code) for code, mask in checks.items()]
    return pd.concat(found, ignore_index=True).drop_duplicates("id")


# -- what happened to it --


def _declared(majeure: Majeure, cases: Cases, figures: Figures) -> Iterator[Events]:
    """A queue is that of a case if a level of its path belongs to it."""
    tiers = np.array([not majeure.tiers or t in majeure.tiers for t in TIERS])
    paths = np.array([not majeure.queues or bool(majeure.queues & set(owners)) for owners in figures.owners])
    mine = np.flatnonzero(tiers[cases.tier] & paths[figures.path[cases.tier, cases.category]])
    for at, kind in ((majeure.since, EventKind.FORCE_MAJEURE), (majeure.until, EventKind.FORCE_MAJEURE_END)):
        if at is not None:
            yield _of(pd.DataFrame({"case": mine, "micros": np.full(len(mine), at)}), kind)


def _events(found: Happened, rows: pd.DataFrame, history: pd.DataFrame, figures: Figures) -> Iterator[Events]:
    comments, emails = _placed(found.comments, rows), _placed(found.emails, rows)
    said = comments[_reaches(comments, rows)]
    incoming = emails["incoming"].fillna(False).astype(bool)
    automatic = emails["headers"].astype("string").str.contains(AUTOMATIC).fillna(False).astype(bool)
    sent = emails[~incoming & ~automatic & (emails["status"] != DRAFT)]
    spoken = [f[["case", "micros"]] for f in (said, sent, _placed(found.calls, rows))]
    told = pd.concat([*spoken, _stamped(rows, "last_update")])
    yield _of(told, EventKind.PUBLIC_UPDATE)
    answered = pd.concat([told, _stamped(rows, "first_response"), _stamped(rows, "answered")])
    yield _of(answered.sort_values("micros").drop_duplicates("case"), EventKind.FIRST_RESPONSE)
    yield _of(emails[incoming], EventKind.RESUME)
    yield _of(_stamped(rows, "mitigated"), EventKind.MITIGATED)
    yield _of(_stamped(rows[rows["pir_whole"]], "pir_delivered"), EventKind.PIR_DELIVERED)
    words = _placed(found.words, rows)
    partner = (rows["tier"] == "PARTNER").to_numpy(bool)[words["case"].to_numpy(np.int64)]
    words = words[~(partner & (words["value"] == LEGAL).to_numpy(bool))]  # licences and the authority are their trade
    yield _of(words, EventKind.WORDS, words["value"].to_numpy(np.int16))
    for name, field in FIELDS.items():
        yield _changes(history[history["field"] == field], KINDS[name], name, figures)
    yield from _statuses(history[history["field"] == "Status"], rows, told, figures)


def _reaches(comments: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """bool n: the requester can read it. In quiet mode the host stands for him, and reads what people write inside."""
    quiet = rows["quiet"].to_numpy(bool)[comments["case"].to_numpy(np.int64)]
    published: np.ndarray = comments["published"].fillna(False).to_numpy(bool)
    return published | (quiet & ~comments["ours"].to_numpy(bool))


def _stamped(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    at = rows[name].dropna()
    return pd.DataFrame({"case": at.index.to_numpy(np.int64), "micros": micros(at)})


def _changes(history: pd.DataFrame, kind: EventKind, name: str, figures: Figures) -> Events:
    words = {"tier": TIERS, "priority": PRIORITIES, "category": figures.categories}[name]
    numbers = _numbers(history["new"], words, OTHER if name == "category" else None)
    made = _of(history, kind, numbers)
    return made.take(numbers >= 0)


def _statuses(history: pd.DataFrame, rows: pd.DataFrame, told: pd.DataFrame, figures: Figures) -> Iterator[Events]:
    new, old = history["new"], history["old"]
    stops = new.isin(figures.pause_statuses).to_numpy(bool)
    waits = new.str.startswith("Waiting").fillna(False).to_numpy(bool)
    waited = old.str.startswith("Waiting").fillna(False).to_numpy(bool)
    pauses = history[waits]
    yield _of(pauses, EventKind.PAUSE, stops[waits].astype(np.int16), _heard(pauses, told))
    yield _of(history[waited & ~waits], EventKind.RESUME)
    done, was_done = new.isin(DONE).to_numpy(bool), old.isin(DONE).to_numpy(bool)
    gone = (new == "Cancelled").to_numpy(bool)
    yield _of(_as_stamped(history[done & ~was_done], history[was_done & ~done], rows), EventKind.RESOLVED)
    yield _of(history[was_done & ~done & ~gone], EventKind.REOPENED)
    yield _of(history[gone], EventKind.CANCELLED)
    yield from _from_the_start(history, rows, figures)


def _as_stamped(ends: pd.DataFrame, reopened: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Resolutions; the last one of a case that is resolved now was when the case's own stamp says."""
    stamp = _stamped(rows[rows["status"].isin(DONE)], "resolved").set_index("case")["micros"]
    last = ~ends.duplicated("case", keep="last").to_numpy(bool)
    own = ends["case"].map(stamp)
    since = ends["case"].map(reopened.groupby("case")["micros"].max())
    holds = last & own.notna().to_numpy(bool) & ~(own < since).to_numpy(bool)
    return ends.assign(micros=np.where(holds, own.fillna(0).astype("int64"), ends["micros"]))


def _from_the_start(history: pd.DataFrame, rows: pd.DataFrame, figures: Figures) -> Iterator[Events]:
    """Cases that were made waiting, resolved or cancelled: no history tells of it."""
    made = pd.Series(_first(rows["status"], history, "Status"), index=rows.index)
    since = rows["created"].where(rows["created"] > rows["received"], rows["received"])
    left = history.drop_duplicates("case").set_index("case")["at"].reindex(rows.index)
    over = rows["resolved"].fillna(rows["closed"])
    over = over.where(~(over > left), pd.NaT).fillna(since)
    for words, at, kind in (
        (figures.pause_statuses, since, EventKind.PAUSE),
        (DONE, over, EventKind.RESOLVED),
        (("Cancelled",), rows["closed"].fillna(since), EventKind.CANCELLED),
    ):
        mine = at[made.isin(words)]
        found = pd.DataFrame({"case": mine.index.to_numpy(np.int64), "micros": micros(mine)})
        yield _of(found, kind, np.ones(len(found), np.int16))


def _heard(pauses: pd.DataFrame, told: pd.DataFrame) -> np.ndarray:
    """bool n: a message went to the requester within the quarter of an hour before."""
    if not len(pauses) or not len(told):
        return np.zeros(len(pauses), bool)
    left = pauses[["case", "micros"]].assign(place=np.arange(len(pauses))).sort_values("micros")
    right = told.rename(columns={"micros": "heard"}).sort_values("heard")
    found = pd.merge_asof(left, right, left_on="micros", right_on="heard", by="case", tolerance=HEARD)
    made = np.zeros(len(pauses), bool)
    made[found["place"]] = found["heard"].notna().to_numpy(bool)
    return made


def _of(rows: pd.DataFrame, kind: EventKind, value: np.ndarray | None = None, sent: np.ndarray | None = None) -> Events:
    n = len(rows)
    return Events(
        rows["case"].to_numpy(np.int64),
        rows["micros"].to_numpy(np.int64),
        np.full(n, kind, np.int16),
        np.zeros(n, np.int16) if value is None else value.astype(np.int16),
        np.zeros(n, bool) if sent is None else sent,
    )


def _joined(parts: Sequence[Events]) -> Events:
    some = [p for p in parts if len(p)]
    if not some:
        return no_events()
    return Events(*(np.concatenate([getattr(p, n) for p in some]) for n in ("case", "at", "kind", "value", "sent")))
