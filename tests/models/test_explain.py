"""The decisive words of a prediction: those whose removal lowers its probability."""

import pytest
from tiny_bert import WORDS, write_tiny_bert

from models.classifier import Classifier
from models.engines import CPU
from models.explain import decisive_words


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(write_tiny_bert(tmp_path_factory.mktemp("tiny")), CPU, threads=2)


def test_decisive_words_are_those_that_lower_the_probability(classifier: Classifier) -> None:
    words = WORDS[20:30]
    label = classifier.classify([" ".join(words)])[0].predictions["topic"].label
    column = classifier.manifest.heads["topic"].labels.index(label)
    found, same = decisive_words(classifier, [" ".join(words)] * 2, "topic", label, limit=3)
    assert found == same

    def probability(kept: list[str]) -> float:
        return float(classifier.probabilities([" ".join(kept)])["topic"][0, column])

    without = {word: probability([w for w in words if w != word]) for word in words}
    expected = sorted((w for w in words if without[w] < probability(words)), key=lambda w: without[w])
    assert 1 <= len(found) <= 3
    assert found == expected[:3]


def test_decisive_words_of_empty_and_of_long_texts(classifier: Classifier) -> None:
    nothing, long = decisive_words(classifier, ["<br> ", "w1 " * 10_000], "topic", "topic 1")
    assert nothing == []
    assert set(long) <= {"w1"}
    assert decisive_words(classifier, [], "topic", "topic 1") == []
