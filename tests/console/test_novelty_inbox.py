"""The novelty inbox: which sounds are in it, in which groups, and what people say about them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from sqlalchemy import delete, select, update
from starlette.testclient import TestClient

from console.services.novelty_inbox.candidates import unjudged
from console.services.novelty_inbox.inbox import NoveltyInbox
from console.services.novelty_inbox.models import GroupOrder, NoveltyInboxView, NoveltyQuery
from console.services.search.network import ExampleNetwork
from tests.support import indexed_sound as support
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.eventually import eventually
from tests.support.indexed_sound import HIGH_HZ, LOW_HZ, MIDDLE_HZ, START, WINDOW
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import detection
from tests.support.training import SPEC, tone
from tidzam.config import Settings
from tidzam.naming import clip_stem
from tidzam.paths import cache_folder, models_folder
from tidzam.store.database import Store, open_store
from tidzam.store.records import DetectionRecord
from tidzam.store.tables.annotations import AnnotationRow, TagRow
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict, VerificationRow
from tidzam.store.tables.models import ClassRow
from tidzam.store.writer import StoreWriter

TONES = (HIGH_HZ, LOW_HZ, HIGH_HZ * 1.02, MIDDLE_HZ, HIGH_HZ * 0.98, LOW_HZ * 1.02)
"""Three sounds of one kind, two of another, and one of its own."""
KINDS = [{0, 2, 4}, {1, 5}, {3}]
WAIT_S = 60.0


def novel(number: int, **changes: Any) -> DetectionRecord:
    """A detection of the window `number` of the recording."""
    start = START + number * WINDOW
    values = {"node": support.NODE, "path": ("novel",), "start": start, "end": start + WINDOW, "model": "marsh-novelty"}
    return detection(number, **(values | changes))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which each of TONES was compared: to load the network takes seconds."""
    home = tmp_path_factory.mktemp("compared")
    settings = support.settings_of(home)
    with open_store(settings.store, home) as store:
        fill(store, home)
        assert view(settings, store).compared == len(TONES)
    return home


def fill(store: Store, home: Path) -> None:
    """Record each of TONES, all of them novel."""
    support.write_recording(store, home / "recordings", [(hz,) for hz in TONES])
    StoreWriter(store).write([novel(number) for number in range(len(TONES))])


@pytest.fixture
def recorded(store: Store, tmp_path: Path, compared: Path) -> Settings:
    """The settings of a node that recorded each of TONES, all of them novel, and has compared them before."""
    shutil.copytree(cache_folder(compared), cache_folder(tmp_path))
    fill(store, tmp_path)
    return support.settings_of(tmp_path)


@pytest.fixture
def fresh(store: Store, tmp_path: Path) -> Settings:
    """The same, but nothing was compared yet."""
    fill(store, tmp_path)
    return support.settings_of(tmp_path)


def view(settings: Settings, store: Store, **query: Any) -> NoveltyInboxView:
    """What is in the inbox once all sounds are compared."""
    network = ExampleNetwork()
    try:
        return NoveltyInbox(settings, store, network).view(NoveltyQuery(**query), wait_s=WAIT_S)
    finally:
        network.close()


def windows(store: Store, ids: tuple[int, ...]) -> set[int]:
    """The numbers of the windows of detections."""
    with store.read() as session:
        starts = session.scalars(select(DetectionRow.start).where(DetectionRow.id.in_(ids)))
        return {round((start - START) / WINDOW) for start in starts}


def test_sounds_that_are_alike_are_one_group_and_the_largest_is_first(fresh: Settings, store: Store) -> None:
    assert [windows(store, group.ids) for group in view(fresh, store).groups] == KINDS


def test_the_newest_group_is_first_if_that_is_wanted(recorded: Settings, store: Store) -> None:
    found = view(recorded, store, order=GroupOrder.NEWEST).groups
    assert [windows(store, group.ids) for group in found] == [KINDS[1], KINDS[0], KINDS[2]]


def test_loose_groups_are_fewer(recorded: Settings, store: Store) -> None:
    assert len(view(recorded, store, looseness=10).groups) == 1


def test_a_group_names_its_channels_and_its_period(recorded: Settings, store: Store) -> None:
    group = view(recorded, store).groups[0]
    assert (group.channels, group.first, group.last) == (("pond:out_0",), START, START + 4 * WINDOW)


def test_few_sounds_of_a_large_group_are_described(recorded: Settings, store: Store) -> None:
    found = view(recorded, store, sounds=2, limit=1)
    assert ([len(group.sounds) for group in found.groups], found.total_groups) == ([2], 3)


@pytest.mark.parametrize(
    "changes",
    [{"path": ("birds", "wren")}, {"is_open": True}, {"path": ("novel", "wren")}],
    ids=["another class", "still heard", "below it"],
)
def test_other_detections_are_not_in_the_inbox(store: Store, changes: dict[str, Any]) -> None:
    StoreWriter(store).write([novel(1, **changes), novel(2)])
    with store.read() as session:
        assert [one.start for one in unjudged(session)] == [START + 2 * WINDOW]


