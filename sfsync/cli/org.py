"""``sfsync org``: the rehearsal org, a Salesforce org on loopback to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfsync.cli.opening import open_bench, open_progress
from sfsync.cli.options import as_json, option

if TYPE_CHECKING:
    from sfsync.runs.deploy import Result

_DATA = Path(".sfsync/org")
_FORCE_APP = Path("force-app")


@click.group()
def org() -> None:
    """The rehearsal org, a Salesforce org on this machine; and the project's metadata into any org."""


_data = option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=_DATA,
    show_default=True,
    envvar="SFSYNC_ORG_DATA",
    help="Folder that keeps the org's records and credentials.",
)
_force_app = option(
    "--force-app",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    envvar="SFSYNC_ORG_FORCE_APP",
    help="Salesforce metadata with the custom fields; default ./force-app if there is one.",
)


def _metadata(given: Path | None) -> Path | None:
    return given or (_FORCE_APP if _FORCE_APP.is_dir() else None)


@org.command()
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    envvar="SFSYNC_ORG_PORT",
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@option(
    "--https/--no-https",
    default=True,
    show_default=True,
    envvar="SFSYNC_ORG_HTTPS",
    help="Listen for https as well, for clients that know nothing else; the ready line names the ca_file to trust.",
)
@option(
    "--https-port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    envvar="SFSYNC_ORG_HTTPS_PORT",
    help="Port for https on 127.0.0.1; 0 takes a free one.",
)
@_data
@option(
    "--seed",
    default="empty",
    show_default=True,
    envvar="SFSYNC_ORG_SEED",
    help="Rows to begin with: empty, or operator (its hosts, account managers, agents).",
)
@option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="SFSYNC_ORG_READY_FILE",
    help="File that gets the ready line, whole, once the org accepts connections.",
)
@option(
    "--faults",
    "faults_file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    envvar="SFSYNC_ORG_FAULTS",
    help="YAML or JSON file of faults to arm: outages, limits, lock storms and the rest, seeded so that they repeat.",
)
@_force_app
def serve(
    port: int,
    https: bool,
    https_port: int,
    data: Path,
    seed: str,
    ready_file: Path | None,
    faults_file: Path | None,
    force_app: Path | None,
) -> None:
    """Serve the rehearsal org until SIGTERM, on loopback.

    Prints one line of JSON with its addresses and the ways in, for clients and scripts.
    """
    from sfsync.rehearsal.serve import serve as run

    run(
        data,
        port=port,
        https_port=https_port if https else None,
        seed=seed,
        force_app=_metadata(force_app),
        faults_file=faults_file,
        ready_file=ready_file,
        say=click.echo,
    )


@org.command()
@_data
@_force_app
def reset(data: Path, force_app: Path | None) -> None:
    """Empty the rehearsal org; its credentials stay valid."""
    from sfsync.rehearsal.serve import reset as run

    run(data, force_app=_metadata(force_app))
    click.echo(f"The rehearsal org in {data} is empty again.", err=True)


@org.command()
@click.argument(
    "folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path), default=_FORCE_APP
)
@option("--dry-run", "--check-only", "dry_run", is_flag=True, help="Let the org judge every component; write nothing.")
@option(
    "--wait",
    type=click.FloatRange(min=0, min_open=True),
    default=1800.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the end; the deploy goes on without us.",
)
@as_json
@click.pass_obj
def deploy(obj: dict[str, Any], folder: Path, dry_run: bool, wait: float, as_json: bool) -> int:
    """Deploy metadata into the configured org.

    Custom objects, fields, record types, queues, permission sets, rules: what DIR holds in source format; default
    force-app. All or nothing: when the org refuses a component, nothing is
    written and the command exits with 8; the table says which and why.
    """
    from sfsync.cli import screen
    from sfsync.runs import deploy as runs

    with open_bench(obj, None) as bench, open_progress(obj) as progress:
        result = runs.deploy(
            bench,
            folder,
            check_only=dry_run,
            wait_s=wait,
            say=lambda step, done, total: progress("metadata", step, done, total),
        )
    if as_json:
        screen.emit(result.as_json())
    else:
        _show(result)
    return int(result.exit)


def _show(result: Result) -> None:
    """A table of what changed or was refused, and a line that says how it ended."""
    from sfsync.cli import screen
    from sfsync.cli.table import Styled, table

    done = result.deployed
    styles = {"failed": "red", "created": "green", "changed": "green", "deleted": "yellow", "unchanged": "white"}
    rows = [
        (Styled(one.outcome, styles[one.outcome]), one.kind, one.name, one.problem)
        for one in done.components
        if one.outcome != "unchanged" or one.problem
    ]
    if rows:
        table("Components", ("", "type", "name", "problem"), rows, fold=("problem",))
    counts = ", ".join(f"{number:,} {word}" for word, number in done.counts.items() if number) or "nothing to do"
    if not done.success:
        screen.say(f"the org refused the deploy, nothing was written: {done.problem or counts}", "error")
        return
    screen.say(f"{'would be deployed' if done.check_only else 'deployed'}: {counts}", "ok")
    for name in result.permission_sets:
        screen.say(f"fields show to users who have the permission set {name}: assign it to the user of sfsync")
