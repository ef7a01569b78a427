"""What all screens of the editor can do: edit, undo, save, play, ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.worker import Worker

from database_tool.editor.dialogs import Ask, Choose, Decide, Help, Working
from database_tool.editor.edits import Edit, NewClass
from database_tool.editor.playback import AudioExcerpt, SamplePlayer, excerpt_of
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SampleView, Title
from tidzam.errors import TidzamError
from tidzam.progress import Progress

Result = TypeVar("Result")


class EditorScreen(Screen[None]):
    """A screen over the session. `fill` shows what is there now; it is called after each edit."""

    HELP = ""
    """Its keys, for `?`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("u", "undo", "Undo"),
        Binding("y,ctrl+r", "redo", "Redo", key_display="y", show=False),
        Binding("s", "save", "Save"),
        Binding("question_mark", "help", "Help", key_display="?"),
    ]

    def __init__(self, session: EditorSession, player: SamplePlayer) -> None:
        super().__init__()
        self.session, self.player = session, player
        self._playing: Worker[None] | None = None

    def fill(self) -> None:
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        self.fill()

    def tell(self, words: object, *, wrong: bool = False) -> None:
        self.notify(str(words), severity="error" if wrong else "information", markup=False, timeout=8 if wrong else 3)

    def show_title(self, doing: str = "") -> None:
        self.query_one(Title).show(self.session, doing)

    def show_sample(self, view: SampleView, sample: int | None) -> None:
        """Show a sample; tell if its shard cannot be read any more."""
        try:
            view.show(self.session, sample)
        except (OSError, TidzamError) as error:
            self.tell(error, wrong=True)

    def do(self, *edits: Edit) -> bool:
        """Whether they could be done; what could not is told."""
        try:
            for edit in edits:
                self.session.do(edit)
                self.tell(edit)
        except TidzamError as error:
            self.tell(error, wrong=True)
            return False
        finally:
            self.fill()
        return True

    async def move_to(self, question: str, act: Callable[[str], Edit]) -> bool:
        """Ask for a class, made if it is new, and do what `act` makes of it."""
        classes = self.session.content.classes
        label = await self.app.push_screen_wait(Choose(question, classes, new=True))
        if not label:
            return False
        return self.do(*([] if label in classes else [NewClass(label)]), act(label))

    def action_undo(self) -> None:
        edit = self.session.undo()
        self.tell(f"undone: {edit}" if edit else "nothing to undo")
        self.fill()

    def action_redo(self) -> None:
        edit = self.session.redo()
        self.tell(f"again: {edit}" if edit else "nothing to do again")
        self.fill()

    def action_help(self) -> None:
        self.app.push_screen(Help(self.HELP))

    def action_leave(self) -> None:
        """Fall silent; or go back, if it is silent."""
        if not self.hush():
            self.dismiss()

    def action_save(self) -> None:
        if self.session.unsaved:
            self.run_worker(self.save())
        else:
            self.tell("there is nothing to be saved")

    async def save(self, folder: Path | None = None) -> bool:
        """Whether it was saved; if not, why is told, and all edits are still there."""
        saved = await self.wait_for("Saving", lambda advance: self.session.save(folder, advance=advance))
        if saved is not None:
            self.tell(f"saved: {saved.folder}")
        self.fill()
        return saved is not None

    async def wait_for(self, doing: str, work: Callable[[Progress], Result]) -> Result | None:
        """What comes of long work; None if it was given up or failed, which is told."""
        result = await self.app.push_screen_wait(Working(doing, work))
        if isinstance(result, TidzamError):
            self.tell(result, wrong=True)
            return None
        return result

    async def decide(self, question: str, **answers: str) -> str | None:
        return await self.app.push_screen_wait(Decide(question, answers))

    async def ask(self, question: str, value: str = "") -> str | None:
        return await self.app.push_screen_wait(Ask(question, value)) or None

    @property
    def playing(self) -> bool:
        return self._playing is not None and self._playing.is_running

    def hush(self) -> bool:
        """Whether something was playing, which is silent now."""
        if not self.playing:
            return False
        assert self._playing is not None
        self._playing.cancel()
        return True

    def play_samples(self, samples: Sequence[int]) -> None:
        """Play samples one after the other, or fall silent if something plays. The first that cannot be is told."""
        session, duration_s = self.session, self.session.dataset.spec.window_s
        self.play_sounds((sample, partial(excerpt_of, session.origin(sample), duration_s)) for sample in samples)

    def play_sounds(self, sounds: Iterable[tuple[int | None, Callable[[], AudioExcerpt]]]) -> None:
        """Play sounds as they are read; those of samples with their numbers."""
        if not self.hush():
            self._playing = self.run_worker(self._play(sounds))

    async def _play(self, sounds: Iterable[tuple[int | None, Callable[[], AudioExcerpt]]]) -> None:
        try:
            for number, read in sounds:
                sound = await asyncio.to_thread(read)
                what = "" if number is None else f" {number:,}"
                self.show_title(f"▶{what}" + (" (silently: --output none)" if self.player.output == "none" else ""))
                if number is not None:
                    self.plays(number)
                await self.player.play(sound)
        except (OSError, TidzamError) as error:
            self.tell(error, wrong=True)
        finally:
            with suppress(NoMatches):  # the screen may have gone meanwhile
                self.show_title()

    def plays(self, number: int) -> None:
        """A sample begins to sound."""
