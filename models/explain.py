"""Which words made the model say so: the evidence in an alert."""

from models.classifier import Classifier
from models.text import normalise

MAX_WORDS = 64  # one evaluation each; a headline with its first paragraph has fewer


def decisive_words(classifier: Classifier, text: str, head: str, label: str, limit: int = 5) -> list[str]:
    """The words whose removal lowers the probability of `label` most, the strongest first.

    Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"; for words, Li, Monroe
    and Jurafsky 2016, "Understanding Neural Networks through Representation Erasure". Only the first `MAX_WORDS`
    words are tried, and each spelling is named once.
    """
    words = normalise(text).split()
    tried = range(min(len(words), MAX_WORDS))
    variants = [" ".join(words[:i] + words[i + 1 :]) for i in tried]
    column = classifier.manifest.heads[head].labels.index(label)
    whole, *without = classifier.probabilities([" ".join(words), *variants])[head][:, column].tolist()
    drops = sorted(
        (remaining - whole, i) for i, remaining in zip(tried, without, strict=True) if remaining < whole
    )
    return list(dict.fromkeys(words[i] for _, i in drops))[:limit]
