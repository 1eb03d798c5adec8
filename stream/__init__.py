"""Documents in, classified and counted over event time, rates and alerts out. When to alert is not decided
here but in `alerting`.
"""
