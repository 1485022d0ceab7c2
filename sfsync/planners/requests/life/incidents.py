"""Faults of several shops at one place within minutes are one incident (domain requests D.2, RP-03). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256


@dataclass(frozen=True)
class Fault:
    """One request: its case's key, its shop, when it began, and the places it counts for, as ``province:RM``."""

    key: str
    shop: str
    at: datetime
    places: tuple[str, ...]


def grouped(
    faults: Sequence[Fault], known: Mapping[str, str], shops: int, span: timedelta
) -> dict[str, tuple[str, str]]:
    """Incident and place of every fault that belongs to one and is not in ``known`` (case key -> incident).

    At least ``shops`` different shops of one place within ``span``. An incident keeps its key as faults join it; the
    first place of a fault that makes an incident counts.
    """
    found: dict[str, tuple[str, str]] = {}
    for place in dict.fromkeys(p for f in faults for p in f.places):
        here = sorted((f for f in faults if place in f.places and f.key not in found), key=lambda f: (f.at, f.key))
        for cluster in _clusters(here, shops, span):
            incidents = sorted(known[f.key] for f in cluster if f.key in known)
            incident = incidents[0] if incidents else _key(place, cluster[0])
            found |= {f.key: (incident, place) for f in cluster if f.key not in known}
    return found


def _clusters(faults: Sequence[Fault], shops: int, span: timedelta) -> Iterator[list[Fault]]:
    """Faults in order of time, cut into runs of overlapping windows that hold enough shops."""
    first, start, end = 0, 0, 0  # of the window; of the run that is being put together
    inside: dict[str, int] = {}
    for last, fault in enumerate(faults):
        inside[fault.shop] = inside.get(fault.shop, 0) + 1
        while fault.at - faults[first].at > span:
            inside[faults[first].shop] -= 1
            if not inside[faults[first].shop]:
                del inside[faults[first].shop]
            first += 1
        if len(inside) < shops:
            continue
        if first >= end:
            yield from [list(faults[start:end])] if end else []
            start = first
        end = last + 1
    yield from [list(faults[start:end])] if end else []


def _key(place: str, first: Fault) -> str:
    return sha256(f"incident|{place}|{first.key}".encode()).hexdigest()
