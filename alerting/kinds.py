"""The kinds of alert on a key: a kind has its metric, its rules and its words once it stands here."""

from dataclasses import dataclass
from typing import Final

SURGE: Final = "surge"


@dataclass(frozen=True)
class Kind:
    """How alerts of a kind are named and told."""

    name: str
    title: str
    description: str


_READING = """\
{{- $key := printf `stream=%q, topic=%q` $labels.stream $labels.topic -}}
{{- with query (printf `bottomk(1, max by (window) (bearwatch_window_p_value{%s}))` $key) -}}
{{- $window := (first .).Labels.window -}}
{{- $in := printf `{%s, window=%q}` $key $window -}}
{{ printf `max(bearwatch_window_negative_stories%s)` $in | query | first | value }} of \
{{ printf `max(bearwatch_window_stories%s)` $in | query | first | value }} stories \
of the last {{ $window }} are negative: \
{{ printf `100 * max(bearwatch_window_negative_ratio%s)` $in | query | first | value | printf "%.0f" }}%, \
usual are {{ printf `100 * max(bearwatch_baseline_ratio{%s})` $key | query | first | value | printf "%.0f" }}%.
{{- else -}}
The share of negative stories is far above the usual one.
{{- end -}}
"""

KINDS = {SURGE: Kind("Surge", "surge of bad news about {{ $labels.topic }} ({{ $labels.stream }})", _READING)}
