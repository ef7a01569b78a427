"""The space that an SQLite store takes, and what must become free of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import text

from tidzam.config.retention import StoreRetentionSettings
from tidzam.store.database import Store

_GB: Final = 1e9


@dataclass(frozen=True)
class StoreSpace:
    """The space of an SQLite store: `used_bytes` hold something, `free_bytes` can still be filled.

    These are on its disk, and in its file, which does not become smaller when rows are removed.
    """

    used_bytes: int
    free_bytes: int


def store_space(store: Store) -> StoreSpace | None:
    """The space of a store; None for PostgreSQL, which may have other contents and be on another machine.

    Raises StoreError (`store_unreachable`).
    """
    if not store.is_sqlite:
        return None
    with store.read() as session:
        pages, unused, page_bytes = (
            session.scalar(text(f"PRAGMA {name}")) or 0 for name in ("page_count", "freelist_count", "page_size")
        )
    free = shutil.disk_usage(Path(str(store.engine.url.database)).parent).free
    return StoreSpace((pages - unused) * page_bytes, free + unused * page_bytes)


def bytes_to_free(space: StoreSpace, settings: StoreRetentionSettings) -> float:
    """How many bytes must become free by the settings; 0 if none. Pure.

    >>> bytes_to_free(StoreSpace(used_bytes=3_000_000_000, free_bytes=10**12), StoreRetentionSettings(max_gb=2))
    1000000000.0
    """
    surplus = 0.0
    if settings.max_gb is not None:
        surplus = max(surplus, space.used_bytes - settings.max_gb * _GB)
    if settings.min_free_gb is not None:
        surplus = max(surplus, settings.min_free_gb * _GB - space.free_bytes)
    return surplus
