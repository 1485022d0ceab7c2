"""simple-salesforce as its documentation shows Bulk 2.0: ``bulk2.Account.upsert(file, external_id_field=…)``.

Usage: INSTANCE_URL TOKEN EXTERNAL_ID FILE … The library always makes https of its Bulk address; here it talks http, as
we and curl do.
"""

import sys

from simple_salesforce import Salesforce

url, token, key, *files = sys.argv[1:]
sf = Salesforce(instance_url=url, session_id=token)
sf.bulk2_url = sf.bulk2_url.replace("https:", "http:", 1)
for file in files:
    for job in sf.bulk2.Account.upsert(file, external_id_field=key):
        assert job["numberRecordsFailed"] == 0, job
