"""The dataset editor with a person at its keys: Textual's pilot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from database_tool.editor.app import Editor
from database_tool.editor.audio_source import AudioSourceFile
from database_tool.editor.playback import AudioOutput, SamplePlayer
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import ClassTable, SampleTable


class Person:
    """Presses keys and reads the screen."""

    def __init__(self, app: Editor, pilot: Pilot[None]) -> None:
        self.app, self._pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Press keys, and wait for what follows from each."""
        for key in keys:
            await self._pilot.press(key)
            await self._pilot.pause()

    async def answer(self, text: str) -> None:
        """Paste a text into the open question, and submit it."""
        await self.wait_for_dialog()
        self.app.screen.query_one(Input).value = text
        await self.press("enter")
        await self.wait()

    async def wait_for_dialog(self) -> None:
        while not isinstance(self.app.screen, ModalScreen):
            await self.tick()

    async def wait(self) -> None:
        """Wait for all background work."""
        while any(not worker.is_finished for worker in self.app.workers):
            await self.tick()
        await self._pilot.pause()

    async def tick(self) -> None:
        await self._pilot.pause(0.02)

    def text(self, kind: type[Static] | str) -> str:
        """The text in a part of the screen."""
        return str(self.app.screen.query(kind).first(Static).content)

    @property
    def messages(self) -> str:
        """All notifications so far."""
        return "\n".join(notification.message for notification in self.app._notifications)

    @property
    def classes(self) -> list[list[str]]:
        """The rows of the class table: id, class, samples."""
        table = self.app.screen.query_one(ClassTable)
        return [[cell.plain for cell in table.get_row_at(row)] for row in range(table.row_count)]

    @property
    def samples(self) -> list[int]:
        """The samples on the page."""
        table = self.app.screen.query_one(SampleTable)
        return [int(row.key.value or -1) for row in table.ordered_rows]


@asynccontextmanager
async def editing(
    folder: Path, *, size: tuple[int, int] = (100, 24), bundle: Path | None = None, stream: Path | None = None
) -> AsyncIterator[tuple[Editor, Person]]:
    """The editor, open on the dataset at `folder`."""
    source = None if stream is None else AudioSourceFile.open(stream)
    app = Editor(EditorSession.open(folder), SamplePlayer(AudioOutput.none), bundle=bundle, source=source)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, Person(app, pilot)
