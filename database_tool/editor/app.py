"""The editor: its screens, and the way from one to the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from textual import work
from textual.app import App

from database_tool.editor.audio_source import AudioSourceFile
from database_tool.editor.duplicates import find_duplicates
from database_tool.editor.formatting import path_of
from database_tool.editor.label_errors import find_label_issues
from database_tool.editor.playback import SamplePlayer
from database_tool.editor.screens.browse import BrowseScreen
from database_tool.editor.screens.cut import CutScreen
from database_tool.editor.screens.review import DuplicatesScreen, LabelIssuesScreen
from database_tool.editor.session import EditorSession
from tidzam.bundle import read_bundle


class Editor(App[None]):
    """The editor of one dataset. `bundle` is asked for label errors, `stream` is what is cut from at first."""

    TITLE = "Tidzam dataset editor"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        session: EditorSession,
        player: SamplePlayer,
        *,
        bundle: Path | None = None,
        stream: AudioSourceFile | None = None,
    ) -> None:
        super().__init__()
        self.session, self.player = session, player
        self.bundle, self.stream = bundle, stream
        self.browse = BrowseScreen(session, player)

    def on_mount(self) -> None:
        self.push_screen(self.browse)
        if self.stream is not None:
            self.push_screen(CutScreen(self.session, self.player, self.stream))

    @work
    async def action_duplicates(self) -> None:
        samples, where = self.browse.samples, self.browse.label or "all classes"
        session = self.session
        pairs = await self.browse.wait_for(
            f"Comparing {len(samples):,} samples of {where}",
            lambda advance: find_duplicates(session.features, samples, advance=advance),
        )
        if pairs:
            self.push_screen(DuplicatesScreen(session, self.player, pairs))
        elif pairs is not None:
            self.browse.tell(f"no near-duplicates among {len(samples):,} samples of {where}")

    @work
    async def action_doubts(self) -> None:
        session = self.session
        if self.bundle is None:
            folder = await self.browse.ask("Folder of the bundle that is to judge the labels")
            if folder is None:
                return
            self.bundle = path_of(folder)
        path = self.bundle
        doubts = await self.browse.wait_for(
            f"Asking {path.name} about {int(np.count_nonzero(session.content.labels >= 0)):,} samples",
            lambda advance: find_label_issues(
                session.content, session.dataset.spec, session.features, read_bundle(path), advance=advance
            ),
        )
        if doubts:
            self.push_screen(LabelIssuesScreen(session, self.player, doubts))
            return
        self.bundle = self.bundle if doubts is not None else None  # ask again for one that can be used
        if doubts is not None:
            self.browse.tell(f"{path.name} contradicts no label")

    @work
    async def action_cut(self) -> None:
        if self.stream is None:
            path = await self.browse.ask("Sound file to cut samples from")
            if path is None:
                return
            self.stream = await self.browse.wait_for("Opening", lambda advance: AudioSourceFile.open(path_of(path)))
            if self.stream is None:
                return
        self.push_screen(CutScreen(self.session, self.player, self.stream))

    @work
    async def action_leave(self) -> None:
        if self.session.unsaved:
            count = len(self.session.edits)
            answer = await self.browse.decide(
                f"{count} edit{'s are' if count != 1 else ' is'} not saved.", s="save and quit", d="discard and quit"
            )
            if answer is None or (answer == "s" and not await self.browse.save()):
                return
        self.browse.hush()
        self.exit()

    async def action_quit(self) -> None:
        """Ctrl-Q asks as well."""
        self.action_leave()
