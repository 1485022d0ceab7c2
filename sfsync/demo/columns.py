"""Small helpers with which the generator builds whole columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from sfsync.demo.identifiers import Texts

DAY = 86_400


class Clock:
    """Instants and dates counted back from ``as_of``, written the way the database shows them."""

    def __init__(self, as_of: datetime) -> None:
        self.now = np.datetime64(as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0), "s")
        self.today = self.now.astype("datetime64[D]")

    def instant(self, seconds_ago: Texts) -> Texts:
        """``YYYY-MM-DD HH:MM:SS`` in UTC."""
        moments = self.now - np.asarray(seconds_ago).astype("timedelta64[s]")
        return np.char.replace(np.datetime_as_string(moments), "T", " ")

    def date(self, days_ago: Texts) -> Texts:
        """``YYYY-MM-DD``; negative numbers lie in the future."""
        return np.datetime_as_string(self.today - np.asarray(days_ago).astype("timedelta64[D]"))


def pick(rng: np.random.Generator, weights: dict[str, float], n: int) -> Texts:
    """``n`` draws of the words by their weights."""
    share = np.array(list(weights.values()), dtype=float)
    return rng.choice(np.array(list(weights)), n, p=share / share.sum())


def some(mask: Texts, values: Texts | str) -> pd.Series:
    """The values where the mask is true, None elsewhere (dtype object)."""
    column = np.full(len(mask), values, dtype=object) if isinstance(values, str) else np.asarray(values).astype(object)
    return pd.Series(column, dtype=object).where(np.asarray(mask, dtype=bool), None)


def codes(prefix: str, n: int, width: int, start: int = 1) -> Texts:
    """Running codes such as ``P-0000001``."""
    return np.char.add(prefix, np.char.zfill(np.arange(start, start + n).astype("U12"), width))


def frame(**columns: Any) -> pd.DataFrame:
    """A frame of object columns: text, int, bool or None."""
    return pd.DataFrame({k: v if isinstance(v, pd.Series) else pd.Series(v, dtype=object) for k, v in columns.items()})
