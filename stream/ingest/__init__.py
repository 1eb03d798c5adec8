"""Feeds into Kafka: lines of a file, their timestamps, the producer."""
