"""Runs CumulusCI's LoadData, ExtractData and DeleteData against the org named in the environment.

Lives in the client's own environment: it imports nothing of sfsync.
"""

import copy
import json
import os
import sqlite3
import sys
from pathlib import Path

from cumulusci.core.config import BaseProjectConfig, OrgConfig, TaskConfig, UniversalConfig
from cumulusci.core.keychain import BaseProjectKeychain
from cumulusci.salesforce_api.utils import get_simple_salesforce_connection
from cumulusci.tasks.bulkdata.delete import DeleteData
from cumulusci.tasks.bulkdata.extract import ExtractData
from cumulusci.tasks.bulkdata.load import LoadData

MAPPING = """
Insert Accounts:
    sf_object: Account
    api: {api}
    fields: {{Name: Name, AccountNumber: AccountNumber}}
Upsert Contacts:
    sf_object: Contact
    api: {api}
    action: upsert
    update_key: Email
    fields: {{FirstName: FirstName, LastName: LastName, Email: Email}}
    lookups:
        AccountId: {{table: Account}}
"""
ROWS = """
CREATE TABLE "Account" (id VARCHAR(255) NOT NULL, "Name" VARCHAR(255), "AccountNumber" VARCHAR(255), PRIMARY KEY (id));
INSERT INTO "Account" VALUES('Account-1','Sitwell','420');
INSERT INTO "Account" VALUES('Account-2','Bluth','421');
CREATE TABLE "Contact" (id VARCHAR(255) NOT NULL, "FirstName" VARCHAR(255), "LastName" VARCHAR(255),
                        "Email" VARCHAR(255), "AccountId" VARCHAR(255), PRIMARY KEY (id));
INSERT INTO "Contact" VALUES('Contact-1','Ann','Veal','Ann@example.com','Account-1');
INSERT INTO "Contact" VALUES('Contact-2','Bob','Loblaw','bob@example.com','Account-2');
INSERT INTO "Contact" VALUES('Contact-3','Tom, "the" third','Egg','tom@example.com','Account-2');
"""


def project() -> BaseProjectConfig:
    universal = UniversalConfig()
    where = {"owner": "o", "name": "r", "url": "https://localhost/o/r", "commit": "0" * 40}
    made = BaseProjectConfig(universal, copy.deepcopy(universal.config), repo_info=where)
    made.config["project"]["package"]["api_version"] = "60.0"
    made.set_keychain(BaseProjectKeychain(made, None))
    return made


def org() -> OrgConfig:
    url = os.environ["ORG_URL"]
    given = {
        "instance_url": url,
        "access_token": os.environ["ORG_TOKEN"],
        "id": f"{url}/id/00D000000000000EAA/005000000000000AAA",
        "username": os.environ["ORG_USER"],
    }
    made = OrgConfig(given, "rehearsal")
    made.refresh_oauth_token = lambda *args, **more: None
    return made


def counts(file: str) -> list[int]:
    with sqlite3.connect(":memory:") as kept:
        kept.executescript(Path(file).read_text())
        return [kept.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in ("Account", "Contact")]


def main(api: str) -> None:
    here, there = project(), org()

    def task(kind: type, **options: object) -> None:
        kind(here, TaskConfig({"options": options}), there)()

    Path("mapping.yml").write_text(MAPPING.format(api=api))
    Path("rows.sql").write_text(ROWS)
    sf = get_simple_salesforce_connection(here, there)

    def rows() -> list[int]:
        return [sf.query(f"SELECT COUNT() FROM {name}")["totalSize"] for name in ("Account", "Contact")]

    task(LoadData, mapping="mapping.yml", sql_path="rows.sql")
    loaded = rows()
    task(ExtractData, mapping="mapping.yml", sql_path="out.sql")
    task(DeleteData, objects="Contact,Account", hardDelete=False, api=api)
    print(json.dumps({"loaded": loaded, "extracted": counts("out.sql"), "left": rows()}))


main(sys.argv[1])
