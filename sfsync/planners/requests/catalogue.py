"""The catalogue of partner requests: ``mappings/requests.yaml`` as a checked model.

Every fault of the file is found in one go, each with its line. Source of the figures: domain requests D.1 to D.4.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sfsync.errors import MappingError
from sfsync.mapping.lines import Document, Fault, parse

FILE = "requests.yaml"
Priority = Literal["P1", "P2", "P3", "P4"]
Mark = Literal["AM", "FIN", "COM", "LEG", "IT", "4E"]
CHECKS = (
    "terminal_of_shop",
    "one_of",
    "monthly_cap",
    "not_pvr",
    "payout_term",
    "cancel_term",
    "positive",
    "not_before_today",
    "same_company",
    "cap_province",
    "not_future",
    "at_most",
    "in_order",
    "of_person",
)


class Strict(BaseModel):
    """Unknown keys are errors: a typing mistake must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(BaseModel):
    """A validation by name, with its parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)

    check: str
    field: str = ""

    def parameter(self, name: str) -> Any:
        """A parameter by name; None if the file does not give it."""
        return (self.model_extra or {}).get(name)


class Step(BaseModel):
    """Something to do once the request is approved: in Salesforce (SF), or asked of the platform (PL)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    side: Literal["SF", "PL"]
    do: str


class Raise(Strict):
    """A rule that raises the priority."""

    to: Priority
    when: str


class Route(Strict):
    """A rule that sends the case elsewhere."""

    when: str
    queue: str = ""
    priority: Priority | None = None
    as_: str = Field(default="", alias="as")


class Alike(Strict):
    """What makes two requests of a shop one matter: the fields that are equal, and how far apart they may be."""

    by: tuple[str, ...]
    minutes: int = Field(gt=0)


class Deadline(Strict):
    """A term that runs from a date of the request: a task of its owner with the day, made when taken or when done."""

    field: str
    days: int
    task: str
    when: Literal["taken", "done"] = "taken"


class RequestType(Strict):
    """One type of request.

    ``requires`` are the fields it needs besides the base; ``target`` names the field whose operator the request is
    about (then it does not name who asks). ``alone_by``: the fields that name a thing only one request
    may be made for, whoever asks. ``owner_only_for``: words of
    a field with which only the owner may ask. ``undo``: R by the journal, W within a window, N not at all.
    """

    code: str = Field(pattern=r"^RP-\d\d[A-Z]?$")
    type: str = Field(pattern=r"^[a-z_]+$")
    label: str
    aliases: tuple[str, ...] = ()
    listed: bool = True
    owner_only: bool = False
    owner_only_for: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    without_shop: bool = False
    fallback: bool = False
    restricted: bool = False
    typed: bool = False
    target: str = ""
    requires: tuple[str, ...] = ()
    needs_time: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    queue: str
    priority: Priority
    raise_: tuple[Raise, ...] = Field(default=(), alias="raise")
    route: tuple[Route, ...] = ()
    repeat: Alike | None = None
    duplicate: Alike | None = None
    alone_by: tuple[str, ...] = ()
    gates: dict[str, Any] = Field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    allowed_pvr: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    approvals: tuple[Mark, ...] = ()
    over_cap: tuple[Mark, ...] = ()
    outside_list: tuple[Mark, ...] = ()
    approvals_above: dict[str, Any] = Field(default_factory=dict)
    approvals_for: dict[str, dict[str, tuple[Mark, ...]]] = Field(default_factory=dict)
    approvals_over_days: dict[str, Any] = Field(default_factory=dict)
    undo: Literal["R", "W", "N", "-"]
    undo_until: Literal["", "installed", "shipped", "first_payment_run", "activated", "next_period"] = ""
    informs: Literal["", "manager"] = ""
    deadline: Deadline | None = None
    messages: dict[str, str] = Field(default_factory=dict)


class Intake(Strict):
    """Limits of a file, and terms."""

    refuse_percent: float = Field(default=20, ge=0, le=100)
    max_megabytes: int = Field(default=50, gt=0)
    max_rows: int = Field(default=100_000, gt=0)
    purge_days: int = Field(default=30, gt=0)
    future_minutes: int = Field(default=5, ge=0)
    description_length: int = Field(default=32_000, gt=10)
    shop_states: tuple[str, ...] = ("active", "suspended", "closing")
    payout_term_days: int = Field(default=90, gt=0)
    cancel_term_seconds: int = Field(default=180, gt=0)
    large_payout: str = Field(default="300000", pattern=r"^\d+$")
    alerts: dict[str, str] = Field(default_factory=lambda: {"E-MINOR": "COMPLIANCE"})


class Profile(Strict):
    """How files of one country are written."""

    language: str
    zone: str
    delimiters: tuple[str, ...]
    currency: str
    footers: tuple[str, ...] = ()
    priorities: dict[Priority, tuple[str, ...]]


class Kinds(Strict):
    """Which fields hold what; fields that stand nowhere hold plain text."""

    code: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    instant: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    vat: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    iban: tuple[str, ...] = ()
    province: tuple[str, ...] = ()
    cap: tuple[str, ...] = ()


