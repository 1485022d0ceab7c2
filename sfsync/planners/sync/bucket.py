"""One bucket of keys: what both sides delivered goes in, a segment of the plan comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from sfsync.ledger.digest import of_rows
from sfsync.mapping.model import FieldSpec, Mapping, Owner
from sfsync.merge import decide, verdict
from sfsync.merge.align import Aligned, align
from sfsync.merge.decide import Action
from sfsync.merge.guard import NULL, Sizes
from sfsync.merge.verdict import Presence
from sfsync.plan.model import (
    ADOPT,
    CREATE,
    ISSUE_COLUMNS,
    UPDATE,
    BaseRows,
    Cause,
    Changes,
    Segment,
    join,
    no_changes,
    no_rows,
)
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.recall import Recall
from sfsync.planners.sync.settling import unsettled
from sfsync.sides import columns
from sfsync.sides.side import TEXT, Records

Digest: TypeAlias = "Callable[[pd.DataFrame], np.ndarray]"
IN_DOUBT = "IN_DOUBT"  # a lost reply: neither a rule nor a deadline decides it
DELETED_IN_SALESFORCE = "DELETED_IN_SALESFORCE"
PARENT_MISSING = "PARENT_MISSING"


@dataclass(frozen=True)
class Draft:
    """A bucket after the merge: everything later steps look at."""

    aligned: Aligned
    presence: np.ndarray
    verdicts: np.ndarray
    actions: np.ndarray
    decided: np.ndarray  # bool n x f: a person, a rule or the deadline said so
    in_doubt: np.ndarray  # bool n x f
    problems: pd.DataFrame
    settled: np.ndarray  # bool n x f: automation changed it while a large load was at work; the base takes it
    accepted: np.ndarray  # bool n x f: of these, the cells in which the sides may now differ


def merge(
    mapping: Mapping, platform: Records, salesforce: Records, recall: Recall, keys: pd.Index, digest: Digest
) -> Draft:
    """Analyse and decide: the first two of the four steps, for ``keys`` (n)."""
    a = align(mapping, platform, salesforce, recall.digests, keys, digest)
    settled = unsettled(a, recall.loads)
    accepted = settled & (a.p == a.b)
    if settled.any():
        a = replace(a, b=np.where(settled, a.s, a.b))
    verdicts = verdict.cells(a.p, a.s, a.b)
    said = np.where(accepted, np.int8(Action.BASE), recall.said(mapping.columns, keys, a.p, a.s))
    asked = decide.cells(a, verdicts, said, recall.in_doubt)
    actions = asked
    if (asked == Action.ASK).any():
        actions = decide.answered(asked, recall.ruled(mapping.columns, keys, a.p, a.s), recall.in_doubt)
    decided = (said != 0) | (actions != asked)
    return Draft(
        a, verdict.presence(a), verdicts, actions, decided, recall.in_doubt, platform.problems, settled, accepted
    )


def segment(draft: Draft, recall: Recall, links: Links, sizes: Sizes, digest: Digest) -> Segment:
    """The bucket's piece of the plan."""
    a, mapping = draft.aligned, draft.aligned.mapping
    issues = [_problems(draft), _conflicts(draft), _deleted(draft, recall), _automated(draft)]
    changes = [*_updates(draft, links), *_creates(draft, recall, links)]
    joined, held = _linked(mapping, join(mapping.columns, changes), links)
    joined, parked = _without_parked(joined, recall, digest)
    frame, digests = _all_issues(draft, [*issues, held, parked], joined, recall)
    sizes.look(a)
    return Segment(mapping.name, joined, _agreed(draft, recall), frame, digests)


# --- changes ----------------------------------------------------------------------------------------------------


