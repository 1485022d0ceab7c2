"""partners: requests of retail partners, from the file to the receipt."""

from __future__ import annotations

import click

from sfsync.cli import imports, requests


@click.group()
def partners() -> None:
    """Requests of retail partners: from the file to the receipt."""


for command in (*imports.COMMANDS, *requests.COMMANDS):
    partners.add_command(command)
