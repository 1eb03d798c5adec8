"""Labelled and unlabelled files, splits, leaks and reports on them."""
