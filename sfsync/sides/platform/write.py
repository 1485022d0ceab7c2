"""Writes a batch in one transaction: touched columns only, and one bad row fails alone.

A batch is first sent whole. If the database refuses it, it is cut in two inside savepoints until the bad rows stand
alone; the others are written. A written row gets a change stamp from the database's clock, newer than the one it had.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, StatementError

from sfsync.sides.platform import joining, visible
from sfsync.sides.platform.batch import Answers, Rows
from sfsync.sides.platform.connect import POSTGRESQL, SQLITE, WRITES, is_busy, is_disconnect, translate
from sfsync.sides.platform.read import IN_LIST, chunks, key_in
from sfsync.sides.platform.refusals import DATA, Refusal, refusal
from sfsync.sides.platform.stamps import iso_texts
from sfsync.sides.platform.tables import Table, moments
from sfsync.sides.side import CREATED, DELETED, MOVED, UPDATED, Outcomes

ATTEMPTS = 3
ROW_ERRORS = (DBAPIError, StatementError, OverflowError, UnicodeError)
GONE = Refusal("ROW_GONE", DATA, "The platform's row vanished since the plan was made.")
Params = dict[str, list[Any]]  # values of a statement's parameters, by name, one per row


@dataclass(frozen=True)
class Writer:
    """Writes batches of rows to one table."""

    engine: sa.Engine
    table: Table
    where: str

    def write(self, rows: Rows, positions: list[int]) -> Outcomes:
        """Outcomes of one batch; raises ``Unreachable`` if nothing of it can have been written."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._transaction(rows, positions)
            except DBAPIError as error:
                if attempt == ATTEMPTS or not (is_disconnect(error) or is_busy(error)):
                    return self._given_up(error, rows, positions)
                time.sleep(0.2 * attempt)
        raise AssertionError("unreachable")

    def _given_up(self, error: DBAPIError, rows: Rows, positions: list[int]) -> Outcomes:
        """All rows failed for one reason that is not theirs; anything else is not about rows at all."""
        why = refusal(error, self.table, {})
        if is_disconnect(error) or not why.everyones:
            raise translate(error, self.where) from None
        answers = Answers(rows, positions)
        for position in positions:
            answers.failed(position, why)
        return answers.outcomes()

    def _transaction(self, rows: Rows, positions: list[int]) -> Outcomes:
        with self.engine.connect().execution_options(**{WRITES: True}) as connection:
            transaction = connection.begin()
            answers = self._all(connection, rows, positions)
            try:
                transaction.commit()
            except DBAPIError as error:
                if is_disconnect(error):  # committed or not: only reading back can tell
                    return Answers(rows, positions).outcomes()
                raise
        return answers.outcomes()

    def _all(self, connection: sa.Connection, rows: Rows, positions: list[int]) -> Answers:
        if self.table.dialect == POSTGRESQL:
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")  # refuse here, where the row is known
        answers = Answers(rows, positions)
        own = [rows.own[p] for p in positions]
        before = self._before(connection, own)
        there = [p for p in positions if rows.own[p] in before]
        if rows.kind == "update":
            self._update(connection, answers, there, before)
            for position in set(positions).difference(there):
                answers.failed(position, GONE, MOVED)
        elif rows.kind == "create":
            self._create(connection, answers, before)
        else:
            self._delete(connection, answers)
        answers.stamp(self._written(connection, own))
        return answers

    def _written(self, connection: sa.Connection, own: list[str]) -> dict[str, str | None]:
        """Stamps of the rows as they are now, ISO text by own key."""
        found: dict[str, str | None] = {}
        for chunk in chunks(sorted(own), IN_LIST):
            page = joining.read(connection, self.table, (), key_in(self.table, chunk), ordered=False)
            found.update(zip(page.own.to_pylist(), iso_texts(page.stamp).to_pylist(), strict=True))
        return found

    def _before(self, connection: sa.Connection, own: list[str]) -> dict[str, Any]:
        """Stamps as the database gives them, by own key; locked in the order of the keys, so that nobody deadlocks."""
        query = sa.select(self.table.key_text, self.table.value(self.table.stamp_name))
        if self.table.dialect == POSTGRESQL:
            query = query.order_by(self.table.key).with_for_update()
        found: dict[str, Any] = {}
        for chunk in chunks(sorted(own), IN_LIST):
            rows = connection.execute(query.where(key_in(self.table, chunk))).all()
            found.update((str(k), s) for k, s in rows)
        return found

    def _update(self, connection: sa.Connection, answers: Answers, there: list[int], before: dict[str, Any]) -> None:
        stamps = self._next(connection, answers.rows, there, before)
        answers.done(there, UPDATED)  # a row without a touched cell is as it should be
        for names, group in answers.rows.groups(there):
            values: dict[str, Any] = {n: sa.bindparam(f"v_{i}") for i, n in enumerate(names)} | {
                self._stamp: sa.bindparam("s_")
            }
            statement = sa.update(self.table.clause).where(self.table.key == sa.bindparam("k_")).values(values)
            self._send(connection, statement, answers, group, self._params(answers.rows, names, group, stamps), UPDATED)

    def _create(self, connection: sa.Connection, answers: Answers, before: dict[str, Any]) -> None:
        """Insert, or update the touched columns where the row is there already (a reply was lost)."""
        rows = answers.rows
        stamps = self._next(connection, rows, answers.positions, before)
        for names, group in rows.groups(answers.positions):
            others = tuple(n for n in names if n != self.table.key_name)
            values: dict[str, Any] = {n: sa.bindparam(f"v_{i}") for i, n in enumerate(others)} | {
                self._stamp: sa.bindparam("s_")
            }
            insert = _insert(self.table, {**values, self.table.key_name: sa.bindparam("k_")})
            statement = insert.on_conflict_do_update(
                index_elements=[self.table.key], set_={n: insert.excluded[n] for n in (*others, self._stamp)}
            )
            self._send(connection, statement, answers, group, self._params(rows, others, group, stamps), CREATED)
        known = [p for p in answers.positions if rows.own[p] in before] if before else []
        answers.done([p for p in known if answers.results[p] == CREATED], UPDATED)

    def _delete(self, connection: sa.Connection, answers: Answers) -> None:
        """A row that is gone already is deleted, too."""
        statement = sa.delete(self.table.clause).where(self.table.key == sa.bindparam("k_"))
        params: Params = {"k_": [answers.rows.own[p] for p in answers.positions]}
        self._send(connection, statement, answers, answers.positions, params, DELETED)

    @property
    def _stamp(self) -> str:
        return self.table.stamp_name

    def _next(
        self, connection: sa.Connection, rows: Rows, positions: list[int], before: dict[str, Any]
    ) -> dict[int, str]:
        """New stamps by position: the database's clock, but newer than the stamp the row had."""
        now = now_of(connection)
        never = np.full(len(positions), np.datetime64("NaT", "us"))
        old = moments([before.get(rows.own[p]) for p in positions]) if before else never
        new = np.where(np.isnat(old), now, np.maximum(now, old + self.table.stamp_step))
        distinct, which = np.unique(new, return_inverse=True)
        texts = [str(s).replace("T", " ") for s in np.datetime_as_string(distinct, unit="us")]
        return dict(zip(positions, [texts[i] for i in which.tolist()], strict=True))

    def _params(self, rows: Rows, names: tuple[str, ...], group: list[int], stamps: dict[int, str]) -> Params:
        columns = {f"v_{i}": rows.column(n) for i, n in enumerate(names)}
        bound = {"k_": [rows.own[p] for p in group], "s_": [stamps[p] for p in group]}
        return bound | {n: [column[p] for p in group] for n, column in columns.items()}

    def _send(
        self,
        connection: sa.Connection,
        statement: Any,
        answers: Answers,
        group: Sequence[int],
        params: Params,
        result: str,
    ) -> None:
        """Send the group whole; refused, cut it in two until the bad rows stand alone."""
        try:
            with connection.begin_nested():
                _run(connection, statement, params)
        except ROW_ERRORS as error:
            if is_disconnect(error) or is_busy(error):
                raise
            self._refused(error, connection, statement, answers, group, params, result)
            return
        answers.done(group, result)

    def _refused(
        self,
        error: Exception,
        connection: sa.Connection,
        statement: Any,
        answers: Answers,
        group: Sequence[int],
        params: Params,
        result: str,
    ) -> None:
        why = refusal(error, self.table, _named(answers.rows, group[0], statement))
        if len(group) > 1 and not why.everyones:
            middle = len(group) // 2
            for half in (slice(middle), slice(middle, None)):
                some = {n: column[half] for n, column in params.items()}
                self._send(connection, statement, answers, group[half], some, result)
            return
        for position in group:
            answers.failed(position, why)


def _run(connection: sa.Connection, statement: Any, params: Params) -> None:
    """Runs it for every row: compiled once, and each row goes to the driver as it takes them."""
    compiled = statement.compile(dialect=connection.dialect)
    if compiled.positional:
        bound: list[Any] = list(zip(*(params[n] for n in compiled.positiontup), strict=True))
    else:
        bound = [dict(zip(params, row, strict=True)) for row in zip(*params.values(), strict=True)]
    if bound:
        connection.exec_driver_sql(str(compiled), bound)


def _named(rows: Rows, position: int, statement: Any) -> dict[str, Any]:
    names = tuple(c for c, touched in zip(rows.columns, rows.touched[position], strict=True) if touched)
    return rows.values(position, names)


def _insert(table: Table, values: dict[str, Any]) -> Any:
    make = sqlite.insert if table.dialect == SQLITE else postgresql.insert
    return make(table.clause).values(values)


def now_of(connection: sa.Connection) -> np.datetime64:
    """The database's own time, UTC, as datetime64[us]."""
    return np.datetime64(visible.clock(connection).replace(tzinfo=None), "us")
