"""Assignment rules give cases and leads their owners."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.rehearsal.dml.options import QUIET, Options
from sfsync.rehearsal.metadata.component import SourceError
from sfsync.rehearsal.org import Org
from tests.rehearsal.automation.orgs import assignment_rule, codes, criterion, org_with, queue, source

_QUEUES = (queue("VIP", "Case", "Lead"), queue("WEB", "Case", "Lead"))
_TO_VIP = "<assignedTo>VIP</assignedTo><assignedToType>Queue</assignedToType>"
_TO_WEB = "<assignedTo>WEB</assignedTo><assignedToType>Queue</assignedToType>"
_HIGH = _TO_VIP + criterion("Case.Priority", "equals", "High,Urgent")
_WEB = _TO_WEB + "<formula>ISPICKVAL(Origin, &quot;Web&quot;)</formula>"
_RULES = ("AssignmentRules", "Case", assignment_rule("Standard", _HIGH, _WEB))


def _owners(org: Org, obj: str = "Case") -> list[str]:
    return [one["Owner"]["Name"] for one in org.query(f"SELECT Owner.Name FROM {obj} ORDER BY Id").records]


def test_the_first_entry_that_fits_takes_the_case(tmp_path: Path) -> None:
    with org_with(tmp_path, *_QUEUES, _RULES) as org:
        rows = [{"Priority": "high", "Origin": "Web"}, {"Origin": "Web"}, {"Subject": "nobody's"}]
        assert all(one.success for one in org.insert("Case", rows))
        assert _owners(org) == ["VIP", "WEB", "Integration User"]


def test_it_runs_unless_it_is_switched_off_and_on_update_too(tmp_path: Path) -> None:
    with org_with(tmp_path, *_QUEUES, _RULES) as org:
        case = org.insert("Case", [{"Origin": "Web"}], options=QUIET)[0].id
        assert _owners(org) == ["Integration User"]
        org.update("Case", [{"Id": case, "Subject": "x"}])
        assert _owners(org) == ["WEB"]
        org.update("Case", [{"Id": case, "Priority": "High"}])
        assert _owners(org) == ["VIP"]


def test_a_rule_can_be_named_by_its_id_even_an_inactive_one(tmp_path: Path) -> None:
    rules = (
        "AssignmentRules",
        "Case",
        assignment_rule("Standard", _HIGH) + assignment_rule("Night", _TO_WEB, active=False),
    )
    with org_with(tmp_path, *_QUEUES, rules) as org:
        found = org.query("SELECT Id, Name, Active, SobjectType FROM AssignmentRule ORDER BY Name").records
        night = next(one for one in found if one["Name"] == "Night")
        assert (night["Active"], night["SobjectType"]) == (False, "Case")
        chosen = Options(auto_assign=False, assignment_rule=night["Id"][:15])
        assert org.insert("Case", [{"Priority": "High"}], options=chosen)[0].success
        assert _owners(org) == ["WEB"]
        wrong = org.insert("Case", [{"Subject": "x"}], options=Options(assignment_rule="01Q000000000001"))[0]
        assert codes(wrong) == ["INVALID_ASSIGNMENT_RULE"]


def test_a_case_that_no_entry_takes_goes_to_the_default_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with org_with(tmp_path, *_QUEUES, _RULES) as org:
        monkeypatch.setitem(org.schema.settings, "default_case_owner", "VIP")  # type: ignore[arg-type]
        org.insert("Case", [{"Subject": "x"}, {"Origin": "Web"}])
        assert _owners(org) == ["VIP", "WEB"]


def test_leads_have_rules_too_and_people_can_be_owners(tmp_path: Path) -> None:
    to_user = "<assignedTo>Integration@Rehearsal.example</assignedTo><assignedToType>User</assignedToType>"
    entries = (to_user + criterion("Lead.Company", "startsWith", "Acme"), _TO_WEB)
    with org_with(tmp_path, *_QUEUES, ("AssignmentRules", "Lead", assignment_rule("All", *entries))) as org:
        org.insert("Lead", [{"LastName": "a", "Company": "Acme Ltd"}, {"LastName": "b", "Company": "Beta"}])
        assert _owners(org, "Lead") == ["Integration User", "WEB"]


def test_an_unknown_owner_refuses_the_row(tmp_path: Path) -> None:
    entry = "<assignedTo>NOBODY</assignedTo><assignedToType>Queue</assignedToType>"
    with org_with(tmp_path, ("AssignmentRules", "Case", assignment_rule("Bad", entry))) as org:
        deed = org.insert("Case", [{"Subject": "x"}])[0]
        assert [(one.code, one.fields) for one in deed.errors] == [("INVALID_CROSS_REFERENCE_KEY", ["OwnerId"])]


@pytest.mark.parametrize(
    ("operation", "value", "fits"),
    [
        ("equals", "phone", "Phone"),
        ("notEqual", "Phone,Email", "None"),
        ("contains", "hon", "Phone"),
        ("notContain", "e", "None"),
        ("startsWith", "Em,Ph", "Email Phone"),
        ("equals", "", "None"),
    ],
)
def test_criteria_compare_without_case_and_take_alternatives(
    tmp_path: Path, operation: str, value: str, fits: str
) -> None:
    entry = _TO_VIP + criterion("Case.Origin", operation, value)
    with org_with(tmp_path, *_QUEUES, ("AssignmentRules", "Case", assignment_rule("One", entry))) as org:
        org.insert("Case", [{"Origin": "Email"}, {"Origin": "Phone"}, {"Origin": None}])
        owners = dict(zip(("Email", "Phone", "None"), _owners(org), strict=True))
        assert [name for name, owner in owners.items() if owner == "VIP"] == fits.split()


def test_numbers_dates_and_flags_compare_as_such_and_logic_joins_them(tmp_path: Path) -> None:
    criteria = (
        criterion("Lead.NumberOfEmployees", "greaterOrEqual", "10"),
        criterion("Lead.IsUnreadByOwner", "equals", "True"),
        criterion("Lead.CreatedDate", "lessThan", "2000-01-01T00:00:00Z"),
    )
    entry = _TO_VIP + "<booleanFilter>(1 AND 2) OR 3</booleanFilter>" + "".join(criteria)
    with org_with(tmp_path, *_QUEUES, ("AssignmentRules", "Lead", assignment_rule("One", entry))) as org:
        rows = [{"LastName": "x", "Company": "c", "NumberOfEmployees": count} for count in (9, 10)]
        org.insert("Lead", [row | {"IsUnreadByOwner": True} for row in rows])
        assert _owners(org, "Lead") == ["Integration User", "VIP"]


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (_TO_VIP + criterion("Case.Origin", "within", "x"), "no criteria with operation within"),
        ("<assignedTo>x</assignedTo><assignedToType>Role</assignedToType>", "users and queues only, not to Role"),
        (_TO_VIP + "<team>Night</team>", "adds no case teams"),
    ],
)
def test_what_the_org_cannot_do_is_refused(inside: str, text: str) -> None:
    with pytest.raises(SourceError, match=text):
        source(("AssignmentRules", "Case", assignment_rule("One", inside)))


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (criterion("Case.Nope__c", "equals", "x"), "Field Nope__c does not exist"),
        (criterion("Case.IsClosed", "equals", "maybe"), "IsClosed: the rehearsal org cannot compare with maybe"),
        ("<booleanFilter>1 AND 2</booleanFilter>" + criterion("Case.Origin", "equals", "x"), "there are 1 criteria"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(tmp_path: Path, inside: str, text: str) -> None:
    pieces = ("AssignmentRules", "Case", assignment_rule("One", _TO_VIP + inside))
    with pytest.raises(SourceError, match=text), org_with(tmp_path, pieces):
        pass
