"""Keys as text: read and written the same, and a wrong one is a short error."""

import pytest

from bearwatch.core.key import Key, _remembered


@pytest.mark.parametrize(
    "text", ["news/topic:Energy | Oil", "comments/entity:ACME", "news/source:a/b: c", "news/topic: "]
)
def test_a_key_is_read_and_written_the_same(text: str):
    assert str(Key.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the stream is ''"),
        ("News/topic:x", "the stream is 'News', expected news or comments"),
        ("news/person:x", "it is about 'person', expected one of topic, entity, source"),
        ("news/topic:", "the name is missing"),
        ("news", "it is about ''"),
        ("\x1b[31m" + "x" * 1_000_000, "the stream is '·.31mxx"),
        ("news/" + "x" * 1_000_000, "it is about 'xxx"),
    ],
)
def test_what_is_not_a_key_is_a_short_error(text: str, reason: str):
    with pytest.raises(ValueError, match=reason) as refused:
        Key.parse(text)
    assert len(str(refused.value)) < 700 and str(refused.value).isprintable()


def test_long_names_are_not_kept_in_memory():
    """65,536 names of a megabyte, which a topic may hold, would be 64 GiB."""
    before = _remembered.cache_info().currsize
    for number in range(100):
        assert Key.parse(f"news/topic:{number}" + "x" * 1000).name.endswith("x")
    assert _remembered.cache_info().currsize == before
    Key.parse("news/topic:a name that no other test uses")
    assert _remembered.cache_info().currsize == before + 1
