"""What happens after a case exists, as data: ``mappings/request_steps.yaml`` as a checked model.

``requests.yaml`` (``catalogue``) says which steps, marks, gates and messages a type has; here stands what these names
mean. Every fault is found in one go, each with its line. Source: domain requests D.1 to D.3, service levels C.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sfsync.errors import MappingError
from sfsync.mapping.lines import Document, Fault, parse
from sfsync.planners.requests import catalogue as types
from sfsync.planners.requests.catalogue import Catalogue, RequestType
from sfsync.planners.requests.life.wording import places, withheld

FILE = "request_steps.yaml"
LANGUAGES = ("it", "en")
FOUR_EYES = "4E"
CHECKS = (
    "within_days",
    "within_seconds",
    "shop_is_not",
    "identification",
    "cash_cap",
    "recorded",
    "codes",
    "none_other",
    "not_last_owner",
    "self_or_owner",
    "at_most",
    "shop_flag",
    "at_most_guarantee",
    "no_open",
    "other_company",
    "public_ips",
    "ips_free",
    "asset_free",
    "only_one",
    "same_company",
    "holder_is_company",
    "contract_allows",
    "approval_date",
    "of_this_shop",
    "may_be_ordered",
    "first_of_period",
    "plan_known",
    "period_ended",
    "none_alike",
)
TARGETS = ("shop", "company", "operator", "terminal", "ticket", "voucher", "transaction", "request")
Words = dict[Literal["it", "en"], str]


class Strict(BaseModel):
    """Unknown keys are errors: a typing mistake must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Action(Strict):
    """What one step does.

    Asked of the platform: ``target`` (whose key the request names), ``send`` (fields of the request), ``with_`` (fixed
    words), ``watch`` (values an approval binds to), ``each`` (one for each operator or terminal), ``as_`` (the kind of
    the change request, where it is not the step's own name), ``back`` (the kind that takes it back) and ``back_target``
    (the name in the platform's answer of the record that is then meant), ``reads`` (it changes nothing), ``stop``
    (words by name in its answer after which nothing more is asked). In Salesforce: ``mirror`` (a mapping whose
    ``fields`` are written as the platform holds them), ``count_faults``; ``person``: people do it.
    """

    target: Literal["shop", "company", "operator", "terminal", "ticket", "voucher", "transaction", "request"] | None = (
        None
    )
    send: tuple[str, ...] = ()
    with_: dict[str, str] = Field(default_factory=dict, alias="with")
    watch: tuple[str, ...] = ()
    each: Literal["operators", "terminals"] | None = None
    as_: str = Field(default="", alias="as")
    back: str = ""
    back_target: str = ""
    reads: bool = False
    stop: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    mirror: str = ""
    of: Literal["shop", "company", "operator", "operators", "terminal", "terminals", "answer"] | None = None
    answer: str = ""
    fields: tuple[str, ...] = ()
    count_faults: bool = False
    person: bool = False


class Approver(Strict):
    """Who may give a mark; every way that is named counts.

    ``owner``: who owns the shop's account; ``no_shop``: of a request without a shop, the members of this queue.
    """

    owner: Literal["shop"] | None = None
    no_shop: str = ""
    permission_set: str = ""
    queue: str = ""
    role: str = ""


class Before(BaseModel):
    """A check before the first step, with its parameters; ``refuse``: who fails it is refused, others wait."""

    model_config = ConfigDict(extra="allow", frozen=True)

    check: str
    reason: str = ""
    refuse: bool = False

    def given(self, name: str, default: Any = None) -> Any:
        """A parameter by name."""
        return (self.model_extra or {}).get(name, default)


class PaymentRuns(Strict):
    """Days of the month, and the time, at which the company is paid."""

    days: tuple[int, ...]
    at: str = Field(pattern=r"^\d\d:\d\d$")


