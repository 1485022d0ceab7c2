"""Makes a sync plan: for each mapping, parents first, read two windows, merge bucket by bucket, write the plan."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from sfsync.mapping.model import Mapping
from sfsync.merge import guard
from sfsync.merge.footing import Standing
from sfsync.merge.verdict import Presence
from sfsync.plan.decided import automated
from sfsync.plan.folder import PlanFolder
from sfsync.plan.model import Header, MappingPlan, Segment, WindowNote
from sfsync.planners.sync import bucket as one
from sfsync.planners.sync import gather, sayings, windows
from sfsync.planners.sync.count import Tally
from sfsync.planners.sync.gather import Spill, paired, passing, upto
from sfsync.planners.sync.links import Links
from sfsync.planners.sync.recall import Memory, Recall
from sfsync.planners.sync.sayings import note
from sfsync.sides.columns import places, union, within
from sfsync.sides.side import TEXT, Finding, OrgReader, Reader, Records, Window, concat

Progress = Callable[[str, str, int], None]  # mapping, step, records so far


@dataclass(frozen=True)
class Sources:
    """Everything a plan is made of; only readers."""

    mappings: dict[str, Mapping]  # parents first
    platform: Reader
    salesforce: OrgReader
    memory: Memory
    watermark: Callable[[str, str], datetime | None]  # mapping, side -> where its next window begins
    generation: Callable[[str], int]
    digest: Callable[[Mapping], one.Digest]
    users: Callable[[list[str]], set[str]]
    as_of: datetime
    standing: Callable[[Mapping], Standing] = windows.first_standing  # what the mapping's base stands on
    recently: Callable[[str, str], int] = lambda mapping, side: 0  # records updated within a day before ``as_of``

    @property
    def sides(self) -> dict[str, Reader]:
        """Both readers by name."""
        return {"platform": self.platform, "salesforce": self.salesforce}

    @property
    def parents(self) -> set[str]:
        """Mappings that records of this plan may point to."""
        return {parent for m in self.mappings.values() for parent, _ in m.references().values()}


def make(sources: Sources, folder: PlanFolder, *, full: bool = False, progress: Progress = lambda *_: None) -> Header:
    """Plans all mappings of ``sources`` into ``folder``; reads only."""
    links = Links(sources.memory, sources.users, sources.parents)
    parts: dict[str, MappingPlan] = {}
    findings: list[Finding] = []
    for mapping in sources.mappings.values():
        with tempfile.TemporaryDirectory(dir=folder.path) as scratch:
            walk = _Walk(sources, mapping, links, Path(scratch), full, progress)
            parts[mapping.name] = walk.run(folder)
            findings += walk.findings()
    findings += sayings.unknown_users(links)
    header = Header(
        as_of=sources.as_of,
        platform=sources.platform.identity(),
        org=sources.salesforce.identity(),
        order=tuple(sources.mappings),
        mappings=parts,
        findings=[note(f) for f in findings],
    )
    return folder.finish(header)


class _Walk:
    """One mapping: windows, buckets, segments, sums."""

    def __init__(
        self, sources: Sources, mapping: Mapping, links: Links, scratch: Path, full: bool, progress: Progress
    ) -> None:
        self.sources, self.mapping, self.links, self.scratch = sources, mapping, links, scratch
        self.full, self.progress = full, progress
        self.digest = Once(sources.digest(mapping))
        self.windows: dict[str, Window] = {}
        self.tally = Tally()
        self.standing = sources.standing(mapping)
        self.sizes = windows.sizes(self.standing, sources.memory.size(mapping))
        self.observed = frozenset(mapping.columns)
        self.strangers = self.vanished = 0
        self.automated: Counter[str] = Counter()

    def run(self, folder: PlanFolder) -> MappingPlan:
        segments = 0
        for platform, salesforce, keys in self._buckets():
            segment = self._plan(platform, salesforce, keys)
            if segment is not None:
                folder.add(segments, segment)
                segments += 1
        return self._part(segments)

    # -- reading --

    def _buckets(self) -> Iterator[tuple[Records, Records, pd.Index]]:
        """Every record of both windows once, both sides of one record together, and the keys that wait.

        The side that is expected to deliver less is collected first. If it fits into memory, a whole table of the
        other side passes by page by page; otherwise both are laid into buckets on disk.
        """
        spans = {name: self._window(name, side) for name, side in self.sources.sides.items()}
        known = self._known_since(spans["salesforce"])
        order = ("platform", "salesforce") if self._expected(known) > gather.MEMORY_ROWS else ("salesforce", "platform")
        few, many = (self._pages(name, spans[name], known) for name in order)
        small, rest = (Spill(self.mapping, self.scratch, name) for name in order)
        small.collect(few)
        first, open_keys = next(many, None), self.sources.memory.open_keys(self.mapping)
        if small.nothing and first is None and not open_keys:
            return  # most runs of a schedule end here: before a frame is made, and the libraries for it are loaded
        many = chain([] if first is None else [first], many)
        waiting = pd.Index(open_keys, dtype=TEXT, name="key")
        if small.spilled or not self._passes(order[1], spans[order[1]], known):
            yield from paired({order[0]: small, order[1]: rest.collect(many)}, waiting)
            return
        begin = list(upto(many, gather.MEMORY_ROWS))
        if sum(map(len, begin)) <= gather.MEMORY_ROWS:
            yield from paired({order[0]: small, order[1]: rest.collect(begin)}, waiting)
        else:
            yield from passing(order, small.bucket(0, 1), chain(begin, many), waiting)

    def _passes(self, name: str, window: Window, known: list[tuple[str, str]]) -> bool:
        """Whether this side delivers every key once, so that its pages can be planned as they come."""
        return window.since is None if name == "platform" else self._expected(known) > gather.MEMORY_ROWS

    def _expected(self, known: list[tuple[str, str]]) -> int:
        """How many records Salesforce's window will deliver at least: those known to lie in it, and large loads."""
        since = stamp(self.windows["salesforce"].since)
        return len(known) + sum(
            n for _, until, n in self.sources.memory.loads(self.mapping) if since and until >= since
        )

    def _window(self, name: str, side: Reader) -> Window:
        whole = self.full or self.standing.whole
        since = None if whole else self.sources.watermark(self.mapping.name, name)
        window = self.windows[name] = self._ending(name, side.window(self.mapping, since))
        self.sizes.complete[name] = window.since is None
        return window

    def _known_since(self, window: Window) -> list[tuple[str, str]]:
        return self.sources.memory.bounds(self.mapping, stamp(window.since)) if window.since else []

    def _ending(self, name: str, window: Window) -> Window:
        """Never beyond ``as_of``, so that the same inputs and the same ``as_of`` give the same plan to the byte."""
        settle = self.mapping.platform.settle if name == "platform" else self.mapping.salesforce.settle
        return Window(window.since, min(window.until, self.sources.as_of - settle))

    def _pages(self, name: str, window: Window, known: list[tuple[str, str]]) -> Iterator[Records]:
        side = self.sources.sides[name]
        for part in side.changes(self.mapping, window, known if name == "salesforce" else ()):
            self.sizes.read[name] += len(part)
            self.observed &= part.observed
            self.progress(self.mapping.name, f"reading {name}", self.sizes.read[name])
            yield part

    # -- planning one bucket --

    def _plan(self, platform: Records, salesforce: Records, waiting: pd.Index) -> Segment | None:
        self._nameless(platform, salesforce)
        self.digest.learn(platform.values, salesforce.values)
        keys = union(platform.values.index, _keyed(platform), salesforce.values.index, waiting)
        recall = self.sources.memory.recall(self.mapping, keys)
        odd = self._odd(keys, platform, salesforce, recall)
        self._untouched(keys[~odd], recall.digests[~odd], platform, salesforce)
        if not odd.any():
            return None
        keys, recall = keys[odd], _only(recall, odd, keys)
        platform, salesforce = self._complete(keys, platform, salesforce, recall)
        draft = one.merge(self.mapping, platform, salesforce, recall, keys, self.digest)
        segment = one.segment(draft, recall, self.links, self.sizes, self.digest)
        self._note(draft, segment)
        if len(segment.changes) or len(segment.base) or len(segment.issues):
            return segment
        return None

    def _odd(self, keys: pd.Index, platform: Records, salesforce: Records, recall: Recall) -> np.ndarray:
        """Which keys need a closer look; the others look like their base on the side(s) that delivered them.

        A record that equals its base where it was read, and is in no window of the other side, is unchanged:
        nothing needs to be fetched for it. Where a side was read whole, a known record it lacks is gone from there.
        """
        odd = recall.open | ~recall.digests.any(axis=1) | recall.state.ne("synced").fillna(True).to_numpy(bool)
        for name, records in (("platform", platform), ("salesforce", salesforce)):
            odd |= within(keys, records.problems["key"])
            if self.sizes.complete[name]:
                odd |= ~within(keys, records.values.index)
            rows = places(records.values.index, keys)
            now = self.digest(records.values) if len(rows) else recall.digests[rows]
            seen = np.array([c in records.observed for c in self.mapping.columns])
            odd[rows] |= ((now != recall.digests[rows]) & seen).any(axis=1)
            odd[rows] |= (records.meta["deleted"] | records.meta["keyless"]).to_numpy(bool)
        return odd

    def _untouched(self, keys: pd.Index, digests: np.ndarray, platform: Records, salesforce: Records) -> None:
        for name, records in (("platform", platform), ("salesforce", salesforce)):
            delivered = within(keys, records.values.index)
            self.tally.untouched(name, int(delivered.sum()))
            self.sizes.untouched(name, self.mapping.columns, digests[delivered])

    def _nameless(self, platform: Records, salesforce: Records) -> None:
        """Rows whose key is null: counted as refused, each of them."""
        for name, records in (("platform", platform), ("salesforce", salesforce)):
            problems = records.problems
            self.tally.refused(name, int((problems["key"].fillna("") == "").sum()))
            twice = problems["key"][problems["code"] == "KEY_TWICE"]
            self.sizes.twice[name] += int(twice.nunique())

    def _complete(
        self, keys: pd.Index, platform: Records, salesforce: Records, recall: Recall
    ) -> tuple[Records, Records]:
        """Fetches the other half of records that only one window delivered."""
        lacking = keys[~within(keys, platform.values.index)]
        if len(lacking) and not self.sizes.complete["platform"]:
            found = self.sources.platform.fetch(self.mapping, lacking)
            platform = _plus(self.mapping, platform, found)
        ids = recall.ids[~within(keys, salesforce.values.index)].dropna()
        if len(ids) and (self.standing.rekeyed or not self.sizes.complete["salesforce"]):
            found = self.sources.salesforce.fetch(self.mapping, ids.index, ids)
            self.sizes.read["salesforce"] += len(found)
            salesforce = _plus(self.mapping, salesforce, found)
        return platform, salesforce

    def _note(self, draft: one.Draft, segment: Segment) -> None:
        self.tally.add(draft, segment)
        presence = draft.presence
        if not self.mapping.salesforce.born:
            self.strangers += int((presence == Presence.NEW_IN_SALESFORCE).sum())
        self.vanished += int((presence == Presence.GONE_FROM_PLATFORM).sum())
        windows.count(self.sizes, draft, segment)
        self.automated.update(segment.issues["field"][segment.issues["status"] == "automated"])

    # -- the result --

    def _part(self, segments: int) -> MappingPlan:
        generation = self.sources.generation(self.mapping.name)
        read = {n: WindowNote(since=w.since, until=w.until) for n, w in self.windows.items()}
        footing = windows.footing(self.standing, self.mapping, self.observed, self.sizes)
        return self.tally.plan(self.mapping, generation, segments, windows=read, footing=footing)

    def findings(self) -> list[Finding]:
        name, salesforce = self.mapping.name, self.sources.salesforce
        windows.look_back(self.sizes, name, self.sources.recently)
        return [
            *self.standing.findings,
            *(automated(self.mapping, field, count) for field, count in self.automated.items()),
            *guard.check(self.mapping, self.sizes),
            *sayings.nameless(self.mapping, self.tally.nameless["salesforce"]),
            *sayings.strangers(name, self.strangers),
            *sayings.vanished(name, self.vanished),
            *sayings.unkeyed(name, salesforce.unkeyed.get(name, 0)),
        ]


