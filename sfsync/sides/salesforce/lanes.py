"""Which rows travel together in a Bulk job, so that no two batches ever want the lock of one parent.

Salesforce cuts the upload of a job into batches of 10,000 rows, in their order, and runs batches side by side; a save
locks the records its lookups name. So a **bundle** (rows that share a parent, directly or through each other) lies
whole within one batch. Since batches are cut by counting, all batches of a job but the last must be exactly full:
bundles are chosen by their sizes until they fill one, rows without a parent fill what is left, and where nothing fits
the job ends and a later one goes on. A bundle larger than a batch is cut; its pieces that share a parent go into
different jobs. Pure. Source: vendor, "Organize Bulk API 2.0 Data to Minimize Lock Contention".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

BATCH_ROWS = 10_000
JOB_ROWS = 100_000
NO_PARENT = -1


@dataclass(frozen=True)
class Shape:
    """Rows of a batch as the org cuts them, and the most rows of a job (whole batches)."""

    batch_rows: int = BATCH_ROWS
    job_rows: int = JOB_ROWS

    @property
    def batches(self) -> int:
        """The most batches of a job."""
        return max(1, self.job_rows // self.batch_rows)


def lay_out(parents: np.ndarray, shape: Shape) -> list[np.ndarray]:
    """The rows of each job, in the order of their upload; jobs follow one another.

    ``parents`` (int n x k): the records each row locks, as numbers that are equal where the record is,
    ``NO_PARENT`` where a row locks none. Every row is in exactly one job.
    """
    bundle = bundles(parents)
    if (bundle == NO_PARENT).all():
        order = np.arange(len(parents))
        return [order[n : n + shape.job_rows] for n in range(0, len(order), shape.job_rows)]
    if len(parents) <= shape.batch_rows:
        return [np.argsort(bundle, kind="stable")]
    return list(_jobs(parents, bundle, shape))


def bundles(parents: np.ndarray) -> np.ndarray:
    """Per row the number of its bundle (the smallest parent in it), ``NO_PARENT`` for rows that lock nobody."""
    rows, _ = np.nonzero(parents >= 0)
    named = parents[parents >= 0]
    of_row = np.full(len(parents), NO_PARENT)
    if not len(named):
        return of_row
    label, before = np.arange(named.max() + 1), None
    while before is None or (label != before).any():
        before = label.copy()
        of_row[rows] = len(label)
        np.minimum.at(of_row, rows, label[named])
        np.minimum.at(label, named, of_row[rows])
        label = label[label]
    of_row[rows] = label[named]
    return of_row


def _jobs(parents: np.ndarray, bundle: np.ndarray, shape: Shape) -> Iterator[np.ndarray]:
    sizes = np.bincount(bundle[bundle >= 0])
    size = np.where(bundle >= 0, sizes[bundle], 0)
    order = np.lexsort([bundle, size])
    large: list[np.ndarray] = []
    by_size: dict[int, np.ndarray] = {}
    starts = np.flatnonzero(np.diff(size[order], prepend=-1))
    for rows, many in zip(np.split(order, starts[1:]), size[order][starts].tolist(), strict=True):
        if many > shape.batch_rows:
            large += [p for one in rows.reshape(-1, many) for p in _pieces(parents, one, shape.batch_rows)]
        elif many:
            by_size[many] = rows.reshape(-1, many)
    pool = Pool(order[size[order] == 0], by_size)
    while large or pool:
        job = _Job(parents, shape)
        large = [piece for piece in large if not job.takes(piece, pool)]
        yield job.filled(pool)


def _pieces(parents: np.ndarray, rows: np.ndarray, most: int) -> list[np.ndarray]:
    """A bundle in pieces, the rows of its most wanted parents together."""
    mine = parents[rows]
    wanted = np.bincount(mine[mine >= 0])
    weight = np.where(mine >= 0, wanted[mine], 0)
    first = mine[np.arange(len(rows)), weight.argmax(axis=1)]
    sort = np.lexsort([*mine.T[::-1], first, -weight.max(axis=1)])
    return [rows[sort[n : n + most]] for n in range(0, len(rows), most)]


class _Job:
    """Batches of one job as they come together: full ones, and at most one that cannot be filled and goes last."""

    def __init__(self, parents: np.ndarray, shape: Shape) -> None:
        self._parents = parents
        self._shape = shape
        self._full: list[np.ndarray] = []
        self._last: np.ndarray | None = None
        self._locked = np.zeros(parents.max() + 1, bool)

    def takes(self, piece: np.ndarray, pool: Pool) -> bool:
        """Takes a piece of a large bundle if a batch is left for it and none of the others locks its parents."""
        named = self._parents[piece]
        named = named[named >= 0]
        if not self._has_room() or self._locked[named].any():
            return False
        choice = pool.choose(self._shape.batch_rows - len(piece))
        full = choice.rows == self._shape.batch_rows - len(piece)
        if not full and self._last is not None:
            return False
        self._locked[named] = True
        if full:
            self._full.append(np.concatenate([piece, pool.take(choice)]))
        else:
            self._last = piece
        return True

    def filled(self, pool: Pool) -> np.ndarray:
        """All rows of the job, after as many more full batches as the pool gives, and what fits into the last."""
        while pool and self._has_room():
            choice = pool.choose(self._shape.batch_rows)
            if choice.rows < self._shape.batch_rows:
                break
            self._full.append(pool.take(choice))
        if self._last is None and self._has_room():
            self._last = self._parents[:0, 0]
        if self._last is not None:
            choice = pool.choose(self._shape.batch_rows - len(self._last))
            self._full.append(np.concatenate([self._last, pool.take(choice)]))
        return np.concatenate(self._full).astype(np.int64)

    def _has_room(self) -> bool:
        return len(self._full) + (self._last is not None) < self._shape.batches


@dataclass(frozen=True)
class Choice:
    """Bundles by size -> how many of them, and rows without a parent."""

    sizes: dict[int, int]
    alone: int

    @property
    def rows(self) -> int:
        """How many rows that are."""
        return self.alone + sum(size * count for size, count in self.sizes.items())


class Pool:
    """Rows still to be placed: those without a parent, and bundles that fit into a batch."""

    def __init__(self, alone: np.ndarray, by_size: dict[int, np.ndarray]) -> None:
        """``alone``: rows; ``by_size``: size -> bundles of that size, one per line (int n x size)."""
        self._alone = alone
        self._by_size = by_size

    def __bool__(self) -> bool:
        return bool(len(self._alone) or self._by_size)

    def choose(self, room: int) -> Choice:
        """What fills so many rows best: large bundles before small ones, single rows for the rest."""
        sizes = fill(room, {size: len(lines) for size, lines in self._by_size.items()})
        rest = room - sum(size * count for size, count in sizes.items())
        return Choice(sizes, min(rest, len(self._alone)))

    def take(self, choice: Choice) -> np.ndarray:
        """The chosen rows; they leave the pool."""
        found = [self._by_size[size][:count].ravel() for size, count in choice.sizes.items()]
        left = {size: lines[choice.sizes.get(size, 0) :] for size, lines in self._by_size.items()}
        self._by_size = {size: lines for size, lines in left.items() if len(lines)}
        found.append(self._alone[: choice.alone])
        self._alone = self._alone[choice.alone :]
        return np.concatenate(found)


def fill(room: int, counts: dict[int, int]) -> dict[int, int]:
    """Which sizes to take how often so that their sum comes as close to ``room`` as possible from below.

    ``counts``: size -> how many there are. Subset sums as the bits of a number; large sizes are preferred.
    """
    parts = [(size, many) for size, count in sorted(counts.items(), reverse=True) for many in _split(room, size, count)]
    reach = [1]
    below = (1 << (room + 1)) - 1
    for size, many in parts:
        reach.append((reach[-1] | reach[-1] << (size * many)) & below)
    total, chosen = reach[-1].bit_length() - 1, dict[int, int]()
    for (size, many), before in zip(reversed(parts), reversed(reach[:-1]), strict=True):
        if not before >> total & 1:
            chosen[size] = chosen.get(size, 0) + many
            total -= size * many
    return chosen


def _split(room: int, size: int, count: int) -> Iterator[int]:
    """1, 2, 4 … and the rest: any number up to ``count`` (or as many as fit) is a sum of some of them."""
    left, many = min(count, room // size), 1
    while left > 0:
        yield min(many, left)
        left -= many
        many *= 2
