"""An org without any metadata of its own, and packages made of a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sfsync.rehearsal.metadata.component import Key
from sfsync.rehearsal.metadata.deploy import deploy
from sfsync.rehearsal.metadata.package import read_package, unzip, zipped
from sfsync.rehearsal.metadata.results import Options, Outcome
from sfsync.rehearsal.org import Org

NS = "http://soap.sforce.com/2006/04/metadata"
VISIT = (
    "<label>Visit</label><pluralLabel>Visits</pluralLabel>"
    "<nameField><label>Visit No</label><type>AutoNumber</type><displayFormat>V-{0000}</displayFormat></nameField>"
)
TEXT = "<type>Text</type><length>20</length>"
CODE = TEXT + "<externalId>true</externalId><unique>true</unique>"


def document(tag: str, inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{tag} xmlns="{NS}">{inside}</{tag}>'.encode()


def field(name: str, rest: str = TEXT, label: str = "") -> str:
    return f"<fields><fullName>{name}</fullName><label>{label or name}</label>{rest}</fields>"


def manifest(named: Mapping[str, str]) -> bytes:
    """A package.xml: type -> members with blanks between."""
    types = [
        "<types>" + "".join(f"<members>{one}</members>" for one in members.split()) + f"<name>{kind}</name></types>"
        for kind, members in named.items()
    ]
    return document("Package", "".join(types) + "<version>62.0</version>")


def packed(
    files: Mapping[str, str], named: Mapping[str, str], before: Mapping[str, str] = {}, after: Mapping[str, str] = {}
) -> bytes:
    """A zip in metadata format. Files are path -> what is inside their root element."""
    roots = {"object": "CustomObject", "queue": "Queue", "permissionset": "PermissionSet", "layout": "Layout"}
    roots |= {"globalValueSet": "GlobalValueSet", "standardValueSet": "StandardValueSet", "labels": "CustomLabels"}
    made = {path: document(roots.get(path.rpartition(".")[2], "Other"), text) for path, text in files.items()}
    made["package.xml"] = manifest(named)
    if before:
        made["destructiveChangesPre.xml"] = manifest(before)
    if after:
        made["destructiveChanges.xml"] = manifest(after)
    return zipped(made)


class Deployer:
    """An org and a short way to deploy to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.org = Org.open(data)

    def __call__(
        self,
        files: Mapping[str, str],
        named: Mapping[str, str],
        *,
        options: Options = Options(),  # noqa: B008 - frozen
        before: Mapping[str, str] = {},
        after: Mapping[str, str] = {},
    ) -> Outcome:
        return deploy(self.org, read_package(unzip(packed(files, named, before, after))), options)

    def visit(self, *fields: str) -> Outcome:
        """Deploys the custom object Visit__c with these fields."""
        return self({"objects/Visit__c.object": VISIT + "".join(fields)}, {"CustomObject": "Visit__c"})

    def account(self, *fields: str, named: str) -> Outcome:
        """Deploys fields of Account; ``named`` are their names with blanks between."""
        members = " ".join(f"Account.{one}" for one in named.split())
        return self({"objects/Account.object": "".join(fields)}, {"CustomField": members})

    def reopen(self) -> Org:
        self.org.close()
        self.org = Org.open(self.data)
        return self.org


def problems(outcome: Outcome) -> dict[Key, str]:
    return {(one.kind, one.name): one.problem for one in outcome.errors}


@pytest.fixture
def to(tmp_path: Path) -> Iterator[Deployer]:
    made = Deployer(tmp_path / "org")
    yield made
    made.org.close()
