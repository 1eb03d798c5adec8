"""`python -m bearwatch`: the same as the command `bearwatch`."""

from bearwatch.cli import main

main()
