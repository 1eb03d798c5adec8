"""What every package may import: errors, times, stream names, keys, files, the cache folder, near duplicates.
It imports nothing else of bearwatch and knows nothing of Kafka, models or alerts.
"""
