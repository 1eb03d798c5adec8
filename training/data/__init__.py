"""Labelled and unlabelled files, their splits, leaks between them, augmentation and reports. No network is
trained here.
"""