class Steps(Strict):
    """The whole file."""

    request_steps: int
    zone: str = "Europe/Rome"
    unconfirmed_hours: int = Field(default=24, gt=0)
    keep_days: int = Field(default=30, ge=0)
    payment_runs: PaymentRuns
    contract_terminals: dict[str, dict[str, int]] = Field(default_factory=dict)
    guides: dict[str, str] = Field(default_factory=dict)
    gate_marks: dict[str, str] = Field(default_factory=dict)
    pvr_cash_cap_eur: int = 100
    pvr_cash_cap_enforced: bool = False
    approvers: dict[str, Approver]
    approval_process: str = ""
    steps: dict[str, Action]
    gates: dict[str, Words]
    before: dict[str, tuple[Before, ...]] = Field(default_factory=dict)
    reasons: dict[str, Words]
    queues: dict[str, Words] = Field(default_factory=dict)
    texts: dict[str, Words]
    withheld_words: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """The catalogue of types and what its names mean."""

    catalogue: Catalogue
    steps: Steps

    @cached_property
    def lives(self) -> dict[str, RequestType]:
        """Types by RP code."""
        return self.catalogue.by_code

    def actions(self, life: RequestType) -> list[tuple[str, str, Action]]:
        """The type's steps in order: side (SF or PL), name, what it does."""
        return [(s.side, s.do, self.steps.steps[s.do]) for s in life.steps]

    def before(self, life: RequestType) -> tuple[Before, ...]:
        """The checks before the first step."""
        return self.steps.before.get(life.code, ())

    def reason(self, code: str, language: str) -> str:
        """Why, in words a partner may read."""
        words = self.steps.reasons.get(code) or self.steps.gates.get(code)
        return words[_spoken(language)] if words else code

    def queue(self, name: str, language: str) -> str:
        """A queue as partners may read it; what has no such name is not named."""
        words = self.steps.queues.get(name) or {"it": "Assistenza", "en": "Support"}
        return words[_spoken(language)]


def _spoken(language: str) -> Literal["it", "en"]:
    return "en" if language == "en" else "it"


def load(folder: Path) -> Book:
    """Both files of a folder of mappings; raises ``MappingError`` with file and line, all faults together."""
    catalogue = types.load(folder)
    path = folder / FILE
    document = _document(path)
    try:
        found = Steps.model_validate(document.data)
    except ValidationError as error:
        _stop(path, document, [_fault(e) for e in error.errors()])
    _stop(path, document, [*faults(found), *_unmatched(catalogue, found)])
    return Book(catalogue, found)


def _document(path: Path) -> Document:
    try:
        document = parse(path.read_text("utf-8"))
    except FileNotFoundError:
        step = "run `sfsync init` in a new folder and copy its mappings/request_steps.yaml"
        raise MappingError("the steps of partner requests are missing", "REQUESTS_MISSING", str(path), step) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        step = "correct its YAML, its encoding (UTF-8) or its mode"
        raise MappingError(
            "the steps of partner requests cannot be read", "REQUESTS_INVALID", str(path), step
        ) from None
    if document.faults:
        line, sentence, step = document.faults[0]
        raise MappingError(sentence, "REQUESTS_INVALID", f"{path}:{line}", step)
    return document


def _fault(error: Any) -> Fault:
    place = tuple(error["loc"])
    name = str(place[-1]) if place else ""
    if error["type"] == "extra_forbidden":
        return Fault(place, f"the key {name} is unknown here", "correct its name, or take it away")
    if error["type"] == "missing":
        return Fault(place[:-1], f"the key {name} is missing", f"write `{name}: …` here")
    return Fault(place, f"{name}: {error['msg']}", "see the how-to of partner requests for what may stand here")


def faults(found: Steps) -> list[Fault]:
    """What the model alone cannot see: words that must not leave, languages, names that do not exist."""
    return [*_texts(found), *_actions(found), *_checks(found)]


