"""How far the model reads the sample feed as it was meant: per topic, mood and stream, and for each surge.

python -m benchmarks.sample_labels [--seed 7] [--days 4] [--model FOLDER] [--show-misread]
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bearwatch.sample import SampleDocument, SampleWorld, documents
from bearwatch.sample.surges import surge
from models.classifier import BUNDLED, Classifier

ANCHOR = datetime(2025, 11, 25, 12, tzinfo=UTC).timestamp()
SURGES = 12


def report(classifier: Classifier, found: Iterable[SampleDocument], show_misread: bool) -> None:
    """One line per (topic, mood, stream): texts, then the shares read with the topic, the mood and both."""
    texts = list({d.text: d for d in found if not d.text.startswith("RT @")}.values())
    groups: dict[tuple[str, str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for document, labels in zip(texts, classifier.classify([d.text for d in texts]), strict=True):
        topic, sentiment = (labels.predictions[head].label for head in ("topic", "sentiment"))
        right = (topic == document.intended_topic, sentiment == document.intended_sentiment)
        groups[document.intended_topic, document.intended_sentiment, document.stream].append(right)
        if show_misread and not all(right):
            print(f"    {topic}, {sentiment}, not {document.intended_sentiment}: {document.text}")
    for (topic, mood, stream), hits in sorted(groups.items()):
        shares = (sum(t for t, _ in hits), sum(s for _, s in hits), sum(t and s for t, s in hits))
        figures = "  ".join(
            f"{name} {n / len(hits):4.0%}" for name, n in zip(("topic", "mood", "both"), shares, strict=True)
        )
        print(f"{topic:28} {mood:9} {stream:9} {len(hits):5}  {figures}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=float, default=4.0)
    parser.add_argument("--model", type=Path, default=BUNDLED)
    parser.add_argument("--show-misread", action="store_true")
    options = parser.parse_args()
    world = SampleWorld(options.seed, ANCHOR)
    classifier = Classifier.load(options.model)
    ordinary = documents(world, ANCHOR - options.days * 86400, ANCHOR)
    report(classifier, (d for d in ordinary if "surge" not in d.id), options.show_misread)
    for index in range(SURGES):
        event = surge(world, index)
        print(f"\nsurge {index}: {event.scenario}")
        of_surge = (d for d in documents(world, event.start, event.end) if f"-surge{index}." in d.id)
        report(classifier, of_surge, options.show_misread)


if __name__ == "__main__":
    main()
