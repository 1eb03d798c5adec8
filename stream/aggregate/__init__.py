"""`classified` messages counted over event time: panes, watermark, state, rates and alerts. Pure but for
recovery, `partition` and `agent`, which do I/O; no formula of a detector is here.
"""
