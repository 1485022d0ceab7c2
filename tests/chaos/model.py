"""What a cell may hold, reckoned cell by cell from what people typed: the checker's own idea of a sync.

Written from ``docs/explanation`` (decision table, ledger and recovery), in plain values, without a line of the engine.
A run that met a fault may have done a cell's work, none of it, or half of it (written, but nobody remembers); so a
cell is a *set* of states it can be in. What is found must be one of them.

``ABSENT`` stands for a record that is not there, ``NEVER`` for a base nobody ever agreed on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

ABSENT, NEVER = "(absent)", "(never)"
Value = str | None


@dataclass(frozen=True)
class State:
    """Both sides' values, what they last agreed on, and whether a write to the cell may be under way unseen."""

    platform: Value
    salesforce: Value
    base: Value
    doubt: bool = False

    @property
    def equal(self) -> bool:
        """Both sides hold the same."""
        return self.platform == self.salesforce


@dataclass(frozen=True)
class Rule:
    """A field's owner; ``strict`` is the stricter value of an owner ``stricter``."""

    owner: str
    strict: Value = None


def settled(rule: Rule, now: State, winner: str | None) -> set[State]:
    """After a run without faults. ``winner``: whose stamp is later, None if that cannot be told."""
    p, s, b = now.platform, now.salesforce, now.base
    if now.equal:
        return {State(p, s, p)}
    if s == ABSENT:
        return {_both(p)}
    if p == ABSENT:
        return {now} if b != NEVER else {_both(s)}  # vanished: left alone; born: made
    if now.doubt and b not in (NEVER, p, s):
        return {replace(now, doubt=False)}  # a person must look
    return {_both(v) for v in _winning(rule, now, winner)} or {replace(now, doubt=False)}


def _both(value: Value) -> State:
    return State(value, value, value)


def _winning(rule: Rule, now: State, winner: str | None) -> set[Value]:
    """The value both sides get; none if a person decides."""
    p, s, b = now.platform, now.salesforce, now.base
    if rule.owner == "platform":
        return {p}
    if rule.owner == "salesforce":
        return {p} if b == NEVER and s is None else {s}
    if rule.owner == "stricter":
        return {rule.strict} if rule.strict in (p, s) else {v for v in (p, s) if v is not None}
    if rule.owner == "earliest":
        return {min(v for v in (p, s) if v is not None)}
    if b == p:
        return {s}
    if b == s:
        return {p}
    return set() if rule.owner == "manual" else _newest(now, winner)


def _newest(now: State, winner: str | None) -> set[Value]:
    if now.base == NEVER and None in (now.platform, now.salesforce):
        return {now.platform if now.salesforce is None else now.salesforce}
    return {v for side, v in (("platform", now.platform), ("salesforce", now.salesforce)) if winner in (None, side)}


def shaken(rule: Rule, now: State, winner: str | None) -> set[State]:
    """After a run that met a fault: nothing done, all done, or written and not remembered."""
    done = settled(rule, now, winner)
    half = {State(d.platform, d.salesforce, now.base, doubt=d != now) for d in done}
    none = {replace(now, doubt=False), replace(now, doubt=True)}
    return done | half | none


class Cell:
    """One cell of one record, and everything it may be."""

    def __init__(self, rule: Rule, states: Iterable[State]) -> None:
        self.rule, self.states = rule, set(states)
        self.story: list[str] = []

    def typed(self, side: str, value: Value) -> None:
        """Somebody typed; a run may be under way or not."""
        self.story.append(f"{side}={value!r}")
        self.states = {replace(s, **{side: value}) for s in self.states}

    def ran(self, winner: str | None, *, faults: bool) -> None:
        """A run looked at it."""
        step = shaken if faults else settled
        self.states = {after for s in self.states for after in step(self.rule, s, winner)}
        if len({(s.platform, s.salesforce) for s in self.states}) > 1 or self.story:
            self.story.append(("faulty run" if faults else "run") + (f" ({winner} later)" if winner else ""))

    def decided(self, take: str) -> None:
        """A person took one side's value."""
        self.story.append(f"decided {take}")
        self.states = {s if s.equal else _both(getattr(s, take)) for s in self.states}

    def wrong(self, platform: Value, salesforce: Value) -> str | None:
        """Why these values cannot be, or None. What is found is from now on what is known."""
        possible = {s for s in self.states if (s.platform, s.salesforce) == (platform, salesforce)}
        if possible:
            self.states = possible
            return None
        allowed = sorted({f"{s.platform!r}|{s.salesforce!r}" for s in self.states})
        told = " → ".join(self.story)
        return f"owner {self.rule.owner}: {platform!r}|{salesforce!r}, allowed {', '.join(allowed)}; {told}"

    def rest(self, platform: Value, salesforce: Value) -> None:
        """A round is over: what is there is what both agreed on."""
        self.states, self.story = {State(platform, salesforce, platform)}, []
