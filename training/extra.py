"""Training needs torch and transformers, which serving does not; a clear error where they are missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from training.errors import TrainingError


@contextmanager
def training_extra() -> Iterator[None]:
    """A context for imports that need the training extra. Raises TrainingError where a package is missing."""
    try:
        yield
    except ImportError as error:
        raise TrainingError(
            f"{error}; install the training extra: pip install 'bearwatch[train]', or `make training` in a clone"
        ) from error
