"""A mapping: what is synced between one platform table and one Salesforce object, and who owns each field.

Vocabulary (used everywhere):

key        the record's external id, the same text on both sides
field      one value of a record, with a name of its own; it has a platform column, a Salesforce field, or both
owner      who decides when the sides differ: platform, salesforce, newest, earliest, stricter, manual, computed
leaves     may the value leave the platform: yes, masked, hash, flag (a derived yes/no or band), never
reference  a field whose value is another record's key; Salesforce stores it as a lookup found by external id
lane       compliance fields are written before everything else, in their own call

Sources: domain model B.1-B.4; ``sync`` words in the explanation pages.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Owner(StrEnum):
    """Who decides a field's value (rows of the decision table in ``merge.decide``)."""

    PLATFORM = "platform"
    SALESFORCE = "salesforce"
    NEWEST = "newest"
    EARLIEST = "earliest"
    STRICTER = "stricter"
    MANUAL = "manual"
    COMPUTED = "computed"


class Leaves(StrEnum):
    """In which form a platform value may reach Salesforce (domain model B.1)."""

    YES = "yes"
    MASKED = "masked"
    HASH = "hash"
    FLAG = "flag"
    NEVER = "never"


class FieldType(StrEnum):
    """How a value is made canonical; every canonical value is text (see ``mapping.canon``)."""

    TEXT = "text"
    CODE = "code"  # an identifier: never cut, never re-cased
    EMAIL = "email"
    PHONE = "phone"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    MONEY = "money"  # minor units on the platform, Currency in Salesforce
    DATE = "date"
    INSTANT = "instant"
    REFERENCE = "reference"  # another mapping's key
    USER = "user"  # a Salesforce username, or a queue's name


class Strict(BaseModel):
    """Unknown keys are errors: a typing mistake in a mapping must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldSpec(Strict):
    """One field of a mapping.

    ``platform`` is a column, or several when ``transform`` joins them; ``salesforce`` is the API name written
    and read; ``also`` are further Salesforce fields that carry the same value (any stricter one counts on read).
    ``contact`` is the Salesforce name used instead when the mapping targets Contact (``as: contact``).
    """

    name: str = ""
    platform: str | tuple[str, ...] | None = None
    salesforce: str | None = None
    contact: str | None = None
    also: tuple[str, ...] = ()
    contact_also: tuple[str, ...] = ()  # what ``also`` becomes when the mapping targets Contact
    type: FieldType = FieldType.TEXT
    length: int | None = None
    pattern: str | None = None  # the whole canonical value must match (RE2)
    values: tuple[str, ...] = ()
    unknown: Literal["refuse", "keep"] | str = "refuse"  # another word: the value to use instead
    owner: Owner = Owner.PLATFORM
    pii: Literal["none", "contact", "identity", "financial", "special"] = "none"
    leaves: Leaves = Leaves.YES
    transform: str | None = None
    given: tuple[str, ...] = ()  # further platform columns the transform looks at; never written back
    references: str | None = None  # the parent's mapping
    deferred: bool = False  # a cyclic lookup: created without it, patched after
    stricter: bool = True  # which boolean is the stricter one
    changed_at: str | None = None  # platform column with this field's own change time
    seed: bool = True  # a Salesforce-owned value is sent once, when the record is created there
    default: str | None = None  # canonical value for a platform row made from a Salesforce record
    fallback: str | None = None  # Salesforce field read when ``salesforce`` is empty (e.g. CreatedDate)
    too_long: Literal["cut", "refuse"] | None = None
    required: bool = False
    lane: Literal["normal", "compliance"] = "normal"
    guard: Literal["none", "strict"] = "none"
    sensitive: bool = False  # few candidates: digested together with the record's key
    note: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The platform columns this field is made of."""
        if self.platform is None:
            return ()
        return (self.platform,) if isinstance(self.platform, str) else tuple(self.platform)

    @property
    def synced(self) -> bool:
        """True if the merge looks at this field: it exists on both sides and sfsync does not compute it."""
        return bool(self.columns and self.salesforce) and self.owner is not Owner.COMPUTED

    @property
    def to_platform(self) -> bool:
        """True if a Salesforce value may ever be written to the platform column."""
        reversible = self.leaves is Leaves.YES or (self.leaves in (Leaves.MASKED, Leaves.FLAG))
        return self.synced and len(self.columns) == 1 and reversible and self.owner is not Owner.PLATFORM

    @property
    def to_salesforce(self) -> bool:
        """True if the platform's value may ever be written to the Salesforce field."""
        return self.synced and (self.owner is not Owner.SALESFORCE or self.seed)


