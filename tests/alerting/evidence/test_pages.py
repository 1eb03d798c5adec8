"""The pages: whatever a feed sends stays text, and only web addresses become links."""

import pytest
from alert_messages import NOW, STORY, acknowledgement, alert, record
from html_tags import Tags

from alerting.alerts import Evidence as Story
from alerting.evidence.pages import alert_page, is_web, list_page, parts

EVIL = "</li><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}"


def test_texts_stay_texts():
    story = Story(
        text=EVIL, source=EVIL, url=f"https://a.example/{EVIL}", probability=0.5, words=("script", EVIL)
    )
    bad = record(
        alert(evidence=(story,), topic=EVIL, key=f"news/topic:{EVIL}", model=EVIL),
        acknowledgement(note=EVIL, by=EVIL),
    )
    for page in (alert_page(bad, NOW), list_page([bad], NOW)):
        found = Tags(page)
        assert not {"script", "img"} & {tag for tag, _ in found.tags}
        assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
        assert "alert(1)" in found.text and "{{ 7*7 }}" in found.text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "JaVaScRiPt:x",
        "//evil.example",
        "file:///x",
        "http://[",
        "http://user:password@a.example/",
        "https://bank.example@evil.example/",
        "https://@evil.example",
        "https://evil.example\\@bank.example/",
        "https:\\\\evil.example",
        "",
        None,
    ],
)
def test_only_web_addresses_become_links(url: str | None):
    assert not is_web(url)
    page = Tags(
        alert_page(record(alert(evidence=(Story(text="x", source="y", url=url, probability=0.5),))), NOW)
    )
    links = {attributes.get("href") for tag, attributes in page.tags if tag == "a"}
    assert links == {"/alerts", "/alerts/0123456789abcdef.json"}


def test_a_web_address_is_a_link():
    page = Tags(alert_page(record(alert()), NOW))
    (link,) = [each for tag, each in page.tags if tag == "a" and each["href"] == STORY.url]
    assert link["rel"] == "noopener noreferrer nofollow"


def test_words_are_marked_whole():
    story = Story(text="Burns burn: refinery burns", source="s", probability=0.5, words=("burns", "a+b"))
    assert parts(story) == [("Burns", True), (" burn: refinery ", False), ("burns", True)]
    assert parts(Story(text="calm", source="s", probability=0.5)) == [("calm", False)]