def _updates(draft: Draft, links: Links) -> list[Changes]:
    a = draft.aligned
    both = (draft.presence == Presence.BOTH)[:, None]
    if not both.any():
        return []
    good = ~a.bad[:, None]
    urgent = _writable(a.mapping, lambda f: f.lane == "compliance")
    to_salesforce = (draft.actions == Action.SALESFORCE) & both & _writable(a.mapping, _to_salesforce) & (good | urgent)
    to_platform = (draft.actions == Action.PLATFORM) & both & _writable(a.mapping, _to_platform) & good
    links.drop_unknown_users(a.mapping, a.platform, to_salesforce)
    why = np.where(draft.decided, Cause.DECIDED, draft.verdicts)
    return [
        *_by_lane(_changes(a, "salesforce", UPDATE, to_salesforce, why), a.mapping),
        _changes(a, "platform", UPDATE, to_platform, why),
        _changes(a, "salesforce", ADOPT, np.zeros_like(to_platform), why, rows=_keyless(a) & a.p_here),
    ]


def _creates(draft: Draft, recall: Recall, links: Links) -> list[Changes]:
    a, mapping = draft.aligned, draft.aligned.mapping
    new = (draft.presence == Presence.NEW_ON_PLATFORM) & ~a.bad
    new |= _fate(draft, recall, "recreate", Action.SALESFORCE) & ~a.bad
    fill = new[:, None] & (a.p > NULL) & _writable(mapping, _to_salesforce)
    links.drop_unknown_users(mapping, a.platform, fill)
    later = fill & _writable(mapping, lambda f: f.deferred)
    cause = np.where(a.p == NULL, Cause.BOTH_NULL, Cause.NEW).astype(np.int8)
    born = (draft.presence == Presence.NEW_IN_SALESFORCE) if mapping.salesforce.born else np.zeros(len(a.keys), bool)
    return [
        _changes(a, "salesforce", CREATE, (fill & ~later) | (new[:, None] & (a.p == NULL)), cause, rows=new),
        _changes(a, "salesforce", UPDATE, later, np.full_like(cause, Cause.CYCLE), lane="patch", stamps=False),
        *_born(a, born),
    ]


def _born(a: Aligned, born: np.ndarray) -> list[Changes]:
    """Records born in Salesforce: a key and what they lack there, then their platform row.

    A value they lack takes the mapping's default, on the platform and, unless Salesforce owns it, in Salesforce too.
    """
    if not born.any():
        return []
    values, cause = a.salesforce.copy(), np.where(a.s == NULL, Cause.BOTH_NULL, Cause.NEW).astype(np.int8)
    for column, field in enumerate(a.mapping.synced):
        if field.default is not None:
            cause[values[field.name].isna().to_numpy(bool), column] = Cause.DEFAULT
            values[field.name] = values[field.name].fillna(field.default)
    simple = _writable(a.mapping, lambda f: len(f.columns) == 1)
    ours = _writable(a.mapping, lambda f: f.owner is not Owner.SALESFORCE)
    lacking = born[:, None] & ours & (cause == Cause.DEFAULT) & (a.s > 0)
    adopted = _changes(a, "salesforce", ADOPT, lacking, cause, rows=born & (_keyless(a) | lacking.any(axis=1)))
    made = _changes(a, "platform", CREATE, born[:, None] & simple & (a.s > 0), cause, rows=born)
    return [_with_values(adopted, values), _with_values(made, values)]


def _with_values(changes: Changes, values: pd.DataFrame) -> Changes:
    """The changes with these values (frame indexed by key) in their touched cells."""
    after = columns.aligned(values, changes.keys).reset_index(drop=True)
    return Changes(changes.rows, columns.masked(after, changes.touched), changes.before, changes.cause)


def _changes(
    a: Aligned,
    side: str,
    kind: str,
    touched: np.ndarray,
    cause: np.ndarray,
    *,
    rows: np.ndarray | None = None,
    lane: str = "main",
    stamps: bool = True,
) -> Changes:
    """Changes to ``side`` for the rows that touch a cell (or the ``rows`` given, touched or not)."""
    chosen: np.ndarray = np.asarray(touched.any(axis=1) if rows is None else rows)
    if not chosen.any():
        return no_changes(a.mapping.columns)
    source, target = (a.platform, a.salesforce) if side == "salesforce" else (a.salesforce, a.platform)
    meta = a.s_meta if side == "salesforce" else a.p_meta
    mask, keys = _rows(touched, chosen), a.keys[chosen]
    known = stamps and kind != CREATE
    frame = {
        "key": keys.array,
        **{n: _constant(v, len(keys)) for n, v in (("side", side), ("kind", kind), ("lane", lane))},
    }
    frame |= {n: meta[n][chosen].array if known else _constant(None, len(keys)) for n in ("id", "stamp")}
    before = columns.empty(source.columns, pd.RangeIndex(len(keys)))
    if kind != CREATE:
        before = columns.masked(_rows(target, chosen).reset_index(drop=True), mask)
    return Changes(
        columns.frame(frame, pd.RangeIndex(len(keys))),
        columns.masked(_rows(source, chosen).reset_index(drop=True), mask),
        before,
        np.where(mask, _rows(cause, chosen), 0).astype(np.int8),
    )


