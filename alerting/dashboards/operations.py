"""The dashboard of operations: lag, latency, throughput, rejected and late documents, restarts, size of state."""

from grafana_foundation_sdk.builders import dashboard as build

from alerting.dashboards.frame import OPERATIONS, framed
from alerting.dashboards.panels import (
    EACH_MINUTE,
    EACH_SECOND,
    NUMBER,
    SECONDS,
    Panel,
    bars,
    lines,
    rows,
    stat_panel,
)
from alerting.dashboards.queries import Query, quantiles

UP = 'up{job="bearwatch"}'
LAG = "max by (kafka_topic, partition) (bearwatch_lag_records)"
BEHIND = "time() - max by (partition) (bearwatch_watermark_timestamp_seconds)"
RESTARTS = "sum by (instance) (resets(bearwatch_batch_documents_count[1h]))"


def operations() -> build.Dashboard:
    parts = [
        ("Now", [*_now(), _workers()]),
        ("Keeping up", [_lag(), _watermarks(), _end_to_end(), _throughput()]),
        ("Classifier", [_batches(), _inference(), _busy(), _restarts()]),
        ("Not counted, not explained", [_dead_letters(), _late(), _repeated(), _old(), _unexplained()]),
        ("State", [_stories()]),
        ("Watched companies", [_watched(), _found(), _left_out()]),
    ]
    text = "Lag, latency, throughput, batches, workers, dead letters, late documents, restarts, size of the state."
    return framed(OPERATIONS, "bearwatch: operations", text, "now-1h", [], parts)


def _now() -> list[Panel]:
    last_hour = "in the last hour, all workers together"
    p99 = (
        "histogram_quantile(0.99, sum by (le) (rate(bearwatch_end_to_end_seconds_bucket[$__rate_interval])))"
    )
    dead = "sum(increase(bearwatch_dead_letters_total[1h]))"
    late = "sum(increase(bearwatch_late_documents_total[1h]))"
    one = "all"
    return [
        stat_panel(
            "Workers",
            "Workers that answer Prometheus, and workers that do not.",
            NUMBER,
            [Query(f"sum({UP})", "up"), Query(f"sum(1 - {UP})", "down")],
        ),
        stat_panel(
            "Lag", "Records not yet read, all partitions together.", NUMBER, [Query(f"sum({LAG})", one)]
        ),
        stat_panel(
            "End to end, p99", "From publication to the first evaluation.", SECONDS, [Query(p99, one)], 60
        ),
        stat_panel("Dead letters", f"Documents rejected {last_hour}.", NUMBER, [Query(dead, one)], 1),
        stat_panel(
            "Late documents", f"Documents for a closed pane {last_hour}.", NUMBER, [Query(late, one)], 1
        ),
        stat_panel(
            "Restarts",
            f"Resets of workers' counters {last_hour}; a worker that had read nothing shows none.",
            NUMBER,
            [Query(f"sum({RESTARTS})", one)],
            1,
        ),
    ]


def _workers() -> Panel:
    query = Query("max by (instance, engine, model, policy) (bearwatch_worker_info)", "answers")
    return rows(
        "What the workers run with",
        "Engine, and hashes of model and policy. All workers of one group must have the same model and policy.",
        ["instance", "engine", "model", "policy"],
        [query],
        height=6,
    )


def _lag() -> Panel:
    text = "Records of a topic that are not yet read. Lag grows while the workers are slower than the feed."
    return lines("Lag", text, NUMBER, [Query(f"sum by (kafka_topic) ({LAG})", "{{kafka_topic}}")]).min(0)


def _watermarks() -> Panel:
    return lines(
        "Watermark delay",
        "How far the watermark of each partition is behind the clock. 5 to 30 s are usual; after a start it is "
        "the age of the records being read.",
        SECONDS,
        [Query(BEHIND, "partition {{partition}}")],
    ).min(0)


