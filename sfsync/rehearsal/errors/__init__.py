"""The one place where the org's error codes and texts live.

A module per area; everything is offered here, so that callers write ``errors.not_found()``.
Source of the texts: wire reference sections 1, 2.3, 6, 7, 9.1, 11.
"""

from sfsync.rehearsal.errors.asking import *  # noqa: F403
from sfsync.rehearsal.errors.automation import *  # noqa: F403
from sfsync.rehearsal.errors.base import OrgError as OrgError
from sfsync.rehearsal.errors.bulk import *  # noqa: F403
from sfsync.rehearsal.errors.composite import *  # noqa: F403
from sfsync.rehearsal.errors.edge import *  # noqa: F403
from sfsync.rehearsal.errors.saving import *  # noqa: F403
