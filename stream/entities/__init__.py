"""Watched companies: the watch list, its file, and what of it a text names. It knows nothing of Kafka and messages."""
