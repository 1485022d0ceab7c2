"""The mappings, the platform's tables and the Salesforce metadata tell the same story."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sfsync.demo import schema
from sfsync.mapping.canon import platform_columns
from sfsync.mapping.model import FieldSpec, FieldType, Leaves, Mapping, Owner

from .conftest import ROOT

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
METADATA = ROOT / "force-app" / "main" / "default"

# Standard fields the mappings use: object -> field -> length (0: no text). Source: Salesforce's object reference.
STANDARD = {
    "Account": {
        "Name": 255,
        "AccountNumber": 40,
        "Phone": 40,
        "BillingStreet": 255,
        "BillingCity": 40,
        "BillingState": 80,
        "BillingPostalCode": 20,
        "FirstName": 40,
        "LastName": 80,
        "PersonEmail": 80,
        "PersonMobilePhone": 40,
        "PersonMailingCity": 40,
        "PersonMailingState": 80,
        "PersonMailingCountry": 80,
        "PersonHasOptedOutOfEmail": 0,
        "PersonDoNotCall": 0,
    },
    "Contact": {"FirstName": 40, "LastName": 80, "Email": 80, "MobilePhone": 40},
    "Asset": {"Name": 255, "SerialNumber": 80, "Status": 255, "InstallDate": 0},
    "Case": {
        "CaseNumber": 30,
        "Type": 255,
        "Origin": 255,
        "Priority": 255,
        "Status": 255,
        "Subject": 255,
        "Description": 32000,
        "ClosedDate": 0,
        "ParentId": 18,
        "IsEscalated": 0,
        "CreatedDate": 0,
    },
}
# Custom fields no mapping speaks of, and why.
ELSEWHERE = {
    "Asset.SFS_Faults30__c": "counted by partner requests",
    "Account.SFS_Host__c": "for orgs whose player accounts must not be owned by their host",
    "Contact.SFS_Host__c": "as on Account",
    "Case.SFS_Cancel_Reason__c": "filled by agents; a close gate reads it",
    "Case.SFS_Incident__c": "set by incident detection",
    "Case.SFS_Incident_Ref__c": "filled by agents; a close gate reads it",
    "Case.SFS_Report_Ref__c": "filled by agents; a close gate reads it",
    "Case.SFS_Recording_Consent__c": "filled by agents",
}
# Metadata types that hold a canonical type.
FITTING = {
    FieldType.TEXT: {"Text", "LongTextArea", "TextArea"},
    FieldType.CODE: {"Text", "LongTextArea"},
    FieldType.EMAIL: {"Email"},
    FieldType.PHONE: {"Phone"},
    FieldType.PICKLIST: {"Picklist"},
    FieldType.BOOLEAN: {"Checkbox"},
    FieldType.INTEGER: {"Number"},
    FieldType.MONEY: {"Currency"},
    FieldType.DATE: {"Date"},
    FieldType.INSTANT: {"DateTime"},
}
CLASSIFICATION = {
    "contact": "Confidential",
    "identity": "Restricted",
    "financial": "Restricted",
    "special": "MissionCritical",
}


def xml(path: Path) -> ET.Element:
    return ET.parse(path).getroot()


def text(node: ET.Element, name: str) -> str | None:
    return node.findtext(NAMESPACE + name)


@pytest.fixture(scope="module")
def custom() -> dict[str, ET.Element]:
    """Custom fields of force-app by Object.Field."""
    files = METADATA.glob("objects/*/fields/*.field-meta.xml")
    return {f"{p.parents[1].name}.{p.name.removesuffix('.field-meta.xml')}": xml(p) for p in files}


def written(mappings: dict[str, Mapping]) -> list[tuple[Mapping, FieldSpec, str]]:
    """Every Salesforce field a mapping names, lookups by the lookup itself, Contact twins included."""
    found = []
    for mapping in mappings.values():
        for field in mapping.fields.values():
            for name in (field.salesforce, *field.also):
                if name:
                    found.append((mapping, field, f"{mapping.salesforce.object}.{name}"))
    return found


def test_every_custom_field_is_defined_and_fits(mappings, custom):
    checked = 0
    for mapping, field, name in written(mappings):
        lookup = name.partition(".")[2]
        if not lookup.endswith("__c") or "." in lookup:
            continue
        spec = custom[name]
        assert text(spec, "type") in FITTING[field.type], name
        if text(spec, "length"):
            assert field.length == int(text(spec, "length")) or shorter_on_purpose(mapping, field), name
        checked += 1
    assert checked > 100


def shorter_on_purpose(mapping: Mapping, field: FieldSpec) -> bool:
    """The company's number has eleven digits in a field that could hold a hash."""
    return (mapping.name, field.name) == ("company", "company_fiscal_code")


