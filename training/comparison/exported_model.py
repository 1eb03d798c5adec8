"""An exported model as a cell of a comparison; does not load torch."""

from pathlib import Path

from models.classifier import Classifier
from training.comparison.cells import Trained


def exported(
    folder: Path,
    chosen: str = "",
    training_seconds: float | None = None,
    peak_memory_bytes: int | None = None,
) -> Trained:
    """The artifact in `folder`, loaded as for serving; the other arguments are passed on. Raises ModelError."""
    classifier = Classifier.load(folder)
    return Trained(
        predict=classifier.probabilities,
        probabilities=True,
        chosen=chosen,
        training_seconds=training_seconds,
        peak_memory_bytes=peak_memory_bytes,
        size_bytes=sum((folder / file).stat().st_size for file in classifier.manifest.files),
        engine=classifier.engine_name,
    )
