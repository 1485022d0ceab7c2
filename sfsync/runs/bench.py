"""What a run works with: configuration, mappings, both sides and the ledger, opened when first needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from getpass import getuser
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sfsync import settings as config
from sfsync.errors import ConfigError, MappingError
from sfsync.mapping.model import Mapping

if TYPE_CHECKING:
    from sfsync.ledger.store import Ledger
    from sfsync.sides.platform import PlatformSide
    from sfsync.sides.salesforce import SalesforceSide


@dataclass
class Bench:
    """Opened ends of one command. Use it as a context manager; whatever was opened is closed."""

    settings: config.Settings
    as_of: datetime

    @classmethod
    def open(cls, path: Path | None, as_of: datetime) -> Bench:
        """Reads the configuration; nothing else is touched yet."""
        return cls(config.load(path), as_of)

    @cached_property
    def mappings(self) -> dict[str, Mapping]:
        """All mappings of the project, parents first."""
        from sfsync.mapping.load import load

        return self._some(load(self.settings.mappings))

    @cached_property
    def outline(self) -> dict[str, Mapping]:
        """The same for who only looks: read, but not held against every rule of mapping files."""
        from sfsync.mapping.load import outline

        return self._some(outline(self.settings.mappings))

    def _some(self, found: dict[str, Mapping]) -> dict[str, Mapping]:
        if not found:  # a run over nothing would look like a run without work
            step = "Set `mappings` in sfsync.toml to a folder of mapping files, or run: sfsync init ."
            raise MappingError("there is no mapping in this folder", "MAPPING_NONE", str(self.settings.mappings), step)
        return found

    def chosen(self, names: Sequence[str]) -> dict[str, Mapping]:
        """The named mappings (all, if none is named), parents first."""
        unknown = [n for n in names if n not in self.mappings]
        if unknown:
            known = ", ".join(self.mappings)
            raise ConfigError(f"there is no mapping {unknown[0]!r}", "MAPPING_UNKNOWN", "", f"There are: {known}.")
        return {n: m for n, m in self.mappings.items() if not names or n in names}

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, made if it does not exist."""
        from sfsync.ledger.store import Ledger

        s = self.settings.ledger
        key = config.secret_bytes(s.key, s.folder / "ledger.key")
        return Ledger.open(s.url.get_secret_value(), s.folder, key, keep_days=s.keep_days)

    @cached_property
    def platform(self) -> PlatformSide:
        """The operator's database."""
        from sfsync.sides.platform import PlatformSide

        key = config.secret_bytes(self.settings.privacy.hash_key, self.settings.ledger.folder / "hash.key")
        return PlatformSide(self.settings.platform.url, as_of=self.as_of, hash_key=key)

    @cached_property
    def salesforce(self) -> SalesforceSide:
        """The org; logs in when the first call is made."""
        from sfsync.sides.salesforce import SalesforceSide

        cache = self.settings.ledger.folder / "cache"
        return SalesforceSide(self.settings.salesforce, self.settings.budget, cache=cache)

    @property
    def actor(self) -> str:
        """Who runs this, for the audit trail."""
        try:
            return getuser()
        except (KeyError, OSError):
            return "unknown"

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in ("salesforce", "platform", "ledger"):
            if name in self.__dict__:
                self.__dict__[name].close()
