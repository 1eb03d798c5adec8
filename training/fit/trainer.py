"""A network in training: optimiser steps, evaluation, and the state that a checkpoint stores."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.config import Hyperparameters, TrainingConfig
from training.errors import TrainingError
from training.evaluation.metrics import Metrics, measure
from training.fit.batches import Batch, Encoded, cut, pad
from training.fit.network import Network, pad_id
from training.fit.precision import Precision
from training.fit.targets import Targets


class Trainer:
    """Trains a network with AdamW on the device and in the number format of `precision`."""

    def __init__(self, config: TrainingConfig, network: Network, precision: Precision) -> None:
        self.network = network.to(precision.device)
        self._config, self._precision = config, precision
        self._pad_id = pad_id(network.encoder)
        self._optimizer = torch.optim.AdamW(_parameter_groups(network, config.hyperparameters))
        half = precision.autocast is torch.float16  # small gradients would become 0 without scaling
        self._scaler = torch.amp.GradScaler(precision.device, enabled=half)

    def step(self, rows: Sequence[Encoded], targets: Targets, factor: float) -> float:
        """One optimiser step at `factor` times the peak learning rates; returns the loss.

        Raises:
            TrainingError: the loss is not finite.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.network.train()
        batch = pad(rows, self._pad_id)
        loss = self._loss(self._logits(batch), targets)
        if not math.isfinite(value := loss.item()):
            raise TrainingError("the loss is no longer finite: training diverged; lower the learning rates")
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), self._config.hyperparameters.max_gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        return value

    @torch.no_grad()
    def measure(self, rows: Sequence[Encoded]) -> dict[str, Metrics]:
        """Head -> its metrics on the rows that are labelled for it."""
        self.network.eval()
        sizes = np.array([len(row.tokens) for row in rows])
        predictions = [np.zeros((len(rows), len(head.labels))) for head in self._config.heads.values()]
        for chosen in cut(np.argsort(sizes, kind="stable"), sizes, self._config.hyperparameters.batch_tokens):
            batch = pad([rows[i] for i in chosen], self._pad_id)
            for probabilities, scores in zip(predictions, self._logits(batch), strict=True):
                probabilities[chosen] = scores.float().softmax(-1).cpu().numpy()
        heads, targets = np.array([row.head for row in rows]), np.array([row.target for row in rows])
        return {
            name: measure(head.labels, targets[heads == i], predictions[i][heads == i])
            for i, (name, head) in enumerate(self._config.heads.items())
        }

    def state(self) -> dict[str, Any]:
        """Weights, optimiser and random generators: all that `restore` needs to continue with the same results."""
        cuda = {"cuda_random": torch.cuda.get_rng_state()} if self._precision.device == "cuda" else {}
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "random": torch.get_rng_state(),
            **cuda,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if self._precision.device == "cuda" and "cuda_random" in state:
            torch.cuda.set_rng_state(state["cuda_random"])

    def _logits(self, batch: Batch) -> tuple[Tensor, ...]:
        """The logits of every head, (batch, n_labels) each."""
        device, kind = self._precision.device, self._precision.autocast
        with torch.autocast(device, kind or torch.bfloat16, enabled=kind is not None):
            ids = torch.from_numpy(batch.input_ids).to(device)
            logits: tuple[Tensor, ...] = self.network(ids, torch.from_numpy(batch.attention_mask).to(device))
        return logits

    def _loss(self, logits: Sequence[Tensor], targets: Targets) -> Tensor:
        """The cross-entropy with the targets, summed over the heads; the mean over the rows."""
        total = torch.zeros((), device=self._precision.device)
        for scores, target in zip(logits, targets, strict=True):
            probabilities = torch.from_numpy(target).to(self._precision.device)  # (batch, n_labels)
            total = total - (probabilities * scores.float().log_softmax(-1)).sum()
        return total / len(targets[0])


def _parameter_groups(network: Network, h: Hyperparameters) -> list[dict[str, Any]]:
    """Vectors (biases, normalisation) have no weight decay; heads start from random weights and learn faster."""
    groups = []
    for part, rate in ((network.encoder, h.encoder_learning_rate), (network.heads, h.head_learning_rate)):
        matrices = [p for p in part.parameters() if p.ndim > 1]
        vectors = [p for p in part.parameters() if p.ndim <= 1]
        for parameters, decay in ((matrices, h.weight_decay), (vectors, 0.0)):
            groups.append({"params": parameters, "peak": rate, "lr": rate, "weight_decay": decay})
    return groups
