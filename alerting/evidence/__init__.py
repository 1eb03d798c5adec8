"""Why an alert fired, for people: history, acknowledgements, wording and web pages."""
