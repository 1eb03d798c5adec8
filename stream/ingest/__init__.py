"""Feeds into Kafka: lines of a file, timestamp assignment, the producer of documents. Documents are not
classified here.
"""