def test_every_standard_field_is_known_and_long_enough(mappings):
    for _, field, name in written(mappings):
        owner, _, own = name.partition(".")
        if own.endswith("__c") or "." in own:
            continue
        length = STANDARD[owner][own]
        if length and field.type is not FieldType.PICKLIST:
            limit = field.length or 18
            assert limit <= length, name


def test_fields_with_a_limit_in_salesforce_have_one_here(mappings):
    limited = (FieldType.TEXT, FieldType.CODE, FieldType.EMAIL, FieldType.PHONE)
    open_ended = [f"{m.name}.{f.name}" for m, f, _ in written(mappings) if f.type in limited and not f.length]
    assert open_ended == ["case.parent_case"]


def test_lookups_and_keys_are_defined(mappings, custom):
    for mapping in mappings.values():
        key = custom[f"{mapping.salesforce.object}.{mapping.salesforce.key}"]
        assert text(key, "externalId") == text(key, "unique") == "true"
        assert text(key, "caseSensitive") == "false"
        for field in mapping.synced:
            if field.references:
                parent = mappings[field.references]
                assert field.salesforce.rpartition(".")[2] == parent.salesforce.key
                relation = field.salesforce.partition(".")[0]
                if relation.endswith("__r"):
                    lookup = custom[f"{mapping.salesforce.object}.{relation[:-1]}c"]
                    assert text(lookup, "referenceTo") == parent.salesforce.object


def test_restricted_picklists_hold_every_value_of_the_mapping(mappings, custom):
    compared = 0
    for _, field, name in written(mappings):
        if name in custom and name.endswith("__c") and field.values:  # values of standard fields: below
            values = {v.text for v in custom[name].iter(NAMESPACE + "fullName")}
            assert set(field.values) <= values, name
            compared += 1
    assert compared > 10


def test_standard_picklists_hold_every_value_of_the_mapping(mappings):
    case = mappings["case"].fields
    for name, field in [
        ("CaseType", "category"),
        ("CaseStatus", "status"),
        ("CaseOrigin", "channel"),
        ("CasePriority", "priority"),
    ]:
        tree = xml(METADATA / "standardValueSets" / f"{name}.standardValueSet-meta.xml")
        assert {*case[field].values} == {v.text for v in tree.iter(NAMESPACE + "fullName")}


def test_record_types_are_defined(mappings):
    for mapping in mappings.values():
        for name in mapping.salesforce.record_types:
            places = (mapping.salesforce.object, "PersonAccount")
            files = [METADATA / "objects" / o / "recordTypes" / f"{name}.recordType-meta.xml" for o in places]
            assert any(f.exists() for f in files), name


def test_players_as_contacts_have_the_same_fields(mappings, custom):
    for field in mappings["player"].fields.values():
        if field.salesforce and field.salesforce.endswith("__c") and "." not in field.salesforce:
            twin, own = custom[f"Contact.{field.salesforce}"], custom[f"Account.{field.salesforce}"]
            assert (text(twin, "type"), text(twin, "length")) == (text(own, "type"), text(own, "length"))
        elif field.salesforce:
            assert field.contact, f"{field.name} needs its name on Contact"


def test_every_custom_field_is_mapped_or_explained(mappings, custom):
    named = {name for _, _, name in written(mappings)}
    named |= {re.sub(r"__r\..*", "__c", name) for name in named}
    named |= {f"{m.salesforce.object}.{m.salesforce.key}" for m in mappings.values()}
    named |= {name.replace("Account.", "Contact.") for name in named if name.startswith("Account.SFS_")}
    ours = {name for name in custom if name.split(".")[0] in STANDARD}
    assert ours - named - set(ELSEWHERE) == set()
    assert not set(ELSEWHERE) & {name for _, _, name in written(mappings)}


