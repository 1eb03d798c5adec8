"""What a trained model is and how it answers: manifest, text preparation, ONNX classifier, the bundled
artifact. It does not train and knows no Kafka.

`from models import Classifier` is the library's entry:

    (answer,) = Classifier.load().classify(["Acme Bank shares plunge after regulator opens probe"])
    answer.predictions["sentiment"].label, answer.model
"""

import os
import sys
from typing import TYPE_CHECKING, Any

from bearwatch.core.telemetry import switch_off

if TYPE_CHECKING:
    from models.classifier import Classifier

__all__ = ["Classifier"]

switch_off(os.environ, sys.modules)


def __getattr__(name: str) -> Any:
    """Import the classifier on first use: `models.text` and `models.manifest` need neither NumPy nor onnxruntime."""
    if name == "Classifier":
        from models.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
