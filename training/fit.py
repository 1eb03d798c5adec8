"""The training loop: AdamW, linear warm-up and decay, multi-task batches, best epoch kept, resumable.

Same seed, data and machine: same weights, whether or not the run was killed and resumed.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
from torch import Tensor, nn

from training.batches import Batch, Encoded, cut, pad, plan_epoch
from training.config import Hyperparameters, TrainingConfig
from training.corpus import read_corpus
from training.errors import TrainingError
from training.metrics import Metrics, measure
from training.network import Network, encode, new_network, pad_id
from training.precision import Precision
from training.run_folder import EpochReport, Position, RunFolder, record_of

log = logging.getLogger(__name__)


def fit(config: TrainingConfig, data: Path, out: Path, *, resume: bool, precision: Precision) -> EpochReport:
    """Train into the folder `out` and give the best epoch's report. Raises TrainingError."""
    folder = RunFolder(out)
    if folder.started and not resume:
        raise TrainingError(
            f"{out} holds a training run already; add --resume to go on with it, or choose another folder"
        )
    torch.manual_seed(config.seed)
    network, tokenizer = new_network(config)
    corpus = read_corpus(config, data)
    if not folder.started:
        folder.start(config, corpus, data, network, tokenizer)
    elif folder.record() != record_of(config, corpus, data):
        raise TrainingError(
            f"{out} was started with another configuration or other data; choose another folder"
        )
    train = encode(corpus.train, tokenizer, config)
    dev = encode(corpus.dev, tokenizer, config)
    log.info("%d texts to train on, %d to choose the epoch; %s", len(train), len(dev), precision)
    trainer = Trainer(config, network, train, precision)
    with _progress() as progress:
        return trainer.run(folder, dev, progress)


