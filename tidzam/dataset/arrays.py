"""The .npy files of a dataset, which are not trusted: headers are checked before memory is allocated."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import DatasetError

FEATURES: Final = "<f4"
LABELS: Final = "<i4"
NAMES: Final = {FEATURES: "float32", LABELS: "int32"}

MAX_BYTES: Final = 1 << 30
"""A shard is read at once. Those written by Tidzam have at most 64 MB, or one sample."""

LIMIT_DB: Final = 1e6
"""Features are levels in dB. Values beyond are errors, and make the loss of a training NaN."""

IS_LINK: Final = "it is a link; the files of a dataset must be regular files"

_MAGIC: Final = b"\x93NUMPY\x01\x00"
_MAX_HEADER: Final = 4096
_HEADER: Final = re.compile(
    r"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \}\s*"
)


@dataclass(frozen=True)
class Header:
    """The header of an .npy file: NumPy's name of its type, its order and shape, and where its values begin."""

    kind: str
    fortran: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def size_bytes(self) -> int:
        """The size that the whole file must have, for values of four bytes."""
        return self.offset + 4 * math.prod(self.shape)


def open_own(path: Path) -> BinaryIO:
    """Open a regular file of a dataset. Raises OSError, also for a link, a pipe or another special file."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, IS_LINK)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")


def open_array(path: Path, kind: str, shape: Sequence[int]) -> tuple[BinaryIO, int]:
    """An open .npy file of that kind and shape, and where its values begin.

    Raises DatasetError (`dataset_shard`) if its header or its size differ from that.
    """
    try:
        file = open_own(path)
    except OSError as error:
        raise unusable(path, os_reason(error)) from None
    try:
        header = read_header(path, file)
        reason = mismatch(header, kind, shape) or size_fault(header, os.fstat(file.fileno()).st_size)
        if reason:
            raise unusable(path, reason)
    except BaseException:
        file.close()
        raise
    return file, header.offset


def read_array(path: Path, kind: str, shape: Sequence[int]) -> NDArray[Any]:
    """The values of an .npy file of that kind and shape. Raises DatasetError (`dataset_shard`)."""
    file, _ = open_array(path, kind, shape)
    with file:
        try:
            values = np.fromfile(file, np.dtype(kind), math.prod(shape))
        except (OSError, MemoryError) as error:
            raise unusable(
                path, os_reason(error) if isinstance(error, OSError) else "there is not enough memory for it"
            ) from None
    if len(values) != math.prod(shape):
        raise unusable(path, "it was cut short while it was read")
    return values.reshape(tuple(shape))


def read_header(path: Path, file: BinaryIO) -> Header:
    """Parse the header of an .npy file, without evaluating it. Raises DatasetError (`dataset_shard`)."""
    try:
        start = file.read(len(_MAGIC) + 2)
        length = int.from_bytes(start[len(_MAGIC) :], "little")
        text = file.read(min(length, _MAX_HEADER)).decode("latin-1")
    except OSError as error:
        raise unusable(path, os_reason(error)) from None
    found = _HEADER.fullmatch(text) if start.startswith(_MAGIC) and len(text) == length else None
    if found is None:
        raise unusable(path, "it does not begin like an .npy file (version 1.0) of plain numbers")
    shape = tuple(int(part) for part in found[3].replace(" ", "").split(",") if part)
    return Header(found[1], found[2] == "True", shape, len(start) + length)


def mismatch(header: Header, kind: str, shape: Sequence[int]) -> str:
    """How an array differs from that kind and shape, as a clause; empty if it does not."""
    if header.kind != kind:
        return f"it holds values of type {header.kind!r}, expected {kind!r} ({NAMES[kind]})"
    if header.shape != tuple(shape):
        return f"its shape is {header.shape}, expected {tuple(shape)}"
    if header.fortran and sum(length > 1 for length in shape) > 1:
        return "it is in Fortran order, expected C order"
    return ""


def size_fault(header: Header, size_bytes: int) -> str:
    """The fault in the size of a file with this header, as a clause; empty if there is none."""
    if header.size_bytes != size_bytes:
        return f"it has {size_bytes:,} bytes, expected {header.size_bytes:,} by its header"
    if size_bytes > MAX_BYTES:
        return f"it has {size_bytes:,} bytes; a shard has at most {MAX_BYTES:,}"
    return ""


def are_levels(features: NDArray[np.float32]) -> bool:
    """Whether all values are numbers that may be levels in dB."""
    return not features.size or bool(features.min() >= -LIMIT_DB and features.max() <= LIMIT_DB)  # NaN is neither


def level_fault(features: NDArray[np.float32]) -> str:
    """The fault in the features of samples (n, …), as a clause; empty if all are levels in dB."""
    if are_levels(features):
        return ""
    bad = [number for number, sample in enumerate(features) if not are_levels(sample)]
    more = f" and {len(bad) - 1:,} more" if len(bad) > 1 else ""
    return f"its samples hold values that are not finite, or are not levels in dB: sample {bad[0]:,}{more}"


def unusable(path: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"{path} cannot be used: {reason}.", hint="Copy the dataset again, or create it again.", code="dataset_shard"
    )


def os_reason(error: OSError) -> str:
    """Why the system cannot read a file, as a clause."""
    return "it is missing" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
