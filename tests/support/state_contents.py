"""What the state of a partition says, for comparisons: the order in which a record was filled does not matter."""

from typing import Any

from stream.aggregate.state import PartitionState, decode_minute


def contents(state: PartitionState) -> dict[str, Any]:
    """The position, the records of the keys, and those of the minutes that are there."""
    minutes = {
        key: {n: decode_minute(each) for n, each in held.items()} for key, held in state.minutes.items()
    }
    return {
        "position": state.position,
        "keys": state.keys,
        "minutes": {key: held for key, held in minutes.items() if held},
    }
