"""What the base of a mapping stands on, and what follows when that is no longer the same.

A base is a memory of agreements: between this database and this org, over these fields, under this key. If one of
them changes, the memory says less than before. How much less is decided here, and nothing else happens silently:

=========================  ============================================================================
what is other              what follows
=========================  ============================================================================
the org                    guard; waived: nothing counts as agreed, both sides meet for the first time
the database               guard; waived: what was agreed stays, both sides are read whole
table, key column,         guard; waived: what was agreed stays, both sides are read whole
external id field          the same; records are known by their Salesforce ids and get the key they lack
the Salesforce object      guard; waived: as with another org
a field is new, or takes   backfill: both sides are read whole, in this column nothing counts as agreed
its values elsewhere
a field is formed in       backfill: both sides are read whole, what was agreed stays
another way
=========================  ============================================================================

Pure. Source: the three things a base belongs to, "How two sides are kept in step".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from sfsync.mapping.model import FieldSpec, Mapping
from sfsync.merge.guard import OTHER_DATABASE, OTHER_MAPPING, OTHER_ORG
from sfsync.sides.side import Finding

UNSEEN = ""  # in place of where a field takes its values: we have no right to see it on one side
SOURCE = {"platform", "salesforce", "contact", "also", "contact_also", "type", "references", "sensitive"}
FORM = {"length", "values", "unknown", "leaves", "transform", "given", "fallback", "too_long"}


class Footing(BaseModel):
    """What a base was built on.

    platform, org   identities of both ends
    frame           table, key column, object and external id field of the mapping
    fields          name -> digests of where a field takes its values and of how it forms them; only fields for which
                    both sides were once read whole, and those we could not see then. None: that never happened
    missing         per side, how many known records a complete read did not deliver
    rekeyed         the external id field is another one, and not every record was seen under it yet
    """

    model_config = ConfigDict(frozen=True)

    platform: str
    org: str
    frame: dict[str, str]
    fields: dict[str, tuple[str, str]] | None = None
    missing: dict[str, int] = Field(default_factory=dict)
    rekeyed: bool = False

    @classmethod
    def of(cls, mapping: Mapping, platform: str, org: str) -> Footing:
        """What this mapping, this database and this org would be."""
        p, s = mapping.platform, mapping.salesforce
        frame = {"table": p.table, "key column": p.key, "object": s.object, "external id field": s.key}
        return cls(platform=platform, org=org, frame=frame)


@dataclass(frozen=True)
class Standing:
    """How a mapping's base stands today.

    footing   what the base stands on from the first write on; fields still to be filled are not in it
    findings  guards: another org, database or mapping
    whole     both sides must be read whole, whatever the marks say
    fresh     nothing that was agreed counts, nor any Salesforce id
    gained    fields in which nothing counts as agreed
    filling   fields that are being filled: gained, or formed in another way
    """

    footing: Footing
    findings: tuple[Finding, ...] = ()
    whole: bool = False
    fresh: bool = False
    gained: frozenset[str] = frozenset()
    filling: frozenset[str] = frozenset()
    missing: Dict[str, int] = field(default_factory=dict)

    @property
    def rekeyed(self) -> bool:
        """Records are to be found by their Salesforce id where the key does not find them."""
        return self.footing.rekeyed

    def after(self, mapping: Mapping, observed: frozenset[str], complete: bool, missing: Dict[str, int]) -> Footing:
        """The footing once everything this plan found is written, held or refused.

        ``observed``: fields both sides delivered; ``complete``: both were read whole; ``missing``: see ``Footing``.
        """
        old = self.footing.fields
        if complete:
            fields = {f.name: _met(f, f.name in observed, old or {}) for f in mapping.synced}
            return self.footing.model_copy(update={"fields": fields, "missing": dict(missing), "rekeyed": False})
        if old is None:
            return self.footing
        appeared = {n for n, s in old.items() if s[0] == UNSEEN and n in observed}
        kept = {n: s for n, s in old.items() if n in mapping.columns and n not in appeared}
        return self.footing.model_copy(update={"fields": kept})


def _met(spec: FieldSpec, observed: bool, old: Dict[str, tuple[str, str]]) -> tuple[str, str]:
    """A field nobody could read is noted as such: when it can be read, it is filled like a new one."""
    source, form = shape(spec)
    return (source, form) if observed or spec.name in old else (UNSEEN, form)


def shape(spec: FieldSpec) -> tuple[str, str]:
    """Digests of where a field takes its values, and of how it forms them."""
    return _digest(spec, SOURCE), _digest(spec, FORM)


def _digest(spec: FieldSpec, names: set[str]) -> str:
    return hashlib.sha256(spec.model_dump_json(include=names).encode()).hexdigest()[:16]


def stand(mapping: Mapping, kept: Footing | None, platform: str, org: str) -> Standing:
    """Compares what the base was built on (``kept``; None: there is no base yet) with what is there now."""
    now = Footing.of(mapping, platform, org)
    if kept is None:
        return Standing(now)
    other = [n for n, value in now.frame.items() if kept.frame.get(n, value) != value]
    fresh = kept.org != org or "object" in other
    gained, reformed = _filled(mapping, kept)
    footing = now.model_copy(
        update={
            "fields": None if fresh or kept.fields is None else _left(kept.fields, gained, reformed),
            "missing": kept.missing,
            "rekeyed": not fresh and (kept.rekeyed or "external id field" in other),
        }
    )
    whole = fresh or kept.platform != platform or bool(other) or footing.rekeyed or bool(gained | reformed)
    findings = (*_other_ends(mapping, kept, now), *_other_frame(mapping, kept, now, other))
    return Standing(footing, findings, whole, fresh, gained, gained | reformed, {} if fresh else kept.missing)


def _filled(mapping: Mapping, kept: Footing) -> tuple[frozenset[str], frozenset[str]]:
    if kept.fields is None:  # a first run that never ended: everything is read whole anyway
        return frozenset(), frozenset()
    shapes = {f.name: shape(f) for f in mapping.synced}
    gained = frozenset(n for n, s in shapes.items() if n not in kept.fields or kept.fields[n][0] not in (s[0], UNSEEN))
    seen = {n for n in shapes if n not in gained and kept.fields[n][0] != UNSEEN}
    reformed = frozenset(n for n in seen if kept.fields[n][1] != shapes[n][1])
    return gained, reformed


Shapes = dict[str, tuple[str, str]]


def _left(fields: Shapes, gained: frozenset[str], reformed: frozenset[str]) -> Shapes:
    """The fields without those gained; a form that changed is blank until it was brought everywhere."""
    return {n: (s[0], "" if n in reformed else s[1]) for n, s in fields.items() if n not in gained}


def _other_ends(mapping: Mapping, kept: Footing, now: Footing) -> list[Finding]:
    name, found = mapping.name, []
    if kept.org != now.org:
        text = f"the ledger was built with org {kept.org}, this is {now.org}"
        step = (
            f"Check salesforce.instance_url and the login. If the org was really replaced (a sandbox was refreshed): "
            f"sfsync sync {name} --waive {OTHER_ORG}; then nothing counts as agreed and both sides meet for the first "
            f"time. Look first: sfsync plan {name}"
        )
        found.append(Finding(OTHER_ORG, text, "error", name, next_step=step))
    if kept.platform != now.platform:
        text = f"the ledger was built with platform database {kept.platform}, this is {now.platform}"
        step = (
            f"Check platform.url. If the same data has another address now: sfsync sync {name} --waive "
            f"{OTHER_DATABASE}; both sides are read whole, what was agreed stays. Look first: sfsync plan {name}"
        )
        found.append(Finding(OTHER_DATABASE, text, "error", name, next_step=step))
    return found


def _other_frame(mapping: Mapping, kept: Footing, now: Footing, other: list[str]) -> list[Finding]:
    if not other:
        return []
    name = mapping.name
    was = ", ".join(f"{n} {kept.frame[n]} (now {now.frame[n]})" for n in other)
    steps = {
        "object": "nothing counts as agreed and both sides meet for the first time.",
        "external id field": "records are known by their Salesforce id and get their key in the new field.",
    }
    after = next((steps[n] for n in ("object", "external id field") if n in other), "both sides are read whole.")
    step = f"If this is meant: sfsync sync {name} --waive {OTHER_MAPPING}; {after} Look first: sfsync plan {name}"
    return [Finding(OTHER_MAPPING, f"the base of {name} was built with {was}", "error", name, next_step=step)]
