"""What must hold in the end, from what was read; no I/O."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

Message = dict[str, Any]


def notified_wrongly(alerts: Iterable[Message], notifications: Iterable[Message]) -> str:
    """What differs between the alerts that fired live and the notifications that fire; empty when nothing does.

    The receiver hears of each of them once, by the rule for warnings, which holds as long as any alert of the key.
    """
    fired = {each["id"]: each for each in alerts if each["state"] == "fired" and not each["historical"]}
    expected = Counter(_name(each["stream"], each.get("topic", "")) for each in fired.values())
    told = [each for each in notifications if each["status"] == "firing"]
    received = Counter(
        _name(each["labels"].get("stream", ""), each["labels"].get("topic", ""), each["labels"]["alertname"])
        for each in told
    )
    parts = [
        *(f"no notification of {name}" for name in (expected - received).elements()),
        *(f"a notification of {name} that should not be" for name in (received - expected).elements()),
    ]
    return ", ".join(parts)


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


def _name(stream: str, topic: str, rule: str = "Surge") -> str:
    return " ".join(part for part in (rule, stream, topic) if part)
