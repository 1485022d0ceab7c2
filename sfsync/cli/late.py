"""Large libraries that are loaded at their first use.

pandas, NumPy and Arrow take 90 MB and most of a second to load. A run that finds nothing to do never uses them, and
most runs of a schedule find nothing to do. So the command line stands a name in for each of them before the modules
that import them are loaded; the first use of any of these names loads the libraries, once and for all.

Only a process of the command line does this. Whoever imports the package has the libraries as usual.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

FRAMES = ("numpy", "pandas", "pyarrow", "pyarrow.compute", "pyarrow.csv", "pyarrow.parquet")
_LOADING = threading.RLock()


class Late(ModuleType):
    """A name for a module that is not loaded yet; afterwards a name for the module itself."""

    def __getattr__(self, name: str) -> Any:
        """What the module has by this name; looked up there once."""
        if name.startswith("__"):  # asked by the import system of what it holds for a loaded module
            raise AttributeError(name)
        _load()
        found = getattr(sys.modules[self.__name__], name)
        self.__dict__[name] = found
        return found


def stand_in(names: tuple[str, ...] = FRAMES) -> None:
    """From here on ``import`` of one of these modules binds its name only; nothing happens if one is loaded already."""
    if any(name in sys.modules for name in names):
        return
    for name in names:
        late = sys.modules[name] = Late(name)
        package, _, own = name.rpartition(".")
        if package:
            setattr(sys.modules[package], own, late)


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage is looked for meanwhile: modules being loaded are none, and the search is a sixth of a short command.

    Not for what runs long or reads records.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _load() -> None:
    """Loads all of them: what one of them imports of another must be the module, not its name.

    What they are made of is never garbage: nothing is looked for meanwhile, and not among it later.
    """
    with _LOADING, undisturbed():
        names = [n for n, module in sys.modules.items() if isinstance(module, Late)]
        for name in names:
            del sys.modules[name]
        for name in names:
            importlib.import_module(name)
        gc.freeze()
