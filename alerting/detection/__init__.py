"""The policy, the baseline, window scores and the state of alerts. No formula stands outside this package,
and no I/O inside it but reading a policy file.
"""
