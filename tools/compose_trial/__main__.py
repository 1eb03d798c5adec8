"""Builds our image, runs docker-compose.yml and disturbs it; stand-ins replace the images that cannot be had.

    make compose-trial          # or: python -m tools.compose_trial [--logs FOLDER]

Needs root, apt-get and dpkg, Go (to build Compose, once) and the ports that the compose file publishes. Changes
nothing outside its cache and the folder for logs. Exit codes: 0 everything held, 1 something did not, 3 there is no
engine to be had on this machine.
"""

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from bearwatch.core.cache import cache_folder
from tools.compose_trial.commands import NoEngine, TrialError
from tools.compose_trial.engine import empty_folder, engine
from tools.compose_trial.images import build_own, build_stand_ins, import_base
from tools.compose_trial.packages import ENGINE, PLUGINS, base, compose, debian, require
from tools.compose_trial.project import copy_project, require_free_ports, services
from tools.compose_trial.stack import Stack
from tools.compose_trial.trial import Log, trial

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 40 * 60  # the first time, with everything to download and Compose to build, on a busy machine


def run(logs: Path, log: Log) -> None:
    """The whole trial; on leaving nothing of it runs and nothing is left but the cache and `logs`."""
    require("apt-get", "dpkg", "unshare", "setpriv", "go", "git")
    require_free_ports(services(ROOT))
    cache = cache_folder(os.environ) / "compose-trial"
    cache.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        folder = ending.enter_context(empty_folder(cache / "run"))
        programs = debian(cache, "engine", *ENGINE)
        docker = ending.enter_context(engine(programs, cache / PLUGINS, folder))
        log("the engine runs")
        archive = base(cache, programs)
        compose(cache)
        log("the base image and Compose are there")
        project = copy_project(ROOT, folder / "project")
        named = services(project)
        tag = import_base(docker, archive, project / "Dockerfile")
        build_stand_ins(docker, named, tag, cache, folder / "stand-ins")
        log("the base image is imported, the stand-ins are built")
        build_own(docker, project, named["worker"]["image"])
        log("our image is built")
        stack = Stack(docker, project)
        try:
            trial(stack, log)
        finally:  # what fails here, because the engine is gone, is not what failed first
            with suppress(TrialError):
                stack.write_logs(logs / "containers.log")
            with suppress(TrialError):
                # An engine that ends leaves its networks behind.
                stack.compose("down", "--volumes", "--timeout", "5")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.compose_trial", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--logs", type=Path, default=ROOT / "build" / "compose-trial", help="where containers' logs go"
    )
    logs: Path = parser.parse_args(arguments).logs
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, _stop)
    signal.alarm(LIMIT_SECONDS)
    log = Log(time.monotonic)
    try:
        run(logs, log)
    except KeyboardInterrupt:
        log("stopped")
        return 130
    except TrialError as error:
        if error.output:
            logs.mkdir(parents=True, exist_ok=True)
            (logs / "failed-command.log").write_text(error.output)
        log(f"{'NOT RUN' if isinstance(error, NoEngine) else 'FAILED'}: {error}")
        return error.exit_code
    log("PASSED")
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    if number == signal.SIGALRM:
        raise TrialError(f"not done after {LIMIT_SECONDS // 60} minutes")
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
