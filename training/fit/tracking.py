"""Curves of a run in TensorBoard and Weights & Biases, as the configuration's table [tracking] says.

    tensorboard --logdir RUN/tensorboard
    wandb sync --append RUN/wandb/offline-run-*     # what `wandb = "offline"` wrote

The step of a point is the number of optimiser steps done. A resumed run writes the points after its last checkpoint
again, with the same figures: TensorBoard is told to drop the first ones; W&B ignores a step it already has.
"""

import importlib
import os
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
    """Where the curves of a run are written. Every method raises TrainingError where it cannot write."""

    def log(self, step: int, scalars: Mapping[str, float]) -> None: ...

    def flush(self) -> None:
        """Called before a checkpoint is written: a resumed run does not log earlier steps again."""

    def close(self) -> None: ...


class Trackers:
    """All configured trackers as one; there may be none."""

    def __init__(self, trackers: tuple[Tracker, ...]) -> None:
        self._trackers = trackers

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        for tracker in self._trackers:
            tracker.log(step, scalars)

    def flush(self) -> None:
        for tracker in self._trackers:
            tracker.flush()


class TensorBoard:
    """Event files in the folder `tensorboard` of the run; steps after `done` are dropped from earlier files."""

    def __init__(self, run: Path, done: int) -> None:
        module = _package("torch.utils.tensorboard", "tensorboard")
        self._folder = run / "tensorboard"
        with _writing(self._folder):
            self._writer = module.SummaryWriter(self._folder, purge_step=done + 1)

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        # A thread writes; the next call raises its error.
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
    """One W&B run per folder, with the figures alone: no code, no console output, no machine statistics."""

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
            with _writing(self._folder), _cache_in(self._folder):
                self._run = wandb.init(
                    project=settings.project,
                    name=run.name,
                    id=_run_id(run / "wandb-id"),
                    dir=run,
                    mode=settings.wandb,
                    resume="allow" if settings.wandb == "online" else None,
                    settings=quiet,
                )
        except wandb.Error as error:
            raise TrainingError(
                f'tracking.wandb = "{settings.wandb}": {error}; `wandb login` first, or set "offline"'
            ) from error

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        with _writing(self._folder):
            self._run.log(dict(scalars), step=step)

    def flush(self) -> None:
        """Nothing to do: W&B's own process receives every point as soon as it is logged."""

    def close(self) -> None:
        with _writing(self._folder):
            self._run.finish()


def check_installed(settings: Tracking) -> None:
    """Raises TrainingConfigError where a configured tracker's package is missing, before any data is read."""
    if settings.tensorboard:
        _package("torch.utils.tensorboard", "tensorboard")
    if settings.wandb:
        _package("wandb", "wandb")


@contextmanager
def trackers(settings: Tracking, run: Path, done: int) -> Iterator[Trackers]:
    """The configured trackers of the run in the folder `run`, of which `done` steps are done; closed at the end.

    Raises:
        TrainingError: a tracker cannot write.
        TrainingConfigError: its package is not installed.
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
    """Turns an OSError, such as a full disk, into a TrainingError that names the folder."""
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{folder}: curves cannot be written: {error.strerror or error}") from error


@contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    """W&B's process, which starts meanwhile, keeps its logs in `folder`, unless the user chose another for them."""
    chosen = os.environ.get("WANDB_CACHE_DIR")
    os.environ["WANDB_CACHE_DIR"] = chosen or str(folder / "cache")
    try:
        yield
    finally:
        if chosen is None:
            del os.environ["WANDB_CACHE_DIR"]
        else:
            os.environ["WANDB_CACHE_DIR"] = chosen


def _package(module: str, package: str) -> ModuleType | Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TrainingConfigError(
            f"tracking.{package} needs the package {package}: pip install 'bearwatch[track]'"
        ) from error


def _run_id(file: Path) -> str:
    """The id of the run at W&B, stored in the run's folder, so that a resumed run continues it."""
    if not file.exists():
        write_file(file, uuid4().hex[:8].encode())
    return file.read_text("utf-8")
