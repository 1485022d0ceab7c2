"""Packing source into a zip, and deploying it to an org that has none of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sfsync.errors import ConfigError
from sfsync.rehearsal.serve import Ready, running
from sfsync.sides.salesforce import deploy
from sfsync.sides.salesforce.package import NAMESPACE, pack
from sfsync.sides.salesforce.session import Session
from tests.sides.salesforce.conftest import World

ROOT = Path(__file__).parents[3]
_XML = '<?xml version="1.0"?><{0} xmlns="http://soap.sforce.com/2006/04/metadata">{1}</{0}>'
_OBJECT = (
    "<label>Visit</label><pluralLabel>Visits</pluralLabel><nameField><label>No</label><type>Text</type></nameField>"
)


def write(folder: Path, **fields: str) -> Path:
    """A project with one custom object, the fields given for it, and a queue."""
    texts = {
        "objects/Visit__c/Visit__c.object-meta.xml": _XML.format("CustomObject", _OBJECT),
        "queues/Desk_One.queue-meta.xml": _XML.format(
            "Queue", "<name>Desk</name><queueSobject><sobjectType>Visit__c</sobjectType></queueSobject>"
        ),
    }
    for name, rest in fields.items():
        inside = f"<fullName>{name}</fullName><label>{name}</label>{rest}"
        texts[f"objects/Visit__c/fields/{name}.field-meta.xml"] = _XML.format("CustomField", inside)
    for name, text in texts.items():
        path = folder / "main" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


CODE = "<type>Text</type><length>12</length><externalId>true</externalId><unique>true</unique>"


class TestPack:
    def test_pieces_of_an_object_become_one_file(self, tmp_path: Path) -> None:
        package = pack(write(tmp_path, Code__c=CODE, Note__c="<type>TextArea</type>"), "62.0")
        with zipfile.ZipFile(io.BytesIO(package.archive)) as archive:
            assert sorted(archive.namelist()) == ["objects/Visit__c.object", "package.xml", "queues/Desk_One.queue"]
            whole = ElementTree.fromstring(archive.read("objects/Visit__c.object"))
            manifest = ElementTree.fromstring(archive.read("package.xml"))
        names = {"m": NAMESPACE}
        assert [one.text for one in whole.findall("m:fields/m:fullName", names)] == ["Code__c", "Note__c"]
        assert whole.findtext("m:label", namespaces=names) == "Visit"
        assert manifest.findtext("m:version", namespaces=names) == "62.0"
        assert package.members == {
            "CustomField": ("Visit__c.Code__c", "Visit__c.Note__c"),
            "CustomObject": ("Visit__c",),
            "Queue": ("Desk_One",),
        }

    def test_the_same_files_make_the_same_zip(self, tmp_path: Path) -> None:
        folder = write(tmp_path, Code__c=CODE)
        assert pack(folder, "62.0").archive == pack(folder, "62.0").archive

    def test_what_it_cannot_pack_it_says(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as none:
            pack(tmp_path, "62.0")
        assert none.value.code == "METADATA_NONE"
        (tmp_path / "X.cls-meta.xml").write_text("<ApexClass/>")
        with pytest.raises(ConfigError) as unknown:
            pack(tmp_path, "62.0")
        assert unknown.value.code == "METADATA_UNKNOWN"
        (tmp_path / "X.cls-meta.xml").unlink()
        (tmp_path / "X.queue-meta.xml").write_text("<Queue>")
        assert pack(tmp_path, "62.0").members == {"Queue": ("X",)}  # the org judges what is not taken apart
        (tmp_path / "Y.object-meta.xml").write_text("<CustomObject>")
        with pytest.raises(ConfigError) as broken:
            pack(tmp_path, "62.0")
        assert broken.value.code == "METADATA_BROKEN"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    with running(tmp_path_factory.mktemp("empty-org")) as ready:
        yield ready


@pytest.fixture
def session(empty: Ready, tmp_path: Path) -> Iterator[Session]:
    side = World(empty, tmp_path).side()
    yield side.session
    side.close()


def quiet(step: str, done: int, total: int | None) -> None:
    """Nobody listens."""


class TestDeploy:
    def test_an_empty_org_takes_the_project_and_a_second_time_changes_nothing(self, session: Session) -> None:
        package = pack(ROOT / "force-app", "62.0")
        said: list[tuple[str, int, int | None]] = []
        first = deploy.deploy(
            session, package.archive, check_only=False, wait_s=60, say=lambda *told: said.append(told)
        )
        assert (first.success, first.failures) == (True, ())
        assert first.counts["created"] == package.size
        assert said[-1] == ("Succeeded", package.size, package.size)
        again = deploy.deploy(session, package.archive, check_only=False, wait_s=60, say=quiet)
        assert again.counts == {"created": 0, "changed": 0, "unchanged": package.size, "deleted": 0, "failed": 0}

    def test_a_check_writes_nothing_and_a_refusal_undoes_the_rest(self, session: Session, tmp_path: Path) -> None:
        folder = write(tmp_path, Code__c=CODE)
        checked = deploy.deploy(session, pack(folder, "62.0").archive, check_only=True, wait_s=60, say=quiet)
        assert (checked.success, checked.check_only, checked.counts["created"]) == (True, True, 3)
        write(folder, Lost__c="<type>Lookup</type><referenceTo>Nowhere__c</referenceTo>")
        refused = deploy.deploy(session, pack(folder, "62.0").archive, check_only=False, wait_s=60, say=quiet)
        assert not refused.success
        (only,) = refused.failures
        assert (only.kind, only.name) == ("CustomField", "Visit__c.Lost__c")
        assert only.problem == "In field: referenceTo - no CustomObject named Nowhere__c found"
        assert session.call("GET", "sobjects/Visit__c/describe", accept=(404,)).status == 404
