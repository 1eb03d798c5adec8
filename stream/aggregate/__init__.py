"""Classified messages counted over event time. Pure but for `partition` and `agent`, which talk to Kafka."""
