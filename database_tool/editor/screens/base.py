"""What all screens of the editor share: edit, undo, save, play, ask."""

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

from database_tool.editor.dialogs import ChoiceDialog, DecisionDialog, HelpDialog, InputDialog, WorkDialog
from database_tool.editor.edits import Edit, NewClass
from database_tool.editor.playback import AudioExcerpt, SamplePlayer, excerpt_of
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SampleView, Title
from tidzam.errors import TidzamError
from tidzam.progress import Progress

Result = TypeVar("Result")

ERROR_S, MESSAGE_S = 8, 3
"""How long notifications are visible."""


class EditorScreen(Screen[None]):
    """A screen over the session. `fill` shows the current content and is called after each edit."""

    HELP = ""
    """The keys of the screen, for the help dialog."""

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
        """Show the current content of the session."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        self.fill()

    def show_message(self, message: object, *, error: bool = False) -> None:
        """Show a notification."""
        severity, timeout = ("error", ERROR_S) if error else ("information", MESSAGE_S)
        self.notify(str(message), severity=severity, markup=False, timeout=timeout)  # type: ignore[arg-type]

    def show_title(self, activity: str = "") -> None:
        self.query_one(Title).show(self.session, activity)

    def show_sample(self, view: SampleView, sample: int | None) -> None:
        """Show a sample, or an error if its shard cannot be read."""
        try:
            view.show(self.session, sample)
        except (OSError, TidzamError) as error:
            self.show_message(error, error=True)

    def apply(self, *edits: Edit) -> bool:
        """Apply edits and show a message for each. False if one was refused."""
        try:
            for edit in edits:
                self.session.apply(edit)
                self.show_message(edit)
        except TidzamError as error:
            self.show_message(error, error=True)
            return False
        finally:
            self.fill()
        return True

    async def move_to(self, question: str, edit_for: Callable[[str], Edit]) -> bool:
        """Ask for a class, create it if it is new, and apply the edit that `edit_for` returns for it."""
        classes = self.session.content.classes
        label = await self.app.push_screen_wait(ChoiceDialog(question, classes, new=True))
        if not label:
            return False
        return self.apply(*([] if label in classes else [NewClass(label)]), edit_for(label))

    def action_undo(self) -> None:
        edit = self.session.undo()
        self.show_message(f"undone: {edit}" if edit else "nothing to undo")
        self.fill()

    def action_redo(self) -> None:
        edit = self.session.redo()
        self.show_message(f"redone: {edit}" if edit else "nothing to redo")
        self.fill()

    def action_help(self) -> None:
        self.app.push_screen(HelpDialog(self.HELP))

    def action_leave(self) -> None:
        """Stop playback; if nothing is playing, leave the screen."""
        if not self.stop_playback():
            self.dismiss()

    def action_save(self) -> None:
        if self.session.unsaved:
            self.run_worker(self.save())
        else:
            self.show_message("nothing to save")

    async def save(self, folder: Path | None = None) -> bool:
        """Save; False if that failed, which is shown. No edit is lost then."""
        saved = await self.wait_for("Saving", lambda advance: self.session.save(folder, advance=advance))
        if saved is not None:
            self.show_message(f"saved: {saved.folder}")
        self.fill()
        return saved is not None

    async def wait_for(self, activity: str, work: Callable[[Progress], Result]) -> Result | None:
        """Run long work behind a dialog. None if it was cancelled or failed; an error is shown."""
        result = await self.app.push_screen_wait(WorkDialog(activity, work))
        if isinstance(result, TidzamError):
            self.show_message(result, error=True)
            return None
        return result

    async def decide(self, question: str, **answers: str) -> str | None:
        return await self.app.push_screen_wait(DecisionDialog(question, answers))

    async def ask(self, question: str, value: str = "") -> str | None:
        return await self.app.push_screen_wait(InputDialog(question, value)) or None

    @property
    def playing(self) -> bool:
        return self._playing is not None and self._playing.is_running

    def stop_playback(self) -> bool:
        """Stop playback. False if nothing was playing."""
        if not self.playing:
            return False
        assert self._playing is not None
        self._playing.cancel()
        return True

    def play_samples(self, samples: Sequence[int]) -> None:
        """Play samples one after the other, or stop if something is playing. The first error ends playback."""
        session, duration_s = self.session, self.session.dataset.spec.window_s
        self.play_excerpts((sample, partial(excerpt_of, session.origin(sample), duration_s)) for sample in samples)

    def play_excerpts(self, excerpts: Iterable[tuple[int | None, Callable[[], AudioExcerpt]]]) -> None:
        """Play excerpts as they are read; the number is that of the sample, if it is one."""
        if not self.stop_playback():
            self._playing = self.run_worker(self._play(excerpts))

    async def _play(self, excerpts: Iterable[tuple[int | None, Callable[[], AudioExcerpt]]]) -> None:
        try:
            for number, read in excerpts:
                excerpt = await asyncio.to_thread(read)
                name = "" if number is None else f" {number:,}"
                self.show_title(f"▶{name}" + (" (muted: --output none)" if self.player.output == "none" else ""))
                if number is not None:
                    self.on_playing(number)
                await self.player.play(excerpt)
        except (OSError, TidzamError) as error:
            self.show_message(error, error=True)
        finally:
            with suppress(NoMatches):  # the screen may have been left meanwhile
                self.show_title()

    def on_playing(self, number: int) -> None:
        """Called when a sample begins to play."""
