"""The model card, written from the manifest: what a model is, its training data, its metrics and its known failures.

    python -m training.export.card models/bundled        # writes models/bundled/MODEL_CARD.md again

Known failures come from probes (`probes.jsonl`): texts written for this purpose, because texts of the data sets may
not be printed. Their `kind` names the difficulty. Probes for heads or labels that a model does not have are left out.
After Mitchell et al. 2019, "Model Cards for Model Reporting".
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from bearwatch.core.printable import printable
from models.classifier import Classifier
from models.manifest import Manifest

CARD = "MODEL_CARD.md"
MARKDOWN = str.maketrans({"`": "'", "<": "&lt;", "[": "&#91;"})
PROBES = Path(__file__).with_name("probes.jsonl")


class Probe(msgspec.Struct, frozen=True):
    """A difficult text and the label it should get."""

    kind: str
    head: str
    label: str
    text: str


class Missed(msgspec.Struct, frozen=True):
    """A probe that got a wrong label, with the probability of that label."""

    probe: Probe
    predicted: str
    probability: float


class Kind(msgspec.Struct, frozen=True):
    """The result of the probes of one kind; `probes`: how many there are."""

    name: str
    probes: int
    missed: tuple[Missed, ...]


def write_card(folder: Path, classifier: Classifier) -> None:
    """Write the card of the model in `folder` into that folder."""
    sizes = {name: (folder / name).stat().st_size / 1e6 for name in classifier.manifest.files}  # MB
    (folder / CARD).write_text(card(classifier.manifest, sizes, run_probes(classifier)), "utf-8")


def card(manifest: Manifest, sizes: dict[str, float], kinds: list[Kind]) -> str:
    """The card as Markdown. `sizes`: file -> MB."""
    environment = Environment(  # noqa: S701 - Markdown, not HTML
        loader=PackageLoader("training.export"),
        finalize=_text,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["cell"] = _cell
    return environment.get_template("card.md").render(manifest=manifest, sizes=sizes, kinds=kinds)


def _text(value: Any) -> Any:
    """Names and texts without what Markdown would read as code, a tag or a link."""
    return printable(value).translate(MARKDOWN) if isinstance(value, str) else value


def _cell(value: str) -> str:
    """A text that stays in one cell of a table."""
    return value.replace("|", "&#124;")


def run_probes(classifier: Classifier, probes: Path = PROBES) -> list[Kind]:
    """Classify the probes for the model's heads; by kind, in the order of the file."""
    heads = classifier.manifest.heads
    decoder = msgspec.json.Decoder(Probe)
    known = [
        each
        for each in decoder.decode_lines(probes.read_bytes())
        if each.head in heads and each.label in heads[each.head].labels
    ]
    answers = classifier.classify([each.text for each in known])
    kinds: dict[str, list[Missed | None]] = defaultdict(list)
    for probe, answer in zip(known, answers, strict=True):
        prediction = answer.predictions[probe.head]
        right = prediction.label == probe.label
        kinds[probe.kind].append(None if right else Missed(probe, prediction.label, prediction.probability))
    return [
        Kind(name, len(results), tuple(each for each in results if each is not None))
        for name, results in kinds.items()
    ]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write_card(Path(argument), Classifier.load(Path(argument)))
