"""A file that is refused as a whole: nothing of it is taken."""

from __future__ import annotations

from sfsync.errors import Exit, SfsyncError


class FileRefused(SfsyncError):
    """Nothing of the file was taken; ``message`` says why, ``next_step`` what the sender can do."""

    exit_status = Exit.WAITING


def format_refused(reason: str, step: str) -> FileRefused:
    """The file is not of a form that can be read (domain requests D.5, E-FORMAT)."""
    return FileRefused(reason, "E-FORMAT", next_step=step)
