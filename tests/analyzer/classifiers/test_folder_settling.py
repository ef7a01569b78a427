"""When a change of folders counts, on a fake clock."""

from analyzer.classifiers.folder_settling import FolderSettling


def observed(*states: tuple[float, str], settle_s: float = 2.0) -> list[float]:
    """The times at which a change of the state `old` counts."""
    settling = FolderSettling("old", settle_s=settle_s)
    return [now_s for now_s, state in states if settling.observe(state, now_s)]


def test_what_is_known_is_no_change() -> None:
    assert observed((0, "old"), (100, "old")) == []


def test_a_change_counts_once_it_has_lasted() -> None:
    assert observed((10, "new"), (11.9, "new"), (12, "new")) == [12]


def test_a_change_counts_once() -> None:
    assert observed((10, "new"), (12, "new"), (13, "new"), (99, "new")) == [12]


def test_each_further_change_restarts_the_time() -> None:
    assert observed((10, "half"), (11.5, "most"), (13, "all"), (14.9, "all"), (15, "all")) == [15]


def test_a_change_that_is_undone_in_time_does_not_count() -> None:
    assert observed((10, "new"), (11, "old"), (20, "old")) == []


def test_going_back_after_a_change_counted_is_a_change() -> None:
    assert observed((10, "new"), (12, "new"), (20, "old"), (22, "old")) == [12, 22]


def test_what_was_accepted_is_no_change() -> None:
    settling = FolderSettling("old", settle_s=2.0)
    settling.observe("new", 10)
    settling.accept("new")
    assert not settling.observe("new", 20)


def test_a_change_after_what_was_accepted_counts() -> None:
    settling = FolderSettling("old", settle_s=2.0)
    settling.accept("new")
    settling.observe("newer", 10)
    assert settling.observe("newer", 12)
