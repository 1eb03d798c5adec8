"""The JSON Schema of every message, as code and as the files `NAME.schema.json`; nothing here decodes a message.

python -m stream.schemas   # writes the files again
"""

from pathlib import Path
from typing import Any

import msgspec

from alerting.alerts import Alert
from alerting.evidence.acknowledgements import Acknowledgement
from stream.messages import Classified, Document, Rate, Tick

FOLDER = Path(__file__).parent
MESSAGES = {
    "document": Document,
    "classified": Classified,
    "tick": Tick,
    "rate": Rate,
    "alert": Alert,
    "acknowledgement": Acknowledgement,
}


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) by message; unknown fields are allowed, as they are in the messages."""
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)}
        for name, kind in MESSAGES.items()
    }


def path_of(name: str) -> Path:
    """Where the schema of a message is committed."""
    return FOLDER / f"{name}.schema.json"


def text_of(schema: dict[str, Any]) -> str:
    """A schema as it is written into its file."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
