"""Training needs torch and transformers, which serving does without; said plainly where they are missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from training.errors import TrainingError


@contextmanager
def training_extra() -> Iterator[None]:
    """Around the imports that need the extra."""
    try:
        yield
    except ImportError as error:
        raise TrainingError(
            f"{error}; install the training extra: pip install 'bearwatch[train]', or `make training` in a clone"
        ) from error
