"""The history: the `alerts` topic as one record per alert."""

from datetime import timedelta

import pytest
from alert_messages import NOW, acknowledgement, alert, record

from alerting.errors import AlertingError
from alerting.evidence.history import AlertHistory


def test_a_record_follows_its_alert():
    updated = alert(state="updated", negative_stories=12, stories=13, window_end=NOW + timedelta(minutes=1))
    over = alert(state="resolved", negative_stories=1, window_end=NOW + timedelta(minutes=9), evidence=())
    followed = record(alert(), acknowledgement(), updated, over)
    assert (followed.since, followed.alert, followed.last_firing) == (NOW, over, updated)
    assert followed.acknowledgements == (acknowledgement(),)


def test_the_last_answer_holds_while_the_alert_fires():
    later = acknowledgement(by="Lee", state="snoozed", until=NOW + timedelta(minutes=5))
    messages = [alert(), acknowledgement(), later]
    assert record(*messages).acknowledged(NOW) == later
    assert record(*messages).acknowledged(later.until) is None
    assert record(*messages, alert(state="resolved")).acknowledged(NOW) is None


def test_memory_is_bounded():
    history = AlertHistory(keep=2)
    for letter in "abc":
        history.add(alert(id=letter))
    history.add(acknowledgement(id="a"))
    for number in range(100):
        history.add(acknowledgement(id="c", note=str(number)))
    assert [each.alert.id for each in history.newest_first()] == ["c", "b"]
    assert [each.note for each in history.find("c").acknowledgements] == [str(n) for n in range(80, 100)]


def test_the_newest_alert_of_a_key_is_one_that_pages():
    history = AlertHistory()
    history.add(alert(id="old"))
    history.add(alert(id="new"))
    history.add(alert(id="past", historical=True))
    history.add(alert(id="other", stream="comments", key="comments/topic:Energy | Oil"))
    labels = {"stream": "news", "topic": "Energy | Oil", "kind": "surge"}
    found = history.newest_of(labels)
    assert found is not None and found.alert.id == "new"
    assert history.newest_of({**labels, "topic": "Macro"}) is None
    assert history.newest_of({**labels, "entity": "ACME"}) is None


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(AlertingError, match="nearest known one is 0123456789abcdef"):
        _known().find("0123456789abcdee")
    with pytest.raises(AlertingError, match="no alerts yet"):
        AlertHistory().find("x")


def _known() -> AlertHistory:
    history = AlertHistory()
    history.add(alert())
    return history
