"""The org's metadata in force-app: well-formed, complete, and no wider than the domain model allows."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "force-app" / "main" / "default"
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"

# Domain model B.2 to B.4 and the history objects of B.1: the key sfsync upserts by, and its length.
EXTERNAL_IDS = {
    ("Account", "SFS_Player_Id__c"): 32,
    ("Account", "SFS_Company_Code__c"): 32,
    ("Account", "SFS_Shop_Code__c"): 12,
    ("Contact", "SFS_Player_Id__c"): 32,
    ("Contact", "SFS_Operator_Code__c"): 32,
    ("Asset", "SFS_Terminal_Id__c"): 32,
    ("Case", "SFS_Source_Key__c"): 64,
    ("SFS_Clock__c", "SFS_Clock_Key__c"): 96,
    ("SFS_Recovery__c", "SFS_Recovery_Key__c"): 128,
    ("SFS_Promise__c", "SFS_Promise_Key__c"): 64,
}

# Special-category data that is born in Salesforce and synced by no mapping: the integration user must not see it.
NOT_GRANTED = {"Account.SFS_Pref_Hospitality__c", "Contact.SFS_Pref_Hospitality__c"}

# Domain model B.1: contact -> Confidential, identity and financial -> Restricted, special -> MissionCritical.
CLASSES = {
    ("Account", "SFS_CF_Hash__c"): "Restricted",
    ("Account", "SFS_Account_Code__c"): "Restricted",
    ("Account", "SFS_Pay_Method__c"): "Restricted",
    ("Account", "SFS_Kyc_Status__c"): "Restricted",
    ("Account", "SFS_Iban_Last4__c"): "Restricted",
    ("Account", "SFS_Credit_Limit__c"): "Restricted",
    ("Account", "SFS_Mkt_Email__c"): "Confidential",
    ("Account", "SFS_Pref_Quiet_Windows__c"): "Confidential",
    ("Account", "SFS_Pec__c"): "Confidential",
    ("Account", "SFS_Pref_Hospitality__c"): "MissionCritical",
    ("Account", "SFS_Bonus_Blocked__c"): "Internal",
    ("Account", "SFS_Player_Id__c"): "Internal",
    ("Case", "SFS_Amount__c"): "Restricted",
    ("Case", "SFS_Compliance_Hold__c"): "MissionCritical",
    ("Case", "SFS_RG_Offered_At__c"): "MissionCritical",
}

TYPES = {
    "Checkbox",
    "Currency",
    "Date",
    "DateTime",
    "Email",
    "LongTextArea",
    "Lookup",
    "MasterDetail",
    "Number",
    "Phone",
    "Picklist",
    "Text",
}

Fields = dict[tuple[str, str], ET.Element]


def _tree(path: Path) -> ET.Element:
    return ET.parse(path).getroot()


def _text(node: ET.Element, tag: str) -> str | None:
    return node.findtext(NAMESPACE + tag)


def _all(node: ET.Element, tag: str) -> list[ET.Element]:
    return node.findall(NAMESPACE + tag)


def _codes(field: ET.Element) -> set[str]:
    values = field.iterfind(f"{NAMESPACE}valueSet/{NAMESPACE}valueSetDefinition/{NAMESPACE}value")
    return {code for value in values if (code := _text(value, "fullName"))}


def _standard_codes(name: str) -> list[str]:
    root = _tree(SOURCE / "standardValueSets" / f"{name}.standardValueSet-meta.xml")
    return [_text(value, "fullName") or "" for value in _all(root, "standardValue")]


def _facts(field: ET.Element) -> list[tuple[str, str]]:
    """Every leaf of a field but the child relationship's name, which must differ per object."""
    leaves = ((one.tag, (one.text or "").strip()) for one in field.iter() if len(one) == 0)
    return [leaf for leaf in leaves if not leaf[0].endswith("}relationshipName")]


def _record_types() -> Iterator[tuple[str, str, ET.Element]]:
    for path in sorted(SOURCE.glob("objects/*/recordTypes/*.recordType-meta.xml")):
        yield path.parents[1].name, path.name.split(".")[0], _tree(path)


@pytest.fixture(scope="module")
def fields() -> Fields:
    return {name: tree for name, tree in _all_fields().items() if name[1].endswith("__c")}


