"""Why an alert fired, for people: history, acknowledgements, wording and web pages. It decides nothing and
writes nothing.
"""
