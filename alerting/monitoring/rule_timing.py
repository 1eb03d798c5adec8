"""The times of the Prometheus rules, computed from the policy and the workers' session timeout.

They hold for a scrape interval of 15 s as well as for the shipped 5 s. The time from the publication of the
deciding story to the webhook, under the shipped policy:

    the story waits for the end of its pane      0 to 15 s   7.5 s at the median
    maximum out-of-orderness                            5 s
    the second evaluation that confirms                15 s
    classification; the watermark of an idle
    partition is advanced by the clock           0 to  5 s   2.5 s
    the next scrape (5 s)                         0 to  5 s   2.5 s
    the next evaluation of the rules (5 s)        0 to  5 s   2.5 s
    group_wait of Alertmanager                          1 s
                                                   together    36 s at the median, 51 s at the most

`python -m benchmarks.notification` measures them: 12 surges gave 6.9, 5, 15, 2.8, 3.2 (scrape and rules) and 1.0 s at
the median, together 34.1 s and 39.5 s at the most, on two idle cores; 38.9 s and 47.6 s with other work on them.
"""

import math
from dataclasses import dataclass

from alerting.detection.policy import Policy
from alerting.errors import PolicyError
from alerting.monitoring.metrics import END_TO_END_SECONDS

SLOWEST_SCRAPE_SECONDS = 15
WORKER_START_SECONDS = 45  # to load the model, join the group and read the state
OPERATIONS_INTERVAL_SECONDS = 15


@dataclass(frozen=True)
class Timing:
    surge_interval_seconds: int  # how often rules about keys are evaluated
    handover_seconds: int  # the longest time for which a key that changes its worker has no series
    objective_seconds: float  # a document should be evaluated within this; a bound of the histogram
    behind_seconds: int  # a watermark this far behind the clock is a fault


def timing(policy: Policy, session_timeout_seconds: float) -> Timing:
    """The times of the rules under a policy.

    Raises:
        PolicyError: no bound of the latency histogram is long enough.
    """
    every = policy.windows.evaluate_every_seconds
    # After a kill the session timeout must pass; the next worker may have to start, evaluate and be scraped,
    # and one more scrape may be missed: 20 + 45 + 15 + 2 * 15 = 110 s, rounded up to 2 min.
    handover = session_timeout_seconds + WORKER_START_SECONDS + every + 2 * SLOWEST_SCRAPE_SECONDS
    return Timing(
        surge_interval_seconds=max(1, every // 3),
        handover_seconds=30 * math.ceil(handover / 30),
        objective_seconds=_objective(policy),
        # Beyond historical_after_seconds a surge pages nobody; a third of it leaves time to act.
        behind_seconds=max(60, int(policy.time.historical_after_seconds / 3)),
    )


def _objective(policy: Policy) -> float:
    """Twice what an idle system needs: 2 * (15 + 5 + 5) = 50 s, the next bound of the histogram is 60 s."""
    time = policy.time
    usual = (
        policy.windows.evaluate_every_seconds + time.max_out_of_orderness_seconds + time.idle_after_seconds
    )
    for bound in END_TO_END_SECONDS:
        if bound >= 2 * usual:
            return float(bound)
    raise PolicyError(
        f"an evaluation takes {usual:g} s under this policy; bearwatch_end_to_end_seconds has no bound at twice "
        "that, so no objective can be measured; lower max_out_of_orderness_seconds or evaluate_every_seconds"
    )
