"""The training run: epochs of multi-task batches, linear warm-up and decay; keeps the best epoch, can be resumed.

The same seed, data and CPU give the same weights, whether or not the run was killed and resumed. A GPU does not
guarantee this, because the order of additions may vary there.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import msgspec
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

from bearwatch.core.console import PlainConsole
from training.config import TrainingConfig
from training.data.augmentation import augmented
from training.data.corpus import Corpus, read_corpus
from training.data.report_tables import as_text
from training.errors import TrainingConfigError, TrainingError
from training.evaluation.metrics import Metrics
from training.fit.batches import Encoded, plan_epoch
from training.fit.network import encode, encode_texts, new_network
from training.fit.precision import Precision
from training.fit.run_folder import EpochReport, Position, RunFolder, RunRecord, new_record
from training.fit.targets import Targets, soft_targets, targets
from training.fit.tracking import Trackers, check_installed, trackers
from training.fit.trainer import Trainer

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
    corpus: Corpus | None = None,
) -> EpochReport:
    """Train into the folder `out` and return the report of the best epoch.

    Args:
        data: the folder that the paths of data sets are relative to.
        resume: continue the run in `out` from its last checkpoint.
        teachers: folders of exported models, for a configuration with a table [distillation].
        corpus: what was read from `data`, or a part of it; without it, the data is read.

    Raises:
        TrainingConfigError: the configuration does not fit the teachers, the base model or the installed packages.
        TrainingError: unusable data or base model, a folder of another run, or a loss that is not finite.
        ModelError: a teacher cannot be loaded.
    """
    if bool(teachers) != (config.distillation is not None):
        raise TrainingConfigError("a table [distillation] and teachers (--teacher) belong together")
    check_installed(config.tracking)
    folder = RunFolder(out)
    if folder.started and not resume:
        raise TrainingError(
            f"{out} contains a training run: add --resume to continue it, or choose another folder"
        )
    torch.manual_seed(config.seed)
    network, tokenizer = new_network(config)
    corpus = corpus or read_corpus(config, data)
    log.info("%s", as_text(corpus))
    record = new_record(config, corpus, data, precision, teachers)
    with folder.locked():
        if not folder.started:
            folder.start(record, corpus, network, tokenizer)
        else:
            _check_same(folder.record(), record, out)
        labelled = [each.text for each in corpus.train]
        unlabelled = [*corpus.unlabelled, *_augmented(labelled, config)]
        train = [*encode(corpus.train, tokenizer, config), *encode_texts(unlabelled, tokenizer)]
        dev = encode(corpus.dev, tokenizer, config)
        log.info("%d texts to train on, %d to choose the epoch with; %s", len(train), len(dev), precision)
        soft = soft_targets(teachers, [*labelled, *unlabelled], config) if teachers else None
        train_targets = targets(train, config, soft)
        with _progress() as progress:
            return _run(
                config, Trainer(config, network, precision), train, train_targets, dev, folder, progress
            )


def _check_same(started: RunRecord, now: RunRecord, out: Path) -> None:
    """Raises TrainingError where a resumed run would not end with the weights of an uninterrupted one."""
    if started.precision and started.precision != now.precision:
        raise TrainingError(
            f"{out} was started {started.precision}, and here training is {now.precision}, which ends with other "
            "weights; continue where it was started, or choose another folder"
        )
    if msgspec.structs.replace(started, precision=now.precision) != now:
        raise TrainingError(
            f"{out} was started with another configuration, data or teachers; choose another folder"
        )


def _augmented(texts: Sequence[str], config: TrainingConfig) -> list[str]:
    return augmented(texts, config.distillation.augmented_copies, config.seed) if config.distillation else []


def _run(
    config: TrainingConfig,
    trainer: Trainer,
    train: Sequence[Encoded],
    train_targets: Targets,
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
    done = starts[position.epoch] + position.batch
    task = progress.add_task("training", total=total)
    with trackers(config.tracking, folder.path, done) as tracking:
        while position.epoch < h.epochs and not _out_of_patience(position, h.patience):
            for number, rows in list(enumerate(plans[position.epoch]))[position.batch :]:
                began = perf_counter()
                step = starts[position.epoch] + number
                factor = schedule(step, total, warmup)
                loss = trainer.step(
                    [train[i] for i in rows], tuple(each[rows] for each in train_targets), factor
                )
                tracking.log(step + 1, _step_scalars(loss, factor, perf_counter() - began))
                shown = f"epoch {position.epoch + 1}, loss {loss:.3f}"
                progress.update(task, completed=step + 1, description=shown)
                if (step + 1) % h.checkpoint_steps == 0:
                    log.info("step %d of %d, %s", step + 1, total, shown)
                    tracking.flush()
                    folder.save_last(Position(position.epoch, number + 1, position.reports), trainer.state())
            position = _finish_epoch(trainer, folder, position, dev, tracking, starts[position.epoch + 1])
    best = position.best
    assert best is not None  # noqa: S101 - there is at least one epoch
    return best


def schedule(step: int, total: int, warmup: int) -> float:
    """The factor on the peak learning rate at a step, counted from 0: up to 1 over `warmup` steps, 0 at `total`."""
    if step < warmup:
        return (step + 1) / warmup
    return (total - step) / (total - warmup)


def _out_of_patience(position: Position, patience: int | None) -> bool:
    """Whether none of the last `patience` epochs was better than the best before them."""
    if patience is None or position.best is None or position.epoch - position.best.epoch < patience:
        return False
    log.info("no better dev score in %d epochs: training stops early", patience)
    return True


def _step_scalars(loss: float, factor: float, seconds: float) -> dict[str, float]:
    return {"train/loss": loss, "train/learning_rate_factor": factor, "train/seconds_per_step": seconds}


def _restore(trainer: Trainer, folder: RunFolder) -> Position:
    last = folder.load_last()
    if last is None:
        return Position()
    position, state = last
    trainer.restore(state)
    log.info("resumed at epoch %d, batch %d", position.epoch + 1, position.batch + 1)
    return position


def _finish_epoch(
    trainer: Trainer,
    folder: RunFolder,
    position: Position,
    dev: Sequence[Encoded],
    tracking: Trackers,
    done: int,
) -> Position:
    report = _report(position.epoch + 1, trainer.measure(dev))
    log.info("epoch %d: mean dev accuracy %.4f; %s", report.epoch, report.score, _figures_text(report))
    if position.best is None or report.score > position.best.score:
        folder.save_best(trainer.network.state_dict())
    tracking.log(done, _epoch_scalars(report))
    tracking.flush()
    after = Position(position.epoch + 1, 0, (*position.reports, report))
    folder.save_last(after, trainer.state())
    return after


def _figures_text(report: EpochReport) -> str:
    heads = report.metrics.items()
    return "; ".join(
        f"{head}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        for head, figures in heads
    )


def _epoch_scalars(report: EpochReport) -> dict[str, float]:
    by_head = {f"dev/{head}/{k}": v for head, figures in report.metrics.items() for k, v in figures.items()}
    return {"dev/score": report.score, **by_head}


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
    return Progress(TextColumn("{task.description}", markup=False), *columns, console=PlainConsole())
