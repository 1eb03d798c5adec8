"""`python -m bearwatch`: the same as the command `bearwatch`."""

import sys
from pathlib import Path

# `python -m` looks for modules in the current folder first. A folder there that is named `models`, `stream` or `tests`
# must not hide ours, so it is taken off the path, unless this package was found there.
if not sys.flags.safe_path and Path(sys.path[0]).absolute() != Path(__file__).absolute().parents[1]:
    del sys.path[0]

from bearwatch.cli import main

main()
