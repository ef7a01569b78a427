"""Uploads of clips on disk: what has arrived of each one, and what becomes of it when it is complete."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from console.services.forwarding.places import forwarded_folder
from tidzam.atomic import sync_folder, write_atomically
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.manifest_fields import sha256_of
from tidzam.text import plural

log = logging.getLogger(__name__)

_FOLDER: Final = ".uploads"
"""In the folder of forwarded clips: no node has this name."""
_BEGUN, _DONE = ".json", ".done"
"""The suffixes of what is known of an upload, before and after it is complete."""
_MB: Final = 1_000_000
_GB: Final = 1_000_000_000
_SHARE: Final = 0.1
"""The part of the room for all clips that the uploads of a node may reserve before they are complete."""
_LOOK_S: Final = 600.0


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload: the clip `clip` of `node`, `length` bytes with this SHA-256, of which `offset` have arrived.

    `sha256` is empty if it was not stated. A complete one is remembered for a while.
    """

    id: str
    node: str
    clip: str
    length: int
    sha256: str = ""
    is_complete: bool = False
    offset: int = 0

    @classmethod
    def of(cls, node: str, clip: str, length: int, sha256: str = "") -> Self:
        """An upload that may be new: its id is the same for the same content, so that it is found again. That of an
        unknown content is new."""
        text = json.dumps([node, clip, length, sha256]) if sha256 else secrets.token_hex(16)
        upload_id = hashlib.sha256(text.encode()).hexdigest()[:32]
        return cls(id=upload_id, node=node, clip=clip, length=length, sha256=sha256)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises OSError and ValueError."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except TypeError as error:
            raise ValueError(str(error)) from None


