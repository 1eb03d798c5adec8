"""Curves of a run in TensorBoard and Weights & Biases, where the configuration's table [tracking] asks for them.

    tensorboard --logdir RUN/tensorboard
    wandb sync --append RUN/wandb/offline-run-*     # what `wandb = "offline"` wrote

A step is a number of optimiser steps done, so that a resumed run writes again, with the same figures, those that
came after its last checkpoint. TensorBoard is told to forget the first ones; W&B ignores a step it already has.
"""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol
from uuid import uuid4

from training.config import Tracking
from training.errors import TrainingConfigError, TrainingError
from training.files import write_file


class Tracker(Protocol):
    def log(self, step: int, scalars: Mapping[str, float]) -> None: ...

    def flush(self) -> None:
        """Called before a checkpoint is written: what it holds is not written again."""

    def close(self) -> None: ...


class Trackers:
    """All that are configured, which may be none."""

    def __init__(self, trackers: tuple[Tracker, ...]) -> None:
        self._trackers = trackers

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        for tracker in self._trackers:
            tracker.log(step, scalars)

    def flush(self) -> None:
        for tracker in self._trackers:
            tracker.flush()


class TensorBoard:
    def __init__(self, run: Path, done: int) -> None:
        module = _package("torch.utils.tensorboard", "tensorboard")
        self._folder = run / "tensorboard"
        with _writing(self._folder):
            self._writer = module.SummaryWriter(self._folder, purge_step=done + 1)

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        # A thread writes: what it could not write is raised by the next call.
        with _writing(self._folder):
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        with _writing(self._folder):
            self._writer.flush()

    def close(self) -> None:
        with _writing(self._folder):
            self._writer.close()


class WeightsAndBiases:
    """One W&B run per folder, silent, of the figures alone: no code, no console output, no machine statistics."""

    def __init__(self, run: Path, settings: Tracking) -> None:
        wandb = _package("wandb", "wandb")
        quiet = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            save_code=False,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        self._folder = run / "wandb"
        try:
            with _writing(self._folder):
                self._run = wandb.init(
                    project=settings.project,
                    name=run.name,
                    id=_identity(run / "wandb-id"),
                    dir=run,
                    mode=settings.wandb,
                    resume="allow" if settings.wandb == "online" else None,
                    settings=quiet,
                )
        except wandb.Error as error:
            raise TrainingError(
                f'tracking.wandb = "{settings.wandb}": {error}; `wandb login` first, or say "offline"'
            ) from error

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        with _writing(self._folder):
            self._run.log(dict(scalars), step=step)

    def flush(self) -> None:
        """A process of its own has everything as soon as it is logged."""

    def close(self) -> None:
        with _writing(self._folder):
            self._run.finish()


def check_installed(settings: Tracking) -> None:
    """Raises TrainingConfigError where a package is missing: better at once than after the data is read."""
    if settings.tensorboard:
        _package("torch.utils.tensorboard", "tensorboard")
    if settings.wandb:
        _package("wandb", "wandb")


@contextmanager
def trackers(settings: Tracking, run: Path, done: int) -> Iterator[Trackers]:
    """The configured trackers of the run in the folder `run`, of which `done` steps are behind it.

    They and this raise TrainingError where they cannot write.
    """
    with ExitStack() as stack:
        opened: list[Tracker] = []
        if settings.tensorboard:
            opened.append(TensorBoard(run, done))
            stack.callback(opened[-1].close)
        if settings.wandb:
            opened.append(WeightsAndBiases(run, settings))
            stack.callback(opened[-1].close)
        yield Trackers(tuple(opened))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What goes wrong there, such as a full disk, as a TrainingError."""
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{folder}: curves cannot be written: {error}") from error


def _package(module: str, package: str) -> ModuleType | Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TrainingConfigError(
            f"tracking.{package} needs the package {package}: pip install 'bearwatch[track]'"
        ) from error


def _identity(file: Path) -> str:
    """Of the run at W&B; kept in its folder, so that a resumed run goes on with it."""
    if not file.exists():
        write_file(file, uuid4().hex[:8].encode())
    return file.read_text("utf-8")
