"""The mappings against an org that has the project's metadata: the rehearsal org's own describes."""

from __future__ import annotations

import pytest

from sfsync.mapping.drift import check_salesforce
from sfsync.mapping.load import load
from sfsync.rehearsal.org import Org

from .conftest import ROOT


@pytest.fixture(scope="module")
def describes(tmp_path_factory):
    org = Org.open(tmp_path_factory.mktemp("org"), force_app=ROOT / "force-app")
    return {name: org.describe(name) for name in ("Account", "Contact", "Case", "Asset", "User")}


@pytest.mark.parametrize("players", ["person_account", "contact"])
def test_an_org_with_our_metadata_fits_every_mapping(describes, tmp_path, players):
    for path in (ROOT / "mappings").glob("*.yaml"):
        text = path.read_text(encoding="utf-8").replace("as: person_account", f"as: {players}")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    found = [f for m in load(tmp_path).values() for f in check_salesforce(m, describes[m.salesforce.object], describes)]
    assert [f for f in found if f.level != "info"] == []


def test_a_field_that_was_not_deployed_is_found(describes, mappings):
    account = describes["Account"]
    less = account | {"fields": [f for f in account["fields"] if f["name"] != "SFS_Tier__c"]}
    found = check_salesforce(mappings["player"], less, describes)
    assert [(f.code, f.where) for f in found] == [("FIELD_MISSING", "Account.SFS_Tier__c")]
