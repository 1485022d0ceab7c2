"""Every command, from the click commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from scripts.reference_pages.text import code, table
from sfsync.cli import cli


def walk(command: click.Command = cli, parent: click.Context | None = None) -> Iterator[tuple[str, click.Context]]:
    """(name as typed, context) of every command and group, in the order of the help."""
    name = "sfsync" if parent is None else str(command.name)
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield context.command_path, context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from walk(found, context)


def twin(option: click.Parameter, context: click.Context) -> str:
    """The environment variable an option can be set by."""
    if option.envvar:
        return str(option.envvar if isinstance(option.envvar, str) else option.envvar[0])
    if not context.auto_envvar_prefix or not getattr(option, "allow_from_autoenv", False):
        return ""
    return f"{context.auto_envvar_prefix}_{(option.name or '').upper()}"


def page() -> str:
    """The page of all commands."""
    parts = ["# Commands\n", _intro()]
    parts += [_section(name, context) for name, context in walk()]
    return "\n".join(parts)


def _intro() -> str:
    return (
        "`sfsync` is the same as `python cli.py` in a checkout. `-h` or `--help` at any command shows what stands "
        "here. Options of `sfsync` itself stand before the command's name: `sfsync --quiet sync`.\n"
    )


def _section(name: str, context: click.Context) -> str:
    command = context.command
    level = "##" if name.count(" ") < 2 else "###"
    parts = [f"{level} {name}\n", f"```\n{' '.join([name, *command.collect_usage_pieces(context)])}\n```\n"]
    parts.append(inspect.cleandoc(command.help or "").replace("\b", "") + "\n")
    options = [p for p in command.params if isinstance(p, click.Option) and p.name not in ("help", "version")]
    if options:
        rows = [_row(option, context) for option in options]
        parts.append(table(("option", "environment", "default", "meaning"), rows))
    return "\n".join(parts)


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    shown = option.get_help_record(context)
    assert shown is not None, f"{context.command_path} {option.name} has no help"
    default = "" if option.is_flag or option.default is None or option.multiple else str(option.default)
    default = "" if "UNSET" in default.upper() else default
    return code(shown[0]), code(twin(option, context)), code(default), option.help or ""
