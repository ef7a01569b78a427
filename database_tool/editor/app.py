"""The editor application: its screens and how one leads to another."""

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
from tidzam.text import plural


class Editor(App[None]):
    """The editor of one dataset. `bundle` is used to find label errors; `source` is the file to cut samples from."""

    TITLE = "Tidzam dataset editor"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        session: EditorSession,
        player: SamplePlayer,
        *,
        bundle: Path | None = None,
        source: AudioSourceFile | None = None,
    ) -> None:
        super().__init__()
        self.session, self.player = session, player
        self.bundle, self.source = bundle, source
        self.browse = BrowseScreen(session, player)

    def on_mount(self) -> None:
        self.push_screen(self.browse)
        if self.source is not None:
            self.push_screen(CutScreen(self.session, self.player, self.source))

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
            self.browse.show_message(f"no near-duplicates among {len(samples):,} samples of {where}")

    @work
    async def action_label_issues(self) -> None:
        session = self.session
        if self.bundle is None:
            folder = await self.browse.ask("Bundle to check the labels with (folder)")
            if folder is None:
                return
            self.bundle = path_of(folder)
        path = self.bundle
        issues = await self.browse.wait_for(
            f"Classifying {int(np.count_nonzero(session.content.labels >= 0)):,} samples with {path.name}",
            lambda advance: find_label_issues(
                session.content, session.dataset.spec, session.features, read_bundle(path), advance=advance
            ),
        )
        if issues:
            self.push_screen(LabelIssuesScreen(session, self.player, issues))
            return
        if issues is None:
            self.bundle = None  # ask for another one next time
        else:
            self.browse.show_message(f"{path.name} contradicts no label")

    @work
    async def action_cut(self) -> None:
        if self.source is None:
            path = await self.browse.ask("Audio file to cut samples from")
            if path is None:
                return
            self.source = await self.browse.wait_for("Opening", lambda advance: AudioSourceFile.open(path_of(path)))
            if self.source is None:
                return
        self.push_screen(CutScreen(self.session, self.player, self.source))

    @work
    async def action_leave(self) -> None:
        if self.session.unsaved:
            answer = await self.browse.decide(
                f"{plural(len(self.session.edits), 'unsaved edit')}.", s="save and quit", d="discard and quit"
            )
            if answer is None or (answer == "s" and not await self.browse.save()):
                return
        self.browse.stop_playback()
        self.exit()

    async def action_quit(self) -> None:
        """Ctrl-Q asks about unsaved edits, too."""
        self.action_leave()