def _all_fields() -> Fields:
    paths = sorted(SOURCE.glob("objects/*/fields/*.field-meta.xml"))
    return {(path.parents[1].name, path.name.split(".")[0]): _tree(path) for path in paths}


@pytest.fixture(scope="module")
def permissions() -> ET.Element:
    return _tree(SOURCE / "permissionsets" / "SFS_Integration.permissionset-meta.xml")


def test_changes_the_clocks_depend_on_are_kept_in_the_history(fields: Fields) -> None:
    """Of a standard field nothing but its tracking is ours; Status, Priority and Owner are tracked in every org."""
    standard = {name: tree for name, tree in _all_fields().items() if name not in fields}
    assert set(standard) == {("Case", "Type")}
    told = {child.tag.removeprefix(NAMESPACE): child.text for child in standard["Case", "Type"]}
    assert told == {"fullName": "Type", "trackHistory": "true", "type": "Picklist"}
    assert fields["Case", "SFS_Tier__c"].findtext(f"{NAMESPACE}trackHistory") == "true"


def test_every_file_is_well_formed_and_in_the_metadata_namespace() -> None:
    paths = sorted(SOURCE.rglob("*.xml"))
    assert len(paths) > 250
    assert [str(path) for path in paths if not _tree(path).tag.startswith(NAMESPACE)] == []


def test_the_project_file_names_the_folder_and_the_version() -> None:
    project = json.loads((ROOT / "sfdx-project.json").read_text(encoding="utf-8"))
    assert project["packageDirectories"] == [{"path": "force-app", "default": True}]
    assert project["sourceApiVersion"] == "62.0"


def test_every_field_says_what_it_is(fields: Fields) -> None:
    for (owner, name), field in fields.items():
        where = f"{owner}.{name}"
        assert _text(field, "fullName") == name, where
        assert re.fullmatch(r"SFS_[A-Z][A-Za-z0-9]*(_[A-Za-z0-9]+)*__c", name), where
        assert len(name) <= 40, where
        assert 0 < len(_text(field, "label") or "") <= 40, where
        assert 10 < len(_text(field, "description") or "") <= 255, where
        assert _text(field, "type") in TYPES, where
        classes = {"Internal", "Confidential", "Restricted", "MissionCritical"}
        assert _text(field, "securityClassification") in classes, where


def test_every_type_has_what_salesforce_asks_for(fields: Fields) -> None:
    needed = {
        "Text": ["length", "unique", "externalId"],
        "LongTextArea": ["length", "visibleLines"],
        "Number": ["precision", "scale"],
        "Currency": ["precision", "scale"],
        "Checkbox": ["defaultValue"],
        "Picklist": ["valueSet"],
        "Lookup": ["referenceTo", "relationshipName", "deleteConstraint"],
        "MasterDetail": ["referenceTo", "relationshipName", "relationshipOrder"],
    }
    for where, field in fields.items():
        missing = [t for t in needed.get(_text(field, "type") or "", []) if field.find(NAMESPACE + t) is None]
        assert not missing, where
        limits = {"Text": range(1, 256), "LongTextArea": range(256, 131073)}.get(_text(field, "type") or "")
        assert limits is None or int(_text(field, "length") or 0) in limits, where


def test_external_ids_are_unique_text_that_ignores_case(fields: Fields) -> None:
    found = {where: field for where, field in fields.items() if _text(field, "externalId") == "true"}
    assert {where: int(_text(field, "length") or 0) for where, field in found.items()} == EXTERNAL_IDS
    for where, field in found.items():
        assert (_text(field, "type"), _text(field, "unique")) == ("Text", "true"), where
        assert _text(field, "caseSensitive") == "false", where


def test_money_flags_and_hashes_have_the_types_of_the_model(fields: Fields) -> None:
    for where, field in fields.items():
        if _text(field, "type") == "Currency":
            assert (_text(field, "precision"), _text(field, "scale")) == ("18", "2"), where
        if _text(field, "type") == "Checkbox":
            assert _text(field, "defaultValue") == "false", where
    assert _text(fields["Account", "SFS_CF_Hash__c"], "length") == "64"
    assert _text(fields["Case", "SFS_Desired__c"], "length") == "1000"


def test_picklist_codes_are_distinct_without_regard_to_case(fields: Fields) -> None:
    for where, field in fields.items():
        if _text(field, "type") != "Picklist":
            continue
        codes = _codes(field)
        assert codes, where
        assert len({code.lower() for code in codes}) == len(list(field.iter(f"{NAMESPACE}value"))), where