def _texts(found: Steps) -> list[Fault]:
    made = []
    tables = {"texts": found.texts, "reasons": found.reasons, "gates": found.gates, "queues": found.queues}
    for table, rows in tables.items():
        for name, words in rows.items():
            place = (table, name)
            for language in LANGUAGES:
                if language not in words:
                    made.append(Fault(place, f"{name} has no text in {language}", f"write `{language}: …`"))
                elif word := withheld(words[language], found.withheld_words):
                    made.append(
                        Fault(place, f"{name} says {word}, which must not leave [E-TIPOFF]", "use another word")
                    )
    for name, words in found.texts.items():
        if len({frozenset(places(w)) for w in words.values()}) > 1:
            made.append(Fault(("texts", name), f"{name} names other values in each language", "name the same ones"))
    return made


def _actions(found: Steps) -> list[Fault]:
    made = []
    for name, action in found.steps.items():
        ways = [bool(action.target), bool(action.mirror), action.count_faults, action.person]
        if sum(ways) != 1:
            step = "write one of: target, mirror, count_faults, person"
            made.append(Fault(("steps", name), f"the step {name} does not say in one way what it does", step))
        if action.mirror and not action.of:
            made.append(Fault(("steps", name), f"the step {name} does not say whose record it writes", "write `of: …`"))
    return made


def _checks(found: Steps) -> list[Fault]:
    made = []
    for code, checks in found.before.items():
        for number, check in enumerate(checks):
            place = ("before", code, number)
            if check.check not in CHECKS:
                made.append(Fault(place, f"there is no check {check.check}", f"write one of: {', '.join(CHECKS)}"))
            if check.reason and check.reason not in found.reasons:
                made.append(Fault(place, f"there is no reason {check.reason}", "add it to `reasons`"))
            for gate in check.given("gates", ()):
                if gate not in found.gates:
                    made.append(Fault(place, f"there is no gate {gate}", "add it to `gates`"))
    return made


def _unmatched(catalogue: Catalogue, found: Steps) -> list[Fault]:
    """Names the types use that stand nowhere here."""
    made = [
        Fault(("before", c), f"there is no type {c}", "correct its code")
        for c in found.before
        if c not in catalogue.by_code
    ]
    for life in catalogue.types:
        made += [
            Fault(("steps",), f"{life.code}: there is no step {s.do}", f"add `{s.do}:` here")
            for s in life.steps
            if s.do not in found.steps
        ]
        made += [
            Fault(("texts",), f"{life.code}: there is no text {m}", f"add `{m}:` here")
            for m in life.messages.values()
            if m not in found.texts
        ]
        made += [
            Fault(("approvers",), f"{life.code}: nobody gives {m}", f"add `{m}:` here")
            for m in sorted(marks_named(life))
            if m not in (*found.approvers, FOUR_EYES)
        ]
    made += [
        Fault(("gate_marks", g), f"{g}: there is no such gate, or nobody gives {m}", "correct one of the two")
        for g, m in found.gate_marks.items()
        if g not in found.gates or m not in found.approvers
    ]
    return made


def marks_named(life: RequestType) -> set[str]:
    """Every mark a type may ever need."""
    marks = {*life.approvals, *life.over_cap, *life.outside_list, *life.approvals_above.get("marks", ())}
    marks.update(life.approvals_over_days.get("marks", ()))
    for values in life.approvals_for.values():
        for some in values.values():
            marks.update(some)
    return marks


def _stop(path: Path, document: Document, found: list[Fault]) -> None:
    if not found:
        return
    ordered = sorted(found, key=lambda f: document.line(f.place))
    where = [f"{path}:{document.line(f.place)}" for f in ordered]
    rest = [f"{w}: {f.sentence}; {f.next_step}" for w, f in zip(where[1:], ordered[1:], strict=True)]
    raise MappingError(ordered[0].sentence, "REQUESTS_INVALID", where[0], ordered[0].next_step, rest)
