"""What a trained model is and how it answers: manifest, text preparation, ONNX classifier, the bundled
artifact. It does not train and knows no Kafka.

`from models import Classifier` is the library's entry:

    (answer,) = Classifier.load().classify(["Acme Bank shares plunge after regulator opens probe"])
    answer.predictions["sentiment"].label, answer.model
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.classifier import Classifier

__all__ = ["Classifier"]


def __getattr__(name: str) -> Any:
    """Import the classifier on first use: `models.text` and `models.manifest` need neither NumPy nor onnxruntime."""
    if name == "Classifier":
        from models.classifier import Classifier

        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
