"""Where the command begins: `bearwatch`, or `python -m bearwatch`."""

import sys
from pathlib import Path

from bearwatch.core.stop_signals import exit_on_interrupt


def main() -> None:
    """Load the command line and run it."""
    with exit_on_interrupt():
        from bearwatch.cli import main as run
    run()


if __name__ == "__main__":
    # `python -m` looks for modules in the current folder first. A folder there that is named `models`, `stream` or
    # `tests` must not hide ours, so it is taken off the path, unless this package was found there.
    if not sys.flags.safe_path and Path(sys.path[0]).absolute() != Path(__file__).absolute().parents[1]:
        del sys.path[0]
    main()
