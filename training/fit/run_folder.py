"""The files of a training run, written so that it can be resumed after a kill or a power cut at any time."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import torch

from bearwatch.core.decoding import decode_json
from bearwatch.core.files import sync
from models.manifest import Dataset, load_manifest, model_hash, sha256_of
from training.config import LabelledSet, Tracking, TrainingConfig
from training.data.corpus import Corpus
from training.data.labelled import Example
from training.errors import TrainingError
from training.files import write_file
from training.fit.network import Network
from training.fit.precision import Precision


class EpochReport(msgspec.Struct, frozen=True):
    """Metrics of one epoch on the dev split; `score`, the mean accuracy of the heads, chooses the epoch."""

    epoch: int
    score: float
    metrics: dict[str, dict[str, float]]  # head -> metric -> value


class RunRecord(msgspec.Struct, frozen=True):
    """What the run was started with, without [tracking], which has no influence on the result.

    Export copies it into the manifest.
    """

    config: TrainingConfig
    datasets: tuple[Dataset, ...]
    texts_sha256: str  # over all training, dev and unlabelled texts in order
    evaluation: dict[str, str]  # evaluation set -> sha256 of its file, whose texts were not trained on
    teachers: tuple[str, ...] = ()  # their model hashes
    precision: str = ""  # such as "on cpu in bfloat16"; empty in a run of an older version


class Position(msgspec.Struct, frozen=True):
    """How far a run is: the next epoch and batch, both counted from 0, and the reports of the finished epochs."""

    epoch: int = 0
    batch: int = 0
    reports: tuple[EpochReport, ...] = ()

    @property
    def best(self) -> EpochReport | None:
        """The report of the best epoch; None before the first is finished."""
        return max(self.reports, key=lambda report: report.score, default=None)


class RunFolder:
    """The files of one run: `run.json`, `dev.jsonl`, `encoder/`, `tokenizer.json`, `last.pt`, `best.pt`.

    `data.json` and `leaks.json`, which nothing reads again, describe the data and the rows that were dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def started(self) -> bool:
        """Whether the folder contains a training run."""
        return (self.path / "run.json").exists()

    def start(self, record: RunRecord, corpus: Corpus, network: Network, tokenizer: Any) -> None:
        """Write the files that do not change during the run. Raises TrainingError."""
        killed = (self.path / "run.json.unfinished").exists()  # during an earlier call of this method
        if any(self.path.iterdir()) and not killed:
            raise TrainingError(f"{self.path} is not empty and not a training run; choose another folder")
        try:
            (self.path / "run.json.unfinished").touch()
            network.encoder.config.save_pretrained(self.path / "encoder")  # type: ignore[union-attr, operator]
            for name in ("encoder/config.json", "encoder"):
                sync(self.path / name)
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        self._write("tokenizer.json", lambda file: file.write(tokenizer.to_str().encode()))
        dev = b"".join(msgspec.json.encode(example) + b"\n" for example in corpus.dev)
        self._write("dev.jsonl", lambda file: file.write(dev))
        self._write("data.json", lambda file: file.write(_readable(corpus.data)))
        self._write("leaks.json", lambda file: file.write(_readable(corpus.leaks)))
        self._write("run.json", lambda file: file.write(msgspec.json.encode(record)))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and lock it. Raises TrainingError where another process trains there, or nobody can."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be created: {error.strerror}") from error
        try:
            self._lock(handle)
            yield
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TrainingError(f"{self.path}: another process trains there") from error
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be locked: {error.strerror}") from error

    def record(self) -> RunRecord:
        """What the run was started with. Raises TrainingError."""
        try:
            return decode_json((self.path / "run.json").read_bytes(), RunRecord)
        except OSError as error:
            raise TrainingError(
                f"{self.path} does not contain a training run (run.json: {error.strerror})"
            ) from error
        except msgspec.DecodeError as error:
            raise TrainingError(
                f"{self.path} does not contain a training run of this version ({error})"
            ) from error

    def dev_examples(self) -> list[Example]:
        """The dev split. Raises TrainingError."""
        try:
            lines = (self.path / "dev.jsonl").read_bytes().splitlines()
            return [decode_json(line, Example) for line in lines if line]
        except (OSError, msgspec.DecodeError) as error:
            raise TrainingError(f"{self.path / 'dev.jsonl'}: missing or damaged: {error}") from error

    def save_last(self, position: Position, state: dict[str, Any]) -> None:
        """Write the checkpoint that a resumed run continues from. Raises TrainingError."""
        checkpoint = {"position": msgspec.json.encode(position), **state}
        self._write("last.pt", lambda file: torch.save(checkpoint, file))

    def load_last(self) -> tuple[Position, dict[str, Any]] | None:
        """The last checkpoint; None where the run was killed before the first. Raises TrainingError."""
        if not (self.path / "last.pt").exists():
            return None
        state = self._load("last.pt")
        try:
            return decode_json(state.pop("position"), Position), state
        except (KeyError, TypeError, msgspec.DecodeError) as error:
            raise self._damaged("last.pt", error) from error

    def save_best(self, weights: dict[str, Any]) -> None:
        """Write the weights of the best epoch. Raises TrainingError."""
        self._write("best.pt", lambda file: torch.save(weights, file))

    def load_best(self) -> dict[str, Any]:
        """The weights of the best epoch. Raises TrainingError."""
        if not (self.path / "best.pt").exists():
            raise TrainingError(
                f"{self.path}: no epoch is finished yet; continue with `bearwatch train ... --resume`"
            )
        return self._load("best.pt")

    def _load(self, name: str) -> dict[str, Any]:
        try:
            state = torch.load(self.path / name, map_location="cpu", weights_only=True)
        except Exception as error:  # the reader of pickles raises whatever a damaged one leads to
            raise self._damaged(name, error) from error
        if not isinstance(state, dict):
            raise self._damaged(name, TypeError())
        return state

    def _damaged(self, name: str, error: Exception) -> TrainingError:
        return TrainingError(
            f"{self.path / name}: damaged ({type(error).__name__}); delete last.pt, and "
            "`bearwatch train ... --resume` starts from the beginning"
        )

    def _write(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        write_file(self.path / name, write)


def _readable(report: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report))


def new_record(
    config: TrainingConfig, corpus: Corpus, data: Path, precision: Precision, teachers: Sequence[Path] = ()
) -> RunRecord:
    """The record of a run that starts now; a file of several data sets is listed once per set."""
    unlabelled = config.distillation.unlabelled if config.distillation else ()
    datasets = tuple(
        Dataset(
            name=one.name,
            sha256=sha256_of(data / one.path),
            rows=corpus.rows.get(one.name, 0),
            use="train" if isinstance(one, LabelledSet) else "train, unlabelled",
            licence=one.licence,
        )
        for one in (*config.datasets, *unlabelled)
    )
    texts = msgspec.json.encode((corpus.train, corpus.dev, corpus.unlabelled))
    hashes = tuple(model_hash(load_manifest(folder)) for folder in teachers)
    evaluation = evaluation_files(config, data)
    config = msgspec.structs.replace(config, tracking=Tracking())
    return RunRecord(config, datasets, hashlib.sha256(texts).hexdigest(), evaluation, hashes, str(precision))


def evaluation_files(config: TrainingConfig, data: Path) -> dict[str, str]:
    """Evaluation set -> sha256 of its file in the folder `data`. Raises TrainingError."""
    try:
        return {one.name: sha256_of(data / one.path) for one in config.evaluation}
    except OSError as error:
        raise TrainingError(f"{error.filename}: cannot be read: {error.strerror}") from error
