"""What a plan says about records it leaves alone: findings with their sentences, for every planner that meets them."""

from __future__ import annotations

from sfsync.mapping.model import Mapping
from sfsync.plan.model import Note
from sfsync.planners.sync.links import Links
from sfsync.sides.side import Finding


def note(finding: Finding) -> Note:
    """A finding as it stands in a header."""
    return Note(
        code=finding.code,
        message=finding.message,
        level=finding.level,
        mapping=finding.mapping,
        next_step=finding.next_step,
    )


def unknown_users(links: Links) -> list[Finding]:
    """Owners whose username the org does not have."""
    if not links.unknown_users:
        return []
    text = f"{len(links.unknown_users)} owners named on the platform are not active users of the org"
    step = "The records are written without that owner; add the users or correct the platform's column."
    return [Finding("OWNER_UNKNOWN", text, next_step=step)]


def strangers(name: str, records: int) -> list[Finding]:
    """Records in Salesforce whose key the platform does not know."""
    if not records:
        return []
    text = f"{records:,} {name} records in Salesforce have a key the platform does not know"
    return [Finding("STRANGER", text, mapping=name, next_step="They were left alone.")]


def vanished(name: str, records: int) -> list[Finding]:
    """Records that were agreed on and are no longer on the platform."""
    if not records:
        return []
    text = f"{records:,} {name} records vanished from the platform; Salesforce keeps them"
    step = "A record ends by a status on the platform, never by vanishing."
    return [Finding("VANISHED", text, mapping=name, next_step=step)]


def unkeyed(name: str, records: int) -> list[Finding]:
    """Records in Salesforce without a key that no template gives one."""
    if not records:
        return []
    text = f"{records:,} {name} records in Salesforce have no key and were left alone"
    return [Finding("UNKEYED", text, mapping=name, next_step="Give them their key or another record type.")]


def nameless(mapping: Mapping, rows: int) -> list[Finding]:
    """Rows of the platform without a key: they are in no list of failures, which goes by key."""
    if not rows:
        return []
    text = f"{rows:,} {mapping.name} rows on the platform have no key (null or empty) and were refused"
    step = f"Give them a value in {mapping.platform.table}.{mapping.platform.key}, or remove them."
    return [Finding("KEY_NULL", text, mapping=mapping.name, next_step=step)]


def twins(mapping: Mapping, keys: int) -> list[Finding]:
    """Keys that several records in Salesforce have."""
    if not keys:
        return []
    text = f"{keys:,} {mapping.name} keys belong to several records in Salesforce; those were left alone"
    step = f"Merge them in Salesforce, and make {mapping.salesforce.key} unique."
    return [Finding("TWINS", text, mapping=mapping.name, next_step=step)]


def astray(mapping: Mapping, records: int) -> list[Finding]:
    """Records that live in Salesforce under another key or record type."""
    if not records:
        return []
    text = f"{records:,} {mapping.name} records live in Salesforce under another key or record type; left alone"
    step = f"Look at their {mapping.salesforce.key} and record type: sfsync explain {mapping.name} KEY"
    return [Finding("ASTRAY", text, mapping=mapping.name, next_step=step)]
