"""Inputs that resemble what a parser expects and differ from it: nothing here knows the parsers."""
