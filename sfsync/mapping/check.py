"""What makes a mapping file wrong, one rule per function, each with a sentence and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sfsync.mapping.lines import Fault, Path
from sfsync.mapping.model import FieldSpec, FieldType, Leaves, Mapping, Owner
from sfsync.mapping.transforms import TRANSFORMS

# Characters, classes and groups, each repeated at most once and no group by a number: what grows, RE2 may refuse.
_PLAIN = re.compile(r"(?:(?:\\[dws.]|[\w @:;,.\]-])(?:[*+?]|\{\d\d?(?:,\d?\d?)?\})?|\)[*+?]?|[\[^$|(])*", re.ASCII)
DERIVED = (Leaves.MASKED, Leaves.HASH, Leaves.FLAG)


def shape(data: Any) -> list[Fault]:
    """Mistakes so coarse that the model could not say where they are."""
    if not isinstance(data, dict):
        return [Fault((), "a mapping file is a list of keys with values", "begin with `mapping: NAME`")]
    if "mapping" not in data:
        return [Fault((), "the key mapping is missing", "write `mapping: NAME` in the first line")]
    faults = []
    for part in ("platform", "salesforce", "fields"):
        if part in data and not isinstance(data[part], dict):
            faults.append(Fault((part,), f"{part} must hold keys with values", f"write `{part}:` and indent its keys"))
    for name, spec in (data.get("fields") or {}).items() if isinstance(data.get("fields"), dict) else ():
        if not isinstance(spec, dict | None):
            hint = f"write `{name}: {{platform: COLUMN, salesforce: FIELD}}`"
            faults.append(Fault(("fields", name), f"the field {name} must hold keys with values", hint))
    return faults


def mapping_faults(mapping: Mapping) -> list[Fault]:
    """All mistakes of one mapping that need no other mapping."""
    found = [f for rule in FIELD_RULES for field in mapping.fields.values() for f in rule(mapping, field)]
    found += [f for rule in MAPPING_RULES for f in rule(mapping)]
    return found


def parent_faults(mapping: Mapping, known: dict[str, Mapping], suggest: Callable[[str, list[str]], str]) -> list[Fault]:
    """References to mappings that do not exist, and lookups to itself that are not deferred."""
    faults = []
    for field in mapping.fields.values():
        place = ("fields", field.name, "references")
        if field.references and field.references not in known:
            sentence = f"there is no mapping {field.references}"
            faults.append(Fault(place, sentence, suggest(field.references, sorted(known)), "MAPPING_PARENT"))
        elif field.references == mapping.name and not field.deferred:
            sentence = f"the mappings wait for each other: {mapping.name} -> {mapping.name}"
            hint = f"write `deferred: true` at {mapping.name}.{field.name}"
            faults.append(Fault(place, sentence, hint, "MAPPING_CYCLE"))
    return faults


def _at(field: FieldSpec, key: str = "") -> Path:
    return ("fields", field.name, key) if key else ("fields", field.name)


def _sides(mapping: Mapping, field: FieldSpec) -> Iterator[Fault]:
    if not field.columns and not field.salesforce:
        yield Fault(_at(field), f"{field.name} has neither a platform column nor a Salesforce field", "write one")
    elif not field.columns and field.owner not in (Owner.SALESFORCE, Owner.COMPUTED):
        hint = "write `owner: salesforce`, or `owner: computed` if sfsync works it out"
        yield Fault(_at(field, "owner"), f"{field.name} exists in Salesforce only, so the platform cannot own it", hint)
    elif not field.salesforce and field.owner is not Owner.COMPUTED:
        hint = "write `salesforce: FIELD`, or list the column under `never`"
        yield Fault(_at(field), f"{field.name} has no Salesforce field, so it goes nowhere", hint)


def _leaves(mapping: Mapping, field: FieldSpec) -> Iterator[Fault]:
    if field.leaves is Leaves.NEVER and field.salesforce:
        hint = "remove the Salesforce name and list the column under `never`"
        yield Fault(_at(field, "leaves"), f"{field.name} must never leave but has a Salesforce field", hint)
    hidden = [n for n in (*field.columns, *field.given) if n in mapping.never]
    transform = TRANSFORMS.get(field.transform or "")
    if hidden and not (transform and transform.derives and field.leaves is transform.leaves):
        hint = "remove the field, or derive a flag or a hash from the column with a transform that gives nothing away"
        yield Fault(_at(field, "platform"), f"{field.name} uses {hidden[0]}, which is listed under `never`", hint)
    if field.leaves is Leaves.HASH and field.owner is not Owner.PLATFORM:
        sentence = f"{field.name} is a hash, which has no way back"
        yield Fault(_at(field, "owner"), sentence, "write `owner: platform`")


def _transform(mapping: Mapping, field: FieldSpec) -> Iterator[Fault]:
    if not field.columns:
        return
    if field.transform is None:
        if field.leaves in DERIVED:
            sentence = f"{field.name} leaves as {field.leaves} but has no transform that makes it so"
            yield Fault(_at(field, "leaves"), sentence, f"write `transform:` with one of: {_of(field.leaves)}")
        if len(field.columns) > 1:
            yield Fault(
                _at(field, "platform"), f"{field.name} has several columns", "write a transform that joins them"
            )
        return
    transform = TRANSFORMS.get(field.transform)
    if transform is None:
        near = difflib.get_close_matches(field.transform, TRANSFORMS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"write one of: {_of(field.leaves)}"
        yield Fault(_at(field, "transform"), f"there is no transform {field.transform}", hint)
    elif transform.leaves is not field.leaves or transform.refuses:
        sentence = f"{field.name} leaves as {field.leaves}, but {transform.name} does not give that"
        yield Fault(_at(field, "transform"), sentence, f"write one of: {_of(field.leaves)}")
    elif (len(field.columns), len(field.given)) != (transform.columns, transform.given):
        sentence = f"{transform.name} joins {transform.columns} column(s) and looks at {transform.given} more"
        hint = f"write so many under `platform` and under `given` of {field.name}"
        yield Fault(_at(field, "platform"), sentence, hint)


def _of(leaves: Leaves) -> str:
    return ", ".join(sorted(t.name for t in TRANSFORMS.values() if t.leaves is leaves and not t.refuses))


def _types(mapping: Mapping, field: FieldSpec) -> Iterator[Fault]:
    if (field.type is FieldType.REFERENCE) != bool(field.references):
        hint = "a field has both `type: reference` and `references: MAPPING`, or neither"
        yield Fault(_at(field, "type"), f"{field.name} is half a reference", hint)
    dotted = field.type in (FieldType.REFERENCE, FieldType.USER)
    if dotted and field.synced and "." not in (field.salesforce or ""):
        hint = "write the lookup and the field that identifies the parent, like Account.SFS_Shop_Code__c"
        yield Fault(_at(field, "salesforce"), f"{field.name} does not say how its parent is found", hint)
    if field.owner is Owner.STRICTER and field.type is not FieldType.BOOLEAN:
        yield Fault(_at(field, "owner"), f"{field.name} is no yes or no", "stricter needs `type: boolean`")
    if field.owner is Owner.EARLIEST and field.type not in (FieldType.INSTANT, FieldType.DATE):
        yield Fault(
            _at(field, "owner"), f"{field.name} is no point in time", "earliest needs `type: instant` or `date`"
        )


def _values(mapping: Mapping, field: FieldSpec) -> Iterator[Fault]:
    listed = field.type in (FieldType.PICKLIST, FieldType.MULTIPICKLIST)
    if field.values and not listed:
        yield Fault(_at(field, "values"), f"{field.name} lists values but is no picklist", "write `type: picklist`")
    for key, value in (("default", field.default), ("unknown", field.unknown)):
        if field.values and value not in (None, "refuse", "keep", *field.values):
            hint = f"write one of: {', '.join(field.values)}"
            yield Fault(_at(field, key), f"{key} of {field.name} is not in its list of values", hint)
    if field.length is not None and field.length < 1:
        yield Fault(_at(field, "length"), f"{field.name} has no room", "write the length of the Salesforce field")
    if field.pattern and not _compiles(field.pattern):
        yield Fault(_at(field, "pattern"), f"{field.name} has a pattern that cannot be read", "write RE2 syntax")


def _compiles(pattern: str) -> bool:
    """Whether RE2 reads it. What is so plain that RE2 and Python agree on it is asked of Python: Arrow loads slowly."""
    if _PLAIN.fullmatch(pattern):
        with suppress(re.error):
            re.compile(pattern)
            return True
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        return False
    return True


def _no_doubles(mapping: Mapping) -> Iterator[Fault]:
    """Every Salesforce field is written once; two references may share one lookup, told apart by their path."""
    taken = {mapping.salesforce.key: "the key"}
    for field in mapping.fields.values():
        for key, names in (("salesforce", (field.salesforce,)), ("also", field.also)):
            for name in names:
                if name and name in taken:
                    sentence = f"{name} is written by {taken[name]} already"
                    yield Fault(_at(field, key), sentence, "remove one of the two")
                if name:
                    taken[name] = field.name


def _record_types(mapping: Mapping) -> Iterator[Fault]:
    rule = mapping.salesforce.record_type
    if not isinstance(rule, dict):
        return
    field = mapping.fields.get(rule.get("by", ""))
    place: Path = ("salesforce", "record_type")
    if field is None:
        yield Fault(place, "record_type does not say by which field", "write `by: FIELD`, a field of this mapping")
        return
    for value in [v for v in field.values if v not in rule]:
        yield Fault(place, f"no record type for the value {value} of {field.name}", f"write `{value}: RecordType`")


def _exclusive(mapping: Mapping) -> Iterator[Fault]:
    for number, group in enumerate(mapping.exclusive):
        for name in group:
            if not (name in mapping.fields and mapping.fields[name].references):
                yield Fault(("exclusive", number), f"{name} is no reference of this mapping", "list reference fields")


def _refusals(mapping: Mapping) -> Iterator[Fault]:
    for number, rule in enumerate(mapping.refuse):
        transform = TRANSFORMS.get(rule.transform)
        if transform is None or not transform.refuses:
            known = ", ".join(t.name for t in TRANSFORMS.values() if t.refuses)
            sentence = f"there is no rule {rule.transform} that refuses rows"
            yield Fault(("refuse", number, "transform"), sentence, f"write one of: {known}")


FIELD_RULES: tuple[Callable[[Mapping, FieldSpec], Iterator[Fault]], ...] = (
    _sides,
    _leaves,
    _transform,
    _types,
    _values,
)
MAPPING_RULES: tuple[Callable[[Mapping], Iterator[Fault]], ...] = (_no_doubles, _record_types, _exclusive, _refusals)
