"""Text preparation: examples, and properties that hold for any text, also a hostile one."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.combining_marks import CANDIDATES, MARKS, MAX_MARKS, is_mark
from models.text import MAX_CHARACTERS, normalise

FRAGMENTS = [
    "<",
    ">",
    "&",
    ";",
    "amp;",
    "lt;",
    "&lt;",
    "&#60;",
    "&#x26;",
    "<b",
    "</p>",
    "<a href='",
    '"',
    "<!--",
]
FRAGMENTS += [
    "-->",
    "<script>",
    "</script>",
    "http://",
    "www.",
    "t.co/",
    "\u200b",
    "\ud800",
    "\u0338",
    "e\u0301",
]
FRAGMENTS += ["\u0344" * 20, "\u0323\u0301" * 20, "\u0f73" * 17, "&#x301;" * 31]
FRAGMENTS += ["\x00", "\x85", "\n", " ", ".", "=", "x", "Oil"]
hostile = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("p < 0.05 and x > 3", "p < 0.05 and x > 3"),
        ("ACME <$5, a <b and c> d, I <3 $ACME", "ACME <$5, a <b and c> d, I <3 $ACME"),
        ("long <AAPL>, short <TSLA>", "long <AAPL>, short <TSLA>"),
        ("AT&T, R&D at Apple&Microsoft", "AT&T, R&D at Apple&Microsoft"),
        ("Oil &amp; gas, &pound;5 &#8211; &#x20AC;6 &nosuch;", "Oil & gas, £5 – €6 &nosuch;"),
        ("<p>Oil&amp;amp;gas<br/>&lt;b class=x&gt;up&lt;/b&gt;</p>", "Oil&gas up"),
        ("a<!-- <b>ad</b> -->b<script>var x = 1</script>c", "a b c"),
        ('<a href="https://x.example/?q=1&amp;r=2" rel=nofollow>ACME</a> falls', "ACME falls"),
        ("read https://t.co/aBc1, or WWW.acme.example/x t.co/xyz", "read or"),
        ("mail me@www.example at budget.co/x", "mail me@www.example at budget.co/x"),
        ("Cafe\u0301\u00a0S.A.\r\n\tdown\u200b\x00 3\u00ad%", "Café S.A. down 3%"),
        ("lone \ud83d surrogate", "lone surrogate"),
        (" \n ", ""),
    ],
)
def test_examples(raw: str, expected: str) -> None:
    assert normalise(raw) == expected


@given(hostile)
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw)
    assert normalise(once) == once


@given(hostile)
def test_the_result_is_clean(raw: str) -> None:
    clean = normalise(raw)
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == " ".join(clean.split())
    assert not {unicodedata.category(character) for character in clean} & {"Cc", "Cs"}
    assert "http://" not in clean
    clean.encode()


@given(st.lists(st.sampled_from(["oil", "rises", "3%", "<", ">", "p<0.05", "R&D", "$ACME", "Zürich", "–"])))
def test_plain_words_survive(words: list[str]) -> None:
    assert normalise(" ".join(words)) == " ".join(words)


def test_deep_escapes_end_without_markup() -> None:
    assert "&" not in normalise("&" + "amp;" * 50 + "lt;b&gt;")


@pytest.mark.timeout(20)  # quadratic time would take hours
@pytest.mark.parametrize("start", ["", "&", "<a "])
@pytest.mark.parametrize(
    "unit", ["<", "&", "amp;", "<a ", '<a x="', "<a x=1 ", "<!--", "<script>", "&#9", "www."]
)
def test_hostile_text_of_900_kb_takes_linear_time(start: str, unit: str) -> None:
    once = normalise(start + unit * (900_000 // len(unit)))
    assert normalise(once) == once


def seconds(text: str) -> float:
    """Processor time, the least of three."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        normalise(text)
        taken.append(time.process_time() - started)
    return min(taken)


@pytest.mark.parametrize(
    "unit",
    [
        "\u0301\u0323",  # two classes: sorting them takes quadratic time
        "\u0344",  # one character that decomposes to two
        "\u0f73",  # the same, and by its class not a mark
        "\u200b\u0301\u200d\u0323",  # marks between which something is dropped
        "&#x301;&#803;",
        "\U0001d165\U0001d16e",
        "<b>",
        "\u3000 \xa0",
        "https://a ",
        "\ufb2c",
        "&amp;",
        "x",
        "\u1100",
    ],
)
def test_four_times_the_text_takes_four_times_the_time(unit: str) -> None:
    """Sixteen times with a step that is quadratic."""
    short, long = ("a" + unit * (length // len(unit)) for length in (MAX_CHARACTERS // 4, MAX_CHARACTERS))
    assert seconds(long) < 10 * seconds(short) + 0.02


def test_marks_of_two_classes_are_cut_where_they_are_sorted_late() -> None:
    marks = "\u0301" * (MAX_CHARACTERS // 2) + "\u0323" * (MAX_CHARACTERS // 2)
    assert seconds("a" + marks) < 10 * seconds("a" + marks[: MAX_CHARACTERS // 4]) + 0.02
    assert normalise("a" + "\u0301" * 300_000 + "b") == "\u00e1" + "\u0301" * (MAX_MARKS - 1)


def test_as_many_marks_as_a_language_writes_stay() -> None:
    stacked = "e\u0302\u0323\u0301 o" + "\u0308" * MAX_MARKS + " n"
    assert normalise(stacked) == unicodedata.normalize("NFC", stacked)
    assert normalise("o" + "\u0308" * 99 + "il") == unicodedata.normalize(
        "NFC", "o" + "\u0308" * MAX_MARKS + "il"
    )


def test_every_mark_of_unicode_is_known() -> None:
    def moves(character: str) -> bool:
        return all(map(unicodedata.combining, unicodedata.normalize("NFD", character)))

    marks = {chr(point) for point in range(0x110000) if moves(chr(point))}
    assert marks == {chr(point) for point in MARKS if is_mark(chr(point))}
    assert not [mark for mark in marks if not CANDIDATES.fullmatch(mark * (MAX_MARKS + 1))]
