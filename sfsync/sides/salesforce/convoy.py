"""Bulk jobs one close after the other: the next one is made and uploaded while one is at work.

It starts only when that one has ended, so that no two jobs want the same locks and the org is never idle. At that
moment nothing is at work: the caller may write what must not meet a job (``IDLE``).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from sfsync.errors import SfsyncError
from sfsync.sides.salesforce.bulk import UPLOAD_LOST, BulkLoad, OnJob, Sent
from sfsync.sides.salesforce.joined import alike
from sfsync.sides.salesforce.loads import Load
from sfsync.sides.salesforce.payload import Payload
from sfsync.sides.salesforce.results import failed
from sfsync.sides.side import Outcomes

IDLE = None
Event = tuple[int, Outcomes] | None  # outcomes of a job of the write with this number; or IDLE


class Convoy:
    """Jobs of several writes in a row; outcomes of one come while the next one is at work."""

    def __init__(self, large: BulkLoad) -> None:
        self._large = large
        self._before: Sent | None = None

    def send(self, number: int, payload: Payload, load: Load, on_job: OnJob | None) -> Generator[Event, None, None]:
        """Load a job of write ``number``."""
        try:
            sent = self._large.uploaded(payload, load, on_job)
        except SfsyncError:
            yield from self.end()  # what is at work is seen to its end
            raise
        if sent is None:
            yield number, Outcomes(alike(payload.write.keys[load.rows], failed(UPLOAD_LOST)))
            return
        sent.number = number
        del load
        yield from self._follow(sent)

    def _follow(self, sent: Sent) -> Iterator[Event]:
        before = self._before
        with self._large.abandoned_on_error(sent):
            self._large.wait(before)
            if before is not None and before.stop is not None:
                self._before = None
                yield before.number, self._large.outcomes(before)
                raise before.stop
            yield IDLE  # if what the caller writes now fails, ``end`` still tells of the job before
        self._before = sent
        self._large.start(sent)
        if before is not None:
            yield before.number, self._large.outcomes(before)
            if before.stop is not None:
                yield from self.end()
                raise before.stop

    def end(self) -> Iterator[Event]:
        """Wait for the job at work and give its outcomes, with nothing to follow it."""
        sent, self._before = self._before, None
        if sent is not None:
            self._large.wait(sent)
            yield sent.number, self._large.outcomes(sent)
            if sent.stop is not None:
                raise sent.stop
        yield IDLE
