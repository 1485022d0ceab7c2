"""deploy: the project's custom fields, record types and queues into the org."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfsync.errors import Exit

if TYPE_CHECKING:
    from sfsync.runs.bench import Bench
    from sfsync.sides.salesforce.deploy import Deployed, Say


@dataclass(frozen=True)
class Result:
    """What a deploy came to. ``permission_sets`` are those of the package: fields show to whom one is assigned."""

    deployed: Deployed
    permission_sets: tuple[str, ...]

    @property
    def exit(self) -> Exit:
        """8 when the org refuses a component: it does not fit, and nothing was written."""
        return Exit.DONE if self.deployed.success else Exit.DRIFT

    def as_json(self) -> dict[str, Any]:
        done = self.deployed
        return {
            "exit": int(self.exit),
            "id": done.id,
            "status": done.status,
            "check_only": done.check_only,
            "counts": dict(done.counts),
            "problem": done.problem or None,
            "components": [vars(one) for one in done.components],
            "findings": [
                {"code": "COMPONENT_REFUSED", "message": f"{one.kind} {one.name}: {one.problem}"}
                for one in done.failures
            ],
        }


def deploy(bench: Bench, folder: Path, *, check_only: bool, wait_s: float, say: Say) -> Result:
    """Packs ``folder`` and deploys it, all or nothing; ``check_only`` lets the org judge without writing."""
    from sfsync.sides.salesforce import deploy as metadata
    from sfsync.sides.salesforce.package import pack

    package = pack(folder, bench.settings.salesforce.api_version)
    session = bench.salesforce.session
    deployed = metadata.deploy(session, package.archive, check_only=check_only, wait_s=wait_s, say=say)
    return Result(deployed, package.members.get("PermissionSet", ()))
