"""Starts Kafka as its image does: each `KAFKA_A_B` is the property `a.b`; an empty folder is formatted."""

import os
from pathlib import Path
from subprocess import run

JAVA = ["/opt/java/bin/java", "-Xmx512m", "--sun-misc-unsafe-memory-access=allow", "-cp", "/opt/kafka/libs/*"]
PROPERTIES = Path("/tmp/server.properties")  # noqa: S108 - of the container

lines = [
    f"{name.removeprefix('KAFKA_').lower().replace('_', '.')}={value}"
    for name, value in os.environ.items()
    if name.startswith("KAFKA_")
]
PROPERTIES.write_text("\n".join(lines) + "\n")
format_folder = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", "5L6g3nShT-eMCtK--X86sw"]
run([*JAVA, *format_folder, "-c", str(PROPERTIES)], check=True)  # noqa: S603
os.execv(JAVA[0], [*JAVA, "kafka.Kafka", str(PROPERTIES)])  # noqa: S606
