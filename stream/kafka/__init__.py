"""Kafka without Faust: connections, topics, offsets, administration, following a topic, batches of records.
It classifies and counts nothing.
"""
