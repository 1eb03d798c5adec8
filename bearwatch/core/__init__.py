"""What every package may import: errors, times, stream names, keys, files, the cache folder, near duplicates, and the
switches of what libraries report. It imports nothing else of bearwatch and knows nothing of Kafka, models or alerts.
"""
