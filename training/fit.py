"""The training run: epochs of multi-task batches, linear warm-up and decay, best epoch kept, resumable.

Same seed, data and machine: same weights, whether or not the run was killed and resumed.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from training.batches import Encoded, plan_epoch
from training.config import TrainingConfig
from training.corpus import read_corpus
from training.errors import TrainingConfigError, TrainingError
from training.metrics import Metrics
from training.network import encode, encode_texts, new_network
from training.precision import Precision
from training.run_folder import EpochReport, Position, RunFolder, record_of
from training.targets import Targets, targets, teachers_say
from training.trainer import Trainer

log = logging.getLogger(__name__)

FIGURES = ("accuracy", "macro_f1", "ece", "n")


def fit(
    config: TrainingConfig,
    data: Path,
    out: Path,
    *,
    resume: bool,
    precision: Precision,
    teachers: Sequence[Path] = (),
) -> EpochReport:
    """Train into the folder `out` and give the best epoch's report.

    Args:
        teachers: folders of trained models, for a configuration with a table [distillation].

    Raises:
        TrainingError, ModelError: with what is wrong and where.
    """
    if bool(teachers) != (config.distillation is not None):
        raise TrainingConfigError("a table [distillation] and teachers (--teacher) belong together")
    folder = RunFolder(out)
    if folder.started and not resume:
        raise TrainingError(f"{out} holds a training run: add --resume to go on, or choose another folder")
    torch.manual_seed(config.seed)
    network, tokenizer = new_network(config)
    corpus = read_corpus(config, data)
    record = record_of(config, corpus, data, teachers)
    if not folder.started:
        folder.start(record, corpus, network, tokenizer)
    elif folder.record() != record:
        raise TrainingError(
            f"{out} was started with another configuration, data or teachers; choose another folder"
        )
    train = [*encode(corpus.train, tokenizer, config), *encode_texts(corpus.unlabelled, tokenizer)]
    dev = encode(corpus.dev, tokenizer, config)
    log.info("%d texts to train on, %d to choose the epoch; %s", len(train), len(dev), precision)
    texts = [*(each.text for each in corpus.train), *corpus.unlabelled]
    said = teachers_say(teachers, texts, config) if teachers else None
    wanted = targets(train, config, said)
    with _progress() as progress:
        return _run(config, Trainer(config, network, precision), train, wanted, dev, folder, progress)


def _run(
    config: TrainingConfig,
    trainer: Trainer,
    train: Sequence[Encoded],
    wanted: Targets,
    dev: Sequence[Encoded],
    folder: RunFolder,
    progress: Progress,
) -> EpochReport:
    h = config.hyperparameters
    lengths = [len(row.tokens) for row in train]
    plans = [plan_epoch(lengths, h.batch_tokens, config.seed, epoch) for epoch in range(h.epochs)]
    starts = np.cumsum([0, *map(len, plans)]).tolist()  # the number of each epoch's first step
    total = starts[-1]
    warmup = max(1, round(total * h.warmup_ratio))
    position = _restore(trainer, folder)
    task = progress.add_task("training", total=total)
    while position.epoch < h.epochs:
        for number, rows in list(enumerate(plans[position.epoch]))[position.batch :]:
            step = starts[position.epoch] + number
            batch = [train[i] for i in rows]
            loss = trainer.step(batch, tuple(each[rows] for each in wanted), schedule(step, total, warmup))
            shown = f"epoch {position.epoch + 1}, loss {loss:.3f}"
            progress.update(task, completed=step + 1, description=shown)
            if (step + 1) % h.checkpoint_steps == 0:
                log.info("step %d of %d, %s", step + 1, total, shown)
                folder.save_last(Position(position.epoch, number + 1, position.reports), trainer.state())
        position = _finish_epoch(trainer, folder, position, dev)
    best = position.best
    assert best is not None  # noqa: S101 - there is at least one epoch
    return best


def schedule(step: int, total: int, warmup: int) -> float:
    """Factor on the learning rate at a step from 0 on: up to 1 over `warmup` steps, down to 0 at `total`."""
    if step < warmup:
        return (step + 1) / warmup
    return (total - step) / (total - warmup)


def _restore(trainer: Trainer, folder: RunFolder) -> Position:
    last = folder.load_last()
    if last is None:
        return Position()
    position, state = last
    trainer.restore(state)
    log.info("resumed at epoch %d, batch %d", position.epoch + 1, position.batch + 1)
    return position


def _finish_epoch(
    trainer: Trainer, folder: RunFolder, position: Position, dev: Sequence[Encoded]
) -> Position:
    report = _report(position.epoch + 1, trainer.measure(dev))
    log.info("epoch %d: mean dev accuracy %.4f, %s", report.epoch, report.score, report.figures)
    if position.best is None or report.score > position.best.score:
        folder.save_best(trainer.network.state_dict())
    after = Position(position.epoch + 1, 0, (*position.reports, report))
    folder.save_last(after, trainer.state())
    return after


def _report(epoch: int, metrics: dict[str, Metrics]) -> EpochReport:
    figures = {head: {k: v for k, v in asdict(m).items() if k in FIGURES} for head, m in metrics.items()}
    return EpochReport(epoch, float(np.mean([m.accuracy for m in metrics.values()])), figures)


def _progress() -> Progress:
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(TextColumn("{task.description}"), *columns)
