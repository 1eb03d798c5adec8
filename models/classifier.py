"""The classifier: from texts to topic and sentiment, for the stream, the commands and the library's users.

A label and its probability depend on the text and the model, never on the other texts of a batch (see
`models.batching` and `models.engines.Engine`), so that a replay gives the same results as the stream.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from models.batching import Batch, batches, padded, rows
from models.engines import AUTO, Engine, Logits, open_engine
from models.errors import ModelError
from models.files import MODEL, TOKENIZER, read_verified
from models.manifest import Manifest, model_hash, read_manifest
from models.text import normalise
from models.tokens import TextEncoder

BUNDLED = Path(__file__).parent / "bundled"

Probabilities = npt.NDArray[np.float64]  # (n_texts, n_labels)


class Prediction(NamedTuple):
    """A head's most probable label."""

    label: str
    probability: float  # in [0, 1], of this label


@dataclass(frozen=True)
class Classification:
    """What a model answers to one text."""

    predictions: Mapping[str, Prediction]  # by head
    model: str  # hash of the model that answered
    engine: str  # name of the engine that ran it


class Classifier:
    """A loaded artifact. Any thread may call it; all calls share as many threads as its engine has streams.

    `manifest`: what the artifact says about itself; `model_hash`: 16 hex digits that name the model;
    `engine_name`: one of `models.engines.ENGINES`.
    """

    def __init__(self, manifest: Manifest, encoder: TextEncoder, engine: Engine) -> None:
        self.manifest = manifest
        self.model_hash = model_hash(manifest)
        self.engine_name = engine.name
        self._encoder = encoder
        self._engine = engine
        self._threads = ThreadPoolExecutor(engine.streams, thread_name_prefix="classify")

    @classmethod
    def load(cls, folder: Path = BUNDLED, engine: str = AUTO, threads: int | None = None) -> Self:
        """Verify and open the artifact in `folder`.

        Args:
            engine: "auto" or one of `models.engines.ENGINES`.
            threads: CPU threads to use; None: as many as this process may run on.

        Raises:
            ModelError: the artifact is missing or damaged, or the engine cannot run it.
        """
        return cls.open(folder, read_manifest(folder), engine, threads)

    @classmethod
    def open(cls, folder: Path, manifest: Manifest, engine: str = AUTO, threads: int | None = None) -> Self:
        """Verify and open the files in `folder` with a manifest that need not be written yet; raises ModelError."""
        outputs = [head.output for head in manifest.heads.values()]
        tokenizer, model = (read_verified(folder, name, manifest.files) for name in (TOKENIZER, MODEL))
        loaded = cls(
            manifest,
            TextEncoder(tokenizer, manifest.max_tokens, folder / TOKENIZER),
            open_engine(model, folder / MODEL, outputs, engine, threads),
        )
        loaded._check(folder)
        return loaded

    def classify(self, texts: Sequence[str]) -> list[Classification]:
        """For each text and head the most probable label; of equally probable ones the first in the manifest.

        Texts are normalised (`models.text.normalise`) first; normalising twice changes nothing.
        """
        results: list[dict[str, Prediction]] = [{} for _ in texts]
        for name, probabilities in self.probabilities(texts).items():
            labels = self.manifest.heads[name].labels
            best = probabilities.argmax(axis=1)  # (n_texts,)
            for result, row, column in zip(results, probabilities, best.tolist(), strict=True):
                result[name] = Prediction(labels[column], float(row[column]))
        return [Classification(result, self.model_hash, self.engine_name) for result in results]

    def probabilities(self, texts: Sequence[str]) -> dict[str, Probabilities]:
        """head -> (n_texts, n_labels), calibrated; columns in the order of the head's labels."""
        logits = self._logits([normalise(text) for text in texts])
        return {
            name: softmax(values / head.temperature)
            for (name, head), values in zip(self.manifest.heads.items(), logits, strict=True)
        }

    def _logits(self, texts: Sequence[str]) -> list[Logits]:
        ids = self._encoder.encode(texts)
        plan = batches([len(i) for i in ids], self._engine.budget_tokens)
        results = [
            np.empty((len(texts), len(head.labels)), np.float32) for head in self.manifest.heads.values()
        ]
        for batch, outputs in zip(plan, self._threads.map(lambda b: self._run(b, ids), plan), strict=True):
            for result, output in zip(results, outputs, strict=True):
                result[list(batch.indices)] = output[: len(batch.indices)]
        return results

    def _run(self, batch: Batch, ids: Sequence[Sequence[int]]) -> list[Logits]:
        height = len(batch.indices)
        full = rows(batch.tokens, self._engine.budget_tokens) if self._engine.fixed_rows else max(2, height)
        input_ids = np.full((full, batch.tokens), self._encoder.pad_id, np.int64)
        mask = np.zeros_like(input_ids)
        for row in range(full):
            text = ids[batch.indices[min(row, height - 1)]]  # the last text fills the remaining rows
            input_ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        return self._engine.run(input_ids, mask)

    def _check(self, folder: Path) -> None:
        """The graph takes the longest text and the last id of the vocabulary, and answers as the manifest says."""
        ids = np.full((2, padded(self.manifest.max_tokens)), self._encoder.last_id, np.int64)
        try:
            outputs = self._engine.run(ids, np.ones_like(ids))
        except Exception as error:  # the engines' own errors have no common base
            raise ModelError(
                f"{folder}: the graph does not take {ids.shape[1]} tokens (max_tokens in the manifest, in steps of "
                f"four) up to the id {self._encoder.last_id} (of the tokeniser): {error}"
            ) from error
        for (name, head), output in zip(self.manifest.heads.items(), outputs, strict=True):
            if output.shape[1:] != (len(head.labels),):
                raise ModelError(
                    f"{folder}: head {name} has {len(head.labels)} labels in the manifest, but the graph's "
                    f"{head.output} is of shape {output.shape}"
                )
            if not np.isfinite(output).all():
                raise ModelError(f"{folder}: the graph's {head.output} is not a finite number")


def softmax(logits: Logits) -> Probabilities:
    """Softmax over the labels, (n_texts, n_labels), in double precision, so that it adds no rounding of its own."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    normalised: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return normalised
