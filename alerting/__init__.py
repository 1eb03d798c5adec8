"""When to alert and how it reaches people: policy, detector, alerts, metrics."""