def _rows(table: Any, chosen: np.ndarray) -> Any:
    """The chosen rows of a frame or a matrix; the table itself where all are."""
    return table if chosen.all() else table[chosen]


def _constant(value: str | None, count: int) -> Any:
    return pd.array(pa.repeat(pa.scalar(value, pa.large_string()), count), dtype=TEXT)


def _by_lane(changes: Changes, mapping: Mapping) -> list[Changes]:
    """Compliance cells travel in their own row, ahead of everything (domain model B.2, rule c)."""
    if not len(changes):
        return []
    urgent = np.array([f.lane == "compliance" for f in mapping.synced])
    return [_cut(changes, urgent, "compliance"), _cut(changes, ~urgent, "main")]


def _cut(changes: Changes, which: np.ndarray, lane: str) -> Changes:
    cause = np.where(which, changes.cause, 0).astype(np.int8)
    kept = Changes(changes.rows.assign(lane=lane), changes.after, changes.before, cause).take(
        np.asarray(cause.any(axis=1))
    )
    mask = kept.cause != 0
    rows = kept.rows.astype(TEXT)
    return Changes(rows, columns.masked(kept.after, mask), columns.masked(kept.before, mask), kept.cause)


def _to_salesforce(field: FieldSpec) -> bool:
    return field.to_salesforce


def _to_platform(field: FieldSpec) -> bool:
    return field.to_platform


def _writable(mapping: Mapping, test: Callable[[FieldSpec], bool]) -> np.ndarray:
    return np.array([[test(f) for f in mapping.synced]])


def _keyless(a: Aligned) -> np.ndarray:
    return a.s_meta["keyless"].fillna(False).to_numpy(bool) & a.s_here


def _merged(a: Aligned) -> np.ndarray:
    return a.s_meta["survivor"].notna().to_numpy(bool)


# --- what cannot be written -------------------------------------------------------------------------------------


def _linked(mapping: Mapping, changes: Changes, links: Links) -> tuple[Changes, pd.DataFrame]:
    """Changes whose parents will exist. Links of cycles come last: by then this bucket's own new records count."""
    later = (changes.rows["lane"] == "patch").to_numpy(bool)
    first, held = _without_orphans(mapping, changes.take(~later), links)
    links.will_create(mapping.name, first.select(side="salesforce", kind=CREATE).keys)
    last, held_last = _without_orphans(mapping, changes.take(later), links)
    return join(mapping.columns, [first, last]), _together([held, held_last])


def _without_orphans(mapping: Mapping, changes: Changes, links: Links) -> tuple[Changes, pd.DataFrame]:
    """Holds changes to Salesforce that point to a parent that is not there; compliance flags never wait."""
    if not len(changes):
        return changes, _no_issues()
    here = (changes.rows["side"] == "salesforce").to_numpy(bool)
    lost = links.missing(mapping, changes.after, changes.touched & here[:, None])
    rows = lost["row"].to_numpy(np.int64)
    held = changes.rows.iloc[rows].reset_index(drop=True)
    issues = _issues(held["key"], "salesforce", "held", PARENT_MISSING, lost["field"])
    issues["waits_mapping"], issues["waits_key"] = lost["waits_mapping"].to_numpy(), lost["waits_key"].to_numpy()
    keep = np.ones(len(changes), bool)
    keep[rows] = False
    return changes.take(keep), issues