def _end_to_end() -> Panel:
    return lines(
        "End-to-end latency",
        "From a document's publication to the first evaluation that counts it. Documents from before the worker's "
        "start are left out.",
        SECONDS,
        quantiles("bearwatch_end_to_end_seconds", "stream"),
    )


def _throughput() -> Panel:
    rate = "sum by (stream, outcome) (rate(bearwatch_documents_total[$__rate_interval]))"
    return lines(
        "Throughput", "Documents read per second.", EACH_SECOND, [Query(rate, "{{stream}} {{outcome}}")]
    )


def _batches() -> Panel:
    text = "Documents handed to the classifier at once. Large batches mean a backlog."
    return lines("Batch size", text, NUMBER, quantiles("bearwatch_batch_documents"))


def _inference() -> Panel:
    text = "Time to classify one batch."
    return lines("Time for a batch", text, SECONDS, quantiles("bearwatch_inference_seconds"))


def _busy() -> Panel:
    query = Query(
        "sum by (instance) (rate(bearwatch_inference_seconds_sum[$__rate_interval]))", "{{instance}}"
    )
    text = "Batches in the classifier of a worker, on average. Between 1 and 2, and constant: start more workers."
    return lines("Batches in the classifier", text, NUMBER, [query]).min(0)


def _restarts() -> Panel:
    text = "Resets of workers' counters within the last hour. A worker that had read nothing shows none."
    return lines("Restarts", text, NUMBER, [Query(RESTARTS, "{{instance}}")]).min(0)


def _watched() -> Panel:
    rejected = "sum(increase(bearwatch_rejected_watch_lists_total[1h]))"
    return stat_panel(
        "Watch list",
        "Companies on the watch list, and changes of its file in the last hour that could not be used.",
        NUMBER,
        [Query("max(bearwatch_watched_companies)", "companies"), Query(rejected, "rejected")],
    ).span(8)


def _found() -> Panel:
    text = "Watched companies found per minute; a document may name several."
    return _each_minute("Companies found", text, "companies_found").span(8)


def _left_out() -> Panel:
    text = "Watched companies per minute that do not count because their document names more than 32."
    return _each_minute("Companies left out", text, "companies_left_out").span(8)


def _dead_letters() -> Panel:
    text = "Rejected documents per minute; the dead-letters topic holds them with the reason."
    return _each_minute("Dead letters", text, "dead_letters", "stream", "reason")


def _late() -> Panel:
    text = "Classified documents per minute whose pane was already closed; they are in no window."
    return _each_minute("Late documents", text, "late_documents")


def _repeated() -> Panel:
    text = (
        "Classified documents per minute that are not counted, as later ones of their partition were: read again "
        "after the group's offsets were reset, or of a topic that was recreated."
    )
    return _each_minute("Not counted again", text, "repeated_documents")


def _old() -> Panel:
    text = (
        "Documents per minute that were published more than an hour before their event time, by which they are "
        "counted: most likely history in a topic that is stamped on arrival."
    )
    return _each_minute("Published long before", text, "old_documents")


def _unexplained() -> Panel:
    text = (
        "Alert messages per minute without the words that explain them: the model took too long, or failed."
    )
    return _each_minute("Alerts without words", text, "unexplained_alerts", "reason")


def _each_minute(title: str, text: str, counted: str, *labels: str) -> Panel:
    """Bars of a counter of the workers, by its labels; by stream where none is named."""
    labels = labels or ("stream",)
    rate = f"60 * sum by ({', '.join(labels)}) (rate(bearwatch_{counted}_total[$__rate_interval]))"
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    return bars(title, text, EACH_MINUTE, [Query(rate, legend)])


def _stories() -> Panel:
    text = "Stories that are remembered, by partition. A worker's memory grows with those of its partitions."
    query = Query("max by (partition) (bearwatch_state_stories)", "partition {{partition}}")
    return lines("Stories in the state", text, NUMBER, [query]).min(0)