class Trainer:
    """A network on its way: weights, optimiser and random state are what a checkpoint holds."""

    def __init__(
        self, config: TrainingConfig, network: Network, train: Sequence[Encoded], precision: Precision
    ) -> None:
        self.config, self.train, self.precision = config, train, precision
        self.network = network.to(precision.device)
        self.pad_id = pad_id(network.encoder)
        h = config.hyperparameters
        self.optimizer = torch.optim.AdamW(_parameter_groups(network, h))
        self.scaler = torch.amp.GradScaler(precision.device, enabled=precision.autocast is torch.float16)
        lengths = [len(row.tokens) for row in train]
        self.plans = [plan_epoch(lengths, h.batch_tokens, config.seed, epoch) for epoch in range(h.epochs)]

    def run(self, folder: RunFolder, dev: Sequence[Encoded], progress: Progress) -> EpochReport:
        position = self._restore(folder)
        starts = np.cumsum([0, *map(len, self.plans)])
        total = int(starts[-1])
        task = progress.add_task("training", total=total)
        while position.epoch < len(self.plans):
            plan = self.plans[position.epoch]
            for number in range(position.batch, len(plan)):
                step = int(starts[position.epoch]) + number
                loss = self._step(
                    [self.train[i] for i in plan[number]], schedule(step, total, self._warmup(total))
                )
                progress.update(
                    task, completed=step + 1, description=f"epoch {position.epoch + 1}, loss {loss:.3f}"
                )
                if (step + 1) % self.config.hyperparameters.checkpoint_steps == 0:
                    log.info("step %d of %d, loss %.3f", step + 1, total, loss)
                    self._save(folder, Position(position.epoch, number + 1, position.reports))
            position = self._finish_epoch(folder, position, dev)
        assert position.best is not None  # noqa: S101 - there is at least one epoch
        return position.best

    def _finish_epoch(self, folder: RunFolder, position: Position, dev: Sequence[Encoded]) -> Position:
        report = _report(position.epoch + 1, self._measure(dev))
        log.info("epoch %d: %s", report.epoch, report.figures)
        if position.best is None or report.score > position.best.score:
            folder.save_best(self.network.state_dict())
        after = Position(position.epoch + 1, 0, (*position.reports, report))
        self._save(folder, after)
        return after

    def _step(self, rows: Sequence[Encoded], factor: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.network.train()
        batch = pad(rows, self.pad_id)
        with self._autocast():
            loss = self._loss(self._forward(batch), batch)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.hyperparameters.max_gradient_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def _forward(self, batch: Batch) -> tuple[Tensor, ...]:
        ids = torch.from_numpy(batch.input_ids).to(self.precision.device)
        mask = torch.from_numpy(batch.attention_mask).to(self.precision.device)
        logits: tuple[Tensor, ...] = self.network(ids, mask)
        return logits

    def _loss(self, logits: Sequence[Tensor], batch: Batch) -> Tensor:
        """Mean cross-entropy over the rows, each by its own head."""
        total = torch.zeros((), device=self.precision.device)
        for head, scores in enumerate(logits):
            rows = np.flatnonzero(batch.heads == head)
            if len(rows):
                targets = torch.from_numpy(batch.targets[rows]).to(self.precision.device)
                smoothing = self.config.hyperparameters.label_smoothing
                total = total + nn.functional.cross_entropy(
                    scores[rows].float(), targets, reduction="sum", label_smoothing=smoothing
                )
        return total / len(batch.heads)

    @torch.no_grad()
    def _measure(self, dev: Sequence[Encoded]) -> dict[str, Metrics]:
        self.network.eval()
        predicted, confidence = np.zeros(len(dev), np.int64), np.zeros(len(dev))
        for rows in _by_length(dev, self.config.hyperparameters.batch_tokens):
            batch = pad([dev[i] for i in rows], self.pad_id)
            with self._autocast():
                logits = self._forward(batch)
            for head, scores in enumerate(logits):
                mine = batch.heads == head
                best = scores.float().softmax(-1).cpu().max(-1)
                predicted[rows[mine]] = best.indices.numpy()[mine]
                confidence[rows[mine]] = best.values.numpy()[mine]
        heads, targets = np.array([row.head for row in dev]), np.array([row.target for row in dev])
        return {
            name: measure(head.labels, targets[heads == i], predicted[heads == i], confidence[heads == i])
            for i, (name, head) in enumerate(self.config.heads.items())
        }

    def _save(self, folder: RunFolder, position: Position) -> None:
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
        }
        if self.precision.device == "cuda":
            state["cuda_random"] = torch.cuda.get_rng_state()
        folder.save_last(position, state)

    def _restore(self, folder: RunFolder) -> Position:
        last = folder.load_last()
        if last is None:
            return Position()
        position, state = last
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if self.precision.device == "cuda" and "cuda_random" in state:
            torch.cuda.set_rng_state(state["cuda_random"])
        log.info("resumed at epoch %d, batch %d", position.epoch + 1, position.batch + 1)
        return position

    def _autocast(self) -> torch.autocast:
        kind = self.precision.autocast
        return torch.autocast(self.precision.device, kind or torch.bfloat16, enabled=kind is not None)

    def _warmup(self, total: int) -> int:
        return max(1, round(total * self.config.hyperparameters.warmup_ratio))


def schedule(step: int, total: int, warmup: int) -> float:
    """Factor on the learning rate at a step from 0 on: up to 1 over `warmup` steps, down to 0 at `total`."""
    if step < warmup:
        return (step + 1) / warmup
    return (total - step) / (total - warmup)


def _parameter_groups(network: Network, h: Hyperparameters) -> list[dict[str, Any]]:
    """Vectors (biases, normalisation) are not decayed; heads start from nothing and learn faster."""
    groups = []
    for part, rate in ((network.encoder, h.encoder_learning_rate), (network.heads, h.head_learning_rate)):
        for decay in (h.weight_decay, 0.0):
            parameters = [p for p in part.parameters() if (p.ndim > 1) == (decay > 0)]
            groups.append({"params": parameters, "peak": rate, "lr": rate, "weight_decay": decay})
    return groups


def _by_length(rows: Sequence[Encoded], budget: int) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    sizes = np.array([len(row.tokens) for row in rows])
    yield from cut(np.argsort(sizes, kind="stable"), sizes, budget)


def _report(epoch: int, metrics: dict[str, Metrics]) -> EpochReport:
    names = ("accuracy", "macro_f1", "ece", "n")
    figures = {head: {k: v for k, v in asdict(m).items() if k in names} for head, m in metrics.items()}
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
