"""Alerts as plain text. Headlines and notes come from outside, so control characters are removed."""

from datetime import datetime

import msgspec

from alerting.evidence.history import AlertRecord
from alerting.evidence.wording import counts_in_words, moment, state, title
from bearwatch.core.printable import printable, printable_json


def row(record: AlertRecord, now: datetime) -> str:
    """One line of `bearwatch alerts list`, with the counts of the alert's last firing message."""
    alert = record.last_firing
    return printable(
        f"{alert.id}  {alert.severity:<8}  {moment(record.since)}  {alert.key}  "
        f"{alert.negative_stories} of {alert.stories} negative  {state(record, now)}"
    )


def page(record: AlertRecord, now: datetime) -> list[str]:
    """The lines of `bearwatch alerts show`."""
    alert = record.last_firing
    lines = [
        f"{alert.id}  {title(alert)}",
        f"state     {state(record, now)}",
        f"since     {moment(record.since)} UTC",
        f"counts    {counts_in_words(alert)}",
        f"detector  model {alert.model}, policy {alert.policy}",
    ]
    if record.alert.state == "resolved":
        lines.insert(3, f"resolved  {moment(record.alert.window_end)} UTC")
    for story in alert.evidence:
        lines += [
            "",
            f"- {story.text}",
            f"  {story.source}, negative with probability {story.probability:.2f}, {story.url or 'no link'}",
        ]
        if story.words:
            lines.append(f"  decisive words: {', '.join(story.words)}")
    for answer in record.acknowledgements:
        lines += [
            "",
            f"{answer.state} by {answer.by} on {moment(answer.at)} until {moment(answer.until)} UTC: {answer.note}",
            f"  silence {answer.silence or 'none'}",
        ]
    return [printable(line) for line in lines]


def as_json(record: AlertRecord) -> str:
    """An alert as one line of JSON."""
    return printable_json(msgspec.json.encode(record))
