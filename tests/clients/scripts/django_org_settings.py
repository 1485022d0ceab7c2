"""Settings of django-salesforce's own tests, with the org named in the environment for a database."""

import os

from salesforce.testrunner.settings import *  # noqa: F403

DATABASES["salesforce"].update(  # noqa: F405
    CONSUMER_KEY=os.environ["ORG_KEY"],
    CONSUMER_SECRET=os.environ["ORG_SECRET"],
    USER=os.environ["SF_USERNAME"],
    PASSWORD=os.environ["SF_PASSWORD"],
    HOST=os.environ["ORG_URL"],
)
LOGGING["loggers"] = {}  # noqa: F405
