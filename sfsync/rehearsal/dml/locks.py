"""Row locks: UNABLE_TO_LOCK_ROW, as if another transaction held the record or its parent.

The store has one writer, so real overlap only shows as waiting (``store.database.Busy``). A lock storm is ordered
instead: an order names records, or an object, and every save that would lock one of them (a row to be changed, or the
parent of a row) fails in that row. Source: wire reference 6; vendor, "Record-Level Locking" (a save locks the row
and the parents it points at).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sfsync.rehearsal import errors
from sfsync.rehearsal.dml import references
from sfsync.rehearsal.dml.contention import Contention
from sfsync.rehearsal.dml.rows import fetch
from sfsync.rehearsal.errors import OrgError
from sfsync.rehearsal.ids import is_valid, to18

_READ = frozenset({"OwnerId", "RecordTypeId", "CreatedById", "LastModifiedById"})

if TYPE_CHECKING:
    from sfsync.rehearsal.dml.batch import Batch
    from sfsync.rehearsal.dml.work import Work
    from sfsync.rehearsal.schema.model import Field, SObject


@dataclass
class LockOrder:
    """Locks on ``ids``, or on all rows of ``object`` ("" is any), for ``times`` rows (None is always).

    ``probability`` and ``seed`` decide row by row, so that a storm can be repeated. Raises ValueError for ids that
    are none, or a probability outside 0 to 1.
    """

    object: str = ""
    ids: list[str] = field(default_factory=list)
    probability: float = 1.0
    seed: int = 0
    times: int | None = None
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if not all(map(is_valid, self.ids)):
            raise ValueError("a lock needs record ids of 15 or 18 characters")
        if not 0 <= self.probability <= 1:
            raise ValueError("the probability of a lock lies between 0 and 1")
        self.ids = [to18(one) for one in self.ids]
        self._wanted = frozenset(self.ids)
        self._dice = random.Random(self.seed)  # noqa: S311  (repeatable on purpose)
        for _ in range(self.seen):
            self._dice.random()

    def strikes(self, obj: str, record_id: str) -> bool:
        """Whether the lock on this record is held by somebody else; counts the try."""
        fits = record_id in self._wanted if self._wanted else self.object.lower() in ("", obj.lower())
        if not fits or (self.times is not None and self.hits >= self.times):
            return False
        self.seen += 1
        if self._dice.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def dump(self) -> dict[str, Any]:
        return asdict(self)


class Locks:
    """The lock orders of one org. ``keep`` is called with all orders after they have changed."""

    def __init__(
        self, orders: Iterable[dict[str, Any]] = (), keep: Callable[[list[dict[str, Any]]], None] | None = None
    ) -> None:
        self._orders = [LockOrder(**one) for one in orders]
        self._keep = keep
        self._lock = threading.Lock()
        self.contention = Contention()

    def order(self, **order: Any) -> dict[str, Any]:
        """Arms a lock order; TypeError or ValueError when it makes no sense."""
        made = LockOrder(**order)
        with self._lock:
            self._orders.append(made)
        self._save()
        return made.dump()

    def orders(self) -> list[dict[str, Any]]:
        return [one.dump() for one in self._orders]

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
        self._save()

    def held(self, work: Work, obj: SObject, ids: Iterable[str]) -> dict[str, OrgError]:
        """Of these stored records, the ones that cannot be locked, by themselves or by a parent."""
        if self._free(work):
            return {}
        names = [one.name for one in obj.fields if one.stored and locks_parent(one)]
        found = {}
        for one, parents in fetch(work.database, obj, ids, names).items():
            if locked := self._locked(work, [one, *(each for each in parents if each)]):
                found[one] = errors.lock_not_obtained(locked)
        self._save()
        return found

    def refuse(self, work: Work, batch: Batch, ids: Iterable[str | None]) -> None:
        """Fails the rows of a save that cannot lock their own record or a parent."""
        if self._free(work):
            return
        parents, own_ids = _parents(batch), list(ids) or [None] * batch.size
        for row, own in enumerate(own_ids):
            if row in batch.errors:
                continue
            wanted = [*([own] if own else []), *(values[row] for values in parents if isinstance(values[row], str))]
            if locked := self._locked(work, wanted):
                batch.fail(row, errors.lock_not_obtained(locked))
        self._save()

    def _free(self, work: Work) -> bool:
        """Whether nobody can be in the way: the usual case, which costs nothing."""
        return not self._orders and (work.options.bulk or self.contention.reckoning is None)

    def _locked(self, work: Work, wanted: Iterable[str]) -> list[str]:
        ids = list(dict.fromkeys(wanted))
        late = set() if work.options.bulk else self.contention.taken(ids)
        return [one for one in ids if one in late or self._strikes(_object_of(work, one), one)]

    def _strikes(self, obj: str, record_id: str) -> bool:
        with self._lock:
            return any(one.strikes(obj, record_id) for one in self._orders)

    def _save(self) -> None:
        if self._keep is not None:
            self._keep(self.orders())


def _object_of(work: Work, record_id: str) -> str:
    obj = work.schema.of_id(record_id)
    return obj.name if obj else ""


def _parents(batch: Batch) -> list[list[Any]]:
    """The columns that point at a parent."""
    fields = ((batch.obj.find(name), values) for name, values in batch.columns.items())
    return [values for one, values in fields if one is not None and locks_parent(one)]


def locks_parent(one: Field) -> bool:
    """Owners, users and record types are read, not locked."""
    return one.type == "reference" and one.name not in _READ


def lose(work: Work, batch: Batch, rows: Mapping[int, Field]) -> None:
    """Fails rows of a load that do not get the lock of their parent in these fields."""
    if not rows:
        return
    references.resolve(work.database, work.schema, batch)
    for row, parent in rows.items():
        value = batch.columns[parent.name][row]
        if isinstance(value, str) and row not in batch.errors:
            batch.fail(row, errors.lock_not_obtained([value]))
