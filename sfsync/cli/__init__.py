"""The command line. One module per noun; a command imports what it needs when it runs, so that help is instant."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from sfsync import __version__
from sfsync.cli import late
from sfsync.cli.edge import guarded
from sfsync.cli.logs import lines

# verb -> (module, one line of help). The module is imported only when the verb is used.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("setup", "Make a ready project folder: sfsync.toml, mappings, Salesforce metadata."),
    "doctor": ("setup", "Check configuration, login, permissions, fields, limits; each finding with the way out."),
    "plan": ("plans", "Show what a sync would change; --out DIR saves it."),
    "apply": ("plans", "Write a saved plan; refuses a stale one."),
    "sync": ("plans", "Plan and apply in one go (for cron)."),
    "undo": ("plans", "Plan the way back from a run, show it, apply it."),
    "reconcile": ("reconcile", "Compare both sides completely; report what was missed, --out DIR saves a repair."),
    "status": ("status", "Per mapping: window, lag, last run, held, failed, conflicts; the API budget."),
    "explain": ("status", "The life of one record, and what the next run would do with it and why."),
    "audit": ("status", "Show the audit trail; --verify checks its chain."),
    "failures": ("issues", "Records whose write was refused: list, retry."),
    "conflicts": ("conflicts", "Values changed on both sides: list, show, resolve, by rule."),
    "holds": ("issues", "Records that wait for something: list, release."),
    "partners": ("partners", "Retail partner requests: list, approve, work, explain, receipt."),
    "sla": ("sla", "Clocks and escalations: enforce, explain, policy, drill, simulate, report."),
    "org": ("org", "The rehearsal org: serve, reset; deploy custom fields into any org."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the verb's module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"sfsync.cli.{COMMANDS[cmd_name][0]}")
        return getattr(module, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SFSYNC", "max_content_width": 110},
)
@click.version_option(__version__, prog_name="sfsync")
@click.option(
    "--config",
    "-c",
    type=click.Path(dir_okay=False),
    envvar="SFSYNC_CONFIG",
    show_envvar=True,
    help="Configuration file; default sfsync.toml here.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="SFSYNC_LOG_FORMAT",
    show_envvar=True,
    show_default=True,
    help="How log lines look on stderr.",
)
@click.option("--quiet", "-q", is_flag=True, envvar="SFSYNC_QUIET", show_envvar=True, help="Only problems on stderr.")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """Keep players, partners and cases in step between the operator's platform and Salesforce.

    Start with  sfsync init .  then  sfsync doctor  and  sfsync plan.  Nothing is written before  apply  or  sync.
    """
    ctx.obj = options
    ctx.with_resource(lines(as_json=options["log_format"] == "json", quiet=options["quiet"]))


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    late.stand_in()
    return guarded(cli, sys.argv[1:] if arguments is None else arguments)
