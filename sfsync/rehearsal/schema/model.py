"""Objects and fields as the engine sees them. Everything is frozen after ``Schema`` is put together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.rehearsal.automation.rules import Automation

TEXT_TYPES = frozenset(
    {"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "combobox", "encryptedstring"}
)
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
COMPOUND_TYPES = frozenset({"address", "location"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field, in describe's words. ``length`` in characters; ``values`` are the active picklist values."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    createable: bool = False
    updateable: bool = False
    defaulted: bool = False
    unique: bool = False
    case_sensitive: bool = False
    external_id: bool = False
    id_lookup: bool = False
    filterable: bool = True
    groupable: bool = False
    sortable: bool = False
    name_field: bool = False
    auto_number: bool = False
    restricted: bool = False
    values: tuple[str, ...] = ()
    value_labels: tuple[str, ...] = ()
    default: Any = None
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_name: str | None = None
    on_delete: str = ""  # "" clears the lookup, "cascade" deletes the child, "restrict" refuses
    custom: bool = False
    compound: str | None = None
    person: bool = False  # belongs to person accounts only
    mirror: str | None = None  # path the value is read through, "Contact.Email"
    display_format: str | None = None
    inline_help: str | None = None
    html: bool = False
    parts: tuple[tuple[str, str], ...] = ()  # of an address or location: (key in the JSON object, field)
    controller: str | None = None  # the picklist or checkbox that decides which values are offered
    valid_for: tuple[str | None, ...] = ()  # per value: bitmap over the controller's values, base64
    shown: Mapping[str, Any] | None = None  # describe keys that do not follow from the rest
    formula: str | None = None  # of a formula field, as written in its metadata
    blank_as_zero: bool = False  # the formula reads blank numbers as 0
    expression: str | None = None  # SQL that gives the value when it is read, {0} stands for the row's alias
    tracked: bool = False  # trackHistory: changes are written to the object's history, where it has one

    @property
    def stored(self) -> bool:
        """Has a column of its own; addresses and locations are put together from their parts."""
        return self.type not in COMPOUND_TYPES and self.formula is None

    @property
    def indexed(self) -> bool:
        """Has a look-up column of its own: external ids, unique fields, idLookup fields."""
        return self.name != "Id" and (self.unique or self.external_id or self.id_lookup)

    @property
    def key_column(self) -> str:
        return f"{self.name}~key"

    def key(self, value: str | float | None) -> str | None:
        """The form in which values of this field are looked up and held apart."""
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value)
        return text if self.case_sensitive else text.lower()

    @property
    def long_text(self) -> bool:
        return self.type == "textarea" and self.length > 255

    @property
    def required(self) -> bool:
        return self.createable and not self.nillable and not self.defaulted

    @property
    def polymorphic(self) -> bool:
        return len(self.reference_to) > 1


_VALUES = attrgetter(*(one.name for one in dataclass_fields(Field)))


@dataclass(frozen=True, slots=True)
class RecordTypeDef:
    """A record type of force-app. ``person`` marks the record types that make an Account a person.

    ``picklists``: field name -> (values the record type offers, its default value or None). The metadata reader
    fills it from ``picklistValues``; a field that is missing offers all its values.
    """

    object: str
    developer_name: str
    label: str
    description: str | None = None
    active: bool = True
    person: bool = False
    picklists: Mapping[str, tuple[tuple[str, ...], str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueDef:
    developer_name: str
    label: str
    objects: tuple[str, ...]
    email: str | None = None


@dataclass(frozen=True, slots=True)
class PermissionSetDef:
    """``permissions`` are the fields of PermissionSet that are true; ``fields``: (Object.Field, readable, editable);
    ``objects``: object and its rights in the words of ObjectPermissions (Read, Create, ViewAllRecords, …).
    """

    name: str
    label: str
    description: str | None
    permissions: tuple[str, ...]
    fields: tuple[tuple[str, bool, bool], ...] = ()
    objects: tuple[tuple[str, frozenset[str]], ...] = ()
    custom_permissions: tuple[str, ...] = ()  # $Permission.Name in formulas


@dataclass(frozen=True, slots=True)
class Child:
    """A parent-to-child relationship, seen from the parent."""

    object: str
    field: Field


@dataclass(frozen=True)
class SObject:
    """``calls``: C create U update D delete N undelete Q query R retrieve P replicate S search, and what else describe
    says of it: M mergeable L layoutable T triggerable F feedEnabled V mruEnabled.

    ``prefix`` begins the ids; several objects may share one (field histories), and describe shows it only when
    ``own_prefix``. Objects that are not ``stored`` are there for describe alone (change events): no table, no rows.
    ``needs_filter``: a query must filter by a single id on one of these fields. ``outside``: child relationships
    from objects without rows. ``associate``: kind and parent of a companion, ("History", "Case").
    """

    name: str
    label: str
    plural: str
    prefix: str
    calls: str
    fields: tuple[Field, ...]
    setup: bool = False
    custom: bool = False
    record_types: tuple[RecordTypeDef, ...] = ()
    children: tuple[Child, ...] = ()
    stored: bool = True
    own_prefix: bool = True
    needs_filter: tuple[str, ...] = ()
    outside: tuple[Child, ...] = ()
    associate: tuple[str, str] | None = None
    scopes: tuple[tuple[str, str], ...] = ()  # (name, label) beside "everything"
    shown: Mapping[str, Any] | None = None  # describe keys that do not follow from the rest

    def find(self, name: str) -> Field | None:
        return self._by_name.get(name.lower())

    def relation(self, name: str) -> Field | None:
        """The reference field behind a relationship name (``Account``, ``Parent__r``)."""
        return self._by_relation.get(name.lower())

    def child(self, name: str) -> Child | None:
        return self._by_child.get(name.lower())

    def has(self, name: str) -> bool:
        return name.lower() in self._by_name

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {one.name.lower(): one for one in self.fields}

    @cached_property
    def _by_relation(self) -> dict[str, Field]:
        return {one.relationship_name.lower(): one for one in self.fields if one.relationship_name}

    @cached_property
    def _by_child(self) -> dict[str, Child]:
        return {one.field.child_name.lower(): one for one in self.children if one.field.child_name}

    @cached_property
    def name_field(self) -> Field | None:
        return next((one for one in self.fields if one.name_field), None)

    @cached_property
    def bin(self) -> bool:
        """Rows go to the recycle bin when deleted."""
        return self.has("IsDeleted")


@dataclass(frozen=True)
class Schema:
    """All objects, plus what force-app brings along: queues and permission sets."""

    objects: Mapping[str, SObject]
    settings: Mapping[str, Any]
    queues: tuple[QueueDef, ...] = ()
    permission_sets: tuple[PermissionSetDef, ...] = ()
    automation: Automation | None = None  # the rules that run at a save; None where nothing is configured
    _lower: dict[str, SObject] = field(default_factory=dict)
    _prefixes: dict[str, SObject] = field(default_factory=dict)

    @staticmethod
    def of(objects: Iterable[SObject], settings: Mapping[str, Any], **more: Any) -> Schema:
        named = {one.name: one for one in objects}
        lower = {one.name.lower(): one for one in named.values()}
        prefixes = {one.prefix: one for one in reversed(named.values()) if one.prefix}
        return Schema(named, settings, _lower=lower, _prefixes=prefixes, **more)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything describe shows of any object."""
        found = hashlib.sha256()
        for one in self.objects.values():
            found.update(repr((one.name, one.label, one.plural, one.prefix, one.calls, one.record_types)).encode())
            found.update(repr([_VALUES(field_) for field_ in one.fields]).encode())
        return found.hexdigest()

    def with_objects(self, objects: Iterable[SObject]) -> Schema:
        """The same schema, settings and all, with other objects."""
        named = ((one.name, getattr(self, one.name)) for one in dataclass_fields(self))
        kept = {name: value for name, value in named if name not in ("objects", "settings") and name[0] != "_"}
        return Schema.of(objects, self.settings, **kept)

    def find(self, name: str) -> SObject | None:
        return self._lower.get(name.lower())

    def of_id(self, record_id: str) -> SObject | None:
        """The object a record id belongs to, by its key prefix; the first, where several share it."""
        return self._prefixes.get(record_id[:3])
