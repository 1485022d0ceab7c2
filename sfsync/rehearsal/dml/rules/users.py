"""Users: names in lower case that look like e-mail addresses, defaults of a standard user, and licences.

An active user takes a licence of his profile's kind; UsedLicenses of the UserLicense row is kept with every save.
Source: wire reference 15 (users); vendor, LICENSE_LIMIT_EXCEEDED.
"""

from __future__ import annotations

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml.batch import Batch
from sfsync.rehearsal.dml.rows import Stored, whole
from sfsync.rehearsal.dml.rules.names import NameRules
from sfsync.rehearsal.dml.work import Work
from sfsync.rehearsal.store.database import Database

_LEFT = """
SELECT p.Id, l.Id, l."TotalLicenses" - (SELECT COUNT(*) FROM "User" AS u JOIN "Profile" AS other
 ON other.Id = u."ProfileId" WHERE u."IsActive" AND other."UserLicenseId" = l.Id)
 FROM "Profile" AS p JOIN "UserLicense" AS l ON l.Id = p."UserLicenseId"
"""
_COUNT = """
UPDATE "UserLicense" SET "UsedLicenses" = (SELECT COUNT(*) FROM "User" AS u JOIN "Profile" AS p
 ON p.Id = u."ProfileId" WHERE u."IsActive" AND p."UserLicenseId" = "UserLicense".Id)
"""


def licenses_used(database: Database) -> None:
    """Counts the active users of each licence."""
    database.run(_COUNT)


def set_licenses(database: Database, name: str, total: int) -> None:
    """Gives the org ``total`` licences of a kind. Raises ValueError for a kind it does not have."""
    sql = 'UPDATE "UserLicense" SET "TotalLicenses" = ? WHERE "Name" = ?'
    if not database.run(sql, (total, name)).rowcount:
        raise ValueError(f"the org has no licence called {name!r}")


class UserRules(NameRules):
    needs = NameRules.needs | {"IsActive", "ProfileId"}

    def before_insert(self, work: Work, batch: Batch) -> None:
        super().before_insert(work, batch)
        self._usernames(batch)
        nicknames, names = batch.values("CommunityNickname"), batch.values("Username")
        batch.columns["CommunityNickname"] = [
            nick or (name.split("@")[0][:40] if name else None) for nick, name in zip(nicknames, names, strict=True)
        ]
        batch.columns["UserType"] = ["Standard"] * batch.size
        self._licences(work, batch, None)

    def before_update(self, work: Work, batch: Batch, old: Stored) -> None:
        super().before_update(work, batch, old)
        self._usernames(batch)
        if {"IsActive", "ProfileId"} & set(batch.columns):
            self._licences(work, batch, old)

    def _usernames(self, batch: Batch) -> None:
        for row, name in enumerate(batch.columns.get("Username", ())):
            if isinstance(name, str):
                batch.columns["Username"][row] = name.lower()
                if "@" not in name or "." not in name.rpartition("@")[2]:
                    batch.fail(row, errors.invalid_email("Username", "Username", name))

    def _licences(self, work: Work, batch: Batch, old: Stored | None) -> None:
        """Every row that newly becomes active needs a licence that is left."""
        kinds = {profile: (licence, left) for profile, licence, left in work.database.rows(_LEFT)}
        left = dict(kinds.values())
        active, profiles = whole(batch, old, "IsActive"), whole(batch, old, "ProfileId")
        for row in batch.good():
            licence = kinds.get(profiles[row], (None, 0))[0]
            had = old is not None and old["IsActive"][row] and kinds.get(old["ProfileId"][row], (None,))[0] == licence
            if licence is None or not active[row] or had:
                continue
            if left[licence] <= 0:
                batch.fail(row, errors.license_limit())
            left[licence] -= 1

    def after_insert(self, work: Work, batch: Batch, ids: list[str]) -> None:
        licenses_used(work.database)

    def after_update(self, work: Work, batch: Batch, ids: list[str]) -> None:
        licenses_used(work.database)
