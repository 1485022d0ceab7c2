"""CumulusCI's ``load_dataset`` by Bulk, from a database, as its documentation shows. Imports nothing of sfsync.

Without ``drop_missing_schema`` it refuses players for want of a ``Name``, which a person account does not take.
Usage: ORG_URL TOKEN USER EXTERNAL_ID DATABASE, in an empty folder: the mapping file is written there.
"""

import copy
import sqlite3
import sys
from pathlib import Path

from cumulusci.core.config import BaseProjectConfig, OrgConfig, TaskConfig, UniversalConfig
from cumulusci.core.keychain import BaseProjectKeychain
from cumulusci.tasks.bulkdata.load import LoadData


def mapping(database: str, key: str) -> str:
    with sqlite3.connect(database) as opened:
        names = [row[1] for row in opened.execute("PRAGMA table_info(players)") if row[1] != "id"]
    fields = "".join(f"        {name}: {name}\n" for name in names)
    head = "Players:\n    sf_object: Account\n    table: players\n    api: bulk\n    action: upsert\n"
    return f"{head}    update_key: {key}\n    fields:\n{fields}"


def main(url: str, token: str, user: str, key: str, database: str) -> None:
    universal = UniversalConfig()
    where = {"owner": "o", "name": "r", "url": "https://localhost/o/r", "commit": "0" * 40}
    project = BaseProjectConfig(universal, copy.deepcopy(universal.config), repo_info=where)
    project.config["project"]["package"]["api_version"] = "60.0"
    project.set_keychain(BaseProjectKeychain(project, None))
    given = {"instance_url": url, "access_token": token, "username": user}
    org = OrgConfig(given | {"id": f"{url}/id/00D000000000000EAA/005000000000000AAA"}, "rehearsal")
    org.refresh_oauth_token = lambda *args, **more: None
    Path("mapping.yml").write_text(mapping(database, key))
    options = {"mapping": "mapping.yml", "database_url": f"sqlite:///{database}", "drop_missing_schema": True}
    LoadData(project, TaskConfig({"options": options}), org)()


main(*sys.argv[1:])
