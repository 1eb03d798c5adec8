"""The front door: command line, settings, and `up`, everything on one machine."""
