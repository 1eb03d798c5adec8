"""Alerts as texts for the terminal."""

import json

from alert_messages import NOW, STORY, acknowledgement, alert, record

from alerting.alerts import Evidence
from bearwatch.terminal.alert_text import as_json, page, row


def test_control_characters_do_not_reach_the_terminal():
    evil = "\x1b]0;owned\x07\x9b2J\u202eevil\r\n"
    story = Evidence(text=evil, source=evil, url=evil, probability=0.5, words=(evil,))
    bad = record(
        alert(evidence=(story,), topic=evil, key=f"news/topic:{evil}"), acknowledgement(note=evil, by=evil)
    )
    for line in (row(bad, NOW), as_json(bad), *page(bad, NOW)):
        assert line.isprintable()
    assert json.loads(as_json(bad))["alert"]["evidence"][0]["text"] == evil


def test_a_page_shows_state_counts_story_and_answer():
    text = "\n".join(page(record(alert(), acknowledgement(silence="s-1")), NOW))
    for part in (
        "critical surge of bad news about Energy | Oil",
        "firing, acknowledged by Kim until 2026-11-24 14:00 UTC",
        "9 of 10 stories negative (90%, usual 20%, 4.5 times) from 5 sources in 15 min",
        STORY.text, "Wire, negative with probability 0.90, https://wire.example/1", "burns, explosion",
        "on it", "silence s-1",
    ):  # fmt: skip
        assert part in text, text
