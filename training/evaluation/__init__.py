"""How good a model is: metrics, intervals, calibration, slices and their report. It changes no model."""
