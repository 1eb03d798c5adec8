"""What can go wrong with a model artifact, said so that a user can act on it."""

from bearwatch.core.errors import BearwatchError


class ModelError(BearwatchError):
    """An artifact is missing, damaged or unfit for what is asked of it."""


class CudaMissing(ModelError):
    """There is a GPU, but not the libraries that onnxruntime needs to use it."""
