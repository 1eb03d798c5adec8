"""Documents in, `classified` messages out; `document` and `progress` are pure, the rest does I/O. Nothing is
counted here.
"""
