"""Memory that was freed goes back to the system: a run of millions needs no more than its largest batch.

glibc keeps freed blocks of up to 32 MB for later, in an arena per thread, and Arrow's own pools keep theirs; columns of
changing sizes leave both full of holes. Above a megabyte each block is asked of the system and given back; below,
that would cost more than it saves: every page of a block the system hands out is cleared first.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3)
_LARGE, _KEPT = 1 << 20, 4 << 20  # bytes


def be_frugal() -> None:
    """For this process, before the first large block; does nothing where the C library is another one."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for what, value in ((_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _KEPT), (_ARENA_MAX, 2)):
            library.mallopt(what, value)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # if Arrow is loaded later
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing here multiplies matrices, and its threads spin
    if "pyarrow.lib" in sys.modules:
        import pyarrow as pa

        pa.set_memory_pool(pa.system_memory_pool())


def give_back() -> None:
    """Between two batches: what lies free among what is still in use goes back, too."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