def test_tiers_and_states_are_those_of_the_model(fields: Fields) -> None:
    player = {"STANDARD", "VIP", "VVIP"}
    assert _codes(fields["Account", "SFS_Tier__c"]) == player
    assert _codes(fields["Case", "SFS_Tier__c"]) == player | {"PARTNER"}
    clock = {"running", "paused", "met", "breached", "cancelled", "na"}
    assert all(_codes(fields["Case", f"SFS_{one}_State__c"]) == clock for one in ("FR", "MIT", "RES", "NU", "PIR"))
    partner = {"prospect", "onboarding", "active", "suspended", "closing", "closed", "transferred"}
    assert _codes(fields["Account", "SFS_State__c"]) == partner


def test_account_and_contact_define_a_shared_field_alike(fields: Fields) -> None:
    """A player may be a Person Account or a Contact: the mapping changes the object, never the field."""
    shared = {name for owner, name in fields if owner == "Account"} & {
        name for owner, name in fields if owner == "Contact"
    }
    assert {"SFS_Player_Id__c", "SFS_CF_Hash__c", "SFS_Signup_Shop__c", "SFS_Erasure_State__c"} <= shared
    differing = [n for n in sorted(shared) if _facts(fields["Account", n]) != _facts(fields["Contact", n])]
    assert differing == []


def test_child_relationship_names_are_unique_per_parent(fields: Fields) -> None:
    found = [(_text(f, "referenceTo"), _text(f, "relationshipName")) for f in fields.values()]
    named = [one for one in found if one[0]]
    assert len(set(named)) == len(named) > 0


def test_classification_follows_the_personal_data_class(fields: Fields) -> None:
    assert {where: _text(fields[where], "securityClassification") for where in CLASSES} == CLASSES


def test_nothing_that_may_never_leave_the_platform_has_a_field(fields: Fields) -> None:
    never = re.compile(
        r"birth|street|doc_no|doc_image|exclusion|excluded|risk|aml|balance|deposit|turnover|theo|adt|"
        r"pan_|cvv|passw|otp|pin_|passport|visa_|itinerary|(^|_)iban__c",
        re.IGNORECASE,
    )
    assert [name for _, name in fields if never.search(name.removeprefix("SFS_"))] == []


def test_record_types_offer_only_codes_that_exist(fields: Fields) -> None:
    standard = {
        "Type": set(_standard_codes("CaseType")),
        "Priority": set(_standard_codes("CasePriority")),
        "Origin": set(_standard_codes("CaseOrigin")),
    }
    for folder, name, root in _record_types():
        owner = "Account" if folder == "PersonAccount" else folder
        for entry in _all(root, "picklistValues"):
            picklist = _text(entry, "picklist") or ""
            known = standard.get(picklist) or _codes(fields[owner, picklist])
            offered = {unquote(_text(value, "fullName") or "") for value in _all(entry, "values")}
            assert offered and offered <= known, (folder, name, picklist)


def test_a_restricted_picklist_is_usable_through_some_record_type(fields: Fields) -> None:
    """Salesforce refuses a restricted code that the record type of the row does not offer."""
    offered = {
        ("Account" if folder == "PersonAccount" else folder, _text(entry, "picklist"))
        for folder, _, root in _record_types()
        for entry in _all(root, "picklistValues")
    }
    typed = {owner for owner, _ in offered}
    picklists = {w for w, field in fields.items() if w[0] in typed and _text(field, "type") == "Picklist"}
    assert picklists - offered == set()


def test_the_record_types_of_the_model_exist() -> None:
    found = {(folder, name) for folder, name, root in _record_types() if _text(root, "active") == "true"}
    assert found == {
        ("PersonAccount", "Player"),
        ("Account", "Partner_Company"),
        ("Account", "Shop"),
        ("Contact", "Player"),
        ("Contact", "Operator"),
        ("Case", "Player"),
        ("Case", "VIP"),
        ("Case", "Partner"),
        ("Case", "Compliance"),
    }


