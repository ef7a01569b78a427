"""Detections as a Parquet table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from analyzer.result_formats.base import RESULT_COLUMNS, FileResult, check_file, naming_errors, rows_of
from tidzam.atomic import replacing
from tidzam.errors import SetupError

_ROW_GROUP: Final = 1 << 16
"""Rows that are written at once."""
_TIMES: Final = ("start", "end")
_TYPES: Final = {
    "channel": "int32",
    "start_s": "float64",
    "end_s": "float64",
    "peak": "float32",
    "mean": "float32",
    "windows": "int32",
}
"""The types of columns that are not text or times."""


class ParquetTable:
    """One file with a row per detection. Times are timestamps in UTC; texts are UTF-8."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        _pyarrow()
        check_file(self._path)

    def write(self, results: Iterable[FileResult]) -> None:
        arrow, parquet = _pyarrow()
        schema = arrow.schema([(name, _type(arrow, name)) for name in RESULT_COLUMNS])
        rows = rows_of(results)
        with (
            naming_errors(self._path),
            replacing(self._path) as file,
            parquet.ParquetWriter(file, schema, compression="zstd") as table,
        ):
            while group := list(islice(rows, _ROW_GROUP)):
                table.write_table(arrow.Table.from_pylist(list(_converted(group)), schema=schema))


def _type(arrow: Any, name: str) -> Any:
    if name in _TIMES:
        return arrow.timestamp("us", tz="UTC")
    return arrow.type_for_alias(_TYPES.get(name, "string"))


def _converted(rows: Iterable[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Rows with times as such, and text that is valid UTF-8."""
    for row in rows:
        times = {name: datetime.fromisoformat(str(row[name])) for name in _TIMES if row[name] is not None}
        texts = {
            name: text.encode("utf-8", "backslashreplace").decode()
            for name, text in row.items()
            if isinstance(text, str)
        }
        yield {**row, **texts, **times}


def _pyarrow() -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`, which take half a second to import."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SetupError(
            "Parquet files need the package pyarrow.",
            hint="Run `bin/tidzam install parquet`, or `pip install 'tidzam[parquet]'`.",
        ) from None
    return pyarrow, parquet
