"""The training run: network, optimisation, teachers, run folder and tracking."""
