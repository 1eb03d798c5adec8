"""One module per command: options in, a call into the other packages, an exit code out. No logic of theirs is
here.
"""
