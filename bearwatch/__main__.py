"""Where the command begins: `bearwatch`, or `python -m bearwatch`."""

import sys
from pathlib import Path


def main() -> None:
    """Load the command line and run it; exit code 130 also where Ctrl-C comes while modules are loaded."""
    try:
        from bearwatch.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    # `python -m` looks for modules in the current folder first. A folder there that is named `models`, `stream` or
    # `tests` must not hide ours, so it is taken off the path, unless this package was found there.
    if not sys.flags.safe_path and Path(sys.path[0]).absolute() != Path(__file__).absolute().parents[1]:
        del sys.path[0]
    main()