class PlatformSpec(Strict):
    """The platform's table: key column, change stamp and the two margins of its window."""

    table: str
    key: str
    key_pattern: str | None = None  # the whole key must match (RE2)
    stamp: str = "updated_at"
    settle: timedelta = timedelta(minutes=2)
    overlap: timedelta = timedelta(minutes=10)


class SalesforceSpec(Strict):
    """The Salesforce object: external id field, record type(s) and window margins.

    ``record_type`` is one developer name, or ``{by: field, VALUE: DeveloperName, ...}`` chosen when a record is
    created. Records are read if their record type is one of those named (or any, for objects without); ``read``
    lists record types that are read though sfsync never creates records of them.
    """

    object: str
    key: str
    as_: Literal["person_account", "contact"] | None = Field(default=None, alias="as")
    record_type: str | dict[str, str] | None = None
    read: tuple[str, ...] = ()
    auto_assign: bool = False
    born: str | None = None  # key template for records born in Salesforce, e.g. "SF-{CaseNumber}"
    settle: timedelta = timedelta(minutes=2)
    overlap: timedelta = timedelta(minutes=10)

    @property
    def record_types(self) -> tuple[str, ...]:
        """Developer names of the record types whose records belong to this mapping."""
        if self.record_type is None:
            return self.read
        if isinstance(self.record_type, str):
            return tuple(dict.fromkeys((self.record_type, *self.read)))
        named = [v for k, v in self.record_type.items() if k != "by"]
        return tuple(dict.fromkeys((*named, *self.read)))


class Deletes(Strict):
    """What a missing record means. Nothing is ever deleted in Salesforce because a platform row vanished."""

    platform_vanished: Literal["keep"] = "keep"
    salesforce_deleted: Literal["recreate", "detach", "conflict"] = "conflict"


class Conflicts(Strict):
    """How long a person has to decide a conflict, and what happens then.

    ``wait`` decides nothing: the conflict is shown as overdue until somebody does.
    """

    deadline: timedelta = timedelta(days=2)
    then: Literal["wait", "platform", "salesforce", "keep"] = "wait"


class Guards(Strict):
    """Limits that stop a run before its first write; each can be waived by name for one run."""

    max_changed_percent: float = Field(default=30.0, gt=0, le=100)
    max_changed_records: int = Field(default=100_000, gt=0)
    max_changed_percent_per_day: float = Field(default=60.0, gt=0)
    max_archived_percent: float = Field(default=2.0, gt=0, le=100)
    max_missing_percent: float = Field(default=10.0, gt=0, le=100)
    min_base: int = Field(default=200, ge=0)  # below this many known records the percentages say nothing


class Refusal(Strict):
    """A rule that keeps a platform row out of Salesforce (for example a player under 18), with a code."""

    code: str
    transform: str
    platform: str | tuple[str, ...]
    message: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The platform columns the rule looks at."""
        return (self.platform,) if isinstance(self.platform, str) else tuple(self.platform)


class Mapping(Strict):
    """One mapping file, checked. ``fields`` keeps the file's order; it is the order of every column below."""

    name: str = Field(alias="mapping")
    version: int = 1
    platform: PlatformSpec
    salesforce: SalesforceSpec
    fields: dict[str, FieldSpec]
    never: tuple[str, ...] = ()  # platform columns that must not leave in any form
    exclusive: tuple[tuple[str, ...], ...] = ()  # references of which at most one may be set
    refuse: tuple[Refusal, ...] = ()
    deletes: Deletes = Deletes()
    conflicts: Conflicts = Conflicts()
    guards: Guards = Guards()
    file: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name_fields(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("fields"), dict):
            named = {n: {**(s or {}), "name": n} for n, s in data["fields"].items()}
            data = {**data, "fields": named}
        return data

    @property
    def synced(self) -> tuple[FieldSpec, ...]:
        """The fields the merge works on, in order; a frame has exactly these columns."""
        return tuple(f for f in self.fields.values() if f.synced)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the synced fields: the columns of every frame of this mapping."""
        return tuple(f.name for f in self.synced)

    @property
    def parents(self) -> tuple[str, ...]:
        """Mappings that must come first: those referenced, itself and deferred lookups left out."""
        named = [f.references for f in self.synced if f.references and not f.deferred]
        return tuple(dict.fromkeys(n for n in named if n != self.name))

    def references(self) -> dict[str, tuple[str, bool]]:
        """Reference fields with the parent's mapping and whether the lookup is deferred."""
        return {f.name: (f.references, f.deferred) for f in self.synced if f.references}

    @property
    def digest(self) -> str:
        """Names this mapping's content: a plan made with another content is stale."""
        return hashlib.sha256(self.model_dump_json(exclude={"file"}).encode()).hexdigest()[:16]
