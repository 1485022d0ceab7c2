"""Players as Person Accounts or as Contacts: ``as: contact`` swaps the names once, at load time."""

from __future__ import annotations

from sfsync.mapping.model import FieldSpec, Mapping


def contact_variant(mappings: dict[str, Mapping]) -> dict[str, Mapping]:
    """The mappings with the ``contact`` names in place wherever a player is a Contact.

    That is every field of a mapping with ``as: contact``, and every reference of other mappings to such a mapping
    (a case finds its player through ``Contact`` then). References that share one lookup are exclusive.
    """
    swapped = {name for name, m in mappings.items() if m.salesforce.as_ == "contact"}
    return {name: _resolved(mapping, swapped) for name, mapping in mappings.items()}


def _resolved(mapping: Mapping, swapped: set[str]) -> Mapping:
    own = mapping.name in swapped
    fields = {n: _swapped(f) if own or f.references in swapped else f for n, f in mapping.fields.items()}
    target = mapping.salesforce.model_copy(update={"object": "Contact"}) if own else mapping.salesforce
    groups = (*mapping.exclusive, *_sharing(fields))
    update = {"fields": fields, "salesforce": target, "exclusive": tuple(dict.fromkeys(groups))}
    return mapping.model_copy(update=update)


def _swapped(field: FieldSpec) -> FieldSpec:
    if not field.contact and not field.contact_also:
        return field
    update = {"salesforce": field.contact or field.salesforce, "also": field.contact_also or field.also}
    return field.model_copy(update=update)


def _sharing(fields: dict[str, FieldSpec]) -> list[tuple[str, ...]]:
    """Groups of reference fields that write one and the same lookup."""
    lookups: dict[str, list[str]] = {}
    for field in fields.values():
        if field.references and field.salesforce and field.synced:
            lookups.setdefault(field.salesforce.partition(".")[0], []).append(field.name)
    return [tuple(names) for names in lookups.values() if len(names) > 1]
