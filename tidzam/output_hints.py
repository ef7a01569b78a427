"""What to do when an output cannot be written: errors of the file system as hints."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from tidzam.text import shown

_HINTS: Final = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Free some room, or specify another place."),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "Change its permissions, or specify another place."),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "Specify a folder: there is a file of that name."),
    errno.EROFS: "Specify a place on a disk that can be written.",
    errno.EISDIR: "Specify a file: there is a folder of that name.",
    errno.ENAMETOOLONG: "Specify a shorter name.",
}


def hint_for(error: OSError, path: Path) -> str:
    """A sentence about what to do after `error` of writing `path`.

    >>> hint_for(FileNotFoundError(errno.ENOENT, "No such file or directory"), Path("/nowhere/found.csv"))
    'Create the folder /nowhere, or specify another place.'
    """
    if error.errno == errno.ENOENT and not path.parent.is_dir():
        return f"Create the folder {shown(path.parent)}, or specify another place."
    return _HINTS.get(error.errno or 0, "Specify another place.")