def stamp(instant: datetime | None) -> str:
    """An instant as stamps are written: ISO, UTC, ``Z``."""
    return "" if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


class Once:
    """A digest that remembers the frames of one bucket: each is looked at several times."""

    def __init__(self, digest: one.Digest) -> None:
        self._digest = digest
        self._known: list[tuple[pd.DataFrame, np.ndarray]] = []

    def __call__(self, values: pd.DataFrame) -> np.ndarray:
        for frame, digests in self._known:
            if frame is values:
                return digests.copy()
        return self._digest(values)

    def learn(self, *frames: pd.DataFrame) -> None:
        """Forget the last bucket's frames and digest these."""
        self._known = [(f, self._digest(f)) for f in frames if len(f)]


def _keyed(records: Records) -> pd.Index:
    keys = records.problems["key"].dropna()
    return pd.Index(keys[keys != ""].unique(), dtype=TEXT)


def _plus(mapping: Mapping, window: Records, found: Records) -> Records:
    both = concat(mapping, [window, found])
    return Records(both.values, both.meta, window.observed & found.observed, both.problems)


def _only(recall: Recall, mask: np.ndarray, keys: pd.Index) -> Recall:
    if mask.all():
        return recall
    return replace(
        recall,
        digests=recall.digests[mask],
        ids=recall.ids[mask].set_axis(keys[mask]),
        state=recall.state[mask],
        in_doubt=recall.in_doubt[mask],
        parked=recall.parked[within(recall.parked["key"], keys[mask])],
        open=recall.open[mask],
    )
