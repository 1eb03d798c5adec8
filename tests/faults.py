"""A surge during a fault: each fault on a stack of its own, and what the receiver was notified of.

    python tests/faults.py [FAULT ...]

Every stack has two workers, real Kafka, Prometheus and Alertmanager, the shipped rules and configuration, and a
policy of minutes. The receiver must be notified once that the surge fires and once that it is resolved. Five to eight
minutes per fault; without arguments all of them, one after the other. Exits with 1 when a notification came twice or
never.
"""

import argparse
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent / "support"))

from prometheus_client.parser import text_string_to_metric_families
from surge_watch import END_SECONDS, POLICY, TOPIC, Watch, watched
from webhook_double import Mode, WebhookDouble

from alerting.notify.notices import Notification
from bearwatch.local.ports import HOST
from stream.errors import StreamError

BROKEN_SECONDS = 75.0  # longer than Alertmanager's interval between two attempts at a group

Fault = Callable[[Watch], None]


def no_fault(watch: Watch) -> None:
    """two workers, one surge"""
    watch.begin()
    watch.end()


def webhook_down(watch: Watch) -> None:
    """the webhook is down when the surge begins"""
    watch.running.processes["webhook"].stop()
    watch.news_feed.begin(TOPIC)
    watch.wait_until("Alertmanager has failed to notify", lambda: failed_notifications(watch) > 0)
    watch.wait(BROKEN_SECONDS)
    watch.running.processes["webhook"].start()
    watch.begin()
    watch.end()


def webhook_answers_500(watch: Watch) -> None:
    """the webhook answers 500"""
    _broken(watch, "error")


def webhook_answers_garbage(watch: Watch) -> None:
    """the webhook answers something that is not HTTP"""
    _broken(watch, "garbage")


def _broken(watch: Watch, mode: Mode) -> None:
    receiver = watch.running.processes["webhook"]
    receiver.stop()
    with WebhookDouble(mode, watch.ports.webhook) as double:
        watch.news_feed.begin(TOPIC)
        watch.wait_until("Alertmanager sends", lambda: bool(double.bodies))
        watch.wait(BROKEN_SECONDS)
    receiver.start()
    watch.begin()
    watch.end()


def webhook_slow(watch: Watch) -> None:
    """the webhook takes 30 s to answer"""
    receiver = watch.running.processes["webhook"]
    receiver.stop()
    with WebhookDouble("slow", watch.ports.webhook) as double:
        watch.news_feed.begin(TOPIC)
        watch.wait_until("Alertmanager sends", lambda: bool(_statuses(double)))
        watch.wait(BROKEN_SECONDS + double.slow_seconds)
        assert _statuses(double) == ["firing"], f"the slow receiver got {_statuses(double)}"
        watch.news_feed.end(TOPIC)
        watch.wait_until(
            "the slow receiver is notified of the end", lambda: "resolved" in _statuses(double), END_SECONDS
        )
        watch.wait(BROKEN_SECONDS)
        assert _statuses(double) == ["firing", "resolved"], f"the slow receiver got {_statuses(double)}"


def _statuses(double: WebhookDouble) -> list[str]:
    notices = [each for body in double.bodies for each in msgspec.json.decode(body, type=Notification).alerts]
    return [each.status for each in notices if each.labels.get("topic") == TOPIC]


def failed_notifications(watch: Watch) -> float:
    """How many requests to the webhook have failed, as Alertmanager counts them."""
    address = f"http://{HOST}:{watch.ports.alertmanager}/metrics"
    with urllib.request.urlopen(address, timeout=60) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "alertmanager_notification_requests_failed_total"
    )


def alertmanager_restarted(watch: Watch) -> None:
    """Alertmanager is restarted between firing and resolved"""
    watch.begin()
    watch.wait(5)
    watch.running.processes["alertmanager"].stop()
    watch.running.processes["alertmanager"].start()
    watch.wait(BROKEN_SECONDS)
    watch.end()


def prometheus_restarted(watch: Watch) -> None:
    """Prometheus is restarted during a surge"""
    watch.begin()
    watch.running.processes["prometheus"].stop()
    watch.wait(30)
    watch.running.processes["prometheus"].start()
    watch.wait(BROKEN_SECONDS)
    watch.end()


def worker_killed(watch: Watch) -> None:
    """both workers are killed (-9), one after the other, while their alert is active"""
    watch.begin()
    for worker in watch.running.workers:
        worker.signal(signal.SIGKILL)
        watch.wait(40)
    watch.wait(BROKEN_SECONDS)
    watch.end()


def wrong_token(watch: Watch) -> None:
    """the receiver and Alertmanager have different tokens when the surge begins"""
    receiver = watch.running.processes["webhook"]
    right, other = receiver.command, watch.folder / "other-token"
    other.write_text("another")
    place = list(right).index("--token-file") + 1
    receiver.stop()
    receiver.command = [*right[:place], str(other), *right[place + 1 :]]
    receiver.start()
    watch.news_feed.begin(TOPIC)
    watch.wait_until("Alertmanager is rejected", lambda: failed_notifications(watch) > 0)
    watch.wait(BROKEN_SECONDS)
    assert not watch.notified(TOPIC), "the receiver took a notification with a wrong token"
    receiver.stop()
    receiver.command = right
    receiver.start()
    watch.begin()
    watch.end()


def policy_changed(watch: Watch) -> None:
    """the policy changes and the workers are restarted, one after the other, while an alert fires"""
    watch.begin()
    policy = watch.folder / "policy.toml"
    policy.write_text(policy.read_text().replace("[surge]", "[surge]\nmin_sources = 3\nclear_p_value = 0.02"))
    for worker in watch.running.workers:
        worker.signal(signal.SIGTERM)
        watch.wait(30)
    watch.wait(BROKEN_SECONDS)
    watch.end()


FAULTS: dict[str, Fault] = {
    each.__name__: each
    for each in (
        no_fault,
        webhook_down,
        webhook_slow,
        webhook_answers_500,
        webhook_answers_garbage,
        alertmanager_restarted,
        prometheus_restarted,
        worker_killed,
        wrong_token,
        policy_changed,
    )
}


def outcome(name: str) -> tuple[bool, str]:
    """Whether it went well, and what the receiver was notified of."""
    folder = Path(tempfile.mkdtemp(prefix=f"bearwatch-{name}-"))
    policy = folder / "policy.toml"
    policy.write_text(POLICY.read_text())
    started = time.monotonic()
    try:
        with watched(folder, workers=2, policy=policy) as watch:
            FAULTS[name](watch)
            notified = watch.notified(TOPIC)
    except (AssertionError, StreamError, OSError, msgspec.MsgspecError) as error:
        return False, f"{error}; logs in {folder}"
    right = notified == ([] if name == "webhook_slow" else ["firing", "resolved"])  # the slow one is a double
    words = ", ".join(notified) or "the double: firing, resolved"
    return right, f"{words}; {time.monotonic() - started:.0f} s{'' if right else f'; logs in {folder}'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("fault", nargs="*", metavar="FAULT", help=", ".join(FAULTS))
    names = parser.parse_args().fault or list(FAULTS)
    if unknown := set(names) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; known are {', '.join(FAULTS)}")
    failed = False
    for name in names:
        right, notified = outcome(name)
        failed |= not right
        print(f"{'ok  ' if right else 'FAIL'}  {FAULTS[name].__doc__:80}  {notified}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
