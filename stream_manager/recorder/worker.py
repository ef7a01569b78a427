"""Completes and repairs files in a thread of its own, as disks may be slow."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from stream_manager.recorder.encoder import EncoderError, FileEncoder, is_out_of_room
from stream_manager.recorder.events import FileFinished, KeptAside, Notice, RecorderEvent, Repaired
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.index_check import index_changes
from stream_manager.recorder.loudness import Loudness
from stream_manager.recorder.repair import AudioSummary, NoRoomError, UnusableError, examine, repair
from tidzam.atomic import sync_file
from tidzam.naming import PART_SUFFIX, parse_clip_name
from tidzam.segments import Segment, SegmentIndex

Send = Callable[[RecorderEvent], None]
END_TIMEOUT_S: Final = 30.0
PUBLISH_AGAIN_S: Final = 5.0


class Worker:
    """Completes one file after the other, and repairs one after the other. Each job ends with an event to `send`.

    `index` is that of segments, if they are kept.
    `failed` is called with the reason, in the thread, if a new file could not be completed.
    """

    def __init__(
        self, folder: RecordingFolder, send: Send, failed: Callable[[str], None], index: SegmentIndex | None = None
    ) -> None:
        self._folder, self._send, self._failed, self._index = folder, send, failed, index
        self._thread, self._repairs = ThreadPoolExecutor(1, "finish"), ThreadPoolExecutor(1, "repair")
        self._repairing: list[Future[None]] = []
        self._postponed: list[tuple[Path, int | None]] = []
        self._unpublished: deque[tuple[Path, Callable[[Path, int], None]]] = deque()
        self._publish_due_s = 0.0
        self.publish_fault: str | None = None
        """Why complete files wait to be published; None if none does."""
        self.bytes = 0
        """Bytes of the files completed so far."""
        self.waiting = 0
        """Jobs that are not done yet."""

    def finish(self, encoder: FileEncoder, part: Path, rest: bytes, loudness: Loudness) -> None:
        """Write the last samples of a file to its encoder, and publish it when it is complete."""
        self._submit(lambda: self._finish(encoder, part, rest, loudness))

    def keep(self, encode: Callable[[], FileEncoder], data: bytes, part: Path, loudness: Loudness) -> None:
        """Encode a whole segment and publish it."""
        self._submit(lambda: self._keep(encode, data, part, loudness))

    def repair(self, part: Path, *, limit_s: int | None = None) -> None:
        """Publish what is usable of a part that a crash left, up to `limit_s`; set it aside if nothing is."""
        done = self._repairs.submit(self._contained, lambda: self._repair(part, limit_s))
        self._repairing = [other for other in self._repairing if not other.done()] + [done]

    def sync(self, part: Path) -> None:
        """Write what a file in progress holds so far to disk: a power cut costs no more than what follows."""
        self._submit(lambda: sync_file(part) if part.exists() else None)

    def complete_index(self) -> None:
        """Add segments to the index that were published shortly before a crash, and remove those that are gone."""
        self._submit(self._complete_index)

    def repair_postponed(self) -> None:
        """Repair the parts for which there was no room before."""
        postponed, self._postponed = self._postponed, []
        for part, limit_s in postponed:
            self.repair(part, limit_s=limit_s)

    def publish_again(self, now_s: float) -> None:
        """Try again to publish the complete files for which that has failed, every PUBLISH_AGAIN_S."""
        if self._unpublished and now_s >= self._publish_due_s:
            self._publish_due_s = now_s + PUBLISH_AGAIN_S
            self._submit(self._publish_waiting)

    def flush(self) -> None:
        """Wait until all jobs so far are done."""
        self._thread.submit(lambda: None).result()

    def close(self, *, repairs_s: float) -> None:
        """Wait until all files are complete, and for up to `repairs_s` for repairs, which the next recorder repeats."""
        if self._unpublished:
            self._submit(self._publish_waiting)
        self._thread.shutdown()
        wait(self._repairing, repairs_s)

    def _submit(self, job: Callable[[], None]) -> None:
        self.waiting += 1
        self._thread.submit(self._contained, job).add_done_callback(self._count_down)

    def _count_down(self, done: Future[None]) -> None:
        self.waiting -= 1

    def _contained(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001  a fault in one file must not end the recording
            self._send(Notice(f"a file could not be completed: {type(error).__name__}: {error}"))

    def _finish(self, encoder: FileEncoder, part: Path, rest: bytes, loudness: Loudness) -> None:
        try:
            encoder.finish(rest, timeout_s=END_TIMEOUT_S)
        except EncoderError as error:
            self._send(Notice(f"{part.name} is not complete: {error}"))
            self._failed(str(error))
            if is_out_of_room(str(error)):
                self._postponed.append((part, None))
            else:
                self._repair(part, None)
            return
        self._publish(part, loudness)

    def _keep(self, encode: Callable[[], FileEncoder], data: bytes, part: Path, loudness: Loudness) -> None:
        try:
            encode().finish(data, timeout_s=END_TIMEOUT_S)
        except EncoderError as error:
            part.unlink(missing_ok=True)
            self._send(Notice(f"a segment is lost: {error}"))
            self._failed(str(error))
            return
        self._publish(part, loudness)

    def _publish(self, part: Path, loudness: Loudness) -> None:
        def published(final: Path, size: int) -> None:
            self._add_to_index(final, loudness.max_amp)
            self._send(FileFinished(str(final), size, loudness.max_amp, loudness.text))

        self._publish_or_wait(part, published)

    def _publish_or_wait(self, part: Path, published: Callable[[Path, int], None]) -> None:
        """Publish a complete file and pass its name and size on to `published`, now or when it works again."""
        try:
            self._publish_now(part, published)
        except OSError as error:
            if not self._unpublished:
                self._send(Notice(f"complete files wait to be published: {error}"))
            self.publish_fault = str(error)
            self._unpublished.append((part, published))

    def _publish_waiting(self) -> None:
        while self._unpublished:
            part, published = self._unpublished[0]
            try:
                if part.exists():  # else it was published, but its new name could not be flushed to disk
                    self._publish_now(part, published)
            except OSError as error:
                self.publish_fault = str(error)
                return
            self._unpublished.popleft()
        self.publish_fault = None

    def _publish_now(self, part: Path, published: Callable[[Path, int], None]) -> None:
        size = part.stat().st_size
        final = self._folder.publish(part)
        self.bytes += size
        published(final, size)

    def _repair(self, part: Path, limit_s: int | None) -> None:
        if not part.exists():
            return
        if part.stat().st_size == 0:
            part.unlink()
            self._send(Notice(f"{part.name} was empty and has been removed", is_failure=False))
            return
        try:
            content = repair(part, limit_s=limit_s)
        except NoRoomError as error:
            self._send(Notice(f"{part.name} is not repaired yet: {error}"))
            self._postponed.append((part, limit_s))
            return
        except UnusableError as error:
            aside = self._folder.set_aside(part, str(error))
            self._send(KeptAside(str(aside), str(error)))
            return
        self._publish_repaired(part, content)

    def _publish_repaired(self, part: Path, content: AudioSummary) -> None:
        def published(final: Path, size: int) -> None:
            self._add_to_index(final, content.peak)
            self._send(Repaired(str(final), size, content.seconds, content.peak, content.loudness.text))

        self._publish_or_wait(part, published)

    def _complete_index(self) -> None:
        assert self._index is not None
        for segment in (changes := index_changes(self._folder.path, self._folder.source, self._index)).missing:
            self._add_to_index(segment, examine(segment).peak)
        self._index.remove(changes.gone)

    def _add_to_index(self, final: Path, max_amp: float | None) -> None:
        name = parse_clip_name(final)
        if self._index is None or name is None or max_amp is None:
            return
        if final.name.startswith("."):  # it is held: the helper process adds it when it is released
            return
        filepath = str(final.relative_to(self._folder.path))
        try:
            self._index.add(Segment(self._folder.source, name.time, max_amp, filepath))
        except sqlite3.Error as error:
            self._send(Notice(f"{final.name} is not in the index of segments: {error}"))


def clear_unfinished_repairs(folder: RecordingFolder) -> None:
    """Remove the copies of repairs that were interrupted; their originals are still there. Raises OSError."""
    for copy in folder.path.glob(f".{folder.source}-*{PART_SUFFIX}.repaired"):
        copy.unlink()
