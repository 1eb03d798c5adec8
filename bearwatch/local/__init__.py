"""Everything on one machine: a real Kafka, the worker, a feed, the monitoring. Production needs none of it."""
