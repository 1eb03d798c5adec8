"""The canonical form of a text, also of one that no feed would send."""

import pytest

from bearwatch.core.canonical import canonical


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ACME &amp; Norwick: profit&nbsp;falls! https://acme.example/x", "acme norwick profit falls"),
        ("oil &#8364; &#x41; up", "oil a up"),
        ("oil &#" + "9" * 100_000 + "; up", "oil up"),
        ("oil &#" + "0" * 5000 + "65 up", "oil up"),
        ("oil &#x" + "f" * 100_000 + "; up", "oil up"),
        ("&" * 100_000 + "oil", "oil"),
    ],
)
def test_examples(raw: str, expected: str) -> None:
    assert canonical(raw) == expected
