"""The models that a process has loaded, and which of them classifies a document."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from models.classifier import Classification, Classifier

Result = TypeVar("Result")


class Input(NamedTuple):
    """A text to be classified, and the language that its sender declared for it, as in "zh-Hans" (BCP 47)."""

    text: str
    language: str | None = None


@dataclass(frozen=True)
class Models:
    """`default` classifies every document whose declared language has no classifier in `by_language`."""

    default: Classifier
    by_language: Mapping[str, Classifier] = field(default_factory=dict)  # by primary subtag: "zh"

    @property
    def loaded(self) -> list[Classifier]:
        """Each once, the default first."""
        return list(dict.fromkeys((self.default, *self.by_language.values())))

    @property
    def hash(self) -> str:
        """16 hex digits that name all models together: of a single one its own hash."""
        hashes = [each.model_hash for each in self.loaded]
        if len(hashes) == 1:
            return hashes[0]
        return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()[:16]

    def choose(self, given: Input) -> Classifier:
        """The only place that knows which model reads which document."""
        primary = (given.language or "").partition("-")[0].lower()
        return self.by_language.get(primary, self.default)

    def with_hash(self, model: str) -> Classifier:
        """The classifier of that hash, or the default if it is not loaded (a former release's model)."""
        return next((each for each in self.loaded if each.model_hash == model), self.default)

    def classify(self, inputs: Sequence[Input]) -> list[Classification]:
        """Each input by the classifier chosen for it; the answers are in the order of the inputs."""
        return run_grouped(Classifier.classify, [(self.choose(each), each.text) for each in inputs])


def run_grouped(
    work: Callable[[Classifier, list[str]], list[Result]], texts: Sequence[tuple[Classifier, str]]
) -> list[Result]:
    """Call `work` once per classifier, with all its texts; the results are in the order of `texts`."""
    groups: dict[Classifier, list[int]] = defaultdict(list)
    for index, (classifier, _) in enumerate(texts):
        groups[classifier].append(index)
    results: dict[int, Result] = {}
    for classifier, indices in groups.items():
        answers = work(classifier, [texts[index][1] for index in indices])
        results.update(zip(indices, answers, strict=True))
    return [results[index] for index in range(len(texts))]
