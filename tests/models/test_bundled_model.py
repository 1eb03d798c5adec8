"""The bundled model: plain examples that every release must classify as a person would."""

import pytest

from models.classifier import BUNDLED, Classifier
from models.engines import CPU, FP32
from models.explain import decisive_words
from models.manifest import load_manifest

NEGATIVE = [
    "ACME shares plunge 18% after profit warning",
    "Bank collapses as losses mount and regulators step in",
    "Retailer files for bankruptcy and cuts 4,000 jobs",
]
POSITIVE = [
    "ACME shares surge to a record high after strong earnings beat",
    "Chipmaker raises full-year outlook as demand booms, stock jumps",
    "Airline upgraded to buy, shares rally 9%",
]
TOPICS = {
    "Oil prices fall as OPEC raises output, crude inventories climb": "Energy | Oil",
    "The Federal Reserve raises interest rates by 25 basis points, Powell says": "Fed | Central Banks",
    "ACME declares quarterly dividend of $0.25 per share": "Dividend",
    "Gold slips as the dollar strengthens": "Gold | Metals | Materials",
    "ACME names Jane Doe as new chief executive officer": "Personnel Change",
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(engine=CPU)


def test_it_is_complete_and_small() -> None:
    manifest = load_manifest(BUNDLED)
    assert len(manifest.heads["topic"].labels) == 20
    assert manifest.heads["sentiment"].labels == ("negative", "neutral", "positive")
    assert sum(file.stat().st_size for file in BUNDLED.iterdir()) <= 50_000_000
    assert manifest.datasets and manifest.metrics and manifest.versions


@pytest.mark.parametrize("text", NEGATIVE)
def test_bad_news(classifier: Classifier, text: str) -> None:
    assert classifier.classify([text])[0].predictions["sentiment"].label == "negative"


@pytest.mark.parametrize("text", POSITIVE)
def test_good_news(classifier: Classifier, text: str) -> None:
    assert classifier.classify([text])[0].predictions["sentiment"].label == "positive"


@pytest.mark.parametrize(("text", "topic"), TOPICS.items())
def test_topics(classifier: Classifier, text: str, topic: str) -> None:
    assert classifier.classify([text])[0].predictions["topic"].label == topic


def test_neither_the_batch_nor_the_engine_changes_a_label(classifier: Classifier) -> None:
    texts = [*NEGATIVE, *POSITIVE, *TOPICS]
    together = classifier.classify(texts)
    assert [classifier.classify([text])[0] for text in texts] == together
    other = Classifier.load(engine=FP32).classify(texts)
    for ours, theirs in zip(together, other, strict=True):
        for head, prediction in ours.predictions.items():
            assert prediction.label == theirs.predictions[head].label
            assert prediction.probability == pytest.approx(theirs.predictions[head].probability, abs=1e-4)


def test_the_decisive_words_of_bad_news(classifier: Classifier) -> None:
    (words,) = decisive_words(classifier, NEGATIVE[:1], "sentiment", "negative")
    assert set(words) & {"plunge", "warning"}
