"""The live view as plain lines, and the rate of documents."""

import pytest
from alert_messages import alert

from alerting.alerts import Alert
from bearwatch.terminal.display import LINE_SECONDS, Lines, Rate
from bearwatch.terminal.snapshot import Snapshot
from bearwatch.terminal.view import Place


class FakeReader:
    """Stands for AlertReader."""

    def __init__(self) -> None:
        self.messages: list[Alert] = []

    def unread(self) -> list[Alert]:
        messages, self.messages = self.messages, []
        return messages


def test_the_rate_is_a_mean_over_the_last_seconds():
    rate = Rate()
    assert rate.update(100, now=10.0) == 0.0  # one number is not a rate
    assert rate.update(150, now=10.5) == 100.0
    for step in range(2, 11):  # ten updates: the first one is out of the mean
        rate.update(150, now=10.0 + step / 2)
    assert rate.update(150, now=15.5) == 0.0


def test_a_restarted_worker_does_not_give_a_negative_rate():
    rate = Rate()
    rate.update(100, now=0.0)
    assert rate.update(3, now=1.0) == 0.0


def test_lines_show_places_once_the_state_at_intervals_and_each_alert_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    now = 1000.0
    monkeypatch.setattr("bearwatch.terminal.display.time.monotonic", lambda: now)
    reader, snapshot = FakeReader(), Snapshot(state="serving", documents=5)

    def shown() -> list[str]:
        return capsys.readouterr().out.splitlines()

    with Lines(reader, [Place("metrics", "http://127.0.0.1:9108/metrics")]) as lines:
        assert shown() == ["metrics: http://127.0.0.1:9108/metrics"]
        lines.show(snapshot)
        assert [line.split(",")[0] for line in shown()] == ["serving: 5 documents"]
        now += LINE_SECONDS / 2
        reader.messages.append(alert())
        lines.show(snapshot)
        assert shown()[0] == "ALERT firing: critical surge of bad news about Energy | Oil"
        now += LINE_SECONDS / 2
        lines.show(snapshot)
        assert [line.split(",")[0] for line in shown()] == ["serving: 5 documents"]
