"""Deploys a package: deletions before, components, deletions after; all or nothing, or whatever is good.

Every component is judged first (``checks``); what rows forbid shows when the change is made. With
``rollbackOnError`` a single refusal undoes everything, without it the refused components are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sfsync.rehearsal.metadata import checks
from sfsync.rehearsal.metadata.component import Component, Key, SourceError, stored
from sfsync.rehearsal.metadata.kinds import BY_NAME
from sfsync.rehearsal.metadata.package import MANIFEST, Package
from sfsync.rehearsal.metadata.results import FAILED, PARTIAL, SUCCEEDED, Message, Options, Outcome, failure, success
from sfsync.rehearsal.store.alter import CannotChangeError

if TYPE_CHECKING:
    from sfsync.rehearsal.org import Org

Changes = dict[Key, Component | None]


def deploy(org: Org, package: Package, options: Options) -> Outcome:
    """Deploys, or with ``check_only`` tries to. Never raises for what a package says: that is in the messages."""
    messages = _unreadable(package)
    if options.run_tests:
        problem = "the rehearsal org runs no Apex tests"
        messages += [failure("ApexClass", name, "", problem) for name in options.run_tests]
    present = org.metadata.components
    changes, notes = _changes(package, present)
    messages += notes
    if any(not one.success for one in messages) and options.rollback_on_error:
        messages += _refused(present, changes)
        return Outcome(FAILED, _sorted(messages))
    refused, changes = _apply(org, changes, options)
    messages += refused
    if any(not one.success for one in messages):
        if options.rollback_on_error or not changes:
            return Outcome(FAILED, _sorted(messages))
        return Outcome(PARTIAL, _sorted(messages + _done(changes, present)))
    return Outcome(SUCCEEDED, _sorted([*messages, *_done(changes, present), _manifest(package)]))


def _unreadable(package: Package) -> list[Message]:
    wrong = [failure("", one.file, one.file, one.problem) for one in package.wrong]
    text = "An object '{1}' of type {0} was named in package.xml, but was not found in zipped directory"
    missing = [failure(*key, MANIFEST, text.format(*key)) for key in package.missing]
    unnamed = [
        Message("", file, file, True, problem="Not in package.xml", problem_type="Warning") for file in package.unnamed
    ]
    return wrong + missing + unnamed


def _manifest(package: Package) -> Message:
    return Message("", MANIFEST, package.base + MANIFEST, True, changed=True)


def _sorted(messages: list[Message]) -> list[Message]:
    """In the order of the package's files; the manifest last."""
    return sorted(messages, key=lambda one: (one.name == MANIFEST, one.kind, one.name))


# -- what changes -----------------------------------------------------------------------------------------


def _changes(package: Package, present: Mapping[Key, Component]) -> tuple[Changes, list[Message]]:
    """The components to keep and, as None, those to take away; a deletion of what is not there is a warning."""
    notes: list[Message] = []
    changes: Changes = {}
    for key in package.deletes_before:
        _delete(key, present, changes, notes)
    changes |= {one.key: one for one in package.components}
    for key in package.deletes_after:
        _delete(key, present, changes, notes)
    return changes, notes


def _delete(key: Key, present: Mapping[Key, Component], changes: Changes, notes: list[Message]) -> None:
    kind, name = key
    if key not in present:
        problem = f"No {kind} named: {name} found"
        notes.append(Message(kind, name, "destructiveChanges.xml", True, problem=problem, problem_type="Warning"))
        return
    changes[key] = None
    if kind == "CustomObject":
        inside = (one for one in present.values() if BY_NAME[one.kind].parent and one.object == name)
        changes |= dict.fromkeys((one.key for one in inside), None)


def _after(present: Mapping[Key, Component], changes: Changes) -> dict[Key, Component]:
    whole = {key: one for key, one in present.items() if key not in changes}
    return whole | {key: one for key, one in changes.items() if one is not None}


# -- doing it ---------------------------------------------------------------------------------------------


def _refused(present: Mapping[Key, Component], changes: Changes) -> list[Message]:
    deployed = {key for key, one in changes.items() if one is not None}
    found = checks.refusals(_after(present, changes), deployed)
    return [failure(one.kind, one.name, one.file, problem) for one, problem in found]


def _apply(org: Org, changes: Changes, options: Options) -> tuple[list[Message], Changes]:
    """Applies what is good; returns the refusals and what went in."""
    refused: list[Message] = []
    while changes:
        found = _refused(org.metadata.components, changes) or _attempt(org, changes, options)
        if not found:
            break
        refused += found
        bad = {(one.kind, one.name) for one in found}
        left = {key: one for key, one in changes.items() if key not in bad}
        if options.rollback_on_error or len(left) == len(changes):
            return refused, {}
        changes = left
    return refused, changes


def _attempt(org: Org, changes: Changes, options: Options) -> list[Message]:
    """Makes the change; what the rows or the whole forbid comes back as messages."""
    try:
        org.apply(changes, keep=not options.check_only)
    except CannotChangeError as wrong:
        return [failure("CustomField", f"{wrong.object}.{wrong.field}", "", wrong.problem)]
    except SourceError as wrong:
        return [failure(*(wrong.key or ("", wrong.file)), wrong.file, wrong.problem)]
    return []


def _done(changes: Changes, present: Mapping[Key, Component]) -> list[Message]:
    return [_said(key, one, present) for key, one in changes.items()]


def _said(key: Key, one: Component | None, present: Mapping[Key, Component]) -> Message:
    if one is None:
        return Message(*key, "destructiveChanges.xml", True, changed=True, deleted=True)
    before = present.get(key)
    changed = before is None or stored(before)["xml"] != stored(one)["xml"]
    return success(one, created=before is None, changed=changed)
