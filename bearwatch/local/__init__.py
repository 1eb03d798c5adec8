"""Everything on one machine: a real Kafka, workers, a feed, Prometheus and Alertmanager as child processes.
Production needs none of it.
"""
