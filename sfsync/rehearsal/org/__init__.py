"""The org: everything its HTTP side may ask of it, a module per topic.

``base`` what all stand on (store, schema, clock, kept states, who is asking, transactions) · ``reading`` queries,
describes, rows · ``writing`` saves, deletes, merges, loads · ``administering`` settings and change events · here the
life of an org: opening, resetting, changing its metadata.

One ``Org`` owns one SQLite file and is used from several threads. A write call is one transaction; ``transaction()``
joins several. Queries see the last committed state (or, inside an own transaction, that transaction's).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree

from sfsync.rehearsal.dml.options import QUIET
from sfsync.rehearsal.metadata import change, package
from sfsync.rehearsal.metadata.component import Component, Key
from sfsync.rehearsal.org.administering import Administers
from sfsync.rehearsal.org.reading import Reads
from sfsync.rehearsal.org.writing import SaveResult, Writes
from sfsync.rehearsal.soql.run import QueryResult
from sfsync.rehearsal.store import tables

__all__ = ["Org", "QueryResult", "SaveResult"]


class Org(Reads, Writes, Administers):
    """See ``open``. After changing ``clock`` call ``save_clock``, so that it outlives a restart."""

    @staticmethod
    def open(data: Path, *, force_app: Path | None = None) -> Org:
        """Opens the org kept in folder ``data``, or makes a fresh one.

        ``force_app`` brings custom fields, record types and queues; fields it has gained since the last time are
        added. Raises SourceError for metadata the org does not understand.
        """
        data.mkdir(parents=True, exist_ok=True)
        return Org(data, package.read_folder(force_app) if force_app else ())

    def close(self) -> None:
        self._database.close()

    def reset(self) -> None:
        """Back to a fresh org with the same schema; files and kept state go too, the clock runs true again."""
        rmtree(self.files_dir, ignore_errors=True)
        self.clock.load({"offset_s": 0.0, "frozen": None})
        with self._database.transaction():
            tables.drop(self._database, self.schema)
            self._views.clear()
            self._start()

    def apply(
        self,
        changes: Mapping[Key, Component | None],
        *,
        keep: bool = True,
        renamed: tuple[str, str] | None = None,
    ) -> None:
        """Changes the org's metadata while it runs: None takes a component away. All or nothing, in one transaction.

        ``keep`` False only tries; ``renamed``: a custom object's old and new name, its rows stay. Raises SourceError
        and CannotChangeError.
        """
        with self._database.alone():
            work = self._work(QUIET)
            schema = change.apply(self._database, self.metadata, self.schema, changes, work, keep=keep, renamed=renamed)
            if schema is not None:
                self.schema, self._described = schema, {}
