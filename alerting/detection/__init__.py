"""What an alert is: the policy, the baseline and the detector. No formula stands outside this package."""
