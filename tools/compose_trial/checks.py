"""What must hold in the end, from what was read; no I/O."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

Message = dict[str, Any]


# On a busy machine, and while Kafka starts again, documents do take longer than the rule allows.
MAY_COME = {"EndToEndSlow"}


def notified_wrongly(alerts: Iterable[Message], notifications: Iterable[Message]) -> str:
    """What differs between the alerts that fired live and the notifications that fire; empty when nothing does.

    The receiver hears of each of them once, by the rule for warnings, which holds as long as any alert of the key.
    """
    live = {each["id"]: each for each in alerts if each["state"] != "resolved" and not each["historical"]}
    expected = Counter(f"Surge {each['stream']} {each.get('topic', '')}" for each in live.values())
    received = Counter(
        notification_name(each["labels"])
        for each in notifications
        if each["status"] == "firing" and each["labels"]["alertname"] not in MAY_COME
    )
    parts = [
        *(f"no notification of {name}" for name in (expected - received).elements()),
        *(f"a notification of {name} that should not be" for name in (received - expected).elements()),
    ]
    return ", ".join(parts)


def notification_name(labels: dict[str, str]) -> str:
    """The rule and, where it is about one, the key."""
    return " ".join(labels[name] for name in ("alertname", "stream", "topic") if name in labels)


def counted_wrongly(read: Message, sent_before: int, since: float) -> str:
    """What is wrong with the counts; empty when every document counts once and windows go on after `since`."""
    if read["sent"] <= sent_before:
        return "nothing more has been sent"
    if read["missing"]:
        return f"{read['missing']} of {read['sent']} documents are not classified"
    if read["newest"] <= since:
        newest = datetime.fromtimestamp(read["newest"]).astimezone()
        return f"no window ends later than {newest:%H:%M:%S}"
    return (
        f"{len(read['wrong_rates'])} counts are wrong: {read['wrong_rates'][0]}"
        if read["wrong_rates"]
        else ""
    )
