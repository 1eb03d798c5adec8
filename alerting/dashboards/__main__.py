"""Writes the dashboards to the folder that Grafana's provisioning reads: `python -m alerting.dashboards`."""

from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from alerting.dashboards.desk import desk
from alerting.dashboards.operations import operations
from alerting.dashboards.topic import topic

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"


def rendered() -> Mapping[str, str]:
    """The JSON text of each dashboard by its file name."""
    boards = [build().build() for build in (desk, topic, operations)]
    encoder = JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False)
    return {f"{board.uid}.json": encoder.encode(board) + "\n" for board in boards}


if __name__ == "__main__":
    for name, text in rendered().items():
        (FOLDER / name).write_text(text)
