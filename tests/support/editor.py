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


class Person:
    """Presses keys, and reads what the screen then says."""

    def __init__(self, app: Editor, pilot: Pilot[None]) -> None:
        self.app, self._pilot = app, pilot

    async def press(self, *keys: str) -> None:
        """Press keys, and wait for what follows from each."""
        for key in keys:
            await self._pilot.press(key)
            await self._pilot.pause()

    def type(self, text: str) -> None:
        """Put a long text where a question stands, as pasting it does."""
        self.app.screen.query_one(Input).value = text

    async def wait_for_dialog(self) -> None:
        while not isinstance(self.app.screen, ModalScreen):
            await self.moment()

    async def wait(self) -> None:
        """For all that goes on in the background."""
        while any(not worker.is_finished for worker in self.app.workers):
            await self.moment()
        await self._pilot.pause()

    async def moment(self) -> None:
        await self._pilot.pause(0.02)

    def reads(self, kind: type[Static] | str) -> str:
        """The words in a part of the screen."""
        return str(self.app.screen.query(kind).first(Static).content)

    @property
    def told(self) -> str:
        """What the editor said so far, in passing."""
        return "\n".join(notification.message for notification in self.app._notifications)


@asynccontextmanager
async def editing(
    folder: Path, *, size: tuple[int, int] = (100, 24), bundle: Path | None = None, stream: Path | None = None
) -> AsyncIterator[tuple[Editor, Person]]:
    """The editor, open on the dataset at `folder`."""
    opened = None if stream is None else AudioSourceFile.open(stream)
    app = Editor(EditorSession.open(folder), SamplePlayer(AudioOutput.none), bundle=bundle, stream=opened)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, Person(app, pilot)
