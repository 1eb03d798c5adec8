"""Why an alert fired, for people: history, acknowledgements, wording, web pages, runbooks. It decides nothing
and writes nothing.
"""
