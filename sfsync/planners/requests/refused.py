"""A file that is refused as a whole: nothing of it is taken."""

from __future__ import annotations

from sfsync.errors import Exit, SfsyncError


class FileRefused(SfsyncError):
    """Nothing of the file was taken; ``message`` says why, ``next_step`` what the sender can do."""

    exit_status = Exit.WAITING


def format_refused(reason: str, step: str) -> FileRefused:
    """The file is not of a form that can be read (domain requests D.5, E-FORMAT)."""
    return FileRefused(reason, "E-FORMAT", next_step=step)


class HeaderMissing(FileRefused):
    """A table without a header; ``something`` tells whether anything stands in it."""

    def __init__(self, something: bool) -> None:
        names = "Codice PDV; Tipo richiesta; Data ora; Descrizione; ID richiesta"
        reason = "no line of it is a header this program knows"
        super().__init__(reason, "E-FORMAT", next_step=f"The first line must name the columns: {names}")
        self.something = something