def test_security_classification_matches_the_personal_data_class(mappings, custom):
    for _, field, name in written(mappings):
        if name in custom and field.pii in ("contact", "identity", "financial") and shared(name, mappings):
            assert text(custom[name], "securityClassification") == CLASSIFICATION[field.pii], name


def shared(name: str, mappings: dict[str, Mapping]) -> bool:
    """One Salesforce field carries one classification; those that two mappings see differently are not compared."""
    return len({f.pii for _, f, n in written(mappings) if n == name}) == 1


def test_the_permission_set_covers_what_is_written(mappings):
    tree = xml(METADATA / "permissionsets" / "SFS_Integration.permissionset-meta.xml")
    rights = {text(p, "field"): text(p, "editable") == "true" for p in tree.iter(NAMESPACE + "fieldPermissions")}
    for _, field, name in written(mappings):
        used = field.synced or field.owner is Owner.COMPUTED
        if used and name.endswith("__c") and name.count(".") == 1:
            assert name in rights, name
            if field.seed or field.owner is not Owner.SALESFORCE:
                assert rights[name], f"{name} must be editable"
    for mapping in mappings.values():
        assert rights.get(f"{mapping.salesforce.object}.{mapping.salesforce.key}"), mapping.name


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, str]]:
    """Columns of the platform's tables with the comment of their line."""
    found: dict[str, dict[str, str]] = {}
    for statement in schema.statements():
        head = re.search(r"CREATE TABLE (\w+) \((.*)\)", statement, re.S)
        if head:
            body = re.sub(r"--[^\n]*", "", head[2])
            parts = re.findall(r"(?:^|,)\s*([a-z]\w*)\s+([A-Z]+(?:\(\d+\))?)", body)
            found[head[1]] = dict(parts)
    return found


def test_every_platform_column_is_mapped_or_kept_back(mappings, tables):
    for mapping in mappings.values():
        used = {c for f in mapping.fields.values() for c in (*f.columns, *f.given, f.changed_at) if c}
        known = used | set(mapping.never) | {mapping.platform.key, mapping.platform.stamp}
        columns = set(tables[mapping.platform.table])
        assert len(columns) > 5
        assert columns - known == set(), mapping.name
        assert set(platform_columns(mapping)) <= columns


def test_what_flows_back_fits_its_column(mappings, tables):
    for mapping in mappings.values():
        for field in mapping.synced:
            size = re.search(r"CHAR\((\d+)\)", tables[mapping.platform.table][field.columns[0]])
            if field.to_platform and size:
                longest = field.length or max(map(len, field.values), default=18)
                assert longest <= int(size[1]), f"{mapping.name}.{field.name}"


@pytest.mark.parametrize(
    ("mapping", "columns"),
    [
        ("player", {"birth_date", "street", "kyc_doc_number", "self_exclusion_kind", "self_excluded_from"}),
        (
            "player",
            {"self_excluded_to", "rg_risk_score", "aml_risk", "balance_minor", "theo_minor", "iban", "card_pan"},
        ),
        ("operator", {"password_hash"}),
    ],
)
def test_what_must_never_leave_is_listed(mappings, mapping, columns):
    assert columns <= set(mappings[mapping].never)


def test_forms_in_which_delicate_values_leave(mappings):
    player, operator, company = (mappings[n].fields for n in ("player", "operator", "company"))
    assert player["fiscal_code"].leaves is operator["fiscal_code"].leaves is Leaves.HASH
    assert company["owner_fiscal_code"].leaves is Leaves.HASH
    assert company["iban_last4"].leaves is player["account_code"].leaves is Leaves.MASKED
    compliance = [f.name for f in mappings["player"].synced if f.lane == "compliance"]
    assert compliance == ["contact_suppressed", "bonus_blocked"]
    consents = [mappings["player"].fields[f"mkt_{kind}"] for kind in ("email", "sms", "call")]
    assert {(f.owner, f.stricter, f.changed_at is not None) for f in consents} == {(Owner.STRICTER, False, True)}