def test_the_newest_sounds_are_considered(store: Store) -> None:
    StoreWriter(store).write([novel(number) for number in range(9)])
    with store.read() as session:
        assert [one.start for one in unjudged(session, limit=2)] == [START + 8 * WINDOW, START + 7 * WINDOW]


def test_a_sound_that_was_not_recorded_is_listed_apart(fresh: Settings, store: Store) -> None:
    StoreWriter(store).write([novel(9000)])
    found = view(fresh, store)
    assert ([one.start for one in found.without_sound], found.compared) == ([START + 9000 * WINDOW], 6)


def test_clips_are_compared_where_nothing_is_recorded(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    clips = []
    for number, hz in enumerate(TONES):
        start = START + number * WINDOW
        clip = folder / "novel" / f"{clip_stem('pond:out_0', start)}.flac"
        clip.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(clip, tone(hz, SPEC.window_s), SPEC.rate_hz)
        clips.append(novel(number, clip=str(clip.relative_to(folder))))
    StoreWriter(store).write(clips)
    sinks = {"analyzer": {"sinks": [{"type": "clips", "folder": folder}]}}
    settings = Settings.model_validate(support.settings_of(tmp_path).model_dump(exclude_unset=True) | sinks)
    assert [windows(store, group.ids) for group in view(settings, store).groups] == KINDS


def test_what_was_compared_is_known_after_a_restart(recorded: Settings, store: Store, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "recordings")
    assert view(recorded, store).compared == len(TONES)


def test_a_view_does_not_wait_longer_than_it_may(fresh: Settings, store: Store) -> None:
    network = ExampleNetwork()
    inbox = NoveltyInbox(fresh, store, network)
    with network._turns.one():  # as if another search computed
        found = inbox.view(NoveltyQuery(), wait_s=0)
    assert (found.compared + found.waiting, found.sounds) == (6, 6)
    assert inbox.view(NoveltyQuery(), wait_s=WAIT_S).waiting == 0
    inbox.close()
    network.close()


def test_without_its_bundle_the_reason_is_stated_and_nothing_is_lost(
    recorded: Settings, store: Store, tmp_path: Path
) -> None:
    shutil.rmtree(models_folder(tmp_path) / support.BASE)
    found = view(recorded, store)
    assert (found.groups, len(found.without_sound), "no model called" in str(found.fault)) == ((), 6, True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, compared: Path) -> Iterator[ConsoleUnderTest]:
    """A console with the sounds of TONES. To make one takes a second."""
    home = tmp_path_factory.mktemp("shared")
    shutil.copytree(cache_folder(compared), cache_folder(home))
    support.settings_of(home)
    with console_with_profile(home, {"search": {"base": support.BASE}}) as console:
        fill(console.store, home)
        yield console
        console.runtime.novelty.close()
        console.runtime.examples.close()


@pytest.fixture
def inbox(shared: ConsoleUnderTest) -> ConsoleUnderTest:
    """The same console, in which nobody has said anything yet."""
    with shared.store.write() as session:
        for table in (AnnotationRow, VerificationRow):
            session.execute(delete(table))
        session.execute(delete(DetectionRow).where(DetectionRow.start >= START + len(TONES) * WINDOW))
        session.execute(update(DetectionRow).values(verdict=None))
    return shared


@pytest.fixture
def annotator(inbox: ConsoleUnderTest) -> TestClient:
    return inbox.logged_in("annotator")


def groups(client: TestClient) -> list[list[int]]:
    """The numbers of the sounds of each group, once all are compared."""
    eventually(lambda: client.get("/api/v1/novelty").json()["waiting"] == 0, what="all sounds are compared")
    return [one["ids"] for one in client.get("/api/v1/novelty").json()["groups"]]


def made_annotations(store: Store) -> list[tuple[Any, str]]:
    query = select(AnnotationRow.start, TagRow.name).join(TagRow, TagRow.id == AnnotationRow.tag_id)
    with store.read() as session:
        return [(start, tag) for start, tag in session.execute(query.order_by(AnnotationRow.start))]


def test_a_name_makes_annotations_and_empties_the_group(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    first, *others = groups(annotator)
    made = annotator.post("/api/v1/novelty/name", json={"ids": first, "tag": " squeak "}).json()
    assert (sorted(made["ids"]), made["annotations"], made["skipped"]) == (sorted(first), 3, 0)
    assert made_annotations(inbox.store) == [(START + number * WINDOW, "squeak") for number in sorted(KINDS[0])]
    assert groups(annotator) == others


def test_a_name_is_the_other_class_of_the_detection(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    StoreWriter(inbox.store).write([novel(20, path=("birds", "wren"))])
    first = groups(annotator)[0]
    annotator.post("/api/v1/novelty/name", json={"ids": first, "tag": "wren"})
    query = select(VerificationRow.verdict, ClassRow.path).join(ClassRow, ClassRow.id == VerificationRow.class_id)
    with inbox.store.read() as session:
        assert {(verdict, path) for verdict, path in session.execute(query)} == {
            (DetectionVerdict.OTHER_CLASS, "birds/wren")
        }


def test_a_sound_that_somebody_else_has_judged_is_skipped(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    first = groups(annotator)[0]
    inbox.logged_in("admin").post("/api/v1/detections/verdicts", json={"ids": first[:1], "verdict": "unsure"})
    made = annotator.post("/api/v1/novelty/name", json={"ids": first, "tag": "squeak"}).json()
    assert (sorted(made["ids"]), made["skipped"]) == (sorted(first[1:]), 1)


def test_only_novel_sounds_are_named_here(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    StoreWriter(inbox.store).write([novel(20, path=("birds", "wren"))])
    number = annotator.get("/api/v1/detections?class=birds/wren").json()["detections"][0]["id"]
    made = annotator.post("/api/v1/novelty/name", json={"ids": [number], "tag": "squeak"}).json()
    assert (made["ids"], made_annotations(inbox.store)) == ([], [])


@pytest.mark.parametrize("tag", ["novel", "unknown", "a/b", " "])
def test_what_is_no_name_is_refused(annotator: TestClient, tag: str) -> None:
    refused = annotator.post("/api/v1/novelty/name", json={"ids": [1], "tag": tag})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "tag")


def test_what_is_dismissed_leaves_the_inbox_as_wrong(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    first, *others = groups(annotator)
    annotator.post("/api/v1/novelty/dismiss", json={"ids": first})
    assert (groups(annotator), made_annotations(inbox.store)) == (others, [])
    judged = annotator.get("/api/v1/detections?verdict=wrong").json()["detections"]
    assert sorted(one["id"] for one in judged) == sorted(first)


def test_an_answer_is_taken_back_with_its_annotations(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    before = groups(annotator)
    annotator.post("/api/v1/novelty/name", json={"ids": before[0], "tag": "squeak"})
    restored = annotator.post("/api/v1/novelty/restore", json={"ids": before[0], "tag": "squeak"}).json()
    assert (restored["annotations"], groups(annotator), made_annotations(inbox.store)) == (3, before, [])


def test_an_annotation_that_was_changed_meanwhile_stays(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    first = groups(annotator)[0]
    annotator.post("/api/v1/novelty/name", json={"ids": first, "tag": "squeak"})
    one = annotator.get("/api/v1/annotations").json()["items"][0]
    annotator.patch(f"/api/v1/annotations/{one['id']}", json={"version": 1, "low_hz": 100})
    annotator.post("/api/v1/novelty/restore", json={"ids": first, "tag": "squeak"})
    assert len(made_annotations(inbox.store)) == 1


def test_the_page_names_a_group_without_what_is_left_out(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    first = groups(annotator)[0]
    form = {"ids": ",".join(map(str, first)), "left_out": [str(first[0])], "tag": "squeak"}
    page = annotator.post("/novelty/name", data=form)
    assert "2 annotations made" in page.text
    assert [first[0]] in groups(annotator)


def test_the_page_shows_why_a_name_is_refused(annotator: TestClient) -> None:
    page = annotator.post("/novelty/name", data={"ids": "1", "tag": "a/b"})
    assert (page.status_code, page.headers["HX-Retarget"]) == (200, "find .novel-fault")
    assert "contains a slash" in page.text


@pytest.mark.parametrize("answer", ["name", "dismiss"])
def test_the_page_says_that_every_sound_was_left_out(annotator: TestClient, answer: str) -> None:
    ids = groups(annotator)[0]
    data = {"ids": ",".join(map(str, ids)), "left_out": [str(one) for one in ids], "tag": "whistle"}
    response = annotator.post(f"/novelty/{answer}", data=data)
    assert (response.status_code, response.headers["HX-Retarget"]) == (200, "find .novel-fault")
    assert "no sound left" in response.text


def test_the_page_of_a_viewer_offers_no_answer(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    groups(annotator)
    page = inbox.logged_in("viewer").get("/novelty").text
    assert ("3 sounds" in page, "/novelty/dismiss" in page) == (True, False)


def test_all_sounds_of_a_group_are_shown(annotator: TestClient) -> None:
    first = groups(annotator)[0]
    page = annotator.get(f"/novelty/sounds?of={first[-1]}").text
    assert [f"/detections/{number}/sound" in page for number in first] == [True, True, True]


def test_the_state_says_that_there_are_newer_sounds(annotator: TestClient) -> None:
    groups(annotator)
    assert "Show newer" in annotator.get("/novelty/state?newest=1&compared=6").text


def test_a_name_reaches_browsers(inbox: ConsoleUnderTest, annotator: TestClient) -> None:
    first = groups(annotator)[0]
    before = inbox.runtime.live.notices.last
    annotator.post("/api/v1/novelty/name", json={"ids": first, "tag": "squeak"})
    assert inbox.runtime.live.notices.last > before
