"""One worker process: Faust, the assignment of partitions, ticks, health and shutdown. It holds no step of
the data flow.
"""