def _without_parked(changes: Changes, recall: Recall, digest: Digest) -> tuple[Changes, pd.DataFrame]:
    """Leaves out changes the org refused in exactly this form, and changes a person undid."""
    if not len(recall.parked) or not len(changes):
        return changes, _no_issues()
    rows = changes.rows.assign(digest=of_rows(changes.digests(digest)), row=np.arange(len(changes)))
    hits = rows.merge(recall.parked, on=["key", "side", "digest"], how="inner")
    hits = hits[hits["lane"] != "compliance"]
    keep = np.ones(len(changes), bool)
    keep[hits["row"].to_numpy(np.int64)] = False
    return changes.take(keep), _issues(hits["key"], hits["side"], hits["status"], hits["code"])


def _problems(draft: Draft) -> pd.DataFrame:
    """Records whose platform values cannot be used, with the code and field canon gave them."""
    if not len(draft.problems):
        return _no_issues()
    found = draft.problems[columns.within(draft.problems["key"], draft.aligned.keys)]
    return _issues(found["key"], "salesforce", "failed", found["code"], found["field"])


def _conflicts(draft: Draft) -> pd.DataFrame:
    a = draft.aligned
    rows, fields = np.nonzero((draft.actions == Action.ASK) & (draft.presence == Presence.BOTH)[:, None])
    if not len(rows):
        return _no_issues()
    names = pd.Series(np.array(a.mapping.columns, dtype=object)[fields], dtype=TEXT)
    issues = _issues(pd.Series(a.keys[rows]), "both", "conflict", _kinds(draft), names)
    issues["p_stamp"] = a.p_meta["stamp"].iloc[rows].to_numpy()
    issues["s_stamp"] = a.s_meta["stamp"].iloc[rows].to_numpy()
    return issues


def _kinds(draft: Draft) -> pd.Series:
    """The code of each cell a person is asked about, in the order of rows and fields."""
    asked = (draft.actions == Action.ASK) & (draft.presence == Presence.BOTH)[:, None]
    doubt = draft.in_doubt & (draft.verdicts == verdict.Verdict.CONFLICT)
    return pd.Series(np.where(doubt[asked], IN_DOUBT, "BOTH_CHANGED"), dtype=TEXT)


def _automated(draft: Draft) -> pd.DataFrame:
    """Values automation put in place of those a large load sent: accepted as they are."""
    rows, fields = np.nonzero(draft.accepted & (draft.presence == Presence.BOTH)[:, None])
    if not len(rows):
        return _no_issues()
    names = pd.Series(np.array(draft.aligned.mapping.columns, dtype=object)[fields], dtype=TEXT)
    return _issues(pd.Series(draft.aligned.keys[rows]), "both", "automated", "AUTOMATION", names)


def _deleted(draft: Draft, recall: Recall) -> pd.DataFrame:
    """Deleted in Salesforce, alive on the platform: a person decides, unless the mapping says what to do."""
    a = draft.aligned
    open_ = _fate(draft, recall, "conflict", Action.NOTHING)
    if not open_.any():
        return _no_issues()
    issues = _issues(pd.Series(a.keys[open_]), "both", "conflict", DELETED_IN_SALESFORCE)
    issues["p_stamp"] = a.p_meta["stamp"].to_numpy()[open_]
    issues["s_stamp"] = a.s_meta["stamp"].to_numpy()[open_]
    return issues


def _fate(draft: Draft, recall: Recall, rule: str, decision: Action) -> np.ndarray:
    """Records deleted in Salesforce and alive on the platform that the mapping's rule, or a person, treats this way."""
    a = draft.aligned
    gone = draft.presence == Presence.GONE_FROM_SALESFORCE
    if not gone.any():
        return gone
    gone &= ~_merged(a) & ~recall.state.isin(["detached", "merged"]).fillna(False).to_numpy(bool)
    if not gone.any():
        return gone
    if a.mapping.deletes.salesforce_deleted != "conflict":
        return gone & (a.mapping.deletes.salesforce_deleted == rule)
    digests = np.zeros((len(a.keys), 1), np.uint64), _record_digest(recall)[:, None]
    said = recall.said([""], a.keys, *digests)
    said = np.where(said == Action.NOTHING, recall.ruled([""], a.keys, *digests), said)[:, 0]
    return gone & (said == decision)