class UploadShelf:
    """The uploads of all nodes. All methods block. One request at a time may work on an upload."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings.console.forwarded, clock
        self._root = forwarded_folder(settings)
        self._folder = self._root / _FOLDER
        self._placing = threading.Lock()
        self._bytes, self._looked = 0, float("-inf")

    def create(self, upload: Upload) -> Upload:
        """Begin an upload, or find the one that was begun for the same content: it goes on where it was.

        Raises RequestError (`clip_too_large`, `clip_exists`, `too_many_uploads`, `forward_full`) and OSError.
        """
        if not 0 < upload.length <= self._settings.clip_mb * _MB:
            raise RequestError(
                f"The clip has {upload.length:,} bytes, expected 1 to {self._settings.clip_mb * _MB:,.0f}.",
                hint="The limit is the setting console.forwarded.clip_mb of the receiving node.",
                code="clip_too_large",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        known = self._known(upload.id)
        if known is not None:
            return known
        self._expire()
        if self._is_there(upload):
            upload = replace(upload, is_complete=True)
        elif self.target(upload).exists():
            raise _taken(upload)
        else:
            self._require_room(upload)
        self._write(upload)
        return self._with_offset(upload)

    def require(self, node: str, upload_id: str) -> None:
        """Raises RequestError (`not_found`) if the upload with an id is not of that node. Leaves it alone."""
        for suffix in (_DONE, _BEGUN):
            with suppress(FileNotFoundError, ValueError):
                if Upload.read(self._folder / f"{upload_id}{suffix}").node.lower() == node.lower():
                    return
        raise _unknown()

    def find(self, node: str, upload_id: str) -> Upload:
        """The upload with an id, if it is of that node; complete, if all has arrived.

        Raises RequestError (`not_found`, `clip_exists`) and OSError.
        """
        found = self._known(upload_id)
        if found is None or found.node.lower() != node.lower():
            raise _unknown()
        return found

    def _known(self, upload_id: str) -> Upload | None:
        for suffix in (_DONE, _BEGUN):
            path = self._folder / f"{upload_id}{suffix}"
            try:
                return self._with_offset(Upload.read(path))
            except FileNotFoundError:
                continue
            except ValueError:  # a power cut
                path.unlink(missing_ok=True)
        return None

    def _with_offset(self, upload: Upload) -> Upload:
        if upload.is_complete:
            return replace(upload, offset=upload.length)
        try:
            offset = self.part(upload).stat().st_size
        except FileNotFoundError:
            if not self._is_there(upload):
                return replace(upload, offset=0)
            return self._completed(upload)  # it was killed between the two steps of `finish`
        return replace(upload, offset=offset) if offset < upload.length else self._finish_late(upload)

    def _finish_late(self, upload: Upload) -> Upload:
        """Finish an upload of which all has arrived: an earlier attempt failed, or was killed."""
        try:
            return self.finish(upload)
        except RequestError as error:
            if error.code != "clip_damaged":
                raise
            return replace(upload, offset=0)

    def part(self, upload: Upload) -> Path:
        """The file with what has arrived."""
        return self._folder / f"{upload.id}.part"

    def target(self, upload: Upload) -> Path:
        """Where the complete clip will be."""
        return self._root / upload.node / upload.clip

    def finish(self, upload: Upload) -> Upload:
        """Verify what has arrived, and put it in its place.

        Raises RequestError (`clip_damaged` if it is not what was sent, `clip_exists` if another clip has its name):
        it is deleted then. Raises OSError.
        """
        part = self.part(upload)
        sha256 = sha256_of(part)
        if upload.sha256 and sha256 != upload.sha256:
            part.unlink()
            raise RequestError(
                "What has arrived is not what was sent: its SHA-256 differs.",
                hint="It is deleted. Send it from the beginning.",
                code="clip_damaged",
            )
        target = self.target(upload)
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._placing:
            if target.exists() and sha256_of(target) != sha256:
                self.remove(upload)
                raise _taken(upload)
            part.replace(target)
        for folder in (target.parent, target.parent.parent, self._folder):
            sync_folder(folder)
        self._bytes += upload.length
        return self._completed(upload)

    def remove(self, upload: Upload) -> None:
        """Forget an upload; a complete clip stays."""
        for suffix in (".part", _BEGUN, _DONE):
            (self._folder / f"{upload.id}{suffix}").unlink(missing_ok=True)

    def _completed(self, upload: Upload) -> Upload:
        done = replace(upload, is_complete=True, offset=upload.length)
        self._write(done)
        (self._folder / f"{upload.id}{_BEGUN}").unlink(missing_ok=True)
        return done

    def _write(self, upload: Upload) -> None:
        path = self._folder / f"{upload.id}{_DONE if upload.is_complete else _BEGUN}"
        write_atomically(path, json.dumps(asdict(replace(upload, offset=0))))

    def _is_there(self, upload: Upload) -> bool:
        """Whether the clip has arrived before."""
        target = self.target(upload)
        return (
            bool(upload.sha256)
            and target.is_file()
            and target.stat().st_size == upload.length
            and sha256_of(target) == upload.sha256
        )

    def _require_room(self, upload: Upload) -> None:
        unfinished = list(self._begun())
        own = [one.length for one in unfinished if one.node.lower() == upload.node.lower()]
        share = max(self._settings.gigabytes * _GB * _SHARE, self._settings.clip_mb * _MB)
        if len(own) >= self._settings.uploads or sum(own) + upload.length > share:
            raise RequestError(
                f"The node {upload.node} has {plural(len(own), 'upload')} of {sum(own):,} bytes not complete.",
                hint="Continue them, or wait until they expire.",
                code="too_many_uploads",
            )
        expected = self._bytes + upload.length + sum(one.length for one in unfinished)
        free = shutil.disk_usage(self._folder).free - upload.length
        if expected > self._settings.gigabytes * _GB or free < self._settings.free_gigabytes * _GB:
            raise RequestError(
                "The receiving node has no room for more clips.",
                hint="Delete some there, or raise console.forwarded.gigabytes.",
                code="forward_full",
            )

    def _begun(self) -> Iterator[Upload]:
        """Those that are not complete."""
        for path in self._folder.glob(f"*{_BEGUN}"):
            try:
                yield Upload.read(path)
            except (FileNotFoundError, ValueError):
                continue

    def _expire(self) -> None:
        """Now and then, forget uploads that were complete or without progress long ago, and measure the clips."""
        now = self._clock()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        for path in self._folder.glob(f"*{_DONE}"):
            if self._is_old(path):
                path.unlink(missing_ok=True)
        for upload in list(self._begun()):
            part = self.part(upload)
            if self._is_old(part if part.exists() else self._folder / f"{upload.id}{_BEGUN}"):
                log.warning("an upload of %s expired: %s", upload.node, upload.clip)
                self.remove(upload)
        self._bytes = sum(
            path.stat().st_size for path in self._root.rglob("*") if path.is_file() and self._folder not in path.parents
        )

    def _is_old(self, path: Path) -> bool:
        return self._clock() - path.stat().st_mtime > self._settings.expire_h * 3600


def _unknown() -> RequestError:
    return RequestError("There is no such upload.", hint="It may have expired. Create it.", code="not_found")


def _taken(upload: Upload) -> RequestError:
    return RequestError(
        f"The node {upload.node} has forwarded another clip named {upload.clip}, which is kept.",
        hint="The clock of that node may have been set back.",
        code="clip_exists",
    )
