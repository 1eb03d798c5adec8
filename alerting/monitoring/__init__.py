"""Prometheus: the metrics of a worker and the rules that belong to a policy."""
