"""The text of a new ``sfsync.toml`` and the steps that follow it, per way into the org."""

from __future__ import annotations

CONFIG = """\
# sfsync: what is kept in step, where, and how it is reached.
# Every key has a twin in the environment that wins: SFSYNC_<SECTION>__<KEY>, as SFSYNC_PLATFORM__URL.
# Secrets stay out of this file: environment, key files with mode 0600, or the system's keyring (service sfsync).
# Paths are relative to this file. After a change:  sfsync doctor

mappings = "mappings"                    # folder of mapping files: what is synced and who owns each field

[platform]                               # the operator's database
url = {platform}      # sqlite:///file.db or postgresql://user@host/database

[salesforce]                             # the org
auth = {auth}                             # jwt, client-credentials, session, password or sf-cli
instance_url = {instance}
api_version = "62.0"
timeout_s = 120                          # seconds one call may take
# login_url = "https://test.salesforce.com"      # where tokens are asked for, if not at the instance
# username = "integration@example.com"           # jwt, password
# private_key_file = ".sfsync/server.key"        # jwt; mode 0600
# target_org = "my-org"                          # sf-cli: alias or username
# Secrets: SFSYNC_SALESFORCE__CONSUMER_KEY (jwt, client-credentials), …__CONSUMER_SECRET (client-credentials),
#          …__ACCESS_TOKEN (session), …__PASSWORD and …__SECURITY_TOKEN (password)

[ledger]                                 # what sfsync remembers: digests, keys and counts, no personal data
url = "sqlite:///.sfsync/ledger.db"      # or postgresql+psycopg://user@host/database for several hosts
folder = ".sfsync"                       # keys, encrypted before-images, cache
keep_days = 90                           # how long runs can be undone and looked at

[budget]                                 # shares of the org's daily API calls
per_run = 0.25                           # one run stops here and the next goes on
org_wide_stop = 0.80                     # with everybody's calls counted; the rest is kept for people

[privacy]                                # identifiers leave as keyed hashes; the key is .sfsync/hash.key:
                                         # keep a copy of it in a safe place, its loss changes every hash

[messages]                               # to retail partners, about their requests
send = "outbox"                          # a file each in the folder `outbox`, or: smtp, salesforce (its e-mail action)
outbox = "outbox"
sender = "noreply@localhost"             # who they come from
smtp_url = ""                            # smtp://user@host:587; its secret: SFSYNC_MESSAGES__SMTP_PASSWORD
"""

NEXT = {
    "jwt": [
        "put the private key of the connected app's certificate into .sfsync/server.key (chmod 600)",
        "write salesforce.username and salesforce.private_key_file in sfsync.toml",
        "export SFSYNC_SALESFORCE__CONSUMER_KEY=…",
    ],
    "client-credentials": [
        "export SFSYNC_SALESFORCE__CONSUMER_KEY=…",
        "export SFSYNC_SALESFORCE__CONSUMER_SECRET=…",
    ],
    "session": ["export SFSYNC_SALESFORCE__ACCESS_TOKEN=…"],
    "password": [
        "write salesforce.username in sfsync.toml",
        "export SFSYNC_SALESFORCE__PASSWORD=…            and SFSYNC_SALESFORCE__SECURITY_TOKEN=… where needed",
    ],
    "sf-cli": ["sf org login web --alias my-org        and name it as salesforce.target_org in sfsync.toml"],
}
