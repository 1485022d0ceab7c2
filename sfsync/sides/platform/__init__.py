"""The platform side: the operator's own database, SQLite or PostgreSQL, through SQLAlchemy Core."""

from sfsync.sides.platform.side import PlatformSide

__all__ = ["PlatformSide"]
