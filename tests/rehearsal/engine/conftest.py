"""A real org on a real SQLite file, with a small force-app of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.org import Org

_FIELD = """<?xml version="1.0" encoding="UTF-8"?>
<CustomField xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>{name}</fullName><label>{label}</label>{rest}
</CustomField>"""
_EXTERNAL = "<type>Text</type><length>{0}</length><externalId>true</externalId><unique>true</unique>"
_CODE = _EXTERNAL + "<caseSensitive>false</caseSensitive>"
_TIER = """<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>
<value><fullName>STANDARD</fullName><default>false</default><label>Standard</label></value>
<value><fullName>VIP</fullName><default>false</default><label>Vip</label></value>
</valueSetDefinition></valueSet>"""
_CHANNELS = (
    _TIER.replace("<type>Picklist", "<type>MultiselectPicklist").replace("STANDARD", "Email").replace("VIP", "Phone")
)
_LOOKUP = "<type>Lookup</type><referenceTo>Account</referenceTo><relationshipName>Signup_Players</relationshipName>"
_FIELDS: dict[str, dict[str, tuple[str, str]]] = {
    "Account": {
        "Player_Id__c": ("Player Id", _CODE.format(32)),
        "Shop_Code__c": ("Shop Code", _CODE.format(12)),
        "Strict_Code__c": ("Strict Code", _EXTERNAL.format(12) + "<caseSensitive>true</caseSensitive>"),
        "Tier__c": ("Tier", _TIER),
        "Channels__c": ("Channels", _CHANNELS),
        "Blocked__c": ("Blocked", "<type>Checkbox</type><defaultValue>false</defaultValue>"),
        "Limit__c": ("Limit", "<type>Currency</type><precision>18</precision><scale>2</scale>"),
        "Visits__c": ("Visits", "<type>Number</type><precision>4</precision><scale>0</scale>"),
        "Seen__c": ("Seen", "<type>DateTime</type>"),
        "Due__c": ("Due", "<type>Date</type>"),
        "Opens__c": ("Opens", "<type>Time</type>"),
        "Note__c": ("Note", "<type>LongTextArea</type><length>1000</length>"),
        "Signup_Shop__c": ("Signup Shop", _LOOKUP),
    },
    "Contact": {"Operator_Code__c": ("Operator Code", _CODE.format(32))},
    "Case": {"Source_Key__c": ("Source Key", _CODE.format(64))},
    "Clock__c": {
        "Case__c": (
            "Case",
            "<type>MasterDetail</type><referenceTo>Case</referenceTo><relationshipName>Clocks</relationshipName>",
        ),
        "State__c": ("State", "<type>Text</type><length>20</length>"),
    },
}
_RECORD_TYPE = """<RecordType xmlns="http://soap.sforce.com/2006/04/metadata">
<fullName>{0}</fullName><active>true</active><label>{0}</label></RecordType>"""
_QUEUE = """<Queue xmlns="http://soap.sforce.com/2006/04/metadata"><name>{0}</name>{1}</Queue>"""
_CLOCK = """<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><label>Clock</label>
<pluralLabel>Clocks</pluralLabel><nameField><label>Clock No</label><type>AutoNumber</type>
<displayFormat>CL-{000000}</displayFormat></nameField></CustomObject>"""


def write_force_app(root: Path) -> Path:
    """A folder in source format: player ids, shop codes, one custom object, two queues."""
    main = root / "main" / "default"
    texts = {
        f"objects/{obj}/fields/{name}.field-meta.xml": _FIELD.format(name=name, label=label, rest=rest)
        for obj, fields in _FIELDS.items()
        for name, (label, rest) in fields.items()
    }
    texts["objects/Clock__c/Clock__c.object-meta.xml"] = _CLOCK
    texts["objects/PersonAccount/recordTypes/Player.recordType-meta.xml"] = _RECORD_TYPE.format("Player")
    texts["objects/Account/recordTypes/Shop.recordType-meta.xml"] = _RECORD_TYPE.format("Shop")
    served = "<queueSobject><sobjectType>Case</sobjectType></queueSobject>"
    texts["queues/DESK.queue-meta.xml"] = _QUEUE.format("Desk", served)
    texts["queues/IDLE.queue-meta.xml"] = _QUEUE.format("Idle", "")
    for name, text in texts.items():
        path = main / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


@pytest.fixture(scope="session")
def force_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_force_app(tmp_path_factory.mktemp("force-app"))


@pytest.fixture
def org(tmp_path: Path, force_app: Path) -> Iterator[Org]:
    opened = Org.open(tmp_path / "org", force_app=force_app)
    yield opened
    opened.close()


Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(org: Org) -> Ask:
    """Runs a query and gives the rows, without their attributes on the first level."""

    def rows(soql: str, **options: Any) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in one.items() if key != "attributes"}
            for one in org.query(soql, **options).records
        ]

    return rows


@pytest.fixture
def types(ask: Ask) -> dict[str, str]:
    """Record type ids by developer name."""
    return {one["DeveloperName"]: one["Id"] for one in ask("SELECT Id, DeveloperName FROM RecordType")}
