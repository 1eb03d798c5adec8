"""One module per command; `bearwatch.cli` loads the one that is asked for."""