def _record_digest(recall: Recall) -> np.ndarray:
    """Names one life of a record (uint64, n): a decision about a deletion does not outlive it."""
    return pd.util.hash_array(recall.ids.fillna("").to_numpy(object), categorize=False)


def _no_issues() -> pd.DataFrame:
    return columns.empty(ISSUE_COLUMNS, pd.RangeIndex(0))


def _issues(
    keys: pd.Series, side: str | pd.Series, status: str | pd.Series, code: str | pd.Series, field: str | pd.Series = ""
) -> pd.DataFrame:
    frame = pd.DataFrame({"key": keys.reset_index(drop=True)}, dtype=TEXT)
    for name, value in (("side", side), ("status", status), ("code", code), ("field", field)):
        frame[name] = value.to_numpy() if isinstance(value, pd.Series) else value
    return frame.reindex(columns=list(ISSUE_COLUMNS)).astype(TEXT)


def _all_issues(
    draft: Draft, parts: list[pd.DataFrame], changes: Changes, recall: Recall
) -> tuple[pd.DataFrame, np.ndarray]:
    """All issues with the digests they are about, and a ``clear`` for every old one that is over."""
    a = draft.aligned
    issues = _together(parts)
    over = recall.open & ~columns.within(a.keys, issues["key"]) & ~columns.within(a.keys, changes.rows["key"])
    if over.any():
        issues = _together([issues, _issues(pd.Series(a.keys[over]), "both", "clear", "")])
    if not len(issues):
        return issues, np.zeros((0, 2), np.uint64)
    rows = columns.places(issues["key"], a.keys)
    fields = pd.Index(a.mapping.columns).get_indexer(issues["field"].fillna(""))
    digests = np.zeros((len(issues), 2), np.uint64)
    cells = (rows >= 0) & (fields >= 0)
    digests[~cells & (rows >= 0), 1] = _record_digest(recall)[rows[~cells & (rows >= 0)]]
    digests[cells, 0], digests[cells, 1] = a.p[rows[cells], fields[cells]], a.s[rows[cells], fields[cells]]
    return issues, digests


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    some = [p for p in parts if len(p)]
    return pd.concat(some, ignore_index=True) if some else _no_issues()


# --- what the ledger should remember ----------------------------------------------------------------------------


def _agreed(draft: Draft, recall: Recall) -> BaseRows:
    a = draft.aligned
    digests = np.where(draft.actions == Action.BASE, a.p, np.uint64(0))
    digests = np.where(draft.settled, a.s, digests)
    ids = a.s_meta["id"].reset_index(drop=True)
    moved = a.s_here & ~columns.same(ids, recall.ids)
    state, known = _states(draft, recall)
    both = draft.presence == Presence.BOTH
    rows = (digests.any(axis=1) | (moved & both) | (state != known)) & (both | (state != ""))
    if not rows.any():
        return no_rows(a.mapping.columns)
    meta = pd.DataFrame(
        {
            "id": ids,
            "salesforce_stamp": a.s_meta["stamp"].to_numpy(),
            "platform_stamp": a.p_meta["stamp"].to_numpy(),
            "state": state,
            "survivor": a.s_meta["survivor"].to_numpy(),
        }
    )
    return BaseRows(a.keys[rows], digests[rows], meta[rows].astype(TEXT).reset_index(drop=True))


def _states(draft: Draft, recall: Recall) -> tuple[np.ndarray, np.ndarray]:
    """The state each record should have in the base, and the one it has; empty text: leave it, and none."""
    a = draft.aligned
    known = recall.state.fillna("").to_numpy(object)
    state = known.copy()
    state[draft.presence == Presence.BOTH] = "synced"
    state[_fate(draft, recall, "detach", Action.PLATFORM) | _fate(draft, recall, "detach", Action.BASE)] = "detached"
    state[(draft.presence == Presence.GONE_FROM_SALESFORCE) & _merged(a)] = "merged"
    state[(draft.presence == Presence.GONE) & a.known] = "gone"  # nobody's parent any more
    return state, known
