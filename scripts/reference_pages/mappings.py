"""Every key of a mapping file, from the pydantic models; types, owners and transforms from their tables."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from scripts.reference_pages.settings import kind
from scripts.reference_pages.text import code, sentence, table
from sfsync.mapping.model import (
    Conflicts,
    Deletes,
    FieldSpec,
    FieldType,
    Guards,
    Leaves,
    Mapping,
    Owner,
    PlatformSpec,
    Refusal,
    SalesforceSpec,
)
from sfsync.mapping.transforms import TRANSFORMS
from sfsync.merge import decide
from sfsync.merge.decide import Action
from sfsync.merge.verdict import Verdict

SENTENCES: dict[type[BaseModel], dict[str, str]] = {
    Mapping: {
        "mapping": "Its name, as commands take it.",
        "version": "Yours to count. Like any change of a mapping, a new number makes saved plans stale.",
        "platform": "The platform's table.",
        "salesforce": "The Salesforce object.",
        "fields": "The fields by name. A column or Salesforce field that is not here does not exist for sfsync.",
        "never": "Platform columns that must not leave in any form; a field that uses one is refused.",
        "exclusive": "Groups of references of which at most one may be set in a record (`TWO_PARENTS`).",
        "refuse": "Rules that keep a platform row out of Salesforce.",
        "deletes": "What a missing record means.",
        "conflicts": "How long a person has to decide a conflict, and what happens then.",
        "guards": "Limits that stop a run before its first write.",
    },
    PlatformSpec: {
        "table": "Table or view.",
        "key": "Column with the external id.",
        "key_pattern": "The whole key must match this (RE2).",
        "stamp": "Column with the time of the last change.",
        "settle": "How long a change may become visible late: the window's mark stays this far behind now.",
        "overlap": "How far a window reaches back before the mark.",
    },
    SalesforceSpec: {
        "object": "API name of the object.",
        "key": "External id field: Text, unique, not case-sensitive.",
        "as": "For players: Person Accounts, or Contacts (the fields' `contact:` names are used then).",
        "record_type": "Developer name, or `{by: FIELD, VALUE: DeveloperName, …}` chosen when a record is created.",
        "read": "Further record types that are read, though sfsync never creates records of them.",
        "auto_assign": "Let assignment rules run on writes; such a mapping never uses the Bulk API.",
        "born": "Key template for records born in Salesforce, as `SF-{CaseNumber}`; they get a platform row.",
        "settle": "As for the platform, by the org's clock.",
        "overlap": "As for the platform.",
    },
    FieldSpec: {
        "platform": "Column; several in brackets when `transform` joins them.",
        "salesforce": "API name; of a reference the path to the parent's external id, as `Account.SFS_Shop_Code__c`.",
        "contact": "Salesforce name where players are Contacts.",
        "also": "Further Salesforce fields that carry the same value.",
        "contact_also": "What `also` becomes where players are Contacts.",
        "type": "How a value is made canonical, see [types](#types).",
        "length": "Longest canonical text; at most the Salesforce field's length.",
        "pattern": "The whole canonical value must match this (RE2).",
        "values": "Allowed values of a picklist.",
        "unknown": "A value outside `values`: refuse the record, keep it, or the word to write instead.",
        "owner": "Who decides when the sides differ, see [owners](#owners).",
        "pii": "What kind of personal value it is; all but `none` are masked on screens.",
        "leaves": "In which form the platform's value may reach Salesforce, see [forms](#forms).",
        "transform": "Function by name, see [transforms](#transforms).",
        "given": "Further platform columns the transform looks at; never written back.",
        "references": "The parent's mapping.",
        "deferred": "A lookup that closes a cycle: records are created without it, the link is written after.",
        "stricter": "Which boolean is the stricter one (owner stricter).",
        "changed_at": "Platform column with this field's own time of change (owner newest).",
        "seed": "A Salesforce-owned field gets the platform's value once, while Salesforce has none.",
        "default": "Canonical value for a platform row made from a Salesforce record.",
        "fallback": "Salesforce field read when `salesforce` is empty, as `CreatedDate`.",
        "too_long": "A text longer than `length`: cut it or refuse the record. "
        "Left out: texts are cut, everything else is refused.",
        "required": "A record without this value is refused.",
        "lane": "`compliance`: written before everything else of all mappings, in a call of its own, never held.",
        "guard": "`strict`: conditional updates; a record somebody changed meanwhile is left to the next plan.",
        "sensitive": "Few possible values: the ledger's digest also depends on the record's key.",
        "note": "For readers.",
    },
    Deletes: {
        "platform_vanished": "A row that vanished from the platform: Salesforce keeps its record. There is no other.",
        "salesforce_deleted": "A record deleted in Salesforce that the platform still has: make it again, let it go "
        "(`detach`), or ask.",
    },
    Conflicts: {
        "deadline": "A conflict open longer than this is overdue: red in `sfsync conflicts`, counted in `status`.",
        "then": "What the run after the deadline takes it for: that side's value, or both as they are; `wait` asks on. "
        "A conflict a lost reply left in doubt (`IN_DOUBT`) always waits.",
    },
    Guards: {
        "max_changed_percent": "`MASS_CHANGE` above this share of the known records, per side written.",
        "max_changed_records": "`MASS_CHANGE` above this number.",
        "max_changed_percent_per_day": "`MASS_CHANGE_DAY` above this share, this run and the last 24 hours together.",
        "max_missing_percent": "`SIDE_SHORT` above this share of known records a complete read lacks.",
        "max_archived_percent": "`MASS_ARCHIVE` above this share.",
        "min_base": "With fewer known records the shares are not looked at.",
    },
    Refusal: {
        "code": "The code shown in `sfsync failures`.",
        "transform": "A transform that answers whether to refuse.",
        "platform": "The columns it looks at.",
        "message": "A sentence for people.",
    },
}
TITLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("A mapping", Mapping),
    ("platform", PlatformSpec),
    ("salesforce", SalesforceSpec),
    ("A field", FieldSpec),
    ("deletes", Deletes),
    ("conflicts", Conflicts),
    ("guards", Guards),
    ("A refusal", Refusal),
)
HIDDEN = ("name", "file")
TYPES = {
    FieldType.TEXT: "Trimmed, Unicode NFC, line ends as `\\n`, cut to `length`.",
    FieldType.CODE: "An identifier: trimmed, never cut, never re-cased.",
    FieldType.EMAIL: "Lower case; must have the form of an address.",
    FieldType.PHONE: "E.164, read by Italian rules where no country code is given.",
    FieldType.PICKLIST: "A code out of `values`, if there are any.",
    FieldType.MULTIPICKLIST: "Codes, sorted, each once.",
    FieldType.BOOLEAN: "`true` or `false`.",
    FieldType.INTEGER: "A whole number.",
    FieldType.MONEY: "Minor units on the platform, a Currency amount in Salesforce.",
    FieldType.DATE: "A civil date, 1700 to 4000, without time and zone.",
    FieldType.INSTANT: "To the second, in UTC.",
    FieldType.REFERENCE: "Another mapping's key; a lookup found by external id in Salesforce.",
    FieldType.USER: "A Salesforce username, or a queue's name.",
}
FORMS = {
    Leaves.YES: "As it is.",
    Leaves.MASKED: "In part: last digits, text with secrets hidden.",
    Leaves.HASH: "As a keyed hash that only tells equality.",
    Leaves.FLAG: "As a derived yes/no or band.",
    Leaves.NEVER: "Not at all.",
}
WORDS = {Action.BASE: "remember", Action.NOTHING: "nothing", Action.ASK: "ask a person", Action.RULE: "rule"}
RULES = {
    Owner.NEWEST: "The later change wins (`changed_at`, else the row's stamp); a tie goes to the platform; at the "
    "first meeting a value beats null.",
    Owner.EARLIEST: "The earlier instant wins; a value beats null.",
    Owner.STRICTER: "The stricter boolean wins, whatever its age; null says nothing.",
    Owner.SALESFORCE: "At the first meeting Salesforce's value; if it has none, the platform's (`seed`).",
}


def page() -> str:
    """The page of mapping files."""
    parts = ["# Mapping files\n", _intro()]
    for title, model in TITLES:
        parts += [f"## {title}\n", _model(model)]
    parts += ["## Types\n", _words(TYPES, FieldType), "## Owners\n", _owners(), "## Forms\n", _words(FORMS, Leaves)]
    parts += ["## Transforms\n", _transforms()]
    return "\n".join(parts)


def _intro() -> str:
    return (
        "YAML files in the folder of the setting `mappings`, one per mapping. An unknown key is an error with file, "
        "line and what may have been meant. How to change one: [change a mapping](../how-to/change-a-mapping.md).\n"
    )


def _model(model: type[BaseModel]) -> str:
    said = SENTENCES[model]
    fields = {f.alias or n: f for n, f in model.model_fields.items() if f.alias or n not in HIDDEN}
    assert set(said) == set(fields), f"{model.__name__}: {sorted(set(said) ^ set(fields))}"
    rows = [(code(n), _kind(f.annotation), _default(f.default), said[n]) for n, f in fields.items()]
    return table(("key", "values", "default", "meaning"), rows)


def _kind(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(code(v.value) for v in annotation)
    inner = [a for a in get_args(annotation) if a is not type(None)]
    if timedelta in (annotation, *inner):
        return "duration, as `PT2M`"
    return kind(annotation)


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value in (None, (), ""):
        return ""
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, timedelta):
        days, rest = divmod(int(value.total_seconds()), 86_400)
        return f"`P{days}D`" if days and not rest else f"`PT{(days * 86_400 + rest) // 60}M`"
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(getattr(value, "value", value))


def _words(said: dict[Any, str], kinds: type[StrEnum]) -> str:
    assert set(said) == set(kinds)
    return table(("word", "meaning"), [(code(k.value), said[k]) for k in kinds])


def _owners() -> str:
    names = [v for v in Verdict if v in decide._VERDICTS]
    head = ("owner", *(code(v.name.lower()) for v in names))
    rows = [(code(o.value), *(_action(a) for a in decide._TABLE[o])) for o in Owner]
    rules = "\n".join(f"- {code(o.value)}: {text}" for o, text in RULES.items())
    return (
        "What happens to a cell, by owner and by what happened to it "
        "([the decision table](../explanation/decision-table.md)):\n\n"
        f"{table(head, rows)}\nWhere it says *rule*, the values are looked at:\n\n{rules}\n"
    )


def _action(action: Action) -> str:
    sides = {Action.SALESFORCE: "write to Salesforce", Action.PLATFORM: "write to the platform"}
    return {**WORDS, **sides}[action]


def _transforms() -> str:
    rows = []
    for made in TRANSFORMS.values():
        shape = f"{made.columns}" + (f" and {made.given} given" if made.given else "")
        form = "refuses rows" if made.refuses else code(made.leaves.value)
        doc = re.sub(r" \(domain model [^)]*\)", "", (inspect.getdoc(made.run) or "").partition("\n\n")[0])
        rows.append((code(made.name), form, shape, sentence(doc.replace("``", "`"))))
    return table(("transform", "leaves", "columns", "result"), rows)
