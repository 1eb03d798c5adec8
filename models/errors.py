"""Errors of model artifacts and engines; each message says what is wrong, where, and what to do."""

from bearwatch.core.errors import BearwatchError


class ModelError(BearwatchError):
    """An artifact is missing or damaged, or cannot be used in the way that was asked for."""


class CudaMissing(ModelError):
    """There is a GPU, but not the libraries that onnxruntime needs to use it."""
