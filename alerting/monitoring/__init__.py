"""Prometheus: the metrics of a worker, and the rules that follow from a policy. Sending notifications is not
here but in `notify`.
"""
