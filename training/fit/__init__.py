"""The training run: network, optimisation, teachers, base models, run folder and tracking. It exports nothing."""
