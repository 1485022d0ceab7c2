"""What a fresh org holds before anybody works in it: the organization, profiles, the integration user, record
types, queues and permission sets of force-app. Running it again adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfsync.rehearsal.dml.options import QUIET
from sfsync.rehearsal.dml.rules.users import licenses_used
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.ids import new_id
from sfsync.rehearsal.metadata import rows
from sfsync.rehearsal.schema.model import Schema
from sfsync.rehearsal.store import state
from sfsync.rehearsal.store.database import Database
from sfsync.rehearsal.store.tables import quoted

USERNAME = "integration@rehearsal.example"
# profile -> its user licence
_PROFILES = {
    "System Administrator": "Salesforce",
    "Standard User": "Salesforce",
    "Minimum Access - API Only Integrations": "Salesforce Integration",
}
# licence -> how many there are; an org with fewer is set up with Org.set_licenses
_LICENSES = {"Salesforce": 1000, "Salesforce Integration": 5}
_LOCALE = {"LocaleSidKey": "it_IT", "TimeZoneSidKey": "Europe/Rome", "LanguageLocaleKey": "en_US"}
# As in every new org: open to all, contacts as their accounts.
_SHARING: Mapping[str, str] = {
    "DefaultAccountAccess": "Edit",
    "DefaultContactAccess": "ControlledByParent",
    "DefaultOpportunityAccess": "Edit",
    "DefaultLeadAccess": "ReadEditTransfer",
    "DefaultCaseAccess": "ReadEditTransfer",
    "DefaultCalendarAccess": "HideDetailsInsert",
    "DefaultPricebookAccess": "ReadSelect",
    "DefaultCampaignAccess": "All",
    "UiSkin": "Theme3",
}

Identity = dict[str, Any]


def prepare(database: Database, schema: Schema, stamp: str) -> Identity:
    """Makes the missing rows; returns {"org_id", "user_id", "username"}."""
    with database.transaction():
        identity = state.get(database, "org", "identity") or _identity(schema)
        work = Work(database, schema, identity["user_id"], stamp, QUIET)
        if state.get(database, "org", "identity") is None:
            _found(work, identity)
            state.put(database, "org", "identity", identity)
        _price_book(work)
        rows.follow(work, assign=True)
    return identity


def _identity(schema: Schema) -> Identity:
    org, user = schema.objects["Organization"].prefix, schema.objects["User"].prefix
    return {"org_id": new_id(org, 1), "user_id": new_id(user, 1), "username": USERNAME}


def _found(work: Work, identity: Identity) -> None:
    """The first rows of all: their ids are the first of their kind."""
    licenses = _licenses(work)
    profiles = rows.insert(
        work,
        "Profile",
        [
            {"Name": name, "UserType": "Standard", "UserLicenseId": licenses[license]}
            for name, license in _PROFILES.items()
        ],
    )
    rows.insert(
        work,
        "Organization",
        [
            {
                "Name": "Rehearsal",
                "DefaultLocaleSidKey": "it_IT",
                "TimeZoneSidKey": "Europe/Rome",
                "LanguageLocaleKey": "en_US",
                "FiscalYearStartMonth": 1,
                "OrganizationType": "Developer Edition",
                "InstanceName": "RH0",
                "IsSandbox": True,
                "Country": "IT",
                **_SHARING,
            }
        ],
    )
    rows.insert(work, "User", [_user(identity["username"], profiles[0])])
    licenses_used(work.database)


def _price_book(work: Work) -> None:
    """Every org has one standard price book, which nobody can make."""
    if not work.database.rows('SELECT 1 FROM "Pricebook2" WHERE "IsStandard" = 1'):
        standard = {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
        rows.insert(work, "Pricebook2", [standard])


def _licenses(work: Work) -> dict[str, str]:
    wanted = [
        {"Name": name, "MasterLabel": name, "Status": "Active", "TotalLicenses": total, "UsedLicenses": 0}
        for name, total in _LICENSES.items()
    ]
    return dict(zip(_LICENSES, rows.insert(work, "UserLicense", wanted), strict=True))


def _user(username: str, profile: str) -> dict[str, Any]:
    return _LOCALE | {
        "Username": username,
        "Email": username,
        "FirstName": "Integration",
        "LastName": "User",
        "Name": "Integration User",
        "Alias": "integ",
        "CommunityNickname": "integration",
        "IsActive": True,
        "EmailEncodingKey": "UTF-8",
        "ProfileId": profile,
        "UserType": "Standard",
        "DigestFrequency": "D",
        "DefaultGroupNotificationFrequency": "N",
    }


def time_zone(database: Database, user_id: str) -> str:
    rows = database.rows(f'SELECT "TimeZoneSidKey" FROM {quoted("User")} WHERE Id = ?', (user_id,))  # noqa: S608
    return rows[0][0] if rows and rows[0][0] else "UTC"
