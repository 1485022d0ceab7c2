"""partners import: files of requests, from their bytes to cases, each request once whoever sends it again.

IDEMPOTENCY. One import works at a time (a lease; the next one waits for it). The keys and T0 of a file's requests are
in the ledger before anything of them is written, and count as made only when everything is written. So a run that dies
anywhere goes on, by the same file or another that holds the same requests, with the same keys and the same T0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from sfsync.errors import ConfigError, Exit
from sfsync.frugal import be_frugal, give_back
from sfsync.ledger import attachments, intake, lease
from sfsync.planners.requests import books as book
from sfsync.planners.requests import reading
from sfsync.planners.requests.books import Books
from sfsync.planners.requests.catalogue import Catalogue, Profile, load
from sfsync.planners.requests.moments import Clock
from sfsync.planners.requests.refused import FileRefused
from sfsync.planners.requests.rowmarks import QUARANTINE, REJECT, SKIPPED
from sfsync.planners.requests.validate import Rules, judge
from sfsync.planners.sync.make import Progress
from sfsync.runs import partner_results
from sfsync.runs.bench import Bench
from sfsync.runs.partner_file import Imported, Options
from sfsync.runs.partner_rows import Table
from sfsync.runs.partner_work import Work, once_free
from sfsync.runs.running import quiet

LEASE = "partners"
SUFFIXES = (".csv", ".txt", ".tsv", *reading.WORKBOOKS, *reading.LINES)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files named, those of a folder by name. Raises ``ConfigError`` for what is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and _sent(p))
        elif path.exists():
            found.append(path)
        else:
            raise ConfigError(
                "there is no such file", "REQUESTS_FILE", str(path), "Name a file of requests, or a folder."
            )
    return found


def _sent(path: Path) -> bool:
    """A file somebody sent; what an open spreadsheet or a system leaves beside it is none."""
    return path.is_file() and not path.name.startswith((".", "~$"))


def import_files(bench: Bench, paths: Sequence[Path], options: Options, progress: Progress = quiet) -> list[Imported]:
    """Imports the files one after the other; a file that is refused does not keep the others out."""
    catalogue = load(bench.settings.mappings)
    if options.profile not in catalogue.profiles:
        known = ", ".join(catalogue.profiles)
        raise ConfigError("there is no such profile", "REQUESTS_PROFILE", options.profile, f"There are: {known}.")
    received = options.received or bench.as_of
    if received > bench.as_of:
        raise ConfigError("the receipt lies ahead", "REQUESTS_RECEIVED", "--received", "Name an instant that has been.")
    be_frugal()
    desk = Desk(bench, catalogue, options, received, progress)
    found = []
    with _patiently(bench):
        intake.ready(bench.ledger)
        for path in files_of(paths):
            found.append(desk.take(path))
        if not options.dry_run:
            intake.purge(bench.ledger, bench.ledger.now())
            attachments.purge(bench.ledger, bench.ledger.now())
    return found


@contextmanager
def _patiently(bench: Bench) -> Iterator[None]:
    """One import at a time: the next one waits until this one is done."""
    with once_free(lambda: lease.acquire(bench.ledger, LEASE)):
        yield


@dataclass
class Desk:
    """What the files of one command share."""

    bench: Bench
    catalogue: Catalogue
    options: Options
    received: datetime
    progress: Progress

    @property
    def profile(self) -> Profile:
        """How these files are written."""
        return self.catalogue.profiles[self.options.profile]

    @cached_property
    def rules(self) -> Rules:
        """What rows are judged by."""
        clock = Clock(ZoneInfo(self.profile.zone), self.received.astimezone(UTC))
        return Rules(self.catalogue, self.profile, clock)

    @cached_property
    def books(self) -> Books:
        """Shops, operators and terminals, read once."""
        names = self.bench.mappings
        tables = {n: names[n].platform.table for n in ("shop", "operator", "terminal")}
        texts = self.bench.platform.texts
        return Books(
            texts(tables["shop"], book.SHOPS),
            texts(tables["operator"], book.OPERATORS),
            texts(tables["terminal"], book.TERMINALS),
        )

    @cached_property
    def table(self) -> Table:
        """What rows are held against."""
        return Table(self.bench, self.catalogue, self.options, self.received, self.progress, self.rules, self.books)

    def take(self, path: Path) -> Imported:
        """One file."""
        self.progress("case", f"reading {path.name}", 0)
        try:
            content = path.read_bytes()
        except OSError as error:
            step = "Correct its owner and mode."
            raise ConfigError(f"it cannot be read ({error.strerror})", "REQUESTS_FILE", str(path), step) from None
        done = Imported(path, hashlib.sha256(content).hexdigest())
        try:
            self._take(done, content)
        except FileRefused as refused:
            done.refused, done.exit = refused, refused.exit_status
        return done

    def _take(self, done: Imported, content: bytes) -> None:
        self._refuse_again(done)
        done.sheet = reading.read(done.path.name, content, self.catalogue, self.profile)
        done.codes = done.sheet.codes
        done.judged = judge(done.sheet, self.rules, self.books)
        work = Work(self.table, done, done.sheet, done.judged)
        give_back()
        done.rows, done.counts = work.said, work.said.counts
        self._refuse_many(done)
        done.exit = Exit.REFUSED_ROWS if {QUARANTINE, REJECT} & set(done.counts) else Exit.DONE
        if not self.options.dry_run:
            work.write(content)
            done.taken = True
            done.results = partner_results.write(self.bench, done, work.said, self.catalogue, self.options)

    def _refuse_again(self, done: Imported) -> None:
        if not self.options.force and intake.imported(self.bench.ledger, done.sha256, self.options.profile):
            step = "Nothing is to be done; with --force its rows are looked at once more."
            raise FileRefused("exactly this file was imported already", "REQUESTS_TWICE", str(done.path), step)

    def _refuse_many(self, done: Imported) -> None:
        """Too many rejected rows: the file as a whole is wrong. Its rows are shown, nothing of them is taken."""
        rows = sum(n for o, n in done.counts.items() if o != SKIPPED)
        rejected, most = done.counts.get(REJECT, 0), self.catalogue.intake.refuse_percent
        if not self.options.force and rejected * 100 > rows * most:
            said = f"{rejected:,} of {rows:,} rows were rejected, more than {most:g} %"
            step = "Correct the file, or import its good rows with --force."
            raise FileRefused(said, "REQUESTS_REJECTED", str(done.path), step)
