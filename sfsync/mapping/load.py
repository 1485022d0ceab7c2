"""Reads mapping files: YAML with line numbers, checked models, parents first.

Every fault of a file is found in one go: the ``MappingError`` tells the first one with file and line, its
``details`` list the others.
"""

from __future__ import annotations

import difflib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from sfsync.errors import MappingError
from sfsync.mapping.lines import Document, Fault, parse
from sfsync.mapping.model import Conflicts, Deletes, FieldSpec, Guards, Mapping, PlatformSpec, Refusal, SalesforceSpec
from sfsync.mapping.variant import contact_variant

_PARTS: dict[str, type[BaseModel]] = {
    "platform": PlatformSpec,
    "salesforce": SalesforceSpec,
    "deletes": Deletes,
    "conflicts": Conflicts,
    "guards": Guards,
}


def outline(folder: Path) -> dict[str, Mapping]:
    """``load`` for who only looks: the rules, which know every transform, are asked only where the form is broken."""
    try:
        return load(folder, rules=False)
    except (MappingError, TypeError):
        return load(folder)


def load(folder: Path, *, rules: bool = True) -> dict[str, Mapping]:
    """All mappings of a folder by name, parents before children.

    Files that do not declare ``mapping:`` are other things (clocks, request types) and are left alone. Raises
    ``MappingError`` with ``where="file:line"`` and a ``next_step``.
    """
    if not folder.is_dir():
        raise MappingError(
            "there is no such folder of mappings",
            code="MAPPING_FOLDER",
            where=str(folder),
            next_step="set `mappings` in sfsync.toml, or run `sfsync init` for a ready folder",
        )
    documents = {path: document for path in sorted(folder.glob("*.yaml")) if (document := _read(path))}
    mappings: dict[str, tuple[Path, Mapping]] = {}
    for path, document in documents.items():
        mapping = _checked(path, document, rules)
        if mapping.name in mappings:
            first = mappings[mapping.name][0].name
            fault = Fault(("mapping",), f"{first} has the name {mapping.name} already", "give one of them another name")
            _stop(path, document, [fault])
        mappings[mapping.name] = (path, mapping)
    if rules:
        _check_parents(mappings, documents)
    return _in_order(mappings, documents)


def _read(path: Path) -> Document | None:
    try:
        document = parse(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise MappingError(
            f"this is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}",
            code="MAPPING_YAML",
            where=f"{path}:{mark.line + 1 if mark else 1}",
            next_step="look at the indentation and the quotes of this line and the one above",
        ) from error
    except UnicodeDecodeError as error:
        raise MappingError(
            "the file is not UTF-8 text", code="MAPPING_YAML", where=f"{path}:1", next_step="save it as UTF-8"
        ) from error
    except OSError as error:
        raise MappingError(
            f"the file cannot be read ({error.strerror})",
            code="MAPPING_UNREADABLE",
            where=f"{path}:1",
            next_step="correct its owner and mode, or take it away",
        ) from error
    names = {p[0] for p in document.lines if len(p) == 1}
    return document if "mapping" in names or {"fields", "platform"} <= names else None


def _checked(path: Path, document: Document, rules: bool) -> Mapping:
    if document.faults:
        where = [f"{path}:{line}" for line, _, _ in document.faults]
        _raise([(w, f[1], f[2]) for w, f in zip(where, document.faults, strict=True)])
    if rules:
        _check(path, document, _rules().shape(document.data))
    try:
        mapping = Mapping.model_validate({**document.data, "file": str(path)})
    except ValidationError as error:
        _stop(path, document, [_fault(e) for e in error.errors()])
    if rules:
        _check(path, document, _rules().mapping_faults(mapping))
    return mapping


def _rules() -> ModuleType:
    """The rules; they know all transforms and with them Arrow, which who only looks need not wait for."""
    from sfsync.mapping import check

    return check


def _check(path: Path, document: Document, faults: list[Fault]) -> None:
    if faults:
        _stop(path, document, faults)


def _fault(error: Any) -> Fault:
    """A pydantic error in our words."""
    place = tuple(error["loc"])
    name = str(place[-1]) if place else ""
    if error["type"] == "extra_forbidden":
        return Fault(place, f"the key {name} is unknown here", _did_you_mean(name, _known_keys(place)))
    if error["type"] == "missing":
        return Fault(place[:-1], f"the key {name} is missing", f"write `{name}: …` here")
    if error["type"] in ("enum", "literal_error"):
        expected = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        sentence = f"{name} has the unknown value {error['input']}"
        return Fault(place, sentence, _did_you_mean(str(error["input"]), expected.split(", ")))
    if error["type"] in ("string_type", "tuple_type"):
        hint = "a list in brackets: [A, B]" if error["type"] == "tuple_type" else "text; put yes, no, on, off in quotes"
        return Fault(place, f"{name} has a value of the wrong kind", f"write {hint}")
    return Fault(place, f"{name}: {error['msg']}", "see the reference of mapping files for what may stand here")


def _known_keys(place: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Mapping
    if len(place) == 3 and place[0] in ("fields", "refuse"):
        model = FieldSpec if place[0] == "fields" else Refusal
    elif len(place) == 2:
        model = _PARTS.get(str(place[0]), Mapping)
    names = [f.alias or n for n, f in model.model_fields.items()]
    return [n for n in names if n not in ("name", "file")]


def _did_you_mean(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"write one of: {', '.join(known)}"


def _check_parents(mappings: dict[str, tuple[Path, Mapping]], documents: dict[Path, Document]) -> None:
    named = {name: mapping for name, (_, mapping) in sorted(mappings.items())}
    for name, mapping in named.items():
        path = mappings[name][0]
        _check(path, documents[path], _rules().parent_faults(mapping, named, _did_you_mean))


def _in_order(mappings: dict[str, tuple[Path, Mapping]], documents: dict[Path, Document]) -> dict[str, Mapping]:
    """Variants resolved, parents known and no cycle, parents first (otherwise by name)."""
    named = contact_variant({name: mapping for name, (_, mapping) in sorted(mappings.items())})
    sorter = TopologicalSorter({name: mapping.parents for name, mapping in named.items()})
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        _stop_cycle(list(reversed(error.args[1])), mappings, documents)
    return {name: named[name] for name in order}


def _stop_cycle(cycle: list[str], mappings: dict[str, tuple[Path, Mapping]], documents: dict[Path, Document]) -> None:
    path, mapping = mappings[cycle[0]]
    field = next(f for f in mapping.synced if f.references == cycle[1] and not f.deferred)
    sentence = f"the mappings wait for each other: {' -> '.join(cycle)}"
    hint = f"write `deferred: true` at one of these references, for example at {mapping.name}.{field.name}"
    _stop(path, documents[path], [Fault(("fields", field.name, "references"), sentence, hint, "MAPPING_CYCLE")])


def _stop(path: Path, document: Document, faults: list[Fault]) -> None:
    ordered = sorted(faults, key=lambda f: document.line(f.place))
    found = [(f"{path}:{document.line(f.place)}", f.sentence, f.next_step) for f in ordered]
    _raise(found, ordered[0].code)


def _raise(found: list[tuple[str, str, str]], code: str = "MAPPING_INVALID") -> None:
    where, sentence, next_step = found[0]
    rest = [f"{w}: {s}; {n}" for w, s, n in found[1:]]
    raise MappingError(sentence, code=code, where=where, next_step=next_step, details=rest)
