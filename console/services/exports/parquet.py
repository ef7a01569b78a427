"""Detections as a Parquet table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any, Final

from console.services.exports.pipe import WritePipe
from console.services.exports.selected import Batch
from tidzam.errors import RequestError
from tidzam.store.lookups import SEPARATOR
from tidzam.store.queries.detections import StoredDetection

_ROW_GROUP: Final = 50_000
"""Rows that are written at once."""
_TYPES: Final = {
    "id": "int64",
    "start": "time",
    "end": "time",
    "node": "string",
    "source": "string",
    "channel": "string",
    "class": "string",
    "model": "string",
    "version": "string",
    "peak_probability": "float32",
    "mean_probability": "float32",
    "windows": "int32",
    "level_dbfs": "float32",
    "day_part": "string",
    "verdict": "string",
    "other_class": "string",
    "starred": "bool",
    "clip": "string",
}


def parquet_table(batches: Iterable[Batch]) -> Iterator[bytes]:
    """One table with a row per detection. Times are timestamps in UTC; what is not known is null.

    Raises RequestError (`request`) if pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    return _written(arrow, parquet, batches)


def _written(arrow: Any, parquet: Any, batches: Iterable[Batch]) -> Iterator[bytes]:
    types = {"time": arrow.timestamp("us", tz="UTC")}
    schema = arrow.schema([(name, types.get(kind) or arrow.type_for_alias(kind)) for name, kind in _TYPES.items()])
    pipe = WritePipe()
    rows: list[dict[str, object]] = []
    with parquet.ParquetWriter(arrow.PythonFile(pipe, mode="w"), schema, compression="zstd") as table:
        for batch in batches:
            rows += (_row(stored, other_class) for stored, other_class in batch)
            if len(rows) >= _ROW_GROUP:
                table.write_table(arrow.Table.from_pylist(rows, schema=schema))
                rows.clear()
            yield pipe.take()
        table.write_table(arrow.Table.from_pylist(rows, schema=schema))
    yield pipe.take()


def _row(stored: StoredDetection, other_class: tuple[str, ...] | None) -> dict[str, object]:
    return {
        "id": stored.id,
        "start": stored.start,
        "end": stored.end,
        "node": stored.node,
        "source": stored.source,
        "channel": stored.channel,
        "class": SEPARATOR.join(stored.path),
        "model": stored.model or None,
        "version": stored.version or None,
        "peak_probability": stored.peak_probability,
        "mean_probability": stored.mean_probability,
        "windows": stored.windows,
        "level_dbfs": stored.level_dbfs,
        "day_part": stored.day_part,
        "verdict": None if stored.verdict is None else stored.verdict.name.lower(),
        "other_class": None if other_class is None else SEPARATOR.join(other_class),
        "starred": stored.is_marked,
        "clip": stored.clip,
    }


def parquet_is_installed() -> bool:
    """Whether such files can be written."""
    return find_spec("pyarrow") is not None


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise RequestError(
            "Parquet needs the package pyarrow, which is not installed.",
            hint="Run `bin/tidzam install parquet`, or choose another format.",
            code="request",
            field="format",
        ) from None
    return pyarrow, pyarrow.parquet
