"""A real org with metadata of its own: look-ups of every kind, tracked fields, a second user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfsync.rehearsal.org import Org

_META = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
_FIELD = "<CustomField {0}><fullName>{1}</fullName><label>{2}</label>{3}</CustomField>"
_KEY = "<type>Text</type><length>20</length><externalId>true</externalId><unique>true</unique>"
_LOOKUP = "<type>{0}</type><referenceTo>{1}</referenceTo><relationshipName>{2}</relationshipName>"
_TRACKED = "<trackHistory>true</trackHistory>"
_VALUE = "<value><fullName>{0}</fullName><default>false</default><label>{0}</label></value>"
_PICKLIST = (
    "<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>"
    + "".join(map(_VALUE.format, ("GOLD", "SILVER")))
    + "</valueSetDefinition></valueSet>"
)
_FIELDS: dict[str, dict[str, str]] = {
    "Account": {
        "Key__c": _KEY,
        "Shop__c": _LOOKUP.format("Lookup", "Account", "Players"),
        "Tier__c": _PICKLIST,
        "Limit__c": "<type>Currency</type><precision>10</precision><scale>2</scale>",
    },
    "Case": {"Step__c": "<type>Text</type><length>40</length>" + _TRACKED},
    "Clock__c": {
        "Case__c": _LOOKUP.format("MasterDetail", "Case", "Clocks"),
        "Key__c": _KEY,
        "Mate__c": _LOOKUP.format("Lookup", "Contact", "Clocks") + "<deleteConstraint>Restrict</deleteConstraint>",
    },
}
_OBJECT = f"""<CustomObject {_META}><label>Clock</label><pluralLabel>Clocks</pluralLabel><nameField>
<label>Clock No</label><type>AutoNumber</type><displayFormat>CL-{{000000}}</displayFormat></nameField></CustomObject>"""
_RECORD_TYPE = f"<RecordType {_META}><fullName>Player</fullName><active>true</active><label>Player</label></RecordType>"
_OFFER = "<picklistValues><picklist>Tier__c</picklist><values><fullName>SILVER</fullName></values></picklistValues>"
_SHOP = _RECORD_TYPE.replace("Player", "Shop").replace("</RecordType>", _OFFER + "</RecordType>")
_QUEUE = f"<Queue {_META}><name>Desk</name><queueSobject><sobjectType>Case</sobjectType></queueSobject></Queue>"


@pytest.fixture(scope="session")
def force_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("force-app")
    texts = {
        f"objects/{obj}/fields/{name}.field-meta.xml": _FIELD.format(_META, name, name.removesuffix("__c"), rest)
        for obj, fields in _FIELDS.items()
        for name, rest in fields.items()
    }
    texts["objects/Clock__c/Clock__c.object-meta.xml"] = _OBJECT
    texts["objects/PersonAccount/recordTypes/Player.recordType-meta.xml"] = _RECORD_TYPE
    texts["objects/Account/recordTypes/Shop.recordType-meta.xml"] = _SHOP
    texts["queues/DESK.queue-meta.xml"] = _QUEUE
    for name, text in texts.items():
        path = root / "main" / "default" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


@pytest.fixture
def org(tmp_path: Path, force_app: Path) -> Iterator[Org]:
    opened = Org.open(tmp_path / "org", force_app=force_app)
    opened.clock.freeze(datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    yield opened
    opened.close()


class Desk:
    """The org with short words for what tests do all the time."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def made(self, object_name: str, **fields: Any) -> str:
        """Inserts a row that must succeed."""
        result = self.org.insert(object_name, [fields])[0]
        assert result.success, result.errors
        return str(result.id)

    def changed(self, object_name: str, record_id: str, **fields: Any) -> None:
        result = self.org.update(object_name, [{"Id": record_id, **fields}])[0]
        assert result.success, result.errors

    def ask(self, soql: str, **options: Any) -> list[dict[str, Any]]:
        rows = self.org.query(soql, **options).records
        return [{key: value for key, value in one.items() if key != "attributes"} for one in rows]

    def value(self, object_name: str, record_id: str, name: str) -> Any:
        return self.org.retrieve(object_name, record_id, [name])[name]


@pytest.fixture
def desk(org: Org) -> Desk:
    return Desk(org)


Ask = Callable[..., list[dict[str, Any]]]
