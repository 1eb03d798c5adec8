"""A worker's settings: a frozen value, read once at the I/O boundary and passed in."""

from dataclasses import dataclass
from pathlib import Path

from models.classifier import BUNDLED
from stream.kafka.connection import KafkaConnection


@dataclass(frozen=True)
class WorkerSettings:
    """Everything a worker needs to know besides the policy."""

    connection: KafkaConnection
    prefix: str = "bearwatch."  # of every topic
    group: str = "bearwatch"  # consumer group; workers of one group share the partitions
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9108
    model: Path = BUNDLED  # an artifact's folder
    engine: str = "auto"
    watch_list: Path | None = None  # the companies that are watched besides the topics
    session_timeout_seconds: float = 20.0  # a worker silent for longer loses its partitions
    broker_timeout_seconds: float = 60.0  # without a broker for longer, the worker exits
    stuck_after_seconds: float = 120.0  # lag, and no commit for longer: the worker exits
