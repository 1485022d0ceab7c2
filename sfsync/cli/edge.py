"""The edge: errors become sentences, a code and an exit status. No traceback ever shows a value of a record."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from sfsync.cli.screen import paint
from sfsync.errors import ConfigError, Defect, Exit, SfsyncError


def guarded(command: click.Command, arguments: list[str]) -> int:
    """Runs ``command``; whatever happens, the person gets a sentence and the caller an exit status."""
    _forgiving(sys.stdout)
    try:
        result = command.main(arguments, prog_name="sfsync", standalone_mode=False)
        return int(result) if isinstance(result, int) else int(Exit.DONE)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return int(Exit.USAGE)
    except click.ClickException as error:
        error.show(sys.stderr)
        if _wants_json(command, arguments):
            _document(ConfigError(error.format_message(), "USAGE", next_step="See: sfsync COMMAND --help"))
        return int(Exit.USAGE)
    except SfsyncError as error:
        show(error, as_json=_wants_json(command, arguments))
        return int(error.exit_status)
    except KeyboardInterrupt:
        click.echo("Interrupted. What was written is recorded; the next run goes on from there.", err=True)
        return 130
    except BrokenPipeError:
        _close_stdout()
        return int(Exit.DONE)
    except Exception as error:  # the last net: a defect of ours
        return _last_net(error, as_json=_wants_json(command, arguments))


def _last_net(error: Exception, *, as_json: bool) -> int:
    if full := _disk_full(error):
        show(full, as_json=as_json)
        return int(full.exit_status)
    _defect(error)
    if as_json:
        step = "Report the lines on stderr."
        _document(Defect(f"{type(error).__name__} in sfsync itself", "DEFECT", next_step=step))
    return int(Exit.DEFECT)


def _disk_full(error: Exception) -> ConfigError | None:
    """A file could not be written for want of room: nobody's defect, and the next run goes on."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return None
    step = "Make room in the ledger's folder and in the folder for temporary files, then run again; nothing was lost."
    return ConfigError("there is no room left for a file of the run", "DISK_FULL", str(error.filename or ""), step)


def _forgiving(stream: Any) -> None:
    """A terminal or pipe of another encoding shows what it cannot as \\uXXXX; a run must not end because of it."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def _wants_json(command: click.Command, arguments: list[str]) -> bool:
    """Was ``--json`` asked for, by the option or by its twin? Needed before and after click knows."""
    if "--json" in arguments:
        return True
    verbs = command.list_commands(click.Context(command)) if isinstance(command, click.Group) else []
    verb = next((a for a in arguments if a in verbs), "")
    return os.environ.get(f"SFSYNC_{verb}_AS_JSON".upper(), "0").lower() not in (
        "",
        "0",
        "f",
        "false",
        "n",
        "no",
        "off",
    )


def show(error: SfsyncError, *, as_json: bool = False) -> None:
    """Says on stderr what happened, to what, and what to do next; as JSON on stdout where asked."""
    head = paint(error.code, "red", bold=True)
    where = f" {error.where}:" if error.where else ""
    click.echo(f"{head}{where} {error.message}", err=True)
    for line in error.details:
        click.echo(f"  · {line}", err=True)
    if error.next_step:
        click.echo(f"  → {error.next_step}", err=True)
    if as_json:
        _document(error)


def _document(error: SfsyncError) -> None:
    """The one JSON document on stdout of a command that failed."""
    body = {"code": error.code, "where": error.where, "message": error.message, "next_step": error.next_step}
    findings = error.findings or [{"code": error.code, "message": line} for line in error.details]
    click.echo(json.dumps({"exit": int(error.exit_status), "error": body, "findings": findings}))


def _defect(error: Exception) -> None:
    """Names the place, never the values: exception texts of libraries may quote records."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "sfsync" in f.filename] or list(frames)
    places = [f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in ours[-6:]]
    click.echo(paint("DEFECT", "red", bold=True) + f" {type(error).__name__} in sfsync itself", err=True)
    for place in places:
        click.echo(f"  at {place}", err=True)
    click.echo(
        "  → Nothing is lost; run again. If it stays, report these lines (they hold no personal data).", err=True
    )
    if os.environ.get("SFSYNC_DEBUG") == "1":  # for developers on test data only
        traceback.print_exception(error)


def _close_stdout() -> None:
    """The reader went away (``| head``): leave without a second error at shutdown."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
