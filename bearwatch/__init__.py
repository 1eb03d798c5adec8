"""The command line, its settings and texts for people. What classifies, counts and alerts is not here but in
`models`, `stream` and `alerting`.
"""

__version__ = "0.2.0"
