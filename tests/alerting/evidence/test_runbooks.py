"""The runbooks as pages: headings, lists and code appear as such, and nothing else in a runbook becomes a tag."""

from pathlib import Path

import pytest
from ask_pages import ask
from html_tags import Tags

from alerting.evidence.runbooks import RUNBOOKS, runbook_page
from alerting.evidence.server import Evidence

EVIL = "</li><script>alert(1)</script><img src=x onerror=alert(2)>&{{ 7*7 }}"


def test_a_runbook_is_a_page_with_headings_lists_and_code():
    ((status, page, headers),) = ask(Evidence(), "/runbooks/Surge")
    found = Tags(page)
    assert status == 200 and headers["X-Content-Type-Options"] == "nosniff"
    assert {"h1", "strong", "code", "pre", "ul", "li"} <= {tag for tag, _ in found.tags}
    assert "Meaning." in found.text and "bearwatch alerts list" in found.text


def test_all_runbooks_are_listed_and_the_links_lead_to_them():
    ((status, page, _),) = ask(Evidence(), "/runbooks")
    links = [attributes["href"] for tag, attributes in Tags(page).tags if tag == "a"]
    assert status == 200 and len(links) == len(RUNBOOKS) > 10
    assert [answer[0] for answer in ask(Evidence(), *map(str, links))] == [200] * len(links)


def test_only_runbooks_are_served():
    for path in (
        "/runbooks/surge",
        "/runbooks/Surge.md",
        "/runbooks/..%2Ferrors.py",
        "/runbooks/%3Cscript%3E",
    ):
        ((status, text, headers),) = ask(Evidence(), path)
        assert (
            status == 404
            and "all are at /runbooks" in text
            and headers["Content-Type"].startswith("text/plain")
        )


def test_what_a_runbook_says_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "Evil.md").write_text(f"# Evil\n\n{EVIL} [a](javascript:alert(3)) `<b>` **strong**\n")
    monkeypatch.setitem(RUNBOOKS, "Evil", tmp_path / "Evil.md")
    found = Tags(runbook_page("Evil"))
    assert not {"script", "img", "b"} & {tag for tag, _ in found.tags}
    assert not any("javascript" in (attributes.get("href") or "") for _, attributes in found.tags)
    assert "alert(1)" in found.text and "{{ 7*7 }}" in found.text and "<b>" in found.text
