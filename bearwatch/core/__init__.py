"""The ground of every package: errors, times, streams, keys, files. It imports nothing else of bearwatch."""