class Catalogue(Strict):
    """The whole file. ``headers`` maps every field to the names a column may have."""

    requests: int
    intake: Intake = Intake()
    profiles: dict[str, Profile]
    headers: dict[str, tuple[str, ...]]
    kinds: Kinds
    planned: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    base: tuple[str, ...]
    contact: tuple[str, ...]
    types: tuple[RequestType, ...]

    @cached_property
    def by_code(self) -> dict[str, RequestType]:
        """Types by their RP code."""
        return {t.code: t for t in self.types}

    @cached_property
    def listed(self) -> tuple[RequestType, ...]:
        """The types a file may ask for."""
        return tuple(t for t in self.types if t.listed)

    @cached_property
    def fallback(self) -> RequestType:
        """The type of a request nobody can name."""
        return next(t for t in self.types if t.fallback)

    @cached_property
    def words(self) -> dict[str, str]:
        """Every name of a listed type, folded, with the type's code."""
        return {fold(word): t.code for t in self.listed for word in (t.code, t.type, t.label, *t.aliases)}

    @cached_property
    def columns(self) -> dict[str, str]:
        """Every name a column may have, folded, with its field."""
        return {fold(word): name for name, words in self.headers.items() for word in (name, *words)}

    @cached_property
    def kind_of(self) -> dict[str, str]:
        """Field -> kind; ``plain`` where none is given."""
        given = {name: kind for kind, names in self.kinds.model_dump().items() for name in names}
        return {name: given.get(name, "plain") for name in self.headers}


def fold(text: str) -> str:
    """A name without case, accents, blanks, dots and signs; the euro sign is a letter."""
    bare = unicodedata.normalize("NFKD", text).casefold().replace("€", "euro")
    return re.sub(r"[^a-z0-9]+", "", bare)


def load(folder: Path) -> Catalogue:
    """The catalogue of a folder of mappings; raises ``MappingError`` with file and line, all faults together."""
    path = folder / FILE
    document = _document(path)
    if document.faults:
        _stop([(f"{path}:{line}", sentence, step) for line, sentence, step in document.faults])
    try:
        found = Catalogue.model_validate(document.data)
    except ValidationError as error:
        _stop_at(path, document, [_fault(e) for e in error.errors()])
    _stop_at(path, document, faults(found))
    return found


def _document(path: Path) -> Document:
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        step = "run `sfsync init` in a new folder and copy its mappings/requests.yaml"
        raise MappingError("there is no catalogue of requests", "REQUESTS_MISSING", str(path), step) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        step = "correct its YAML, its encoding (UTF-8) or its mode"
        raise MappingError("the catalogue of requests cannot be read", "REQUESTS_INVALID", str(path), step) from None


def _fault(error: Any) -> Fault:
    place = tuple(error["loc"])
    name = str(place[-1]) if place else ""
    if error["type"] == "extra_forbidden":
        return Fault(place, f"the key {name} is unknown here", "correct its name, or take it away")
    if error["type"] == "missing":
        return Fault(place[:-1], f"the key {name} is missing", f"write `{name}: …` here")
    return Fault(place, f"{name}: {error['msg']}", "see the how-to of partner requests for what may stand here")


def faults(found: Catalogue) -> list[Fault]:
    """What the model alone cannot see: names used twice, fields and codes that do not exist."""
    return [*_twice(found), *_fields(found), *_types(found)]


def _twice(found: Catalogue) -> list[Fault]:
    made: list[Fault] = []
    seen: dict[str, str] = {}
    for name, words in found.headers.items():
        for place, word in enumerate((name, *words)):
            if seen.setdefault(fold(word), name) != name:
                other = seen[fold(word)]
                made.append(
                    Fault(("headers", name, max(place - 1, 0)), f"{word} names {other} already", "keep one of the two")
                )
    seen = {}
    for number, one in enumerate(found.types):
        for word in (one.code, one.type, one.label, *one.aliases) if one.listed else ():
            if seen.setdefault(fold(word), one.code) != one.code:
                made.append(Fault(("types", number), f"{word} names {seen[fold(word)]} already", "keep one of the two"))
    return made


def _fields(found: Catalogue) -> list[Fault]:
    known = set(found.headers)
    lists = {"base": found.base, "contact": found.contact, "planned": found.planned, "private": found.private}
    places: list[tuple[tuple[str | int, ...], str]] = []
    places += [((key, n), name) for key, names in lists.items() for n, name in enumerate(names)]
    places += [(("kinds", kind), name) for kind, names in found.kinds.model_dump().items() for name in names]
    for number, one in enumerate(found.types):
        alike = [*(one.repeat.by if one.repeat else ()), *(one.duplicate.by if one.duplicate else ())]
        named = [*one.requires, *one.needs_time, *one.alone_by, *alike, *([one.target] if one.target else ())]
        named += [*(c.field for c in one.checks if c.field), *one.owner_only_for]
        named += [one.deadline.field] if one.deadline else []
        places += [(("types", number), name) for name in named]
    return [Fault(p, f"there is no field {name}", "add it to `headers`") for p, name in places if name not in known]


def _types(found: Catalogue) -> list[Fault]:
    made: list[Fault] = []
    codes = [t.code for t in found.types]
    for number, one in enumerate(found.types):
        place = ("types", number)
        if codes.index(one.code) != number:
            made.append(Fault(place, f"the code {one.code} is used twice", "give one of them another code"))
        for check in one.checks:
            if check.check not in CHECKS:
                made.append(Fault(place, f"there is no check {check.check}", f"write one of: {', '.join(CHECKS)}"))
        for route in one.route:
            if route.as_ and route.as_ not in codes:
                made.append(Fault(place, f"there is no type {route.as_}", "write the code of another type"))
    if sum(t.fallback for t in found.types) != 1:
        made.append(Fault(("types",), "exactly one type is the fallback", "write `fallback: true` at one of them"))
    return made


def _stop_at(path: Path, document: Document, found: list[Fault]) -> None:
    ordered = sorted(found, key=lambda f: document.line(f.place))
    if ordered:
        _stop([(f"{path}:{document.line(f.place)}", f.sentence, f.next_step) for f in ordered])


def _stop(found: list[tuple[str, str, str]]) -> None:
    where, sentence, step = found[0]
    rest = [f"{w}: {s}; {n}" for w, s, n in found[1:]]
    raise MappingError(sentence, "REQUESTS_INVALID", where, step, rest)