def test_case_states_are_the_same_in_the_value_set_and_the_process() -> None:
    process = _tree(SOURCE / "objects/Case/businessProcesses/SFS_Support.businessProcess-meta.xml")
    states = {_text(value, "fullName") for value in _all(process, "values")}
    assert states == set(_standard_codes("CaseStatus")) >= {"New", "WaitingThirdParty", "Reopened", "Cancelled"}
    root = _tree(SOURCE / "standardValueSets" / "CaseStatus.standardValueSet-meta.xml")
    closed = {_text(v, "fullName") for v in _all(root, "standardValue") if _text(v, "closed") == "true"}
    assert closed == {"Closed", "Cancelled"}
    uses = [_text(root, "businessProcess") for folder, _, root in _record_types() if folder == "Case"]
    assert set(uses) == {"SFS_Support"}


def test_case_categories_are_distinct_and_cover_players_and_partners() -> None:
    codes = _standard_codes("CaseType")
    assert len(codes) == len(set(codes)) == 84
    assert {"deposit_failed", "self_exclusion", "room_overbooking", "terminal_fault", "partner_other"} <= set(codes)
    assert max(map(len, codes)) <= 40


def test_every_queue_takes_cases_under_its_own_code() -> None:
    names = set()
    for path in sorted((SOURCE / "queues").glob("*.queue-meta.xml")):
        root = _tree(path)
        names.add(path.name.split(".")[0])
        assert _text(root, "name") == path.name.split(".")[0] and len(_text(root, "name") or "") <= 40
        assert [_text(one, "sobjectType") for one in _all(root, "queueSobject")] == ["Case"], path.name
    retail = {f"RET_{one}" for one in ("L1", "TECH", "PAY", "ADMIN", "LEGAL", "MKT", "ONBOARD")}
    compliance = {"COMPLIANCE", "COMPLIANCE_AML", "COMPLIANCE_RG"}
    other = {"ONLINE_L1", "VIP_DESK", "VVIP_DESK", "FINANCE_L2", "RISK_AML_L3", "ACQUIRER_L4", "SF_ADMIN"}
    assert retail | compliance | other <= names


def test_the_integration_user_reads_and_writes_every_mapped_field(fields: Fields, permissions: ET.Element) -> None:
    entries = _all(permissions, "fieldPermissions")
    granted = {_text(one, "field"): one for one in entries}
    assert len(granted) == len(entries)
    assert {_text(one, "readable") for one in entries} == {"true"}
    custom = {name for name in granted if name and name.endswith("__c")}
    listable = {f"{o}.{n}" for (o, n), f in fields.items() if _text(f, "type") != "MasterDetail"}
    assert custom == listable - NOT_GRANTED
    assert {name for name, one in granted.items() if _text(one, "editable") == "false"} == {"Case.ClosedDate"}


def test_required_fields_are_left_out_of_the_permission_set(fields: Fields, permissions: ET.Element) -> None:
    """A deployment that lists a required or master-detail field fails as a whole."""
    granted = {_text(one, "field") for one in _all(permissions, "fieldPermissions")}
    kinds = {f"{o}.{n}": f for (o, n), f in fields.items()}
    for name, field in kinds.items():
        if _text(field, "required") == "true" or _text(field, "type") == "MasterDetail":
            assert name not in granted
    always = {"Account.Name", "Account.OwnerId", "Contact.LastName", "Case.Status", "Case.OwnerId", "Asset.Name"}
    assert granted & always == set()


def test_the_integration_user_gets_no_power_over_all_records(permissions: ET.Element) -> None:
    objects = {_text(one, "object"): one for one in _all(permissions, "objectPermissions")}
    synced = {"Account", "Contact", "Case", "Asset"}
    assert set(objects) == synced | {"SFS_Clock__c", "SFS_Recovery__c", "SFS_Promise__c"}
    for name, one in objects.items():
        assert (_text(one, "viewAllRecords"), _text(one, "modifyAllRecords")) == ("false", "false"), name
        assert {_text(one, f"allow{verb}") for verb in ("Create", "Read", "Edit")} == {"true"}, name
    assert {name for name, one in objects.items() if _text(one, "allowDelete") == "true"} == synced
    system = [_text(one, "name") for one in _all(permissions, "userPermissions")]
    assert system == ["ApiEnabled"]


def test_the_integration_user_sees_every_record_type(permissions: ET.Element) -> None:
    visible = {_text(one, "recordType") for one in _all(permissions, "recordTypeVisibilities")}
    assert visible == {f"{folder}.{name}" for folder, name, _ in _record_types()}
