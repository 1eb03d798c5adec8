"""Which words decided a prediction; shown with the stories of an alert."""

from collections.abc import Sequence

from models.classifier import Classifier
from models.text import normalise

MAX_WORDS = 64  # one evaluation each; a headline with its first paragraph has fewer


def decisive_words(
    classifier: Classifier, texts: Sequence[str], head: str, label: str, limit: int = 5
) -> list[list[str]]:
    """For each text the words whose removal lowers the probability of `label` most, the strongest first.

    Occlusion: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"; for words, Li, Monroe
    and Jurafsky 2016, "Understanding Neural Networks through Representation Erasure". Only the first `MAX_WORDS`
    words are tried, and a repeated word is named once. All texts are one call of the classifier, so that it waits only
    once for a busy engine.
    """
    split = [normalise(text).split() for text in texts]
    variants = [_without_each(words) for words in split]
    column = classifier.manifest.heads[head].labels.index(label)
    flat = [variant for variants_of_text in variants for variant in variants_of_text]
    probabilities = iter(classifier.probabilities(flat)[head][:, column].tolist())
    results = []
    for words, variants_of_text in zip(split, variants, strict=True):
        whole, *without = [next(probabilities) for _ in variants_of_text]
        drops = sorted((remaining - whole, i) for i, remaining in enumerate(without) if remaining < whole)
        results.append(list(dict.fromkeys(words[i] for _, i in drops))[:limit])
    return results


def _without_each(words: list[str]) -> list[str]:
    """The whole text, then the text without its first word, its second one, and so on."""
    tried = range(min(len(words), MAX_WORDS))
    return [" ".join(words), *(" ".join(words[:i] + words[i + 1 :]) for i in tried)]
