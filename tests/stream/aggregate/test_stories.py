"""Stories: the label is that of the first document, until its pane is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from stream.aggregate.stories import Stories, name_hash, place, story_hash

TODAY = 1_800_000_000 // 15  # a pane


def labels(stories: Stories) -> dict[int, bool]:
    return {story: bool(first & 1) for story, first in stories.first.items()}


def test_a_signature_of_16_hex_digits_is_its_own_hash():
    assert story_hash("0123456789abcdef") == 0x0123456789ABCDE
    assert story_hash("ffffffffffffffff") == 2**60 - 1


def test_any_other_signature_is_hashed():
    for signature in ("story 1", "not hex at all!!", "0123", "0" * 32):
        assert story_hash(signature) == name_hash(signature)


def test_hashes_of_names_have_60_bits_and_differ():
    hashes = {name_hash(f"name {number}") for number in range(1000)}
    assert len(hashes) == 1000
    assert 2**59 < max(hashes) < 2**60
    assert name_hash("a lone surrogate \ud800") != name_hash("a lone surrogate \ud801")


def test_a_place_is_ordered_by_pane_and_carries_the_label():
    assert place(3, False) < place(3, True) < place(4, False)
    assert (place(3, True) >> 1, place(3, True) & 1) == (3, 1)


def test_a_later_document_does_not_change_the_label():
    stories = Stories()
    assert stories.put(7, 10, True) == 0
    assert stories.put(7, 11, False) == 0
    assert labels(stories) == {7: True}
    assert len(stories) == 1


def test_an_earlier_document_brings_its_label():
    stories = Stories()
    stories.put(7, 10, True)
    assert stories.put(7, 9, False) == -1
    assert labels(stories) == {7: False}
    assert stories.put(7, 8, True) == 1
    assert stories.put(7, 7, True) == 0, "it is earlier, and says the same"


def test_the_first_pane_may_change_its_own_label():
    """A late document may be the first one of its pane."""
    stories = Stories()
    stories.put(7, 10, False)
    assert stories.put(7, 10, True) == 1
    assert stories.put(7, 10, True) == 0
    assert stories.put(7, 10, False) == -1


def test_a_later_pane_may_change_its_label_and_gives_it_once_it_is_the_first():
    stories = Stories()
    for pane in (1, 2, 3):
        stories.put(7, pane, False)
    stories.put(7, 2, True)
    stories.archive([7])
    assert list(stories.forget(2)) == [(1, 7, 1)]
    assert labels(stories) == {7: True}
    stories.archive([7])
    assert list(stories.forget(3)) == [(2, 7, -1)]
    assert labels(stories) == {7: False}


def test_what_is_forgotten_lies_before_the_time():
    stories = Stories()
    for pane in (1, 2):
        stories.put(pane, pane, True)
        stories.archive([pane])
    assert list(stories.forget(1)) == []
    assert stories.oldest_archived == 1
    assert list(stories.forget(2)) == [(1, 1, -1)]
    assert stories.oldest_archived == 2
    assert labels(stories) == {2: True}


def test_only_archived_panes_are_forgotten():
    stories = Stories()
    stories.put(7, 1, True)
    assert stories.oldest_archived is None
    assert list(stories.forget(100)) == []
    assert len(stories) == 1


def test_forgetting_gives_memory_back():
    stories = Stories()
    for pane in range(1000):
        stories.put(pane, pane, False)
        stories.archive([pane])
        list(stories.forget(pane - 9))
    assert len(stories) == 10
    assert len(stories._archived) <= 20, (
        "those that are forgotten stay for a while, never longer than the rest"
    )


def test_what_is_left_is_moved_only_after_as_much_was_forgotten():
    """Moving it each time would make forgetting a day of stories quadratic."""
    stories = Stories()
    for pane in range(10):
        stories.put(pane, pane, False)
        stories.archive([pane])
    lengths = []
    for before in (1, 5, 6, 10):
        list(stories.forget(before))
        lengths.append(len(stories._archived))
    assert lengths == [10, 10, 4, 0]


def test_many_are_forgotten_at_once():
    """A key that had no document for two days."""
    stories = Stories()
    for story in range(1000):
        stories.put(story, 5, True)
    stories.archive(range(1000))
    assert list(stories.forget(6)) == [(5, story, -1) for story in range(1000)]
    assert (len(stories), stories.oldest_archived) == (0, None)
    assert list(stories.forget(6)) == []


documents = st.tuples(st.integers(0, 3), st.integers(0, 6), st.booleans())


@given(st.lists(st.tuples(st.lists(documents, max_size=6), st.integers(0, 3)), max_size=15))
def test_labels_are_those_of_the_first_pane_that_is_remembered(rounds):
    """
    pane        TODAY .. forgotten ...... archived ........ archived + 6
    remembered           [------------------------------------------]
    documents                             [-------------------------]
    """
    stories, panes, forgotten, archived = Stories(), {}, TODAY, TODAY
    for drawn, steps in rounds:
        for story, ahead, negative in drawn:
            before = first_labels(panes).get(story)
            panes.setdefault(archived + ahead, {})[story] = negative
            after = first_labels(panes)[story]
            assert stories.put(story, archived + ahead, negative) == after - (
                after if before is None else before
            )
            assert labels(stories) == first_labels(panes)
        for pane in range(archived, archived + steps):
            stories.archive(panes.get(pane, {}))
        archived += steps
        forgotten = max(forgotten, archived - 4)
        dropped = sorted(pane for pane in panes if pane < forgotten)
        expected = [(pane, story) for pane in dropped for story in panes[pane]]
        before = first_labels(panes)
        for pane in dropped:
            del panes[pane]
        found = list(stories.forget(forgotten))
        assert [(pane, story) for pane, story, _ in found] == expected
        for story in {story for _, story in expected}:
            change = sum(change for _, each, change in found if each == story)
            assert change == first_labels(panes).get(story, False) - before[story]
        assert labels(stories) == first_labels(panes)
        assert stories.oldest_archived == min(
            (pane for pane in panes if pane < archived and panes[pane]), default=None
        )


def first_labels(panes: dict[int, dict[int, bool]]) -> dict[int, bool]:
    labels = {}
    for pane in sorted(panes, reverse=True):
        labels.update(panes[pane])
    return labels
