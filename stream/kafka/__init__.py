"""Kafka without Faust: topics, offsets, administration, readers and batches of records."""
