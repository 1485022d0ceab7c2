"""Fields of features that an org has not switched on: kept, but nobody sees them."""

from __future__ import annotations

from pathlib import Path

from sfsync.rehearsal.org import Org

FORCE_APP = Path(__file__).parents[3] / "force-app"


def names(org: Org, obj: str) -> set[str]:
    with org.acting(org.user_id):
        return {one["name"] for one in org.describe(obj)["fields"]}


def test_a_plain_org_has_no_person_accounts(tmp_path: Path) -> None:
    org = Org.open(tmp_path)
    assert {"IsPersonAccount", "PersonEmail", "LastName"}.isdisjoint(names(org, "Account"))
    assert "IsPersonAccount" not in names(org, "Contact")
    assert "LastName" in names(org, "Contact")
    org.close()


def test_metadata_with_a_person_record_type_switches_them_on(tmp_path: Path) -> None:
    org = Org.open(tmp_path, force_app=FORCE_APP)
    assert {"RecordTypeId", "IsPersonAccount", "PersonEmail", "LastName"} <= names(org, "Account")
    org.close()
