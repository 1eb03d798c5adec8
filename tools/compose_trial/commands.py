"""Commands that the trial calls, and the errors that end it."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class TrialError(Exception):
    """Something that must hold does not, or a step failed; one line. `output` is all that a command wrote."""

    exit_code = 1

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class NoEngine(TrialError):
    """This machine cannot run a container engine, or cannot get one."""

    exit_code = 3


def call(
    *command: str | Path,
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> str:
    """The standard output of a command; on leaving neither it nor its children run.

    Raises:
        TrialError: it failed or took longer than `seconds`; with the last line that it wrote.
    """
    name = " ".join(str(each) for each in command[:4])
    try:
        process = subprocess.Popen(  # noqa: S603 - the trial's own command lines
            [str(each) for each in command],
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise TrialError(f"{command[0]} cannot be found") from None
    try:
        output, errors = process.communicate(stdin, seconds)
    except subprocess.TimeoutExpired:
        raise TrialError(f"`{name}` took longer than {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        said = (output + errors).decode(errors="replace")
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "without a word")
        raise TrialError(f"`{name}` ended with exit code {process.returncode}: {last}", said)
    return output.decode(errors="replace")
