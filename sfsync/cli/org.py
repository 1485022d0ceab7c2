"""``sfsync org``: the rehearsal org, a Salesforce org on loopback to try things on."""

from __future__ import annotations

from pathlib import Path

import click

from sfsync.cli.options import option

_DATA = Path(".sfsync/org")
_FORCE_APP = Path("force-app")


@click.group()
def org() -> None:
    """The rehearsal org: a Salesforce org on this machine, for trying things without API calls."""


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
@_force_app
def serve(
    port: int,
    https: bool,
    https_port: int,
    data: Path,
    seed: str,
    ready_file: Path | None,
    force_app: Path | None,
) -> None:
    """Serve the org on loopback until SIGTERM; prints one line of JSON with its address and credentials."""
    from sfsync.rehearsal.serve import serve as run

    run(
        data,
        port=port,
        https_port=https_port if https else None,
        seed=seed,
        force_app=_metadata(force_app),
        ready_file=ready_file,
        say=click.echo,
    )


@org.command()
@_data
@_force_app
def reset(data: Path, force_app: Path | None) -> None:
    """Empty the org; its credentials stay valid."""
    from sfsync.rehearsal.serve import reset as run

    run(data, force_app=_metadata(force_app))
    click.echo(f"The rehearsal org in {data} is empty again.", err=True)
