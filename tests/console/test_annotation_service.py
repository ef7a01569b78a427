"""Annotations in both kinds of store: written by several people at once, counted, and kept apart from their users."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import delete, select

from console.services.annotations import tags
from console.services.annotations.conflict import AnnotationConflictError
from console.services.annotations.models import AnnotationChange, AnnotationSearch
from console.services.annotations.service import AnnotationService
from tests.support.annotations import ANNOTATOR, CHANNEL, DAWN, annotation_service, request
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.errors import RequestError
from tidzam.store.database import Store
from tidzam.store.tables.accounts import UserRow
from tidzam.store.tables.annotations import AnnotationRow, TagRow

ALL = AnnotationSearch()


@pytest.fixture
def service(store: Store, tmp_path: Path) -> AnnotationService:
    return annotation_service(store, tmp_path)


def test_of_two_who_change_a_version_at_once_one_is_refused_with_what_the_other_made(
    service: AnnotationService,
) -> None:
    made, ready = service.add(ANNOTATOR, request()), Barrier(2)

    def change(tag: str) -> str | AnnotationConflictError:
        ready.wait()
        try:
            return service.change(ANNOTATOR, made.id, AnnotationChange(version=1, tag=tag)).tag
        except AnnotationConflictError as error:
            return error

    with ThreadPoolExecutor(2) as people:
        results = list(people.map(change, ["robin", "blackbird"]))
    (won,) = (one for one in results if isinstance(one, str))
    (refused,) = (one for one in results if isinstance(one, AnnotationConflictError))
    assert refused.current is not None
    assert (refused.current.tag, refused.current.version) == (won, 2)


def test_who_changes_what_was_deleted_is_told_so(service: AnnotationService) -> None:
    made = service.add(ANNOTATOR, request())
    service.delete(ANNOTATOR, made.id, 1)
    with pytest.raises(AnnotationConflictError) as refused:
        service.change(ANNOTATOR, made.id, AnnotationChange(version=1, tag="robin"))
    assert refused.value.current is None


def test_an_older_version_is_not_deleted(service: AnnotationService) -> None:
    made = service.add(ANNOTATOR, request())
    service.change(ANNOTATOR, made.id, AnnotationChange(version=1, tag="robin"))
    with pytest.raises(AnnotationConflictError):
        service.delete(ANNOTATOR, made.id, 1)


def test_many_people_may_make_annotations_with_new_tags_at_once(service: AnnotationService) -> None:
    names = ("wren", "robin", "blackbird")
    service.add(ANNOTATOR, request())  # the channel is there
    with ThreadPoolExecutor(6) as people:
        made = list(people.map(lambda n: service.add(ANNOTATOR, request(n, tag=names[n % 3])), range(30)))
    assert len({one.id for one in made}) == 30
    assert [one.name for one in tags.list_tags(service.store)] == sorted(names)


def test_a_change_leaves_what_it_does_not_name(service: AnnotationService) -> None:
    made = service.add(ANNOTATOR, request(low_hz=2000, high_hz=8000.5))
    changed = service.change(ANNOTATOR, made.id, AnnotationChange(version=1, low_hz=None))
    assert changed == made.model_copy(update={"low_hz": None, "version": 2})


def test_days_are_those_of_the_nodes_clock(service: AnnotationService) -> None:
    for hours in (17.4, 17.6):  # 23:54 and 00:06 in Paris
        service.add(ANNOTATOR, request(3600 * hours))
    assert [(one.day, one.annotations) for one in service.count(ALL).days] == [
        (date(2026, 5, 1), 1),
        (date(2026, 5, 2), 1),
    ]


def test_the_day_follows_a_change_of_the_beginning(service: AnnotationService) -> None:
    made = service.add(ANNOTATOR, request())
    later = request(86400)
    service.change(ANNOTATOR, made.id, AnnotationChange(version=1, start=later.start, end=later.end))
    assert [one.day for one in service.count(ALL).days] == [date(2026, 5, 2)]


@pytest.mark.parametrize(
    ("first_s", "last_s", "found"), [(0, 2, [0]), (1.9, 3, [0]), (2, 3, []), (-5, 0, []), (-5, 0.1, [0]), (9, 99, [10])]
)
def test_annotations_that_reach_into_a_period_are_found(
    service: AnnotationService, first_s: float, last_s: float, found: Sequence[float]
) -> None:
    for at_s in (0, 10):
        service.add(ANNOTATOR, request(at_s))
    period = {"from": request(first_s).start, "to": request(last_s).start, "channel": CHANNEL}
    items = service.find(AnnotationSearch.model_validate(period)).items
    assert [(one.start - DAWN).total_seconds() for one in items] == found


def test_pages_have_each_annotation_once(service: AnnotationService) -> None:
    made = [service.add(ANNOTATOR, request(number // 2)).id for number in range(7)]
    pages: list[int] = []
    before = None
    while True:
        page = service.find(ALL, limit=3, before=before)
        pages += [one.id for one in page.items]
        before = page.next
        if before is None:
            break
    assert pages == made[::-1]


def test_a_tag_that_annotations_have_is_not_removed(service: AnnotationService) -> None:
    service.add(ANNOTATOR, request())
    with pytest.raises(RequestError, match="that of 1 annotation"):
        tags.remove_tag(service.store, ANNOTATOR, "wren", now=DAWN)


def test_a_tag_is_not_renamed_to_another_one(service: AnnotationService) -> None:
    for name in ("wren", "robin"):
        tags.add_tag(service.store, ANNOTATOR, name, now=DAWN)
    with pytest.raises(RequestError) as refused:
        tags.rename_tag(service.store, ANNOTATOR, "wren", "robin", now=DAWN)
    assert refused.value.code == "tag_exists"
    assert [one.name for one in tags.list_tags(service.store)] == ["robin", "wren"]


def test_an_annotation_outlives_its_author(service: AnnotationService) -> None:
    with service.store.write() as session:
        user = UserRow(name="ana", role="annotator", created=DAWN, password_changed=DAWN)
        session.add(user)
        session.flush()
        number = user.id
    made = service.add(ANNOTATOR.__class__(permissions=frozenset(), address="", name="ana", user_id=number), request())
    assert made.author == "ana"
    with service.store.write() as session:
        session.execute(delete(UserRow))
    (left,) = service.find(ALL).items
    assert left.author is None


def test_what_is_refused_leaves_nothing(service: AnnotationService) -> None:
    with pytest.raises(RequestError):
        service.add(ANNOTATOR, request(tag="unknown"))
    with service.store.read() as session:
        assert session.scalars(select(AnnotationRow.id)).all() == []
        assert session.scalars(select(TagRow.id)).all() == []
