"""One worker process: Faust, the assignment of partitions, ticks, health and shutdown."""
